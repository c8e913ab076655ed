//! What `ssmx ssh` and `ssmx scp` share: the ProxyCommand, the user to log in as, and the key to log in with.
//!
//! The person's own OpenSSH configuration stays in charge, host key checking included; ssmx only sets how to reach the
//! instance, and that its host key is kept under its instance id, which no other instance will ever have.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::arguments::Words;
use super::openssh::Settings;
use super::temporary_key::TemporaryKey;
use crate::aws::Aws;
use crate::cli::context::TargetRequest;
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::globals::Globals;
use crate::cli::program;
use crate::cli::target::{explain, lookup};
use crate::cli::ui::Ui;
use crate::config::{Key, Resolved};
use crate::environment;
use crate::fleet::diagnose::Purpose;
use crate::fleet::{Target, TargetState};

/// What ssmx takes beside the arguments of ssh or scp.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Login {
    /// Private key to log in with, instead of a temporary one
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,

    /// Do not push a temporary key with EC2 Instance Connect
    #[arg(long)]
    pub no_push_key: bool,

    /// User to log in as, unless the ssh or scp arguments name one [default: `ssh_user` from the configuration, then
    /// the OpenSSH configuration, then the platform's: ec2-user, ubuntu, admin, Administrator]
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,

    /// Reason for the session, for the audit trail
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

impl Login {
    /// With what the settings say where no flag does. Their reason is left to the ProxyCommand.
    pub(crate) fn or(&self, settings: &Resolved) -> Self {
        let user = self.user.clone().or_else(|| settings.text(Key::SshUser).map(str::to_owned));
        Self { user, ..self.clone() }
    }
}

/// Whether OpenSSH takes this name of a host as it is: no part of it has a meaning there.
pub(crate) fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(plain)
}

/// The port to connect to: the one of the settings, unless a port was typed.
pub(crate) fn port(settings: &Resolved, words: &Words) -> Option<u16> {
    settings.ssh_port().filter(|_| words.value('p').is_none() && words.setting("port").is_none())
}

/// An instance that OpenSSH is about to log in to.
pub(crate) struct Host {
    pub(crate) target: Target,
    /// What OpenSSH is to call it.
    pub(crate) alias: String,
    /// The user that was named with it.
    pub(crate) user: Option<String>,
}

/// The user that logs in.
pub(crate) struct User {
    pub(crate) name: String,
    /// Whether OpenSSH does not know it already.
    pub(crate) pass_on: bool,
}

/// Finds an instance. If it `keeps_name`, OpenSSH calls it as it was typed, so that the person's configuration for that
/// name applies; otherwise, and where OpenSSH would misread that name, by its id.
pub(crate) async fn host(
    ui: &Ui,
    aws: &Aws,
    request: &TargetRequest,
    typed: &str,
    user: Option<&str>,
    keeps_name: bool,
) -> Result<Host, CliError> {
    let target = lookup::target_anew(ui, aws, request).await?.target;
    if !is_plain(&target.id) {
        // It becomes an argument of OpenSSH: an id is taken for one only if it can be nothing else there.
        return Err(CliError::failed(format!("`{}` is not an instance: ssh cannot log in to it", target.id)));
    }
    if let TargetState::Down(_) = target.state {
        // ssh would only add lines to the failure of its ProxyCommand.
        let error = CliError::new(ErrorKind::NotConnected, format!("{target} is not connected"));
        let waiting = ui.waiting(format!("Checking {target}"));
        return Err(explain::explain(&waiting, aws, &target.id, Purpose::Port, error).await);
    }
    let alias = if keeps_name && is_plain(typed) { typed.to_owned() } else { target.id.clone() };
    Ok(Host { target, alias, user: user.map(str::to_owned) })
}

/// How a ProxyCommand names the host.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Called<'a> {
    /// By an instance id.
    Id(&'a str),
    /// By the name that OpenSSH has for it, which is an instance id.
    Name,
    /// By the name that OpenSSH has for it, which is in lower case, and the one that was typed.
    Typed,
}

