//! The variables of the environment that ssmx goes by, and those that it sets for the commands it runs.
//!
//! [`ALL`] is the table of its own: from it come the manual page and the one in `docs/configuration.md`. Two families
//! stand elsewhere: each setting has a variable by its name ([`setting`]), and those of the AWS CLI are read in
//! `aws::ambient`. No other code of ours reads a variable; libraries do, such as the AWS SDK.
#![expect(clippy::disallowed_methods, reason = "this is where the environment is read")]

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

/// A variable of the environment.
#[derive(Debug)]
#[cfg_attr(not(test), expect(dead_code, reason = "the documentation is made from it by tests"))]
pub(crate) struct Variable {
    pub(crate) name: &'static str,
    /// What it does, in one line; empty for one of the system.
    pub(crate) summary: &'static str,
    pub(crate) role: Role,
}

/// Who sets a variable, and who reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// People set it, ssmx reads it.
    Input,
    /// ssmx sets it for the commands that it runs.
    Output,
    /// Parts of ssmx talk to each other through it; it is not documented for people.
    Internal,
    /// It belongs to the system or to other programs; ssmx reads it.
    System,
}

pub(crate) const CONFIG: Variable = input("SSMX_CONFIG", "The configuration file, instead of the default one");
pub(crate) const CACHE_DIR: Variable = input(
    "SSMX_CACHE_DIR",
    "Folder for the cache, the list of recently used instances and the records of open sessions, instead of the default ones",
);
pub(crate) const LOG: Variable = input(
    "SSMX_LOG",
    "What to log, instead of `-v`: a level like `debug`, or levels like `ssmx::channel=trace,ssmx=info`",
);
pub(crate) const PICKER: Variable =
    input("SSMX_PICKER", "`plain`: choose instances from a numbered list, as on a terminal that cannot draw");
pub(crate) const PLUGIN_ESCAPE: Variable = input(
    "SSMX_PLUGIN_ESCAPE",
    "Escape character in sessions of the AWS CLI, as for `ssmx shell --escape`; if unset, escape keys are off",
);
pub(crate) const HOST: Variable = output(
    "SSMX_HOST",
    "Set by `ssmx fwd` for its command: the local address of the first forward; `SSMX_HOST_1`, `SSMX_HOST_2`… for each forward",
);
pub(crate) const PORT: Variable = output(
    "SSMX_PORT",
    "Set by `ssmx fwd` for its command: the local port of the first forward; `SSMX_PORT_1`, `SSMX_PORT_2`… for each forward",
);
pub(crate) const SOCKS_HOST: Variable =
    output("SSMX_SOCKS_HOST", "Set by `ssmx fwd --socks` for its command: the address of the SOCKS5 server");
pub(crate) const SOCKS_PORT: Variable =
    output("SSMX_SOCKS_PORT", "Set by `ssmx fwd --socks` for its command: the port of the SOCKS5 server");
pub(crate) const SANDBOX: Variable = output("SSMX_SANDBOX", "Set by `ssmx sandbox` for its command: `1`");
/// From `ssmx sandbox --sshd` to `ssmx ssh` and `ssmx ssh-config` inside.
pub(crate) const SANDBOX_KNOWN_HOSTS: Variable =
    internal("SSMX_SANDBOX_KNOWN_HOSTS", "The file with the host keys of a sandbox's instances");
/// From the completion scripts to ssmx, as the next two.
pub(crate) const COMPLETE: Variable = internal("SSMX_COMPLETE", "The shell that asks what can stand at the cursor");
pub(crate) const COMPLETE_LINE: Variable = internal(
    "SSMX_COMPLETE_LINE",
    "The line up to the cursor, or a word a line, from shells that hand over no arguments",
);
pub(crate) const COMPLETE_BREAKS: Variable =
    internal("SSMX_COMPLETE_BREAKS", "The characters at which the shell takes words apart for completion");

/// All of ssmx's own that are not settings.
#[cfg(test)]
pub(crate) const ALL: [&Variable; 14] = [
    &CONFIG,
    &CACHE_DIR,
    &LOG,
    &PICKER,
    &PLUGIN_ESCAPE,
    &HOST,
    &PORT,
    &SOCKS_HOST,
    &SOCKS_PORT,
    &SANDBOX,
    &SANDBOX_KNOWN_HOSTS,
    &COMPLETE,
    &COMPLETE_LINE,
    &COMPLETE_BREAKS,
];

