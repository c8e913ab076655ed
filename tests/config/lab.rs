//! A home with a configuration in it, and a sandbox behind it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use ssmx::sandbox::{Fleet, Options};
use tempfile::TempDir;

use crate::support::cloud::Cloud;
use crate::support::command::{Finished, run, ssmx};
use crate::support::pty::Pty;

/// A home folder. Nothing leads from it to any AWS.
pub(super) struct Home {
    folder: TempDir,
}

impl Home {
    /// A home without a configuration, and with the AWS profiles `default`, `prod` and `work`.
    pub(super) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let aws = "[default]\nregion = eu-north-1\n[profile work]\nregion = eu-west-1\n[profile prod]\n";
        fs::write(folder.path().join("aws"), aws).unwrap();
        Self { folder }
    }

    /// A home with this configuration.
    pub(super) fn with(config: &str) -> Self {
        let home = Self::new();
        fs::create_dir_all(home.config().parent().unwrap()).unwrap();
        fs::write(home.config(), config).unwrap();
        home
    }

    /// Where the configuration is.
    pub(super) fn config(&self) -> PathBuf {
        self.folder.path().join("config/ssmx/config.toml")
    }

    /// What it says.
    pub(super) fn text(&self) -> String {
        fs::read_to_string(self.config()).unwrap()
    }

    /// A file of this home.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The ssmx under test.
    pub(super) fn ssmx(&self) -> Command {
        self.at_home(ssmx())
    }

    /// A program with this home.
    pub(super) fn at_home(&self, mut command: Command) -> Command {
        command.env("HOME", self.folder.path()).env("XDG_CONFIG_HOME", self.folder.path().join("config"));
        command.env("AWS_CONFIG_FILE", self.file("aws")).env("AWS_SHARED_CREDENTIALS_FILE", "/nowhere");
        command.env("AWS_EC2_METADATA_DISABLED", "true").env_remove("VISUAL").env_remove("EDITOR");
        command
    }

    /// Runs `ssmx` with these arguments.
    pub(super) fn run(&self, args: &[&str]) -> Finished {
        run(self.ssmx().args(args))
    }

    /// Runs `ssmx` with these arguments and this editor, in a terminal.
    pub(super) fn in_terminal(&self, args: &[&str], editor: &Path) -> Pty {
        let mut command = self.ssmx();
        command.args(args).env("TERM", "xterm-256color").env("EDITOR", editor);
        Pty::spawn(command, 120, 30)
    }
}

/// A home and a sandbox.
pub(super) struct Lab {
    pub(super) cloud: Cloud,
    pub(super) home: Home,
}

impl Lab {
    /// The built-in fleet.
    pub(super) fn new(config: &str) -> Self {
        Self::of(config, |_| {})
    }

    /// An instance `web` in eu-west-1, and an instance `orders` in us-east-1.
    pub(super) fn in_two_regions(config: &str) -> Self {
        Self::of(config, |options| {
            let file = tempfile::NamedTempFile::new().unwrap();
            let fleet = "[[instance]]\nname = 'web'\n[[instance]]\nname = 'orders'\nregion = 'us-east-1'\n";
            fs::write(file.path(), fleet).unwrap();
            "eu-west-1".clone_into(&mut options.region);
            options.fleet = Fleet::read(file.path(), "eu-west-1").unwrap();
        })
    }

    fn of(config: &str, change: impl FnOnce(&mut Options)) -> Self {
        Self { cloud: Cloud::with(change), home: Home::with(config) }
    }

    /// ssmx in the sandbox.
    pub(super) fn ssmx(&self) -> Command {
        // The variables of the sandbox say that there is no AWS configuration; this home has one.
        self.home.at_home(self.cloud.ssmx())
    }

    /// Runs ssmx in the sandbox.
    pub(super) fn run(&self, args: &[&str]) -> Finished {
        run(self.ssmx().args(args))
    }

    /// Writes an AWS configuration in which these profiles have the sandbox's credentials.
    pub(super) fn give_credentials(&self, profiles: &[&str]) {
        let keys = self.cloud.keys();
        let text: String = profiles.iter().map(|name| format!("[profile {name}]\n{keys}")).collect();
        fs::write(self.home.file("aws"), text).unwrap();
    }

    /// The reasons of the sessions that have ended in the sandbox's region, in any order.
    pub(super) fn reasons(&self) -> Vec<Option<String>> {
        self.cloud.wait_for_no_session();
        self.cloud.history().into_iter().map(|session| session.reason).collect()
    }
}