/// The ProxyCommand that runs `program` with the flags that were given. `aliases` are instance ids with the aliases whose
/// settings hold for them.
///
/// # Errors
/// The path of the program, a flag or the id cannot stand in a command.
pub(crate) fn proxy_command(
    program: &Path,
    globals: &Globals,
    reason: Option<&str>,
    aliases: &[(&str, &str)],
    called: Called<'_>,
) -> Result<String, CliError> {
    let unusable =
        || CliError::failed("cannot build a ProxyCommand: the ssmx path or a flag has an unsupported character");
    let mut words = vec![program.to_str().ok_or_else(unusable)?.to_owned()];
    let mut flag = |name: &str, value: Option<&str>| words.extend(value.map(|value| format!("--{name}={value}")));
    flag("profile", globals.profile.as_deref());
    flag("region", globals.region.as_deref());
    flag("endpoint-url", globals.endpoint_url.as_deref());
    let log_file = globals.log_file.as_deref().map(|path| path.to_str().ok_or_else(unusable)).transpose()?;
    flag("log-file", log_file);
    words.extend(globals.insecure_endpoint.then(|| "--insecure-endpoint".to_owned()));
    words.extend((0..globals.verbose).map(|_| "--verbose".to_owned()));
    words.push("proxy".to_owned());
    words.extend(reason.map(|reason| format!("--reason={reason}")));
    words.extend(aliases.iter().map(|(id, alias)| format!("--alias={id}={alias}")));
    if let Called::Id(id) = called {
        words.push(id.to_owned());
    }
    let mut command = String::new();
    for word in words {
        // Percent signs are ssh's, and a line break would begin another setting.
        let quoted = quote(&word).filter(|word| !word.contains(['\n', '\r'])).ok_or_else(unusable)?;
        command.push_str(&quoted.replace('%', "%%"));
        command.push(' ');
    }
    // OpenSSH puts the names in as they are, and a shell reads the result.
    let quote = if cfg!(windows) { '"' } else { '\'' };
    Ok(match called {
        Called::Id(_) => format!("{command}%p"),
        Called::Name => format!("{command}{quote}%h{quote} %p"),
        Called::Typed => format!("{command}--typed={quote}%n{quote} {quote}%h{quote} %p"),
    })
}

/// A word for the shell that ssh runs a ProxyCommand with.
fn quote(word: &str) -> Option<String> {
    if cfg!(windows) {
        return (!word.contains('"')).then(|| format!("\"{word}\""));
    }
    shlex::try_quote(word).ok().map(Into::into)
}

/// Refuses the name of a user that OpenSSH, or the shell of a ProxyCommand, would take for something else. The rule is
/// OpenSSH's own, which its older versions do not have.
///
/// # Errors
/// It is such a name.
pub(crate) fn check_user(name: Option<&str>) -> Result<(), CliError> {
    let Some(name) = name else { return Ok(()) };
    let chars: Vec<char> = name.chars().collect();
    let option_after_blank = chars.windows(2).any(|pair| pair[0].is_whitespace() && pair[1] == '-');
    let special = |c: char| c.is_control() || "'`\";&<>|(){}".contains(c);
    if name.is_empty() || name.starts_with('-') || name.ends_with('\\') || option_after_blank || name.contains(special)
    {
        let name = name.escape_debug();
        return Err(CliError::usage(format!("`{name}` cannot be the name of a user"))
            .hint("a name does not begin with `-` and has no quotes, brackets or other characters of a shell"));
    }
    Ok(())
}

/// This program, for a ProxyCommand that is used at once.
pub(crate) fn this_program() -> Result<PathBuf, CliError> {
    program::this_program().map_err(|error| CliError::failed("cannot find the path of ssmx itself").caused_by(&error))
}

