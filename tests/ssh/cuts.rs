//! Connections that are cut under a copy.

use std::fs;
use std::time::Duration;

use super::lab::{Lab, assert_same, noise};
use crate::support::command::run;

#[test]
fn a_cut_every_two_seconds_changes_nothing_in_a_copy() {
    let lab = Lab::with(|options| options.cut_client_every = Some(Duration::from_secs(2)));
    fs::write(lab.file("there"), noise(5, 64 << 20)).unwrap();
    for (number, (from, to)) in [("there", "web-1:file"), ("web-1:file", "back")].into_iter().enumerate() {
        let log = format!("log-{number}");
        // 12.5 MB a second: slow enough for several cuts.
        let copied = run(&mut lab.ssmx(["--verbose", "--log-file", &log, "scp", "-l", "100000", from, to]));
        assert_eq!(copied.code(), 0, "{}", copied.err());
        let log = fs::read_to_string(lab.file(&log)).unwrap();
        assert!(log.matches("connection restored").count() >= 2, "{log}");
    }
    assert_same(&lab.file("there"), &lab.home_of("web-1").join("file"));
    assert_same(&lab.file("there"), &lab.file("back"));
}

#[test]
fn a_login_outlives_cuts_without_a_word() {
    let lab = Lab::new();
    lab.configure(&["web-1"]);
    let mut ssh = crate::plugin::play::Running::spawn(lab.openssh("ssh", ["web-1.ssmx", "sh"]));
    for number in 100..105 {
        ssh.send(&format!("echo said-$(({number} + 1))\n"));
        ssh.wait_for(&format!("said-{}", number + 1));
        lab.cloud.cut_clients();
    }
    ssh.send("exit 6\n");
    let (status, _) = ssh.wait();
    assert_eq!(status.code(), Some(6));
}
