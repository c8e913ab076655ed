//! What OpenSSH itself says of its configuration (`ssh -G`): its rules are not ours to repeat.

use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;

use super::program;
use crate::cli::error::CliError;

/// The settings with which OpenSSH would connect to a host.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) user: Option<String>,
    pub(crate) identities: Vec<String>,
    pub(crate) identities_only: bool,
    /// Where the agent is, if not where the environment says.
    pub(crate) identity_agent: Option<String>,
    /// Whether keys that are read from files are put into the agent.
    pub(crate) adds_keys_to_agent: bool,
    pub(crate) proxy_command: Option<String>,
    /// The first file of host keys.
    known_hosts: Option<String>,
}

impl Settings {
    /// Asks with these arguments, of which the last is a host.
    ///
    /// # Errors
    /// There is no ssh, or it rejects its configuration or the arguments.
    pub(crate) async fn ask(args: &[String]) -> Result<Self, CliError> {
        let mut ssh = Command::new("ssh");
        ssh.arg("-G").args(args).stdin(Stdio::null());
        let Output { status, stdout, stderr } =
            ssh.output().await.map_err(|error| program::cannot_run("ssh", &error))?;
        if !status.success() {
            let why = String::from_utf8_lossy(&stderr).trim().replace('\r', "");
            return Err(CliError::failed("ssh cannot read its configuration").cause(why));
        }
        Ok(Self::parse(&String::from_utf8_lossy(&stdout)))
    }

    /// Asks for what holds without any configuration.
    ///
    /// # Errors
    /// There is no ssh.
    pub(crate) async fn unconfigured() -> Result<Self, CliError> {
        Self::ask(&["-F", "none", "--", "x"].map(str::to_owned)).await
    }

    pub(crate) fn parse(text: &str) -> Self {
        let mut settings = Self::default();
        for (keyword, value) in text.lines().filter_map(|line| line.split_once(' ')) {
            let value = value.to_owned();
            match keyword {
                "user" => settings.user = Some(value),
                "identityfile" => settings.identities.push(value),
                "identitiesonly" => settings.identities_only = value == "yes",
                "identityagent" => settings.identity_agent = Some(value),
                "addkeystoagent" => settings.adds_keys_to_agent = !matches!(value.as_str(), "false" | "no"),
                "proxycommand" => settings.proxy_command = Some(value),
                "userknownhostsfile" => settings.known_hosts = Some(value),
                _ => {}
            }
        }
        settings
    }

    /// The home that `~` means to OpenSSH, of [`Self::unconfigured`] settings: that of the account, whatever HOME says.
    pub(crate) fn home(&self) -> Option<PathBuf> {
        let files = self.known_hosts.as_deref()?;
        Some(files.split_once("/.ssh/known_hosts")?.0.into())
    }

    /// How many keys the agent offers that these settings lead to. Unknown where only OpenSSH can find the agent, or it
    /// does not answer.
    pub(crate) async fn keys_in_agent(&self, home: Option<&PathBuf>) -> Option<usize> {
        // A person may have to unlock the agent: ssh has the patience for that.
        const PATIENCE: Duration = Duration::from_secs(2);
        let mut list = Command::new("ssh-add");
        match self.identity_agent.as_deref() {
            None | Some("SSH_AUTH_SOCK") => {}
            Some("none") => return Some(0),
            Some(path) if path.contains(['%', '$']) => return None,
            Some(path) => {
                let path = match path.strip_prefix("~/") {
                    Some(rest) => home?.join(rest),
                    None => path.into(),
                };
                list.env("SSH_AUTH_SOCK", path);
            }
        }
        list.arg("-L").stdin(Stdio::null()).kill_on_drop(true);
        let Output { status, stdout, .. } = tokio::time::timeout(PATIENCE, list.output()).await.ok()?.ok()?;
        // Without an agent, and with an empty one, it fails.
        Some(if status.success() {
            stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count()
        } else {
            0
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ssh_says_of_its_configuration_is_understood() {
        let text = "host x\nuser alice\nhostname x\nidentityfile ~/.ssh/id_rsa\nidentityfile ~/my keys/k\n\
                    identitiesonly yes\naddkeystoagent false\nidentityagent none\n\
                    userknownhostsfile /home/a b/.ssh/known_hosts /home/a b/.ssh/known_hosts2\n";
        let settings = Settings::parse(text);
        assert_eq!(settings.user.as_deref(), Some("alice"));
        assert_eq!(settings.identities, ["~/.ssh/id_rsa", "~/my keys/k"]);
        assert!(settings.identities_only && !settings.adds_keys_to_agent);
        assert_eq!(settings.identity_agent.as_deref(), Some("none"));
        assert_eq!(settings.home(), Some("/home/a b".into()));
        assert_eq!(Settings::parse("").home(), None);
    }
}