/// The options for a host with which OpenSSH keeps its key.
pub(crate) fn host_key_options(id: &str) -> Vec<OsString> {
    ["-o".into(), format!("HostKeyAlias={id}").into(), "-o".into(), "CheckHostIP=no".into()].into()
}

/// The option with which OpenSSH knows the hosts of a sandbox, and those alone: their keys are made anew each time, and
/// are nothing to be asked about or to be remembered.
pub(crate) fn sandbox_options() -> Vec<OsString> {
    let Some(path) = environment::SANDBOX_KNOWN_HOSTS.text() else { return Vec::new() };
    ["-o".into(), format!("UserKnownHostsFile=\"{}\"", path.replace('%', "%%")).into()].into()
}

/// What the person's OpenSSH configuration says about a host.
#[derive(Debug, Default)]
pub(crate) struct Configured {
    /// Unless it is the one that OpenSSH takes by itself.
    user: Option<String>,
    settings: Settings,
    home: Option<PathBuf>,
    /// How many keys ssh finds in the agent; none, if it is not to ask there.
    keys_in_agent: Option<usize>,
}

/// Asks ssh. If it cannot answer, it reports why when it is run.
pub(crate) async fn configured(words: &Words, alias: &str) -> Configured {
    let mut args = Vec::new();
    for (letter, value) in words.options.iter().filter(|(letter, _)| "Flo".contains(*letter)) {
        args.push(format!("-{letter}"));
        args.extend(value.clone());
    }
    args.extend(["--".to_owned(), alias.to_owned()]);
    let (found, unconfigured) = tokio::join!(Settings::ask(&args), Settings::unconfigured());
    let (Ok(settings), Ok(unconfigured)) = (found, unconfigured) else { return Configured::default() };
    let home = unconfigured.home();
    let keys_in_agent = if settings.identities_only { Some(0) } else { settings.keys_in_agent(home.as_ref()).await };
    let user = settings.user.clone().filter(|user| Some(user) != unconfigured.user.as_ref());
    Configured { user, settings, home, keys_in_agent }
}

/// The user that logs in to a host: the one that was named, else that of the OpenSSH configuration, else that of the
/// platform. `None` leaves it to OpenSSH, which takes the user of this machine.
pub(crate) async fn user(
    aws: &Aws,
    host: &Host,
    login: &Login,
    words: &Words,
    configured: &Configured,
) -> Option<User> {
    let typed = host.user.as_deref().or(words.value('l')).or(words.setting("user"));
    if let Some(name) = typed {
        return Some(User { name: name.to_owned(), pass_on: false });
    }
    if let Some(name) = &login.user {
        return Some(User { name: name.clone(), pass_on: true });
    }
    if let Some(name) = &configured.user {
        return Some(User { name: name.clone(), pass_on: false });
    }
    let filter = [("InstanceIds".to_owned(), vec![host.target.id.clone()])];
    let found = aws.describe_instance_information(&filter).await.inspect_err(|error| {
        tracing::debug!(%error, "cannot ask for the platform");
    });
    let platform = found.ok()?.into_iter().find(|found| found.id == host.target.id)?.platform_name?;
    Some(User { name: platform_user(&platform)?.to_owned(), pass_on: true })
}

/// The user that the images of a platform come with.
fn platform_user(platform: &str) -> Option<&'static str> {
    const USERS: [(&str, &str); 13] = [
        ("amazon linux", "ec2-user"),
        ("ubuntu", "ubuntu"),
        ("debian", "admin"),
        ("windows", "Administrator"),
        ("red hat", "ec2-user"),
        ("suse", "ec2-user"),
        ("sles", "ec2-user"),
        ("oracle", "ec2-user"),
        ("almalinux", "ec2-user"),
        ("macos", "ec2-user"),
        ("rocky", "rocky"),
        ("fedora", "fedora"),
        ("centos", "centos"),
    ];
    let platform = platform.to_ascii_lowercase();
    USERS.iter().find(|(name, _)| platform.contains(name)).map(|(_, user)| *user)
}

