//! Keys in a real ssh-agent, and a server that takes six.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::lab::Lab;
use crate::support::command::{Running, run};

/// An agent with so many keys that no instance knows.
struct Agent {
    socket: PathBuf,
    _running: Running,
}

impl Agent {
    fn with_keys(lab: &Lab, count: usize) -> Self {
        let socket = lab.file("agent");
        let running = Running::start(Command::new("ssh-agent").arg("-D").arg("-a").arg(&socket));
        running.wait_for_out("SSH_AUTH_SOCK");
        let agent = Self { socket, _running: running };
        for number in 0..count {
            agent.add(&key(lab, &format!("agent-{number}")));
        }
        agent
    }

    fn add(&self, key: &PathBuf) {
        let added = run(Command::new("ssh-add").arg("-q").arg(key).env("SSH_AUTH_SOCK", &self.socket));
        assert_eq!(added.code(), 0, "{added:?}");
    }

    fn keys(&self) -> usize {
        run(Command::new("ssh-add").arg("-L").env("SSH_AUTH_SOCK", &self.socket)).out().lines().count()
    }
}

fn key(lab: &Lab, name: &str) -> PathBuf {
    let path = lab.file(name);
    let made = run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&path));
    assert_eq!(made.code(), 0, "{made:?}");
    path
}

#[test]
fn a_pushed_key_is_offered_before_the_server_has_had_enough_of_those_in_the_agent() {
    let lab = Lab::new();
    let agent = Agent::with_keys(&lab, 6);
    // As people have it who want each key in the agent.
    let config = lab.file("config");
    fs::write(&config, "AddKeysToAgent yes\nBatchMode yes\n").unwrap();
    let config = config.to_str().unwrap();
    let ssh = run(lab.ssmx(["ssh", "-F", config, "web-1", "echo in"]).env("SSH_AUTH_SOCK", &agent.socket));
    assert_eq!((ssh.code(), ssh.out().as_str()), (0, "in\n"), "{ssh:?}");
    fs::write(lab.file("file"), "text").unwrap();
    let scp = run(lab.ssmx(["scp", "-F", config, "file", "web-1:there"]).env("SSH_AUTH_SOCK", &agent.socket));
    assert_eq!(scp.code(), 0, "{scp:?}");
    assert_eq!(agent.keys(), 6, "temporary keys do not stay in the agent");
}

#[test]
fn the_persons_own_keys_count_all_the_same() {
    let lab = Lab::new();
    lab.configure(&["web-1"]);
    let ssh = |agent: &Agent, config: &str| {
        let path = lab.file("own");
        fs::write(&path, format!("BatchMode yes\nStrictHostKeyChecking no\n{config}")).unwrap();
        // A platform's user that is none here: what was pushed opens nothing.
        let path = path.to_str().unwrap();
        run(lab.ssmx(["ssh", "-v", "-F", path, "web-1", "true"]).env("SSH_AUTH_SOCK", &agent.socket))
    };
    let offered = |text: &str| -> Vec<String> {
        let offers = text.lines().filter_map(|line| line.split_once("Offering public key: "));
        offers.map(|(_, key)| key.split(' ').next().unwrap().to_owned()).collect()
    };
    let agent = Agent::with_keys(&lab, 2);
    let few = ssh(&agent, "");
    let keys = offered(&few.err());
    assert!(few.code() == 0 && keys.len() == 3 && keys[2].ends_with("/key"), "{keys:?} {few:?}");
    // Named by its file, and in an agent with many others.
    agent.add(&lab.file("key"));
    let named = ssh(&agent, &format!("IdentityFile \"{}\"\n", lab.file("key").display()));
    let keys = offered(&named.err());
    assert!(named.code() == 0 && keys == [lab.file("key").to_str().unwrap()], "{keys:?} {named:?}");
}
