//! Agents of all kinds.

use super::{leave, notices, shell_in_sandbox, started};

/// Starts a shell with such agents, uses it and leaves it.
fn use_shell(flags: &[&str]) -> String {
    let mut pty = started(shell_in_sandbox(flags));
    pty.send("echo size: $(stty size)\r");
    pty.wait_for_text("size: 24 80");
    pty.send("seq 1 3000; echo ov''er\r");
    pty.wait_for_text("over");
    let output = super::remote_output(&pty);
    assert!(output.contains(&(super::lines(1, 3000) + "over\r\n")), "{pty:?}");
    leave(pty);
    output
}

#[test]
fn as_slow_as_the_real_one() {
    use_shell(&["--agent-pace", "real"]);
}

#[test]
fn encrypted() {
    let mut pty = started(shell_in_sandbox(&["--kms"]));
    insta::assert_snapshot!(notices(&pty), @"ssmx: This session is encrypted using AWS KMS.");
    pty.send("echo secr''et\r");
    pty.wait_for_text("secret");
    leave(pty);
    use_shell(&["--kms"]);
}

#[test]
fn encrypted_by_an_agent_without_a_challenge() {
    use_shell(&["--kms", "--agent-version", "3.2.582.0"]);
}

#[test]
fn too_old_for_a_handshake() {
    use_shell(&["--no-handshake", "--agent-version", "2.3.672.0"]);
}

#[test]
fn old_with_a_handshake() {
    use_shell(&["--agent-version", "2.3.672.0"]);
}