/// Whether a temporary key is pushed: the person has named no key, and logs in at all.
pub(crate) fn wants_temporary_key(login: &Login, words: &Words) -> bool {
    login.key.is_none() && !login.no_push_key && !words.has("iGOQV") && words.setting("identityfile").is_none()
}

/// Pushes a temporary key to the users of hosts. `None` where none of them takes it; the person may still log in with
/// their own key.
pub(crate) async fn push_key(ui: &Ui, logins: &[(&Aws, &Host, Option<&str>)]) -> Option<TemporaryKey> {
    let mut pushed = None;
    for (aws, host, user) in logins {
        let id = &host.target.id;
        if !id.starts_with("i-") {
            ui.hint(format!("{id} is not an EC2 instance; using your own keys"));
            continue;
        }
        let Some(user) = user else {
            ui.hint(format!("the platform of {id} is unknown, so no key was pushed; name the user with `-l`"));
            continue;
        };
        let _waiting = ui.waiting(format!("Pushing a temporary key to {id}"));
        let result = async {
            let key = match pushed.take() {
                Some(key) => key,
                None => TemporaryKey::make().await?,
            };
            aws.send_ssh_public_key(id, user, key.public()).await.map(|()| key).map_err(CliError::from)
        };
        match result.await {
            Ok(key) => pushed = Some(key),
            Err(error) => {
                ui.warning(format!("cannot push a temporary key: {error}"));
                error.hints().iter().for_each(|hint| ui.hint(hint));
                ui.hint("using your own keys; `--no-push-key` skips this");
            }
        }
    }
    pushed
}

/// The options that name the key to log in with. A temporary key does not take the place of the person's own ones.
pub(crate) fn key_options(
    login: &Login,
    pushed: Option<&TemporaryKey>,
    words: &Words,
    configured: &Configured,
) -> Vec<OsString> {
    let identity = |path: &Path| -> [OsString; 2] {
        // `-i` has percent signs expanded.
        let path = path.to_str().map_or_else(|| path.as_os_str().to_owned(), |text| text.replace('%', "%%").into());
        ["-i".into(), path]
    };
    if let Some(key) = &login.key {
        return identity(key).into();
    }
    let Some(pushed) = pushed else { return Vec::new() };
    let mut options = Vec::from(identity(&pushed.path()));
    let mut option = |text: String| options.extend(["-o".into(), text.into()]);
    // One that is named makes ssh forget the usual ones.
    let own = configured.settings.identities.iter().filter(|file| exists(file, configured.home.as_deref()));
    for file in own.take(OWN_FILES) {
        option(format!("IdentityFile=\"{file}\""));
    }
    // ssh offers all that is in the agent first, and the server hangs up before it comes to a file.
    let crowded = configured.keys_in_agent.is_none_or(|keys| keys > KEYS_BEFORE_OURS);
    if crowded && words.setting("identitiesonly").is_none() {
        option("IdentitiesOnly=yes".to_owned());
    }
    if configured.settings.adds_keys_to_agent {
        // A key of one minute would stay there, one more with each login.
        option("AddKeysToAgent=no".to_owned());
    }
    options
}

/// Keys of an agent that may be tried before a temporary one. Servers take six keys, hardened ones three or four.
const KEYS_BEFORE_OURS: usize = 2;

/// Files of the person's that are named: with a temporary key as many as the six that servers take. Those that are in the
/// agent as well are offered before it.
const OWN_FILES: usize = 5;

/// Whether the file of a key exists, as OpenSSH names it.
fn exists(file: &str, home: Option<&Path>) -> bool {
    match (file.strip_prefix("~/").or(file.strip_prefix("%d/")), home) {
        (Some(rest), Some(home)) => home.join(rest).exists(),
        _ => Path::new(file).exists(),
    }
}

#[cfg(test)]
mod tests;
