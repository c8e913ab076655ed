//! `ssmx ssh-config`.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::login::Called;
use super::openssh::Settings;
use super::{include, login};
use crate::cli::command::Run;
use crate::cli::context::{self, Context};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::globals::Globals;
use crate::cli::ui::Ui;
use crate::config::{self, Key, Nothing, Variables};
use crate::{environment, files};

/// Print or install an OpenSSH configuration that makes plain `ssh NAME.ssmx` work
///
/// With it, ssh, scp, sftp, rsync, git, Ansible and VS Code reach instances by `NAME.ssmx`, `ALIAS.ssmx` and instance
/// id, also where a `Host` of yours has such a `HostName`. It includes the flags --profile, --region and
/// --endpoint-url, and the current `ssh_user` and `ssh_port` from the configuration.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Write ~/.ssh/ssmx_config and include it in ~/.ssh/config: at the top, and at the end for hosts of yours
    #[arg(long)]
    pub install: bool,

    /// Remove both again
    #[arg(long, conflicts_with = "install")]
    pub uninstall: bool,
}

impl Run for Args {
    async fn run(self, ui: &Ui, globals: &Globals) -> Result<Exit, CliError> {
        run(ui, globals, self).await
    }
}

async fn run(ui: &Ui, globals: &Globals, args: Args) -> Result<Exit, CliError> {
    if args.uninstall {
        return uninstall(ui, &folder()?);
    }
    let program = stable(&login::this_program()?);
    let context = Context::load(ui, globals)?;
    let proxy_command = login::proxy_command(&program, globals, None, &[], Called::Typed)?;
    let mut text = text(&proxy_command);
    text.push_str(&logins(&context)?);
    if environment::SANDBOX_KNOWN_HOSTS.value().is_some() {
        text.push_str(&in_sandbox());
    }
    if args.install {
        let folder = folder()?;
        check_home(&folder).await?;
        install(ui, &folder, &text)?;
        return check_installed(ui, &folder, &proxy_command).await;
    }
    ui.data(text)?;
    Ok(Exit::FINE)
}

/// Users and ports that the configuration names: for each alias of its own, and for all other hosts. ssh takes the first
/// that it finds, and what the environment says now may not hold when it does.
fn logins(context: &Context) -> Result<String, CliError> {
    let login = |alias: Option<(&str, &config::Target)>| {
        let settings = {
            let (flags, variables) = (context::flags(&context.globals), Variables::default());
            context.config.resolve(flags, variables, alias, Arc::new(Nothing))
        };
        let user = settings.text(Key::SshUser);
        login::check_user(user)?;
        // Between quotes, which a name has not: a blank or a `#` would end it.
        let user = user.map(|user| match user.contains(|c: char| c.is_whitespace() || c == '#') {
            true => format!("\x20   User \"{user}\"\n"),
            false => format!("\x20   User {user}\n"),
        });
        let port = settings.ssh_port().map(|port| format!("\x20   Port {port}\n"));
        Ok::<_, CliError>(user.into_iter().chain(port).collect::<String>())
    };
    let general = login(None)?;
    let (mut text, mut others) = (String::new(), String::new());
    for (alias, target) in context.config.targets.iter().filter(|(alias, _)| login::is_plain(alias)) {
        let own = login(Some((alias, target)))?;
        if own != general {
            text.push_str(&format!("Match host \"{alias}.ssmx\"\n{own}"));
            others.push_str(&format!(",!{alias}.ssmx"));
        }
    }
    if !general.is_empty() {
        text.push_str(&format!("Match host \"{}{others}\"\n{general}", hosts()));
    }
    Ok(text)
}

fn text(proxy_command: &str) -> String {
    format!(
        "# Written by `ssmx ssh-config`; `ssmx ssh-config --install` updates it, `--uninstall` removes it.\n\
         Match host \"{}\"\n\
         \x20   ProxyCommand {proxy_command}\n\
         \x20   CheckHostIP no\n",
        hosts()
    )
}

/// For a configuration that is made in a sandbox, whose host keys are kept in a file of its own. It may outlive the
/// sandbox, and has no effect then.
fn in_sandbox() -> String {
    let variable = environment::SANDBOX_KNOWN_HOSTS.name;
    format!(
        "\n\
         # In `ssmx sandbox --sshd` only: host keys are new each time.\n\
         Match host \"{}\" exec \"test ${{{variable}:+set}}\"\n\
         \x20   UserKnownHostsFile ${{{variable}}}\n",
        hosts()
    )
}

/// What ssh takes for an instance: patterns for `Match host`, which goes by a `HostName` that ssh has read before, and
/// else by what was typed.
fn hosts() -> String {
    // Patterns have no classes: seventeen characters stand for the digits of an id.
    let digits = "?".repeat(17);
    // The shell of a ProxyCommand must not find the end of its quotes in a name. Older versions of OpenSSH accept such names.
    let quotes = if cfg!(windows) { "" } else { r",!*'*,!*\*" };
    format!("*.ssmx,i-{digits},mi-{digits}{quotes}")
}

/// The path of this program that outlives an update: one of PATH that leads to it, rather than where it leads to.
fn stable(program: &Path) -> PathBuf {
    let path = environment::PATH.value().unwrap_or_default();
    let name = program.file_name().unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|candidate| {
        candidate.is_absolute() && candidate.canonicalize().is_ok_and(|real| Some(real) == program.canonicalize().ok())
    });
    found.unwrap_or_else(|| program.to_owned())
}

