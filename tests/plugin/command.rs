//! Commands without a terminal.

use rustix::process::Signal;

use super::play::{Play, Running};
use crate::support::command::run;

const DOCUMENT: &str = "AWS-StartNonInteractiveCommand";

#[test]
fn a_commands_streams_stay_apart_and_its_code_is_ours() {
    let play = Play::new();
    let session = play.start(Some(DOCUMENT), &[("command", "sh -c 'echo out; echo err >&2; exit 3'")]);
    let ran = run(&mut play.take_over(&session));
    assert_eq!(ran.code(), 3, "{ran:?}");
    let id = &session.id;
    // Scripts look for these lines of the original as they are.
    let expected =
        format!("\nStarting session with SessionId: {id}\nout\n\n\nExiting session with sessionId: {id}.\n\n");
    assert_eq!((ran.out(), ran.err().as_str()), (expected, "err\n"));
    play.wait_until_over(id);
}

#[test]
fn a_document_of_ones_own_shows_what_it_is_for_in_the_handshake() {
    let play = Play::with(|options| {
        let properties = serde_json::json!({
            "commands": "sh -c 'echo own; exit 4'", "runAsElevated": false, "separateOutputStream": "true",
        });
        let document = serde_json::json!({
            "schemaVersion": "1.0", "description": "of one's own", "sessionType": "NonInteractiveCommands",
            "properties": {"linux": properties, "windows": properties, "macos": properties},
        });
        options.documents.insert("Corp-Command".to_owned(), document.to_string());
    });
    let session = play.start(Some("Corp-Command"), &[]);
    let ran = run(&mut play.take_over(&session));
    assert!(ran.code() == 4 && ran.out().contains("\nown\n"), "{ran:?}");
}

#[test]
fn the_first_interrupt_is_the_commands_and_the_second_ends_the_session() {
    const TRAP: &str = "sh -c 'trap \"echo caught\" INT; echo begun; while :; do sleep 0.05; done'";
    let play = Play::new();
    let session = play.start(Some(DOCUMENT), &[("command", TRAP)]);
    let mut ran = Running::spawn(play.take_over_ignoring_keys(&session));
    ran.wait_for("begun");
    ran.kill(Signal::INT);
    ran.wait_for("caught");
    ran.kill(Signal::INT);
    let (status, _) = ran.wait();
    assert_eq!(status.code(), Some(130));
    play.wait_until_over(&session.id);
}

#[test]
fn a_command_whose_session_is_ended_elsewhere_has_failed() {
    let play = Play::new();
    let session = play.start(Some(DOCUMENT), &[("command", "sh -c 'echo begun; exec sleep 600'")]);
    let mut ran = Running::spawn(play.take_over(&session));
    ran.wait_for("begun");
    play.terminate(&session.id);
    let (status, _) = ran.wait();
    assert_eq!(status.code(), Some(255));
}
