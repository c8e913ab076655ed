//! Numbered lines, where a terminal cannot draw.

use insta::assert_snapshot;

use super::pick;
use crate::support::pty::Pty;
use crate::support::sandbox::TestSandbox;
use crate::support::snapshot::cases;

const QUESTION: &str = "Enter to cancel:";

/// A picker that has asked its first question.
fn asked(sandbox: &TestSandbox, args: &[&str], (name, value): (&str, &str)) -> Pty {
    let mut command = pick(sandbox, args);
    command.env(name, value);
    let pty = Pty::spawn(command, 80, 24);
    pty.wait_for_text(QUESTION);
    pty
}

#[test]
fn a_dumb_terminal_is_asked_for_a_number() {
    let sandbox = TestSandbox::start();
    let asked = [("TERM", "dumb"), ("SSMX_PICKER", "plain")].map(|variable| {
        let mut pty = asked(&sandbox, &[], variable);
        pty.send("web\n");
        pty.wait_for(|screen| screen.contents().matches(QUESTION).count() == 2, "second question");
        pty.send("2\n");
        assert_eq!(pty.wait().code(), Some(0), "{pty:?}");
        pty.assert_restored();
        assert!(!pty.raw_output().contains(&0x1b), "{pty:?}");
        pty.rows()
    });
    assert_snapshot!(asked[0], @"

         NAME     ID                   STATUS   PLATFORM       ZONE        IP
      1  bastion  i-0ba5710000000005e  online   Amazon Linux…  us-east-1a  10.0.0.5
      2  db       i-0db0000000000004d  online   Amazon Linux…  us-east-1a  10.0.0.20
      3  web-1    i-0a11ce0000000001a  online   Amazon Linux…  us-east-1a  10.0.0.11
      4  web-2    i-0a11ce0000000002b  online   Amazon Linux…  us-east-1b  10.0.1.12
      5  web-3    i-0a11ce0000000003c  online   Amazon Linux…  us-east-1c  10.0.2.13
      6  win      i-0317d0000000008a1  online   Microsoft Wi…  us-east-1b  10.0.1.50
      7  legacy   i-01e9ac00000000070  offline  Ubuntu 18.04   us-east-1c  10.0.2.40
      8  batch    i-0ba7c40000000006f  stopped  Amazon Linux…  us-east-1b  10.0.1.30
    Number, or text to filter, Enter to cancel: web

         NAME     ID                   STATUS   PLATFORM       ZONE        IP
      1  web-1    i-0a11ce0000000001a  online   Amazon Linux…  us-east-1a  10.0.0.11
      2  web-2    i-0a11ce0000000002b  online   Amazon Linux…  us-east-1b  10.0.1.12
      3  web-3    i-0a11ce0000000003c  online   Amazon Linux…  us-east-1c  10.0.2.13
    Number, or text to filter, Enter to cancel: 2
    i-0a11ce0000000002b
    ");
    assert_eq!(asked[1], asked[0]);
}

#[test]
fn an_empty_line_the_end_and_ctrl_c_choose_nothing() {
    let sandbox = TestSandbox::start();
    let left = [("\n", 1), ("\x04", 1), ("\x03", 130)].map(|(typed, code)| {
        let mut pty = asked(&sandbox, &["--multi"], ("TERM", "dumb"));
        pty.send(typed);
        assert_eq!(pty.wait().code(), Some(code), "{typed:?} {pty:?}");
        pty.assert_restored();
        (format!("{typed:?}"), pty.rows())
    });
    assert_snapshot!(cases(left), @r#"
    === "\n"

         NAME     ID                   STATUS   PLATFORM       ZONE        IP
      1  bastion  i-0ba5710000000005e  online   Amazon Linux…  us-east-1a  10.0.0.5
      2  db       i-0db0000000000004d  online   Amazon Linux…  us-east-1a  10.0.0.20
      3  web-1    i-0a11ce0000000001a  online   Amazon Linux…  us-east-1a  10.0.0.11
      4  web-2    i-0a11ce0000000002b  online   Amazon Linux…  us-east-1b  10.0.1.12
      5  web-3    i-0a11ce0000000003c  online   Amazon Linux…  us-east-1c  10.0.2.13
      6  win      i-0317d0000000008a1  online   Microsoft Wi…  us-east-1b  10.0.1.50
      7  legacy   i-01e9ac00000000070  offline  Ubuntu 18.04   us-east-1c  10.0.2.40
      8  batch    i-0ba7c40000000006f  stopped  Amazon Linux…  us-east-1b  10.0.1.30
    Numbers, or text to filter, Enter to cancel:
    === "\u{4}"

         NAME     ID                   STATUS   PLATFORM       ZONE        IP
      1  bastion  i-0ba5710000000005e  online   Amazon Linux…  us-east-1a  10.0.0.5
      2  db       i-0db0000000000004d  online   Amazon Linux…  us-east-1a  10.0.0.20
      3  web-1    i-0a11ce0000000001a  online   Amazon Linux…  us-east-1a  10.0.0.11
      4  web-2    i-0a11ce0000000002b  online   Amazon Linux…  us-east-1b  10.0.1.12
      5  web-3    i-0a11ce0000000003c  online   Amazon Linux…  us-east-1c  10.0.2.13
      6  win      i-0317d0000000008a1  online   Microsoft Wi…  us-east-1b  10.0.1.50
      7  legacy   i-01e9ac00000000070  offline  Ubuntu 18.04   us-east-1c  10.0.2.40
      8  batch    i-0ba7c40000000006f  stopped  Amazon Linux…  us-east-1b  10.0.1.30
    Numbers, or text to filter, Enter to cancel:
    === "\u{3}"

         NAME     ID                   STATUS   PLATFORM       ZONE        IP
      1  bastion  i-0ba5710000000005e  online   Amazon Linux…  us-east-1a  10.0.0.5
      2  db       i-0db0000000000004d  online   Amazon Linux…  us-east-1a  10.0.0.20
      3  web-1    i-0a11ce0000000001a  online   Amazon Linux…  us-east-1a  10.0.0.11
      4  web-2    i-0a11ce0000000002b  online   Amazon Linux…  us-east-1b  10.0.1.12
      5  web-3    i-0a11ce0000000003c  online   Amazon Linux…  us-east-1c  10.0.2.13
      6  win      i-0317d0000000008a1  online   Microsoft Wi…  us-east-1b  10.0.1.50
      7  legacy   i-01e9ac00000000070  offline  Ubuntu 18.04   us-east-1c  10.0.2.40
      8  batch    i-0ba7c40000000006f  stopped  Amazon Linux…  us-east-1b  10.0.1.30
    Numbers, or text to filter, Enter to cancel: ^C
    "#);
}

#[test]
fn several_numbers_are_several_instances() {
    let sandbox = TestSandbox::start();
    let mut pty = asked(&sandbox, &["--multi", "web"], ("TERM", "dumb"));
    pty.send("1, 3\n");
    assert_eq!(pty.wait().code(), Some(0), "{pty:?}");
    assert_snapshot!(pty.rows(), @"

         NAME     ID                   STATUS   PLATFORM       ZONE        IP
      1  web-1    i-0a11ce0000000001a  online   Amazon Linux…  us-east-1a  10.0.0.11
      2  web-2    i-0a11ce0000000002b  online   Amazon Linux…  us-east-1b  10.0.1.12
      3  web-3    i-0a11ce0000000003c  online   Amazon Linux…  us-east-1c  10.0.2.13
    Numbers, or text to filter, Enter to cancel: 1, 3
    i-0a11ce0000000001a
    i-0a11ce0000000003c
    ");
}
