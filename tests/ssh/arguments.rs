//! What OpenSSH is run with: programs that only say how they were called stand in for ssh and scp. What the configuration
//! says (`ssh -G`) is the real ssh's answer.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use insta::assert_snapshot;
use tempfile::TempDir;

use crate::support::command::{Finished, run, ssmx};

/// Says how it was called, and what it finds where its key is; then does what `$THEN` says.
const STAND_IN: &str = r#"#!/bin/sh
case "$1" in -G) PATH=${PATH#*:"$HERE":} exec ssh "$@" ;; esac
for word in "$@"; do
    printf '%s\n' "$word"
    case "$word" in
        */key) printf 'key %s %s\n' "$(stat -c %a "$word")" "$(head -1 "$word")" >&2 ;;
    esac
done
eval "$THEN"
"#;

struct Setup {
    home: TempDir,
}

impl Setup {
    fn new() -> Self {
        let home = TempDir::new().unwrap();
        for folder in ["bin", "run"] {
            fs::create_dir(home.path().join(folder)).unwrap();
        }
        for program in ["ssh", "scp"] {
            let path = home.path().join("bin").join(program);
            fs::write(&path, STAND_IN).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self { home }
    }

    /// Runs ssmx in a sandbox; the stand-in ends with `then`.
    fn run(&self, then: &str, args: &[&str]) -> Finished {
        run(self.command(then).args(args))
    }

    fn command(&self, then: &str) -> Command {
        let bin = self.home.path().join("bin");
        let path = std::env::var("PATH").unwrap();
        let mut command = ssmx();
        command
            .env("HOME", self.home.path())
            .env("HERE", &bin)
            .env("PATH", format!("{}:{path}", bin.display()))
            .env("XDG_RUNTIME_DIR", self.home.path().join("run"))
            .env("THEN", then)
            .args(["-q", "sandbox", "--", env!("CARGO_BIN_EXE_ssmx")]);
        command
    }

    /// The keys that were left behind.
    fn leftovers(&self) -> usize {
        fs::read_dir(self.home.path().join("run")).unwrap().count()
    }
}

fn is_id(text: &str) -> bool {
    text.len() == 19 && text.starts_with("i-")
}

#[test]
fn ssh_gets_what_was_typed_and_what_it_takes_to_reach_the_instance() {
    let setup = Setup::new();
    let ssh = setup.run("exit 7", &["--region=us-east-1", "ssh", "-p", "2222", "-v", "web-1", "-t", "uname  -a", "--"]);
    assert_eq!(ssh.code(), 7, "{ssh:?}");
    let out = ssh.out();
    let words: Vec<&str> = out.lines().collect();
    let proxy = words[1].strip_prefix("ProxyCommand=").unwrap_or_else(|| panic!("{words:?}"));
    let proxy = shlex::split(proxy).unwrap();
    assert_eq!(
        (Path::new(&proxy[0]), proxy[1].as_str()),
        (Path::new(env!("CARGO_BIN_EXE_ssmx")), "--region=us-east-1")
    );
    let [.., command, id, port] = proxy.as_slice() else { panic!("{proxy:?}") };
    assert!(command == "proxy" && is_id(id) && port == "%p", "{proxy:?}");
    let alias = format!("HostKeyAlias={id}");
    assert_eq!(words[2..9], ["-p", "2222", "-v", "-o", &alias, "-o", "CheckHostIP=no"], "{words:?}");
    assert_eq!(words[9..12], ["-l", "ec2-user", "-i"], "{words:?}");
    assert!(words[12].ends_with("/key"), "{words:?}");
    assert_eq!(words[13..], ["web-1", "-t", "uname  -a", "--"]);
    assert_eq!(ssh.err(), "key 600 -----BEGIN OPENSSH PRIVATE KEY-----\n");
    assert_eq!(setup.leftovers(), 0);
}

#[test]
fn a_key_is_removed_when_a_signal_ends_us() {
    let setup = Setup::new();
    let ssh = setup.run("kill -TERM $PPID; exec tail -f /dev/null", &["ssh", "web-1"]);
    assert_eq!((ssh.code(), setup.leftovers()), (143, 0), "{ssh:?}");
}

#[test]
fn whoever_names_user_and_key_gets_those() {
    let setup = Setup::new();
    for line in ["-i k root@web-1", "--no-push-key -l root web-1", "--key k -o User=root web-1", "-O check root@web-1"]
    {
        let mut args = vec!["ssh"];
        args.extend(line.split(' '));
        let ssh = setup.run("", &args);
        assert_eq!((ssh.code(), ssh.err().as_str()), (0, ""), "{ssh:?}");
        let out = ssh.out();
        assert!(!out.contains("ec2-user") && !out.contains("/key\n"), "{line}: {out}");
        assert_eq!(
            out.lines().filter(|word| *word == "-i").count(),
            usize::from(line.contains('k') && line.contains("-i") || line.contains("--key")),
            "{line}: {out}"
        );
        assert!(out.lines().any(|word| ["root@web-1", "web-1"].contains(&word)), "{line}: {out}");
    }
}

#[test]
fn without_a_destination_ssh_answers_itself() {
    let setup = Setup::new();
    let version = setup.run("exit 3", &["ssh", "-V"]);
    assert_eq!((version.code(), version.out().as_str()), (3, "-V\n"), "{version:?}");
}

#[test]
fn failures_of_our_own_are_255_as_with_ssh() {
    let setup = Setup::new();
    let unknown = setup.run("", &["ssh", "nowhere"]);
    assert_snapshot!(unknown.shown(), @"
    exit code: 255
    --- stderr
    error: no instance is named `nowhere` in us-east-1
    hint: `ssmx ls` lists all instances; also check the region and the account
    ");
    let mut without = ssmx();
    without.env("PATH", "/nowhere").args(["ssh", "-V"]);
    assert_snapshot!(run(&mut without).shown(), @"
    exit code: 255
    --- stderr
    error: cannot run `ssh`
    caused by: No such file or directory (os error NUMBER)
    hint: install the OpenSSH client: the package `openssh-client` (Debian, Ubuntu) or `openssh-clients` (Fedora, Amazon Linux)
    ");
}

#[test]
fn scp_gets_its_files_with_the_hosts_replaced() {
    let setup = Setup::new();
    let scp = setup.run("exit 4", &["scp", "-r", "--no-push-key", "./a:b", "web-1:/x y:z"]);
    assert_eq!(scp.code(), 4, "{scp:?}");
    let out = scp.out();
    let words: Vec<&str> = out.lines().collect();
    assert!(words[3].starts_with("-o") && words[2] == "-r", "{words:?}");
    assert_eq!(words[words.len() - 2..], ["./a:b", "ec2-user@web-1:/x y:z"]);

    let two = setup.run("", &["scp", "me@web-1:a", "web-2:b"]);
    let out = two.out();
    let words: Vec<&str> = out.lines().collect();
    assert!(words.contains(&"-3") && words[1].ends_with(" proxy '%h' %p"), "{two:?}");
    let [.., from, to] = words.as_slice() else { panic!("{words:?}") };
    let id = |word: &str, user: &str, path: &str| {
        let id = word.strip_prefix(user).and_then(|word| word.strip_suffix(path)).map(str::to_owned);
        id.filter(|id| is_id(id)).unwrap_or_else(|| panic!("{word}"))
    };
    assert_ne!(id(from, "me@", ":a"), id(to, "ec2-user@", ":b"));
    assert_eq!(setup.leftovers(), 0);
}
