//! `ssmx scp`.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;

use super::arguments::{SCP, Words, split_remote, split_user};
use super::login::{self, Called, Host, Login};
use super::program;
use crate::aws::Aws;
use crate::cli::command::Run;
use crate::cli::commands::proxy::without_suffix;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::globals::Globals;
use crate::cli::session::start::unless_stopped;
use crate::cli::target::reason;
use crate::cli::ui::Ui;
use crate::terminal::Terminations;

/// Copy files with the system's scp, through a session
///
/// Arguments are passed to scp; write `[USER@]TARGET:PATH` where scp expects a host, and `./a:b` for a local file
/// with a colon in its name. The options below are ssmx's own; keys and users work as in `ssmx ssh`. The exit code is
/// scp's.
#[derive(Debug, clap::Args)]
#[command(override_usage = "ssmx scp [OPTIONS] [SCP OPTIONS] SOURCE… DESTINATION")]
pub(crate) struct Args {
    #[command(flatten)]
    pub login: Login,

    /// Arguments for scp
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true, value_name = "ARGS")]
    pub args: Vec<OsString>,
}

impl Run for Args {
    fn passes_code_through(&self) -> bool {
        true
    }

    async fn run(self, ui: &Ui, globals: &Globals) -> Result<Exit, CliError> {
        run(&Context::load(ui, globals)?, self).await
    }
}

async fn run(context: &Context, Args { login, args }: Args) -> Result<Exit, CliError> {
    let (ui, globals) = (&context.ui, &context.globals);
    let words = Words::read(SCP, &args);
    let remotes = remotes(&args, &words)?;
    let mut targets = BTreeMap::new();
    for Remote { host, .. } in &remotes {
        targets.insert(host.as_str(), context.request_for(without_suffix(host))?);
    }
    login::check_user(words.setting("user"))?;
    for Remote { user, host, .. } in &remotes {
        login::check_user(user.as_deref())?;
        login::check_user(login.or(&targets[host.as_str()].settings).user.as_deref())?;
    }
    // Before signals are heard, as it may be asked for.
    let reason = reason::shared(login.reason.as_deref(), targets.values().map(|target| &target.settings))?;
    let ports: BTreeSet<_> = targets.values().map(|target| login::port(&target.settings, &words)).collect();
    if ports.len() > 1 {
        return Err(CliError::usage("the hosts use different SSH ports, but scp takes only one")
            .hint("copy to this machine first, or name one port with `-P`"));
    }
    let mut terminations = Terminations::listen()?;
    if remotes.is_empty() {
        // Local files, and mistakes, which scp explains best.
        return program::run("scp", &args, &mut terminations).await;
    }
    let program = login::this_program()?;
    let prepare = async {
        let mut prepared: BTreeMap<(Option<String>, String), Prepared> = BTreeMap::new();
        let several = remotes.iter().any(|remote| remote.host != remotes[0].host);
        let mut configured = login::Configured::default();
        for Remote { user, host: typed, .. } in &remotes {
            let key = (user.clone(), typed.clone());
            if prepared.contains_key(&key) {
                continue;
            }
            let target = &targets[typed.as_str()];
            let login = login.or(&target.settings);
            let aws = context.aws(&target.settings).await?;
            let mut host = login::host(ui, &aws, target, typed, user.as_deref(), !several).await?;
            configured = login::configured(&words, &host.alias).await;
            let user = login::user(&aws, &host, &login, &words, &configured).await;
            if let Some(user) = user.as_ref().filter(|user| user.pass_on) {
                host.user = Some(user.name.clone());
            }
            prepared.insert(key, Prepared { aws, host, user: user.map(|user| user.name) });
        }
        let pushed = match login::wants_temporary_key(&login, &words) {
            true => {
                let logins: Vec<_> = prepared.values().map(|one| (&one.aws, &one.host, one.user.as_deref())).collect();
                login::push_key(ui, &logins).await
            }
            false => None,
        };
        let ids: Vec<&str> = prepared.values().map(|one| one.host.target.id.as_str()).collect();
        let only = ids.iter().all(|id| *id == ids[0]).then_some(ids[0]);
        // Of several hosts, each is called by its id, under which its key is kept then.
        let aliases = prepared.iter().filter_map(|((_, typed), one)| {
            let target = &targets[typed.as_str()];
            target.selector.as_ref().map(|_| (one.host.target.id.as_str(), target.text.as_str()))
        });
        let aliases: Vec<_> = aliases.collect();
        let proxy = login::proxy_command(
            &program,
            globals,
            reason.as_deref(),
            &aliases,
            only.map_or(Called::Name, Called::Id),
        )?;
        let mut options = only.map_or_else(|| vec!["-3".into()], login::host_key_options);
        if let Some(port) = ports.into_iter().flatten().next() {
            options.extend(["-P".into(), port.to_string().into()]);
        }
        options.extend(login::sandbox_options());
        options.extend(login::key_options(&login, pushed.as_ref(), &words, &configured));
        let operands = remotes.iter().map(|remote| {
            let Prepared { host, .. } = &prepared[&(remote.user.clone(), remote.host.clone())];
            let user = host.user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
            (remote.place, format!("{user}{}:{}", host.alias, remote.path))
        });
        let operands: Vec<_> = operands.collect();
        Ok::<_, CliError>((arguments(&args, &proxy, options, words.end_of_options(), operands), pushed))
    };
    let (arguments, _pushed) = unless_stopped(&mut terminations, prepare).await?;
    program::run("scp", &arguments, &mut terminations).await
}

