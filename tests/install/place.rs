//! A throw-away place to install in: a small source tree with a program that only knows its version, and a home.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::support::command::{Finished, run};

/// The shells that run the script, by the words that start them.
pub(crate) const SHELLS: [&[&str]; 3] = [&["dash"], &["busybox", "sh"], &["bash", "--posix"]];

/// The user that tests become when root runs them.
const NOBODY: u32 = 65534;

/// Permissions, and the content: of a link the path that it leads to, of a folder nothing.
pub(crate) type Files = BTreeMap<PathBuf, (u32, Vec<u8>)>;

/// The place. It goes when it is dropped.
pub(crate) struct Place {
    dir: TempDir,
    shell: &'static [&'static str],
    unprivileged: bool,
    path: String,
}

impl Place {
    /// With a tree of version 1.0.0.
    pub(crate) fn new() -> Self {
        Self::of(SHELLS[0])
    }

    /// The same, for another shell. That of busybox finds no other tools than those of busybox.
    pub(crate) fn of(shell: &'static [&'static str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut path = "/usr/local/bin:/usr/bin:/bin".to_owned();
        if shell[0] == "busybox" {
            let tools = dir.path().join("busybox");
            fs::create_dir(&tools).unwrap();
            let made = run(Command::new("busybox").args(["--install", "-s"]).arg(&tools));
            assert_eq!(made.code(), 0, "{made:?}");
            tools.to_str().unwrap().clone_into(&mut path);
        }
        let place = Self { dir, shell, unprivileged: false, path };
        for folder in ["tmp", "home", "shims", "tree/completions", "tree/docs/man"] {
            fs::create_dir_all(place.at(folder)).unwrap();
        }
        fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/install.sh"), place.at("tree/install.sh")).unwrap();
        for name in ["ssmx.bash", "_ssmx", "ssmx.fish", "ssmx.elv", "_ssmx.ps1"] {
            place.write(&format!("tree/completions/{name}"), name);
        }
        for name in ["ssmx.1", "ssmx-shell.1"] {
            place.write(&format!("tree/docs/man/{name}"), name);
        }
        place.program("tree/program", "1.0.0");
        place
    }

    /// As a user without rights outside of this place, also where the tests run as root.
    pub(crate) fn unprivileged(mut self) -> Self {
        fn give(path: &Path) {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            if path.is_dir() {
                for entry in fs::read_dir(path).unwrap() {
                    give(&entry.unwrap().path());
                }
            }
        }
        if rustix::process::geteuid().is_root() {
            for folder in ["tmp", "home"] {
                give(&self.at(folder));
            }
            fs::set_permissions(self.dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
            self.unprivileged = true;
        }
        self
    }

    /// A path in this place.
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        fs::write(self.at(path), text).unwrap();
    }

    /// A program that says this version of ssmx.
    pub(crate) fn program(&self, path: &str, version: &str) {
        self.script(path, &format!("echo ssmx {version}"));
    }

    /// A program that is found before those of the system.
    pub(crate) fn shim(&self, name: &str, text: &str) {
        self.script(&format!("shims/{name}"), text);
    }

    pub(crate) fn script(&self, path: &str, text: &str) {
        // Nobody waits for a file that is still open for writing: it is replaced, not rewritten.
        let _ = fs::remove_file(self.at(path));
        self.write(path, &format!("#!/bin/sh\n{text}\n"));
        fs::set_permissions(self.at(path), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// `install.sh ARGS`, not yet started: with this place as home and for temporary files.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut words: Vec<String> = Vec::new();
        if self.unprivileged {
            let id = NOBODY.to_string();
            words.extend(
                ["/usr/bin/setpriv", "--reuid", &id, "--regid", &id, "--clear-groups", "--"].map(str::to_owned),
            );
        }
        // Not by the PATH that the script has.
        words.push(found(self.shell[0]));
        words.extend(self.shell[1..].iter().map(|word| (*word).to_owned()));
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).arg(self.at("tree/install.sh")).args(args);
        let path = format!("{}:{}", self.at("shims").display(), self.path);
        command.env_clear().env("PATH", path).env("HOME", self.at("home")).env("TMPDIR", self.at("tmp"));
        command.current_dir(self.at("home"));
        command
    }

    /// `install.sh ARGS`, to its end. Nothing temporary is left.
    #[track_caller]
    pub(crate) fn run(&self, args: &[&str]) -> Finished {
        let finished = run(&mut self.command(args));
        assert_eq!(fs::read_dir(self.at("tmp")).unwrap().count(), 0, "left in TMPDIR: {finished:?}");
        finished
    }

    /// The same with the program of the tree, into `home/p`.
    #[track_caller]
    pub(crate) fn install(&self, args: &[&str]) -> Finished {
        let program = self.at("tree/program");
        self.run(&[&["--prefix", "p", "--binary", program.to_str().unwrap()], args].concat())
    }

    /// All that is in the home.
    pub(crate) fn files(&self) -> Files {
        fn visit(path: &Path, files: &mut Files) {
            for entry in fs::read_dir(path).unwrap() {
                let path = entry.unwrap().path();
                let about = fs::symlink_metadata(&path).unwrap();
                let content = if about.is_symlink() {
                    fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
                } else if about.is_dir() {
                    visit(&path, files);
                    Vec::new()
                } else {
                    fs::read(&path).unwrap()
                };
                files.insert(path, (about.permissions().mode() & 0o7777, content));
            }
        }
        let mut files = Files::new();
        visit(&self.at("home"), &mut files);
        files
    }
}

fn found(program: &str) -> String {
    let path = std::env::var_os("PATH").unwrap();
    let found = std::env::split_paths(&path).map(|dir| dir.join(program)).find(|path| path.exists());
    found.unwrap_or_else(|| panic!("{program} is missing")).to_str().unwrap().to_owned()
}
