//! The real AWS CLI, with ssmx as its plugin. What it hands over is in the other files.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;

use super::play::Play;
use crate::aws_cli::program;
use crate::support::command::run;
use crate::support::pty::Pty;

/// `aws ssm start-session` on the target.
fn start_session(play: &Play, args: &[&str]) -> Command {
    let aws = program();
    let mut command = play.command(aws);
    command.args(["ssm", "start-session", "--target", &play.target]).args(args);
    command
}

#[test]
fn a_shell_in_a_terminal() {
    let play = Play::new();
    let command = start_session(&play, &[]);
    let mut pty = Pty::spawn(command, 120, 24);
    pty.wait_for_text("[sandbox web-1] $");
    pty.wait_for_raw(true);
    pty.send("echo sum-$((40 + 2)); stty size\r");
    pty.wait_for_text("sum-42");
    pty.wait_for_text("24 120");
    pty.send("sh -c 'echo beg\"\"un; exec sleep 600'\r");
    pty.wait_for_text("begun");
    pty.send(b"\x03");
    pty.send("echo aft\"\"er\r");
    pty.wait_for_text("after");
    pty.send("exit\r");
    assert!(pty.wait().success(), "{pty:?}");
    assert!(pty.contents().contains("Exiting session with sessionId: "), "{pty:?}");
    pty.assert_restored();
}

#[test]
fn an_interactive_command() {
    let play = Play::new();
    let args = ["--document-name", "AWS-StartInteractiveCommand", "--parameters", r#"{"command":["tty; echo done"]}"#];
    let mut command = start_session(&play, &args);
    let ran = run(&mut command);
    assert!(ran.code() == 0 && ran.out().contains("/dev/") && ran.out().contains("done"), "{ran:?}");
}

#[test]
fn a_command_without_a_terminal_and_its_code() {
    let play = Play::new();
    let parameters = r#"{"command":["sh -c 'echo out; echo err >&2; exit 3'"]}"#;
    let args = ["--document-name", "AWS-StartNonInteractiveCommand", "--parameters", parameters];
    let mut command = start_session(&play, &args);
    let ran = run(&mut command);
    // The CLI takes any code but 0 for a failure of the plugin, names it, and has a code of its own.
    assert!(ran.code() == 255 && ran.err().contains("returned non-zero exit status 3"), "{ran:?}");
    assert!(ran.out().contains("\nout\n") && ran.err().starts_with("err\n"), "{ran:?}");
}

#[test]
fn a_port_until_a_key_ends_it() {
    let play = Play::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let parameters = format!("portNumber={}", listener.local_addr().unwrap().port());
    let args = ["--document-name", "AWS-StartPortForwardingSession", "--parameters", &parameters];
    // Ctrl-C and Ctrl-Z.
    for key in [b"\x03", b"\x1a"] {
        let mut pty = Pty::spawn(start_session(&play, &args), 120, 24);
        pty.wait_for_text("Waiting for connections...");
        let said = pty.contents();
        let (port, _) = said.split_once("Port ").unwrap().1.split_once(' ').unwrap();
        let mut here = TcpStream::connect(("127.0.0.1", port.parse::<u16>().unwrap())).unwrap();
        here.write_all(b"ping").unwrap();
        let (mut there, _) = listener.accept().unwrap();
        let mut heard = [0; 4];
        there.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"ping");
        pty.send(key);
        assert_eq!(pty.wait().code(), Some(0), "{pty:?}");
        assert!(pty.contents().contains("Exiting session with sessionId: "), "{pty:?}");
    }
}

#[test]
fn a_profile_from_a_file() {
    let play = Play::new();
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("config");
    let profile = format!(
        "[profile work]\nregion = us-east-1\naws_access_key_id = {}\naws_secret_access_key = {}\naws_session_token = {}\n",
        play.value("AWS_ACCESS_KEY_ID"),
        play.value("AWS_SECRET_ACCESS_KEY"),
        play.value("AWS_SESSION_TOKEN"),
    );
    std::fs::write(&config, profile).unwrap();
    let args = [
        "--profile",
        "work",
        "--document-name",
        "AWS-StartNonInteractiveCommand",
        "--parameters",
        r#"{"command":["echo done"]}"#,
    ];
    let mut command = start_session(&play, &args);
    command.env("AWS_CONFIG_FILE", &config);
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"]
    {
        command.env_remove(name);
    }
    let ran = run(&mut command);
    assert!(ran.code() == 0 && ran.out().contains("\ndone\n"), "{ran:?}");
}
