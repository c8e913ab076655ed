//! Where a session's program runs: a home directory of the instance's own, and an environment that starts empty.
//!
//! Nothing of the sandbox's environment reaches an instance but the search path, the language and the user's name:
//! programs never see the sandbox's credentials, or those of the user who started it.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use crate::environment::{LANG, LOGNAME, PATH, USER};
use crate::files::{self, TemporaryFolder};
use crate::sandbox::fleet::{Instance, Platform};
use crate::sandbox::leftovers::PREFIX;

/// Searched for programs when the sandbox itself has no search path.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The user that the real agent makes for its sessions.
const DEFAULT_USER: &str = "ssm-user";

/// The home directories of all instances, in a directory that goes with the last session and the sandbox.
#[derive(Debug, Default)]
pub(crate) struct Homes(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    root: Option<TemporaryFolder>,
    homes: HashMap<String, PathBuf>,
}

impl Homes {
    /// The home directory of an instance, made when it is first asked for.
    ///
    /// # Errors
    /// The error of the file system.
    pub(crate) fn of(&self, instance: &Instance) -> io::Result<PathBuf> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(home) = state.homes.get(&instance.id) {
            return Ok(home.clone());
        }
        let root = state.root()?;
        let home = root.join(plain(&instance.id));
        files::create_new_folder(&home)?;
        state.homes.insert(instance.id.clone(), home.clone());
        Ok(home)
    }

    /// The directory with the home directories in it, made when it is first asked for.
    ///
    /// # Errors
    /// The error of the file system.
    pub(crate) fn root(&self) -> io::Result<PathBuf> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).root()
    }

    /// Removes all home directories.
    pub(crate) fn remove(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = State::default();
    }
}

impl State {
    fn root(&mut self) -> io::Result<PathBuf> {
        if let Some(root) = &self.root {
            return Ok(root.path().to_owned());
        }
        let root = TemporaryFolder::new(PREFIX)?;
        Ok(self.root.insert(root).path().to_owned())
    }
}

/// What a session's program finds around it.
#[derive(Clone, Debug)]
pub(crate) struct Environment {
    /// The working directory, and `HOME`.
    pub(crate) home: PathBuf,
    /// Commands go through PowerShell.
    pub(crate) is_windows: bool,
    name: String,
    user: Option<String>,
}

impl Environment {
    /// The environment on an instance, whose Name is in the prompt of its shells. The user of `run_as` is played in
    /// name only: everything runs as the user who runs the sandbox.
    pub(crate) fn new(instance: &Instance, home: PathBuf, run_as: Option<&str>) -> Self {
        let name = plain(instance.name().unwrap_or(&instance.id));
        let is_windows = instance.platform == Platform::Windows;
        Self { home, is_windows, name, user: run_as.map(str::to_owned) }
    }

    /// All variables of a program.
    pub(crate) fn variables(&self) -> Vec<(&'static str, OsString)> {
        let user = match &self.user {
            Some(user) => user.into(),
            None => USER.value().or_else(|| LOGNAME.value()).unwrap_or_else(|| DEFAULT_USER.into()),
        };
        vec![
            ("PATH", PATH.value().unwrap_or_else(|| DEFAULT_PATH.into())),
            ("HOME", self.home.clone().into_os_string()),
            ("TERM", "xterm-256color".into()),
            ("LANG", LANG.value().unwrap_or_else(|| "C.UTF-8".into())),
            ("USER", user),
            ("SHELL", "/bin/sh".into()),
        ]
    }

    /// The prompt of shells, which shows the instance's name.
    pub(crate) fn prompt(&self) -> (&'static str, OsString) {
        ("PS1", format!("[sandbox {}] $ ", self.name).into())
    }
}

/// A name without anything that a shell's prompt or a path would read as more than a name.
fn plain(name: &str) -> String {
    name.chars()
        .map(|character| match character {
            '-' | '_' => character,
            other if other.is_alphanumeric() => other,
            _ => '_',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::sandbox::fleet::Fleet;

    #[test]
    fn an_instance_keeps_its_home_until_the_end() {
        let fleet = Fleet::builtin("us-east-1");
        let mut instances = fleet.iter();
        let (first, second) = (instances.next().unwrap(), instances.next().unwrap());
        let homes = Homes::default();
        let home = homes.of(first).unwrap();
        assert!(home.is_dir());
        assert_eq!(homes.of(first).unwrap(), home);
        assert_ne!(homes.of(second).unwrap(), home);
        fs::write(home.join("note"), "text").unwrap();
        let root = home.parent().unwrap().to_owned();
        drop(homes);
        assert!(!root.exists());
    }

    #[test]
    fn nothing_else_is_in_the_environment() {
        let fleet = Fleet::builtin("us-east-1");
        let environment = Environment::new(fleet.iter().next().unwrap(), "/nowhere".into(), Some("ops"));
        let variables = environment.variables();
        let names: Vec<_> = variables.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["PATH", "HOME", "TERM", "LANG", "USER", "SHELL"]);
        assert!(variables.contains(&("USER", "ops".into())));
        assert_eq!(environment.prompt(), ("PS1", "[sandbox web-1] $ ".into()));
    }

    #[test]
    fn names_are_only_names() {
        assert_eq!(plain("web-1_ä"), "web-1_ä");
        assert_eq!(plain(r"../$(id)`\w"), "_____id___w");
    }
}
