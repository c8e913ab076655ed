//! A home with ssmx in it, installed by `install.sh`, and an account whose instances were listed once.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use ssmx::sandbox::Fleet;
use tempfile::TempDir;

use crate::support::DEADLINE;
use crate::support::cloud::Cloud;
use crate::support::command::{run, ssmx};
use crate::support::pty::Pty;

const FLEET: &str = "
[[instance]]
name = 'web-1'
[[instance]]
name = 'web-2'
[[instance]]
name = 'db'
[[instance]]
name = 'bastion'
state = 'stopped'
[[instance]]
name = 'my server (1)'
[[instance]]
id = 'i-0feedfacecafebeef'
";

const CONFIG: &str = "
[targets.orders]
name = 'db'
[tunnels.pg]
target = 'db'
forward = ['5432']
";

const AWS_CONFIG: &str = "[default]\nregion = us-east-1\n[profile work]\nregion = eu-central-1\n[profile home]\n";

/// Columns of the terminal, and rows.
const SIZE: (u16, u16) = (100, 30);

/// The home. The account is gone by the time it is there: whoever asks it gets no answer.
pub(crate) struct Home {
    dir: TempDir,
    environment: Vec<(String, String)>,
}

impl Home {
    /// With ssmx for these shells, as a user has it.
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path();
        for (path, text) in [
            ("fleet.toml", FLEET),
            (".config/ssmx/config.toml", CONFIG),
            (".aws/config", AWS_CONFIG),
            (".bashrc", ". /usr/share/bash-completion/bash_completion\nPS1='$ '\n"),
            (
                ".zshrc",
                "fpath=(~/.local/share/zsh/site-functions $fpath)\nautoload -Uz compinit && compinit -u -D\nPS1='$ '\n",
            ),
            (
                ".config/fish/config.fish",
                "set -g fish_greeting\nfunction fish_prompt; echo -n '$ '; end\nset -g fish_autosuggestion_enabled 0\n",
            ),
        ] {
            let path = home.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("install.sh");
        let mut install = Command::new("sh");
        install.arg(script).args(["--binary", env!("CARGO_BIN_EXE_ssmx"), "--prefix"]).arg(home.join(".local"));
        assert_eq!(run(install.env("HOME", home)).code(), 0, "{install:?}");

        let cloud = Cloud::with(|options| options.fleet = Fleet::read(&home.join("fleet.toml"), "us-east-1").unwrap());
        let mut environment = cloud.environment().to_vec();
        for (name, value) in [
            ("HOME", home.to_str().unwrap()),
            ("ZDOTDIR", home.to_str().unwrap()),
            ("PATH", &format!("{}:/usr/bin:/bin", home.join(".local/bin").display())),
            ("AWS_CONFIG_FILE", home.join(".aws/config").to_str().unwrap()),
            ("TERM", "xterm-256color"),
            ("LANG", "C.UTF-8"),
        ] {
            environment.push((name.to_owned(), value.to_owned()));
        }
        let listed = run(ssmx().env_clear().envs(environment.iter().cloned()).args(["ls", "-o", "ids"]));
        assert!(listed.code() == 0 && listed.out().lines().count() == 6, "{listed:?}");
        Self { dir, environment }
    }

    /// A shell in a terminal, and nothing of whoever runs the test.
    pub(crate) fn shell(&self, words: &[&str]) -> Typed {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).env_clear().envs(self.environment.iter().cloned()).current_dir(self.dir.path());
        let pty = Pty::spawn(command, SIZE.0, SIZE.1);
        let typed = Typed { pty, tabs: if words[0] == "bash" { "\t\t" } else { "\t" } };
        typed.wait_for_line("$ ");
        typed
    }
}

/// A shell that is typed at.
pub(crate) struct Typed {
    pty: Pty,
    tabs: &'static str,
}

impl Typed {
    /// Types, presses Tab, and waits until the line is this. Takes it away again.
    #[track_caller]
    pub(crate) fn completes(&mut self, typed: &str, line: &str) {
        self.pty.send(format!("{typed}\t"));
        self.wait_for_line(&format!("$ {line}"));
        self.clear();
    }

    /// Types, presses Tab as often as it takes to see a list, and waits until all of this is on the screen.
    #[track_caller]
    pub(crate) fn lists(&mut self, typed: &str, texts: &[&str]) {
        self.pty.send(format!("{typed}{}", self.tabs));
        for text in texts {
            self.pty.wait_for_text(text);
        }
        // Out of the menu that some have opened.
        let deadline = Instant::now() + DEADLINE;
        let out = |pty: &Pty, time| pty.sees_within(time, |screen| is_at(screen, "$ "));
        let mut is_out = out(&self.pty, Duration::ZERO);
        while !is_out {
            assert!(Instant::now() < deadline, "{:?}", self.pty);
            // A shell that is still at work for its list does not hear it, and it is pressed again.
            self.pty.send("\x03");
            is_out = out(&self.pty, Duration::from_millis(100));
        }
        self.clear();
    }

    fn clear(&mut self) {
        self.pty.send("\x15\x0c");
        self.wait_for_line("$ ");
    }

    /// Waits until the text in front of the cursor is this.
    #[track_caller]
    pub(crate) fn wait_for_line(&self, line: &str) {
        self.pty.wait_for(|screen| is_at(screen, line), &format!("{line:?} in front of the cursor"));
    }
}

/// Whether the text in front of the cursor is this.
fn is_at(screen: &vt100::Screen, line: &str) -> bool {
    let (row, column) = screen.cursor_position();
    let text = screen.rows(0, column).nth(row.into()).unwrap_or_default();
    // The spaces at its end are not part of a row's text.
    text.trim_end() == line.trim_end() && usize::from(column) == line.chars().count()
}
