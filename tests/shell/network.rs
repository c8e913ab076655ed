//! A network that loses, repeats and shuffles.

use super::{leave, lines, remote_output, shell_in_sandbox, started};

const FAULTS: &str = "drop=0.1,dup=0.1,reorder=0.2,delay=5ms";

#[test]
fn a_conversation_over_a_bad_network() {
    let mut pty = started(shell_in_sandbox(&["--fault", FAULTS, "--seed", "7"]));
    for number in 1..=10 {
        pty.send(format!("echo $(({number} * 111))=\r"));
        pty.wait_for_text(&format!("{}=", number * 111));
    }
    pty.send("\r~?");
    pty.wait_for_text("Escape keys");
    leave(pty);
}

#[test]
fn many_lines_over_a_bad_network_are_whole() {
    let mut pty = started(shell_in_sandbox(&["--fault", FAULTS, "--seed", "7"]));
    pty.send("seq 1 5000; echo ov''er\r");
    pty.wait_for_text("over");
    assert!(remote_output(&pty).contains(&(lines(1, 5000) + "over\r\n")), "{pty:?}");
    leave(pty);
}
