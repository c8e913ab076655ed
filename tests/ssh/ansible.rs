//! Ansible over three instances.

use std::fs;
use std::path::PathBuf;

use super::lab::{Lab, assert_same, noise};
use crate::support::command::{Finished, run};

/// The program that `SSMX_TEST_ANSIBLE` names, or else the one on PATH.
fn program() -> PathBuf {
    let named = std::env::var_os("SSMX_TEST_ANSIBLE").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found =
        named.or_else(|| std::env::split_paths(&path).map(|folder| folder.join("ansible")).find(|file| file.is_file()));
    let found = found.filter(|file| file.is_file());
    found.expect("Ansible is not there: run the tests with tests/run.sh, which installs it")
}

#[test]
fn three_instances_are_reached_changed_and_asked() {
    let lab = Lab::new();
    let config = lab.configure(&["web-1", "web-2", "web-3"]);
    fs::write(lab.file("inventory"), "[web]\nweb-[1:3].ssmx\n").unwrap();
    fs::write(lab.file("ansible.cfg"), "").unwrap();
    fs::write(lab.file("there"), noise(6, 1 << 20)).unwrap();
    let ansible = |args: &[&str]| -> Finished {
        let mut ansible = lab.program(program());
        ansible
            .args(["web", "-i", "inventory", "--forks", "3"])
            .args(args)
            .env("ANSIBLE_HOME", lab.file("ansible"))
            .env("ANSIBLE_CONFIG", lab.file("ansible.cfg"))
            .env("ANSIBLE_SSH_ARGS", format!("-F '{}' -o ControlMaster=auto -o ControlPersist=60s", config.display()))
            .env("ANSIBLE_REMOTE_TMP", "~/tmp")
            .env("ANSIBLE_PYTHON_INTERPRETER", "auto_silent")
            .env("LC_ALL", "C.UTF-8");
        let ran = run(&mut ansible);
        assert_eq!(ran.code(), 0, "{args:?}:\n{}{}", ran.out(), ran.err());
        ran
    };
    let ping = ansible(&["-m", "ping"]);
    assert_eq!(ping.out().matches("\"ping\": \"pong\"").count(), 3, "{ping:?}");
    let copy = ansible(&["-m", "copy", "-a", "src=there dest=file mode=0600"]);
    assert_eq!(copy.out().matches("\"changed\": true").count(), 3, "{copy:?}");
    let homes = ["web-1", "web-2", "web-3"].map(|name| lab.home_of(name));
    for home in &homes {
        assert_same(&lab.file("there"), &home.join("file"));
    }
    let command = ansible(&["-m", "command", "-a", "pwd"]);
    for home in homes {
        assert!(command.out().contains(home.to_str().unwrap()), "{command:?}");
    }
}
