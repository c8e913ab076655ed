//! What a killed ssmx has left, and how it is found.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use ssmx::sandbox::ApiFault;
use tempfile::TempDir;

use crate::support::cloud::Cloud;
use crate::support::command::{Running, run};
use crate::support::snapshot::settled;
use crate::support::waiting::poll_until;

/// A sandbox, and a place for what ssmx remembers.
struct Machine {
    cloud: Cloud,
    state: TempDir,
}

impl Machine {
    fn new() -> Self {
        Self::with(Cloud::start())
    }

    fn with(cloud: Cloud) -> Self {
        Self { cloud, state: tempfile::tempdir().unwrap() }
    }

    fn ssmx(&self, words: &[&str]) -> Command {
        let mut command = self.cloud.ssmx();
        command.args(words).env("SSMX_CACHE_DIR", self.state.path()).process_group(0);
        command
    }

    /// Runs a tunnel until it is ready.
    fn tunnel(&self, forward: &str) -> Running {
        let running = Running::start(&mut self.ssmx(&["fwd", "web-1", forward]));
        running.wait_for_err("Forwarding");
        running
    }

    /// Starts a tunnel, kills it, and returns the id of its session.
    fn orphan(&self, forward: &str) -> String {
        let before = self.list().len();
        let tunnel = self.tunnel(forward);
        poll_until("a record", || self.list().len() > before);
        let pid = u64::from(tunnel.id());
        tunnel.kill(Signal::KILL);
        drop(tunnel);
        let of_it = self.list().into_iter().find(|session| session["pid"] == pid).unwrap();
        of_it["id"].as_str().unwrap().to_owned()
    }

    fn list(&self) -> Vec<Value> {
        let listed = run(&mut self.ssmx(&["sessions", "-o", "json"]));
        assert_eq!(listed.code(), 0, "{listed:?}");
        serde_json::from_slice(&listed.stdout).unwrap()
    }

    /// The files in the folder of the records.
    fn files(&self) -> usize {
        std::fs::read_dir(self.state.path().join("sessions")).map_or(0, Iterator::count)
    }
}

