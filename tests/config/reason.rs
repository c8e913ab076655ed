//! Reasons that are required.

use super::lab::Lab;
use crate::support::command::run;
use crate::support::pty::Pty;

const CONFIG: &str = "[targets.prod]\nname = 'web-1'\nreason_required = true\n";

#[test]
fn without_a_terminal_a_reason_has_to_be_said() {
    let lab = Lab::new(CONFIG);
    for (args, code) in [
        (&["shell", "prod"][..], 2),
        (&["exec", "prod", "--", "true"], 255),
        (&["fwd", "prod", "0:80"], 2),
        (&["ssh", "prod"], 255),
        (&["scp", "prod:/x", "."], 255),
        (&["proxy", "prod", "22"], 2),
        (&["shell", "prod", "--reason", " "], 2),
    ] {
        let refused = lab.run(args);
        assert_eq!(refused.code(), code, "{args:?}: {refused:?}");
        let said = "error: the configuration requires a reason for every session\nhint: say why with `--reason TEXT`";
        assert!(refused.err().starts_with(said), "{args:?}: {refused:?}");
    }
    assert!(lab.run(&["exec", "web-1", "--", "true"]).code() == 0, "others need none");
    let long = "x".repeat(257);
    let refused = lab.run(&["exec", "prod", "--reason", &long, "--", "true"]);
    assert!(refused.err().contains("longer than the 256 characters"), "{refused:?}");
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
    pty.send(" \r");
    pty.wait_for_text("a reason is required here");
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
