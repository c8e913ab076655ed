//! Ten thousand instances.

use insta::assert_snapshot;

use super::{ends_with, line, pick, selected, wait_for_counts, whole};
use crate::support::pty::Pty;
use crate::support::sandbox::TestSandbox;

#[test]
fn ten_thousand_instances_come_in_and_are_narrowed() {
    let sandbox = TestSandbox::with(|options| options.fleet.add_generated(9_992, 1, "us-east-1").unwrap());
    let mut pty = Pty::spawn(pick(&sandbox, &[]), 80, 24);
    // It is there before they are, and takes keys.
    pty.wait_for(|screen| screen.alternate_screen() && line(screen, 0).starts_with('>'), "empty picker");
    pty.send("node 77");
    pty.wait_for(|screen| line(screen, 0).starts_with("> node 77"), "query");
    pty.wait_for(|screen| line(screen, 0).ends_with("/10000"), "all of them");
    pty.send("\x15node-9992");
    wait_for_counts(&pty, "1/10000");
    pty.wait_for(|screen| selected(screen).is_some_and(|line| line.contains("node-9992")), "the last one");
    pty.send("\r");
    ends_with(&mut pty, 0);
    pty.wait_for_text("i-");
}

#[test]
fn ctrl_r_looks_again() {
    let mut sandbox = TestSandbox::start();
    let mut pty = super::open(pick(&sandbox, &["web"]));
    wait_for_counts(&pty, "3/8");
    pty.send("\x12");
    super::wait_until_idle(&pty);
    // What there is stays, and can be chosen, while nobody answers.
    sandbox.stop();
    pty.send("\x12");
    let waits = |screen: &vt100::Screen| line(screen, 0).ends_with("us-east-1");
    let screen = whole(&pty, waits, "word of what is waited for");
    let turns = |sign: char| ('\u{2800}'..='\u{28ff}').contains(&sign);
    assert_snapshot!(screen.replace(turns, "*"), @"
    > web                                                           3/8  * us-east-1
      NAME     ID                   STATUS   PLATFORM          ZONE        IP
    > web-1    i-0a11ce0000000001a  online   Amazon Linux 20…  us-east-1a  10.0.0.11
      web-2    i-0a11ce0000000002b  online   Amazon Linux 20…  us-east-1b  10.0.1.12
      web-3    i-0a11ce0000000003c  online   Amazon Linux 20…  us-east-1c  10.0.2.13















    ────────────────────────────────────────────────────────────────────────────────
    t3.small · us-east-1 · agent 3.3.3050.0 · launched 2026-09-09 14:13 UTC
    Env=prod  Role=web
    Enter choose  Ctrl-R refresh  Ctrl-Y copy id  Esc leave
    ");
    wait_for_counts(&pty, "3/8");
    pty.send("-2\r");
    ends_with(&mut pty, 0);
    pty.wait_for_text("i-0a11ce0000000002b");
}
