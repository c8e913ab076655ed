//! `ssmx ssh`.

pub(crate) mod arguments;
pub(crate) mod config;
pub(crate) mod include;
pub(crate) mod login;
mod openssh;
mod program;
pub(crate) mod scp;
mod temporary_key;

use std::ffi::OsString;

use crate::cli::command::Run;
use crate::cli::commands::proxy::without_suffix;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::globals::Globals;
use crate::cli::session::start::unless_stopped;
use crate::cli::target::{choose, reason};
use crate::cli::ui::Ui;
use crate::terminal::Terminations;
use arguments::{SSH, Words, split_user};
use login::{Called, Login};

/// Log in with the system's ssh, through a session
///
/// Arguments are passed to ssh; write TARGET where ssh expects its destination. The options below are ssmx's own. The
/// exit code is ssh's.
///
/// Without arguments, you choose the instance on the terminal.
///
/// Your OpenSSH configuration applies, including host key checking; host keys are stored under the instance id.
/// Unless you name a key, ssmx makes a temporary one and pushes it with EC2 Instance Connect; your own keys are tried
/// as well.
#[derive(Debug, clap::Args)]
#[command(override_usage = "ssmx ssh [OPTIONS] [SSH OPTIONS] [USER@]TARGET [SSH OPTIONS] [COMMAND…]")]
pub(crate) struct Args {
    #[command(flatten)]
    pub login: Login,

    /// Arguments for ssh
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
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

async fn run(context: &Context, Args { login, mut args }: Args) -> Result<Exit, CliError> {
    let mut context = context.clone();
    if args.is_empty() {
        let id;
        (context, id) = choose::one(&context).await?;
        args.push(id.into());
    }
    let (ui, globals) = (&context.ui, &context.globals);
    let words = Words::read(SSH, &args);
    let destination = words.operands.first().map(|place| Destination::parse(&args[*place])).transpose()?;
    let target =
        destination.as_ref().map(|destination| context.request_for(without_suffix(&destination.host))).transpose()?;
    // Before signals are heard, as it may be asked for.
    let reason = reason::shared(login.reason.as_deref(), target.iter().map(|target| &target.settings))?;
    let mut terminations = Terminations::listen()?;
    let (Some(destination), Some(target)) = (destination, target) else {
        // `-V`, `-Q`, and mistakes, which ssh explains best.
        return program::run("ssh", &args, &mut terminations).await;
    };
    let login = login.or(&target.settings);
    for name in [destination.user.as_deref(), words.value('l'), words.setting("user"), login.user.as_deref()] {
        login::check_user(name)?;
    }
    let program = login::this_program()?;
    let prepare = async {
        let aws = context.aws(&target.settings).await?;
        let host = login::host(ui, &aws, &target, &destination.host, destination.user.as_deref(), true).await?;
        let configured = login::configured(&words, &host.alias).await;
        let user = login::user(&aws, &host, &login, &words, &configured).await;
        let pushed = match login::wants_temporary_key(&login, &words) {
            true => login::push_key(ui, &[(&aws, &host, user.as_ref().map(|user| user.name.as_str()))]).await,
            false => None,
        };
        let id = host.target.id.as_str();
        let alias = target.selector.as_ref().map(|_| (id, target.text.as_str()));
        let proxy = login::proxy_command(&program, globals, reason.as_deref(), alias.as_slice(), Called::Id(id))?;
        let mut options = login::host_key_options(&host.target.id);
        if let Some(user) = user.filter(|user| user.pass_on) {
            options.extend(["-l".into(), user.name.into()]);
        }
        let port = login::port(&target.settings, &words).map(|port| port.to_string());
        if let Some(port) = destination.port.or(port) {
            options.extend(["-p".into(), port.into()]);
        }
        options.extend(login::sandbox_options());
        options.extend(login::key_options(&login, pushed.as_ref(), &words, &configured));
        let place = words.operands[0];
        let alias = match &host.user {
            Some(user) => format!("{user}@{}", host.alias),
            None => host.alias,
        };
        Ok::<_, CliError>((arguments(&args, &proxy, options, words.end_of_options(), place, alias), pushed))
    };
    let (arguments, _pushed) = unless_stopped(&mut terminations, prepare).await?;
    program::run("ssh", &arguments, &mut terminations).await
}

/// The arguments for ssh: those that were typed, the ProxyCommand before and our other options behind what was typed
/// before the destination, as ssh takes the first value of an option.
fn arguments(
    typed: &[OsString],
    proxy: &str,
    options: Vec<OsString>,
    end_of_options: usize,
    place: usize,
    alias: String,
) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = vec!["-o".into(), format!("ProxyCommand={proxy}").into()];
    arguments.extend_from_slice(&typed[..end_of_options]);
    arguments.extend(options);
    arguments.extend_from_slice(&typed[end_of_options..place]);
    arguments.push(alias.into());
    arguments.extend_from_slice(&typed[place + 1..]);
    arguments
}

/// Where to log in: `[USER@]TARGET`, or `ssh://[USER@]TARGET[:PORT]`.
#[derive(Debug, PartialEq, Eq)]
struct Destination {
    user: Option<String>,
    host: String,
    port: Option<String>,
}

impl Destination {
    fn parse(word: &OsString) -> Result<Self, CliError> {
        let text = word.to_str().ok_or_else(|| CliError::usage("the target is not valid UTF-8"))?;
        let (text, port) = match text.strip_prefix("ssh://").map(|rest| rest.trim_end_matches('/')) {
            Some(rest) => rest.rsplit_once(':').map_or((rest, None), |(rest, port)| (rest, Some(port.to_owned()))),
            None => (text, None),
        };
        let (user, host) = split_user(text);
        Ok(Self { user: user.map(str::to_owned), host: host.to_owned(), port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn destination(text: &str) -> (Option<String>, String, Option<String>) {
        let Destination { user, host, port } = Destination::parse(&text.into()).unwrap();
        (user, host, port)
    }

    #[test]
    fn destinations() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(destination("web-1"), (None, "web-1".into(), None));
        assert_eq!(destination("me@web:1"), (some("me"), "web:1".into(), None));
        assert_eq!(destination("ssh://me@web-1:2222/"), (some("me"), "web-1".into(), some("2222")));
        assert_eq!(destination("ssh://web-1"), (None, "web-1".into(), None));
    }

    #[test]
    fn what_was_typed_keeps_its_order_and_its_weight() {
        let build = |line: &str| {
            let typed: Vec<OsString> = shlex::split(line).unwrap().into_iter().map(OsString::from).collect();
            let words = Words::read(SSH, &typed);
            let options = vec!["-l".into(), "ubuntu".into()];
            let built = arguments(&typed, "P", options, words.end_of_options(), words.operands[0], "i-1".into());
            shlex::try_join(built.iter().map(|arg| arg.to_str().unwrap())).unwrap()
        };
        assert_eq!(build("web-1"), "-o 'ProxyCommand=P' -l ubuntu i-1");
        assert_eq!(build("-p 22 -v web-1 -t 'a  b' -l x"), "-o 'ProxyCommand=P' -p 22 -v -l ubuntu i-1 -t 'a  b' -l x");
        assert_eq!(build("-v -- web-1 -t"), "-o 'ProxyCommand=P' -v -l ubuntu -- i-1 -t");
        assert_eq!(build("web-1 -- ls ''"), "-o 'ProxyCommand=P' -l ubuntu i-1 -- ls ''");
    }
}
