//! An account of this machine whose home is a folder of the test. OpenSSH asks the system for the home of the account, and
//! ignores HOME: a library in front of the system's (`nss_wrapper`) has another answer.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::support::command::run;

/// The account, which is that of whoever runs the test.
pub(super) struct Account {
    database: TempDir,
}

impl Account {
    /// With this home.
    pub(super) fn new(home: &Path) -> Self {
        assert!(library().is_some(), "the package libnss-wrapper is installed");
        let database = TempDir::new().unwrap();
        let (user, group) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
        let name = run(Command::new("id").arg("-un")).out();
        let name = name.trim();
        let passwd = format!("{name}:x:{user}:{group}::{}:/bin/bash\n", home.display());
        fs::write(database.path().join("passwd"), passwd).unwrap();
        fs::write(database.path().join("group"), format!("{name}:x:{group}:\n")).unwrap();
        Self { database }
    }

    /// Has a program, and all that it runs, find this account.
    pub(super) fn of<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("LD_PRELOAD", library().unwrap())
            .env("NSS_WRAPPER_PASSWD", self.database.path().join("passwd"))
            .env("NSS_WRAPPER_GROUP", self.database.path().join("group"))
    }
}

fn library() -> Option<PathBuf> {
    let of = |folder: &Path| Some(folder.join("libnss_wrapper.so")).filter(|path| path.exists());
    let folders = fs::read_dir("/usr/lib").ok()?.flatten().map(|entry| entry.path());
    [PathBuf::from("/usr/lib"), PathBuf::from("/usr/lib64")].into_iter().chain(folders).find_map(|folder| of(&folder))
}