fn folder() -> Result<PathBuf, CliError> {
    let home = std::env::home_dir().filter(|home| !home.as_os_str().is_empty());
    Ok(home.ok_or_else(|| CliError::failed("there is no home folder").hint("set HOME"))?.join(".ssh"))
}

fn install(ui: &Ui, folder: &Path, text: &str) -> Result<(), CliError> {
    // Not the home folder as well: where there is none, HOME is wrong.
    match files::create_new_folder(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed("create", folder, &error)),
        _ => {}
    }
    let ours = folder.join(include::FILE);
    let verb = if change(&ours, |_| Some(text.as_bytes().to_vec()))? { "Wrote" } else { "Up to date:" };
    ui.status(format!("{verb} {}", ours.display()));
    let config = folder.join("config");
    let included = change(&config, |before| Some(include::include(before.unwrap_or_default())))?;
    let verb = if included { "Included it at the top and the end of" } else { "Already included in" };
    ui.status(format!("{verb} {}", config.display()));
    Ok(())
}

/// OpenSSH goes by the home of the account, and we by HOME: what is written elsewhere would have no effect, and where HOME
/// was changed on purpose nothing is written outside of it.
async fn check_home(folder: &Path) -> Result<(), CliError> {
    // Without an ssh there is no other home, and it is said later that nothing could be checked.
    let Ok(Some(account)) = Settings::unconfigured().await.map(|settings| settings.home()) else { return Ok(()) };
    let home = folder.parent().unwrap_or(folder);
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if real(home) == real(&account) {
        return Ok(());
    }
    let account = account.display().to_string();
    let quoted = shlex::try_quote(&account).unwrap_or_default();
    Err(CliError::failed(format!("OpenSSH does not read `{}`", folder.join("config").display()))
        .cause(format!("it goes by the home folder of your account, `{account}`, and not by HOME"))
        .hint(format!("install it there with `HOME={quoted} ssmx ssh-config --install`"))
        .hint("or write the output of `ssmx ssh-config` to a file, and use that with `ssh -F`"))
}

/// Says that it works if OpenSSH says so too.
async fn check_installed(ui: &Ui, folder: &Path, proxy_command: &str) -> Result<Exit, CliError> {
    let id = format!("i-{}", "0".repeat(17));
    for host in ["ssmx-check.ssmx", id.as_str()] {
        let found = match Settings::ask(&["--".to_owned(), host.to_owned()]).await {
            Ok(settings) => settings.proxy_command,
            Err(error) => {
                let failed = error.about("written, but OpenSSH does not use it");
                return Err(failed);
            }
        };
        if found.as_deref() == Some(proxy_command) {
            continue;
        }
        let why = match found {
            Some(other) => format!("for a host like `{host}` it uses another ProxyCommand: `{other}`"),
            None => format!("for a host like `{host}` it uses no ProxyCommand"),
        };
        return Err(CliError::failed("written, but OpenSSH does not use it").cause(why).hint(format!(
            "the first value counts: move `Include {}` to the top of `{}`",
            include::FILE,
            folder.join("config").display()
        )));
    }
    ui.status("Now `ssh NAME.ssmx` and `ssh INSTANCE-ID` go through Session Manager");
    // Hosts of the person's own, of which some may have settings further up that count before ours.
    let own = std::fs::read(folder.join("config")).unwrap_or_default();
    for host in include::hosts_of_instances(&own).into_iter().take(MOST_HOSTS) {
        let found = Settings::ask(&["--".to_owned(), host.clone()]).await.ok().and_then(|found| found.proxy_command);
        if let Some(other) = found.filter(|found| found != proxy_command) {
            ui.warning(format!("`ssh {host}` does not: its ProxyCommand is `{other}`"));
        }
    }
    Ok(Exit::FINE)
}

/// Hosts of the person's own that are looked at: each takes a run of ssh.
const MOST_HOSTS: usize = 32;

fn uninstall(ui: &Ui, folder: &Path) -> Result<Exit, CliError> {
    let config = folder.join("config");
    // First the lines, so that no moment sees a file that includes what is not there.
    if change(&config, |before| before.map(include::exclude))? {
        ui.status(format!("Removed the Include lines from {}", config.display()));
    }
    let ours = folder.join(include::FILE);
    match std::fs::remove_file(&ours) {
        Ok(()) => ui.status(format!("Removed {}", ours.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            ui.status(format!("{} does not exist", ours.display()));
        }
        Err(error) => return Err(failed("remove", &ours, &error)),
    }
    Ok(Exit::FINE)
}

/// Makes a file what `to` says, if it is not that already; returns whether it was not.
fn change(path: &Path, to: impl FnOnce(Option<&[u8]>) -> Option<Vec<u8>>) -> Result<bool, CliError> {
    let before = match std::fs::read(path) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed("read", path, &error)),
    };
    let after = to(before.as_deref());
    if after == before {
        return Ok(false);
    }
    match after {
        Some(after) => files::replace(path, &after).map_err(|error| failed("write", path, &error))?,
        None => return Ok(false),
    }
    Ok(true)
}

fn failed(what: &str, path: &Path, error: &io::Error) -> CliError {
    CliError::failed(format!("cannot {what} `{}`", path.display())).caused_by(error)
}

#[cfg(all(test, unix))]
mod tests;
