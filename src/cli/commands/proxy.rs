//! `ssmx proxy`.

use std::collections::BTreeMap;

use crate::channel::End;
use crate::cli::command::Run;
use crate::cli::completes::Completes;
use crate::cli::context::{Context, TargetRequest};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::globals::Globals;
use crate::cli::session::observer::QuietObserver;
use crate::cli::session::outcome;
use crate::cli::session::start::{Started, start};
use crate::cli::target::lookup::Ambiguity;
use crate::cli::target::reason::reason;
use crate::cli::ui::Ui;
use crate::config::Key;
use crate::session::{self, Carried, SessionRequest};

/// Connect standard input and output to a port of an instance, as an ssh ProxyCommand
///
/// Bytes pass unchanged in both directions until the other side ends. After the end of standard input, ssmx still waits
/// for the answer: until the other side has sent nothing for 10 s. Standard output carries nothing else; standard
/// error carries only errors, and a notice when the connection has been lost for more than 10 s. `ssmx ssh-config`
/// prints an OpenSSH configuration that uses this command.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The instance: an id (i-…, mi-…), Name, address, tags as key=value, or an alias; a trailing `.ssmx` is ignored
    #[arg(add = Completes::Targets)]
    pub host: String,

    /// Port of the SSH server on the instance
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    pub port: u16,

    /// Host as typed (%n); ssh lower-cases %h, but Name tags are case-sensitive
    #[arg(long, value_name = "HOST")]
    pub typed: Option<String>,

    /// Alias whose settings apply to an instance; `ssmx ssh` passes it on
    #[arg(long, value_name = "ID=NAME", hide = true)]
    pub alias: Vec<String>,

    /// Session document, instead of AWS-StartSSHSession
    #[arg(long, value_name = "NAME", add = Completes::Documents)]
    pub document: Option<String>,

    /// Reason for the session, for the audit trail
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// The ending that hosts have in an OpenSSH configuration to be found by Name.
const SUFFIX: &str = ".ssmx";

/// A host without our ending, if it has it. Its case does not count: ssh lower-cases hosts.
pub(crate) fn without_suffix(host: &str) -> &str {
    match host.len().checked_sub(SUFFIX.len()).and_then(|at| host.split_at_checked(at)) {
        Some((name, suffix)) if suffix.eq_ignore_ascii_case(SUFFIX) && !name.is_empty() => name,
        _ => host,
    }
}

impl Run for Args {
    async fn run(self, ui: &Ui, globals: &Globals) -> Result<Exit, CliError> {
        let context = Context::load(ui, globals)?.quieted();
        let ui = &context.ui;
        let target = self.target(&context)?;
        // Standard input is the connection, so the person cannot be asked.
        let given = self.reason.as_deref().or_else(|| target.settings.text(Key::Reason));
        let reason = reason(Some(given.unwrap_or_default()), &target.settings)?.filter(|reason| !reason.is_empty());
        let document = self.document.as_deref().or_else(|| target.settings.text(Key::SshDocument));
        let session = SessionRequest::ssh(self.port).with_document(document).with_reason(reason);
        // ssh ends its ProxyCommand with SIGHUP.
        let Started { channel, mut terminations } = start(&context, &target, &session, Ambiguity::Refuse).await?;
        let carried = session::stdio(channel, &mut terminations, &QuietObserver::new(ui)).await;
        let closed = matches!(&carried, Ok(Carried::Ended(End::Closed(_))));
        outcome::of_stream(ui, carried).map_err(|error| match closed {
            true => error.hint(format!("is a server listening on port {}?", self.port)),
            false => error,
        })
    }
}

impl Args {
    fn target(&self, context: &Context) -> Result<TargetRequest, CliError> {
        let host = target(&self.host, self.typed.as_deref());
        match self.alias.iter().filter_map(|alias| alias.split_once('=')).find(|(id, _)| *id == host) {
            Some((id, alias)) => {
                let settings = context.settings_for(Some(alias))?;
                Ok(TargetRequest { text: id.to_owned(), selector: None, settings })
            }
            None => context.request_for(in_its_case(&context.config.targets, host)),
        }
    }
}

/// The target that ssh means by a host: as it was typed, if ssh has only changed the case of that.
fn target<'a>(host: &'a str, typed: Option<&'a str>) -> &'a str {
    without_suffix(typed.filter(|typed| typed.eq_ignore_ascii_case(host)).unwrap_or(host))
}

/// The alias that ssh has written in lower case, as it does with a `HostName` of the person's configuration.
fn in_its_case<'a, T>(aliases: &'a BTreeMap<String, T>, host: &'a str) -> &'a str {
    let mut same = aliases.keys().filter(|alias| alias.eq_ignore_ascii_case(host));
    match (same.next(), same.next()) {
        (Some(alias), None) => alias,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_is_found_behind_the_lower_case_of_ssh() {
        let aliases = ["DB", "web", "Web"].map(|alias| (alias.to_owned(), 0)).into();
        let found = ["db", "DB", "web", "Web", "WEB", "other"].map(|host| in_its_case(&aliases, host));
        assert_eq!(found, ["DB", "DB", "web", "Web", "WEB", "other"]);
    }

    #[test]
    fn hosts_of_ssh_are_targets() {
        for (host, typed, expected) in [
            ("i-0123456789abcdef0", None, "i-0123456789abcdef0"),
            ("web-1.ssmx", Some("Web-1.ssmx"), "Web-1"),
            ("web-1.ssmx", None, "web-1"),
            ("web-1.SSMX", None, "web-1"),
            // Named by a `HostName` of the configuration.
            ("i-0123456789abcdef0", Some("db"), "i-0123456789abcdef0"),
            (".ssmx", None, ".ssmx"),
            ("ssmx", None, "ssmx"),
            ("", None, ""),
            ("ü", None, "ü"),
            ("☃☃", None, "☃☃"),
        ] {
            assert_eq!(target(host, typed), expected, "{host} {typed:?}");
        }
    }
}