/// A host that scp is about to log in to.
struct Prepared {
    aws: Aws,
    host: Host,
    user: Option<String>,
}

/// A remote file among the arguments.
#[derive(Debug, PartialEq, Eq)]
struct Remote {
    place: usize,
    user: Option<String>,
    host: String,
    path: String,
}

fn remotes(args: &[OsString], words: &Words) -> Result<Vec<Remote>, CliError> {
    let mut remotes = Vec::new();
    for &place in &words.operands {
        if args[place].to_str().is_some_and(|text| text.starts_with("scp://")) {
            return Err(CliError::usage("`ssmx scp` does not take URLs").hint("write `[USER@]TARGET:PATH`"));
        }
        let Some((host, path)) = split_remote(&args[place]) else { continue };
        let (user, host) = split_user(host);
        let (user, host, path) = (user.map(str::to_owned), host.to_owned(), path.to_owned());
        remotes.push(Remote { place, user, host, path });
    }
    Ok(remotes)
}

/// The arguments for scp: those that were typed, with our names for the hosts.
fn arguments(
    typed: &[OsString],
    proxy: &str,
    options: Vec<OsString>,
    end_of_options: usize,
    operands: Vec<(usize, String)>,
) -> Vec<OsString> {
    let mut renamed = typed.to_vec();
    for (place, operand) in operands {
        renamed[place] = operand.into();
    }
    let mut arguments: Vec<OsString> = vec!["-o".into(), format!("ProxyCommand={proxy}").into()];
    let files = renamed.split_off(end_of_options);
    arguments.extend(renamed);
    arguments.extend(options);
    arguments.extend(files);
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn os(line: &str) -> Vec<OsString> {
        shlex::split(line).unwrap().into_iter().map(OsString::from).collect()
    }

    #[test]
    fn remote_files_keep_their_paths() {
        let args = os("-r './a:b' 'web-1:/x y:z/' me@i-1: plain");
        let found = remotes(&args, &Words::read(SCP, &args)).unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|remote| (remote.place, remote.user.as_deref(), remote.host.as_str(), remote.path.as_str()))
            .collect();
        assert_eq!(found, [(2, None, "web-1", "/x y:z/"), (3, Some("me"), "i-1", "")]);
        let args = os("scp://web-1/x .");
        assert!(remotes(&args, &Words::read(SCP, &args)).is_err());
    }

    #[test]
    fn only_hosts_are_replaced() {
        let build = |line: &str, operands: &[(usize, &str)]| {
            let args = os(line);
            let words = Words::read(SCP, &args);
            let operands = operands.iter().map(|(place, text)| (*place, (*text).to_owned())).collect();
            let built = arguments(&args, "P", vec!["-3".into()], words.end_of_options(), operands);
            shlex::try_join(built.iter().map(|arg| arg.to_str().unwrap())).unwrap()
        };
        assert_eq!(
            build("-r -P 22 ./a:b web-1:c", &[(4, "ubuntu@i-1:c")]),
            "-o 'ProxyCommand=P' -r -P 22 -3 ./a:b ubuntu@i-1:c"
        );
        assert_eq!(build("-- -a web-1:c", &[(2, "i-1:c")]), "-o 'ProxyCommand=P' -3 -- -a i-1:c");
    }
}
