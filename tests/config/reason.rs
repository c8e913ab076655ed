//! Reasons that are required.

use super::lab::Lab;
use crate::support::command::run;
use crate::support::pty::Pty;
use crate::support::snapshot::{case, typed};

const CONFIG: &str = "[targets.prod]\nname = 'web-1'\nreason_required = true\n";

#[test]
fn without_a_terminal_a_reason_has_to_be_said() {
    let lab = Lab::new(CONFIG);
    let shown: String = [
        &["shell", "prod"][..],
        &["exec", "prod", "--", "true"],
        &["fwd", "prod", "0:80"],
        &["ssh", "prod"],
        &["scp", "prod:/x", "."],
        &["proxy", "prod", "22"],
        &["shell", "prod", "--reason", " "],
    ]
    .map(|args| case(typed(args), &lab.run(args).shown()))
    .concat();
    insta::assert_snapshot!(shown, @"
    === shell prod
    exit code: 2
    --- stderr
    error: the configuration requires a reason for every session
    hint: give one with `--reason TEXT`, or in `SSMX_REASON`

    === exec prod -- true
    exit code: 255
    --- stderr
    error: the configuration requires a reason for every session
    hint: give one with `--reason TEXT`, or in `SSMX_REASON`

    === fwd prod 0:80
    exit code: 2
    --- stderr
    error: the configuration requires a reason for every session
    hint: give one with `--reason TEXT`, or in `SSMX_REASON`

    === ssh prod
    exit code: 255
    --- stderr
    error: the configuration requires a reason for every session
    hint: give one with `--reason TEXT`, or in `SSMX_REASON`

    === scp prod:/x .
    exit code: 255
    --- stderr
    error: the configuration requires a reason for every session
    hint: give one with `--reason TEXT`, or in `SSMX_REASON`

    === proxy prod 22
    exit code: 2
    --- stderr
    error: the configuration requires a reason for every session
    hint: give one with `--reason TEXT`, or in `SSMX_REASON`

    === shell prod --reason ' '
    exit code: 2
    --- stderr
    error: the configuration requires a reason for every session
    hint: give one with `--reason TEXT`, or in `SSMX_REASON`
    ");
    assert!(lab.run(&["exec", "web-1", "--", "true"]).code() == 0, "others need none");
    let long = "x".repeat(257);
    let refused = lab.run(&["exec", "prod", "--reason", &long, "--", "true"]);
    insta::assert_snapshot!(refused.shown(), @"
    exit code: 255
    --- stderr
    error: the reason is longer than 256 characters, the limit of Session Manager
    ");
    let given = run(lab.ssmx().env("SSMX_REASON", "why").args(["exec", "prod", "--", "true"]));
    assert_eq!(given.code(), 0, "{given:?}");
    let mut reasons = lab.reasons();
    reasons.sort();
    assert_eq!(reasons, [None, Some("why".to_owned())]);
}

#[test]
fn at_a_terminal_the_person_is_asked_once() {
    let lab = Lab::new(&format!("{CONFIG}[targets.other]\nname = 'web-2'\nreason_required = true\n"));
    let mut command = lab.ssmx();
    command.args(["exec", "prod", "other", "--", "echo", "done"]);
    let mut pty = Pty::spawn(command, 100, 24);
    pty.wait_for_text("Reason for this session");
    pty.wait_for_no_echo();
    pty.send(" \r");
    let asks_again = |screen: &vt100::Screen| {
        let contents = screen.contents();
        contents.contains("error: ") && contents.trim_end().ends_with("Reason for this session:")
    };
    pty.wait_for(asks_again, "second question");
    insta::assert_snapshot!(pty.text(), @"
    error: a reason is required here
    Reason for this session:
    ");
    pty.send("ticket 17\r");
    assert_eq!(pty.wait().code(), Some(0), "{pty:?}");
    assert_eq!(lab.reasons(), [Some("ticket 17".to_owned()), Some("ticket 17".to_owned())]);
}

#[test]
fn ctrl_c_in_place_of_a_reason_starts_nothing() {
    let lab = Lab::new(CONFIG);
    let mut command = lab.ssmx();
    command.args(["shell", "prod"]);
    let mut pty = Pty::spawn(command, 100, 24);
    pty.wait_for_text("Reason for this session");
    pty.send("\x03");
    assert_eq!(pty.wait().code(), Some(130), "{pty:?}");
    pty.assert_restored();
    assert!(lab.reasons().is_empty());
}
