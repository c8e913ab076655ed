//! Numbered lines, where a terminal cannot draw.

use super::pick;
use crate::support::pty::Pty;
use crate::support::sandbox::TestSandbox;

const QUESTION: &str = "nothing to leave:";

#[test]
fn a_dumb_terminal_is_asked_for_a_number() {
    let sandbox = TestSandbox::start();
    for (name, value) in [("TERM", "dumb"), ("SSMX_PICKER", "plain")] {
        let mut command = pick(&sandbox, &[]);
        command.env(name, value);
        let mut pty = Pty::spawn(command, 80, 24);
        pty.wait_for_text(QUESTION);
        pty.send("web\n");
        pty.wait_for(|screen| screen.contents().matches(QUESTION).count() == 2, "second question");
        let contents = pty.contents();
        let (_, list) = contents.rsplit_once("NAME").unwrap();
        assert!(list.contains("  2  web-2    i-0a11ce0000000002b") && !list.contains("bastion"), "{contents}");
        pty.send("2\n");
        assert_eq!(pty.wait().code(), Some(0), "{pty:?}");
        pty.assert_restored();
        assert!(pty.contents().trim_end().ends_with("i-0a11ce0000000002b"), "{pty:?}");
        assert!(!pty.raw_output().contains(&0x1b), "{pty:?}");
    }
}

#[test]
fn an_empty_line_the_end_and_ctrl_c_choose_nothing() {
    let sandbox = TestSandbox::start();
    for (typed, code) in [("\n", 1), ("\x04", 1), ("\x03", 130)] {
        let mut command = pick(&sandbox, &["--multi"]);
        command.env("TERM", "dumb");
        let mut pty = Pty::spawn(command, 80, 24);
        pty.wait_for_text(QUESTION);
        pty.send(typed);
        assert_eq!(pty.wait().code(), Some(code), "{typed:?} {pty:?}");
        pty.assert_restored();
    }
}

#[test]
fn several_numbers_are_several_instances() {
    let sandbox = TestSandbox::start();
    let mut command = pick(&sandbox, &["--multi", "web"]);
    command.env("TERM", "dumb");
    let mut pty = Pty::spawn(command, 80, 24);
    pty.wait_for_text(QUESTION);
    pty.send("1, 3\n");
    assert_eq!(pty.wait().code(), Some(0), "{pty:?}");
    assert!(pty.contents().trim_end().ends_with("i-0a11ce0000000001a\ni-0a11ce0000000003c"), "{pty:?}");
}