#[test]
fn a_session_is_listed_while_it_is_open_and_no_longer() {
    let machine = Machine::new();
    assert_eq!(machine.list(), [Value::Null; 0]);
    let tunnel = machine.tunnel("0:db.internal:5432");
    let [session] = machine.list().try_into().unwrap();
    assert_eq!((session["status"].as_str(), session["pid"].as_u64()), (Some("open"), Some(tunnel.id().into())));
    assert_eq!(
        (&session["destination"], &session["target"]),
        (&"db.internal:5432".into(), &"i-0a11ce0000000001a".into())
    );
    let listed = run(&mut machine.ssmx(&["sessions"]));
    let id = session["id"].as_str().unwrap();
    let pid = tunnel.id().to_string();
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown = listed.shown().replace(id, "SESSION-ID").replace(&pid, "NUMBER");
    let shown: Vec<_> = shown.lines().map(words).collect();
    insta::assert_snapshot!(shown.join("\n"), @"
    exit code: 0
    --- stdout
    ID STATUS TARGET TO STARTED PID REGION PROFILE
    SESSION-ID open i-0a11ce0000000001a db.internal:5432 just now NUMBER us-east-1 -
    --- stderr
    1 session
    ");
    tunnel.kill(Signal::INT);
    assert_eq!(tunnel.finish().code(), 0);
    assert_eq!((machine.list().len(), machine.files()), (0, 0));
    let none = run(&mut machine.ssmx(&["sessions"]));
    assert_eq!((none.out().as_str(), none.err().as_str()), ("", "No sessions\n"));
}

#[test]
fn what_a_killed_one_left_is_found_and_ended() {
    let machine = Machine::new();
    let (first, second) = (machine.orphan("0:80"), machine.orphan("0:81"));
    let living = machine.tunnel("0:82");
    assert_eq!(machine.cloud.active().len(), 3);
    let listed = run(&mut machine.ssmx(&["sessions"]));
    assert!(listed.err().contains("3 sessions, 2 of them orphaned"), "{listed:?}");
    let killed = run(&mut machine.ssmx(&["sessions", "kill", "--orphaned"]));
    let (mut ended, mut both) = (killed.err().lines().map(str::to_owned).collect::<Vec<_>>(), [first, second]);
    ended.sort();
    both.sort();
    assert_eq!((killed.code(), ended), (0, both.map(|id| format!("Ended {id}")).into()));
    poll_until("their end", || machine.cloud.active().len() == 1);
    let [left] = machine.list().try_into().unwrap();
    assert_eq!(left["pid"].as_u64(), Some(living.id().into()));
    let none = run(&mut machine.ssmx(&["sessions", "kill", "--orphaned"]));
    assert_eq!((none.code(), none.err().as_str()), (0, "No orphaned sessions\n"));

    let id = left["id"].as_str().unwrap();
    let killed = run(&mut machine.ssmx(&["sessions", "kill", id, id]));
    assert_eq!((killed.code(), killed.err()), (0, format!("Ended {id}\n")));
    living.wait_for_err("the session has ended");
    assert_eq!(machine.list().len(), 0);
}

#[test]
fn the_next_start_of_the_same_tunnel_ends_it() {
    let machine = Machine::new();
    let (same, other) = (machine.orphan("0:80"), machine.orphan("0:81"));
    let next = machine.tunnel("0:80");
    next.wait_for_err(&same);
    insta::assert_snapshot!(settled(&next.err().replace(&same, "SESSION-ID")), @"
    ssmx: ending SESSION-ID, which an ssmx that was killed left open (started just now)
    Forwarding 127.0.0.1:PORT and [::1]:PORT → web-1:80
    ");
    poll_until("the end of the older one", || {
        !machine.cloud.active().iter().any(|session| session.session_id() == Some(&same))
    });
    assert!(machine.list().iter().any(|session| session["id"] == *other && session["status"] == "orphaned"));
    next.kill(Signal::INT);
    assert_eq!(next.finish().code(), 0);
    let left: Vec<_> = machine.list().into_iter().map(|session| session["id"].clone()).collect();
    assert_eq!(left, [other]);
}

#[test]
fn one_that_could_not_be_ended_is_found_too() {
    let fault = ApiFault::slow("ssm:TerminateSession", Duration::from_hours(1));
    let machine = Machine::with(Cloud::with(|options| options.api_faults.push(fault)));
    let running =
        Running::start(&mut machine.ssmx(&["exec", "web-1", "--", "sh", "-c", "echo begun; exec sleep 1000"]));
    running.wait_for_out("begun");
    running.kill(Signal::TERM);
    assert_eq!(running.finish().code(), 143);
    let [left] = machine.list().try_into().unwrap();
    assert_eq!((left["status"].as_str(), &left["destination"]), (Some("orphaned"), &Value::Null));
}

#[test]
fn nothing_secret_is_remembered_and_only_for_its_owner() {
    use std::os::unix::fs::PermissionsExt;

    let machine = Machine::new();
    let _tunnel = machine.tunnel("0:80");
    let folder = machine.state.path().join("sessions");
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for entry in std::fs::read_dir(&folder).unwrap().flatten() {
        assert_eq!(mode(&entry.path()), 0o600);
        let text = std::fs::read_to_string(entry.path()).unwrap();
        let secrets =
            ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID"].map(|name| machine.cloud.var(name));
        assert!(secrets.into_iter().chain(["ws://", "Token"]).all(|secret| !text.contains(secret)), "{text}");
    }
}

#[test]
fn what_is_named_is_ended_and_what_is_another_accounts_is_not_forgotten() {
    let machine = Machine::new();
    let orphan = machine.orphan("0:80");
    let nobody = run(&mut machine.ssmx(&["sessions", "kill", "nobody-0123", &orphan]));
    insta::assert_snapshot!(settled(&nobody.shown().replace(&orphan, "SESSION-ID")), @"
    exit code: 0
    --- stderr
    Asked AWS to end nobody-0123, which it does not say it has
    Ended SESSION-ID
    ");
    let which = run(&mut machine.ssmx(&["sessions", "kill"]));
    assert_eq!(which.code(), 2, "{which:?}");
    // With credentials that are not those of the session, nothing is forgotten.
    let other = machine.orphan("0:80");
    let refused = run(machine.ssmx(&["sessions", "kill", "--orphaned"]).env("AWS_ACCESS_KEY_ID", "OTHER"));
    assert!(refused.code() != 0 && refused.err().contains("other credentials"), "{refused:?}");
    assert_eq!(machine.list().len(), 1);
    assert_eq!(machine.list()[0]["id"], *other);
}

#[test]
fn a_session_of_a_profile_is_ended_with_it_and_with_another_one_only_by_name() {
    let machine = Machine::new();
    let config = machine.state.path().join("aws-config");
    let keys = machine.cloud.keys();
    std::fs::write(&config, format!("[profile one]\n{keys}\n[profile two]\n{keys}")).unwrap();
    let ssmx = |words: &[&str]| {
        let mut command = machine.ssmx(words);
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
            command.env_remove(name);
        }
        command.env("AWS_CONFIG_FILE", &config);
        command
    };
    let orphan = |forward: &str| {
        let before = machine.list().len();
        let tunnel = Running::start(&mut ssmx(&["--profile", "one", "fwd", "web-1", forward]));
        tunnel.wait_for_err("Forwarding");
        poll_until("a record", || machine.list().len() > before);
        let pid = u64::from(tunnel.id());
        tunnel.kill(Signal::KILL);
        drop(tunnel);
        let of_it = machine.list().into_iter().find(|session| session["pid"] == pid).unwrap();
        assert_eq!(of_it["profile"], "one");
        of_it["id"].as_str().unwrap().to_owned()
    };
    let first = orphan("0:80");
    // Another profile may be another account: its word for the end is none, and what is not named is left alone.
    let refused = run(&mut ssmx(&["--profile", "two", "sessions", "kill", "--orphaned"]));
    assert!(refused.code() != 0 && refused.err().contains("other credentials"), "{refused:?}");
    assert_eq!(machine.cloud.active().len(), 1);
    let asked = run(&mut ssmx(&["--profile", "two", "sessions", "kill", &first]));
    let told = format!("Asked AWS to end {first}, which it does not say it has\n");
    assert_eq!((asked.code(), asked.err()), (0, told), "{asked:?}");
    machine.cloud.wait_for_no_session();
    assert_eq!(machine.list().len(), 1, "it is remembered until its own credentials have ended it");
    // Without a flag it is the profile that the session was started with.
    let second = orphan("0:81");
    let ended = run(&mut ssmx(&["sessions", "kill", &second]));
    assert_eq!((ended.code(), ended.err()), (0, format!("Ended {second}\n")), "{ended:?}");
    machine.cloud.wait_for_no_session();
    let listed: Vec<_> = machine.list().into_iter().map(|session| session["id"].clone()).collect();
    assert_eq!(listed, [first]);
}
