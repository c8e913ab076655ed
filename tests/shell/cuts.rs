//! Connections that are cut in the middle: nothing is lost, and the person is told.

use std::fs;

use super::{leave, lines, notices, open, run_raw, shell_in_sandbox, started};
use crate::support::cloud::slow_resume;
use crate::support::pty::Pty;
use crate::support::sandbox::TestSandbox;

fn wait_for_restored(pty: &Pty, times: usize) {
    let restored = |output: &[u8]| String::from_utf8_lossy(output).matches("nothing was lost").count() >= times;
    pty.wait_for_output(restored, "word of the connection");
}

/// All output without line ends and without what ssmx itself has said.
fn without_notices(pty: &Pty) -> String {
    let mut text = String::from_utf8(pty.raw_output()).unwrap();
    while let Some(start) = text.find("ssmx: ") {
        let end = text[start..].find("\r\n").expect("a notice is a line");
        text.replace_range(start..start + end, "");
    }
    text.retain(|character| !matches!(character, '\r' | '\n'));
    text
}

#[test]
fn output_that_flows_while_the_connection_is_cut_arrives_once_and_in_order() {
    let sandbox = TestSandbox::with(|options| options.api_faults.push(slow_resume()));
    let directory = tempfile::tempdir().unwrap();
    let go = directory.path().join("go");
    let mut pty = open(&sandbox);
    pty.send(format!(
        "seq 1 10000; until [ -e {} ]; do sleep 0.01; done; seq 10001 20000; echo ov''er\r",
        go.display()
    ));
    pty.wait_for_output(|output| output.len() > 1000, "first lines");
    sandbox.cut_clients();
    fs::write(&go, "").unwrap();
    wait_for_restored(&pty, 1);
    sandbox.cut_clients();
    wait_for_restored(&pty, 2);
    pty.wait_for_text("over");
    // A notice may come amid a line, with line ends of its own.
    let numbers: String = (1..=20_000).map(|number| number.to_string()).collect();
    assert!(without_notices(&pty).contains(&(numbers + "over")), "{pty:?}");
    // Each is a line, also where it came amid one.
    insta::assert_snapshot!(notices(&pty), @"
    ssmx: connection lost (REASON); reconnecting…
    ssmx: connection restored after TIME; nothing was lost
    ssmx: connection lost (REASON); reconnecting…
    ssmx: connection restored after TIME; nothing was lost
    ");
    leave(pty);
    sandbox.wait_until_no_session_is_left();
}

#[test]
fn input_that_is_typed_while_the_connection_is_cut_arrives_once_and_in_order() {
    let sandbox = TestSandbox::with(|options| options.api_faults.push(slow_resume()));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("typed");
    let mut pty = open(&sandbox);
    let text = lines(1, 30_000);
    run_raw(&mut pty, &format!("head -c {} >{}", text.len(), file.display()));
    let (first, second) = text.split_at(text.len() / 3);
    let (second, third) = second.split_at(text.len() / 3);
    pty.send(first);
    sandbox.cut_clients();
    pty.send(second);
    wait_for_restored(&pty, 1);
    sandbox.cut_clients();
    pty.send(third);
    wait_for_restored(&pty, 2);
    pty.wait_for_text("over");
    assert!(fs::read_to_string(&file).unwrap() == text, "{pty:?}");
    leave(pty);
}

#[test]
fn a_shell_outlives_connections_that_last_a_moment() {
    let mut pty = started(shell_in_sandbox(&[
        "--fault",
        "up:cut=300ms,resume=300ms",
        "--fault",
        "down:cut=410ms",
        "--seed",
        "3",
    ]));
    // The pace of the remote program makes this last for several connections.
    pty.send("for i in $(seq 0 29); do seq $((i * 100 + 1)) $((i * 100 + 100)); sleep 0.05; done; echo ov''er\r");
    pty.wait_for_text("over");
    let numbers: String = (1..=3000).map(|number| number.to_string()).collect();
    assert!(without_notices(&pty).contains(&(numbers + "over")), "{pty:?}");
    let said = String::from_utf8(pty.raw_output()).unwrap();
    assert!(said.matches("connection lost").count() >= 2, "{pty:?}");
    leave(pty);
}

#[test]
fn a_program_on_the_screen_is_still_there_after_a_cut() {
    let sandbox = TestSandbox::with(|options| options.api_faults.push(slow_resume()));
    let mut pty = open(&sandbox);
    pty.send("kept=va''lue\r");
    sandbox.cut_clients();
    wait_for_restored(&pty, 1);
    pty.resize(70, 21);
    // The size and the keys travel apart, as with every terminal.
    pty.send("until [ \"$(stty size)\" = '21 70' ]; do sleep 0.01; done; echo $kept $(stty size)\r");
    pty.wait_for_text("value 21 70");
    leave(pty);
}

#[test]
fn a_session_that_was_ended_while_we_were_away_is_reported() {
    let sandbox = TestSandbox::with(|options| options.api_faults.push(slow_resume()));
    let mut pty = open(&sandbox);
    sandbox.terminate_sessions();
    sandbox.cut_clients();
    let code = pty.wait().code();
    // Which of the two comes first is up to the network.
    assert!(matches!(code, Some(0 | 6)), "{code:?} {pty:?}");
    pty.assert_restored();
    sandbox.wait_until_no_session_is_left();
}