pub(crate) const COMSPEC: Variable = system("COMSPEC");
pub(crate) const EDITOR: Variable = system("EDITOR");
pub(crate) const LANG: Variable = system("LANG");
pub(crate) const LOGNAME: Variable = system("LOGNAME");
pub(crate) const NO_PROXY: [Variable; 2] = [system("NO_PROXY"), system("no_proxy")];
pub(crate) const PATH: Variable = system("PATH");
pub(crate) const SHELL: Variable = system("SHELL");
pub(crate) const TERM: Variable = system("TERM");
pub(crate) const USER: Variable = system("USER");
pub(crate) const VISUAL: Variable = system("VISUAL");
pub(crate) const XDG_CONFIG_HOME: Variable = system("XDG_CONFIG_HOME");
pub(crate) const XDG_RUNTIME_DIR: Variable = system("XDG_RUNTIME_DIR");
pub(crate) const XDG_STATE_HOME: Variable = system("XDG_STATE_HOME");

impl Variable {
    /// Its value. One that is empty is as good as not set.
    pub(crate) fn value(&self) -> Option<OsString> {
        env::var_os(self.name).filter(|value| !value.is_empty())
    }

    /// As [`Self::value`]; none also if it is not valid UTF-8.
    pub(crate) fn text(&self) -> Option<String> {
        self.value()?.into_string().ok()
    }

    /// As [`Self::value`], as a path.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        self.value().map(PathBuf::from)
    }

    /// Whether it is documented for people.
    #[cfg(test)]
    pub(crate) fn is_documented(&self) -> bool {
        matches!(self.role, Role::Input | Role::Output)
    }
}

/// The folder for what ssmx remembers: that of the cache if `SSMX_CACHE_DIR` says where that is, else where programs keep
/// their state.
pub(crate) fn state_folder() -> Option<PathBuf> {
    if let Some(folder) = CACHE_DIR.path() {
        return Some(folder);
    }
    let folder = if cfg!(windows) {
        dirs::data_local_dir()
    } else {
        // As with the configuration, the same on every Unix; a relative path is to be ignored.
        let xdg = XDG_STATE_HOME.path().filter(|path| path.is_absolute());
        xdg.or_else(|| dirs::home_dir().map(|home| home.join(".local").join("state")))
    };
    Some(folder?.join("ssmx"))
}

/// The value of a setting's variable, which has the name `SSMX_` and the setting in capitals. Empty or not valid UTF-8
/// is as good as not set.
pub(crate) fn setting(variable: &str) -> Option<String> {
    env::var(variable).ok().filter(|value| !value.is_empty())
}

/// The names of all variables that are set, but for those that are not valid UTF-8.
pub(crate) fn names() -> impl Iterator<Item = String> {
    env::vars_os().filter_map(|(name, _)| name.into_string().ok())
}

/// A variable that changes how the tests run.
#[cfg(test)]
pub(crate) fn of_tests(name: &str) -> Option<String> {
    env::var(name).ok()
}

const fn input(name: &'static str, summary: &'static str) -> Variable {
    Variable { name, summary, role: Role::Input }
}

const fn output(name: &'static str, summary: &'static str) -> Variable {
    Variable { name, summary, role: Role::Output }
}

const fn internal(name: &'static str, summary: &'static str) -> Variable {
    Variable { name, summary, role: Role::Internal }
}

const fn system(name: &'static str) -> Variable {
    Variable { name, summary: "", role: Role::System }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Key;

    /// The rows of the table in docs/configuration.md.
    fn rows() -> String {
        let documented = ALL.into_iter().filter(|variable| variable.is_documented());
        documented.map(|variable| format!("| `{}` | {} |\n", variable.name, variable.summary)).collect()
    }

    #[test]
    fn the_documentation_has_the_table() {
        let described = include_str!("../docs/configuration.md");
        let (heading, rows) = ("| variable | what it does |\n|---|---|\n", rows());
        assert!(
            described.contains(&format!("{heading}{rows}\n")),
            "docs/configuration.md should have:\n{heading}{rows}"
        );
    }

    #[test]
    fn no_variable_is_also_a_setting() {
        for variable in ALL {
            assert!(variable.name.starts_with("SSMX_") && !variable.summary.is_empty(), "{variable:?}");
            assert!(Key::all().all(|key| key.variable() != variable.name), "{variable:?}");
        }
    }
}
