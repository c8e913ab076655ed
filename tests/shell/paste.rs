//! Large pastes.

use std::path::Path;

use super::{leave, open, run_raw};
use crate::support::pty::Pty;
use crate::support::sandbox::TestSandbox;

/// 100 KB of lines, with what would be escape keys if somebody typed it.
fn text() -> Vec<u8> {
    let lines = (0..).flat_map(|number| format!("~.{number} a line of a long text\r").into_bytes());
    lines.take(100_000).collect()
}

/// Pastes into a remote program that writes all of it to a file.
fn paste(pty: &mut Pty, bytes: &[u8], file: &Path) {
    run_raw(pty, &format!("head -c {} >{}", bytes.len(), file.display()));
    pty.send(bytes);
    pty.wait_for_text("over");
}

#[test]
fn a_paste_of_100_kb_arrives_whole() {
    let sandbox = TestSandbox::start();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("pasted");
    let mut pty = open(&sandbox);
    let text: Vec<u8> = text().into_iter().map(|byte| if byte == b'~' { b'=' } else { byte }).collect();
    paste(&mut pty, &text, &file);
    assert!(std::fs::read(&file).unwrap() == text, "{pty:?}");
    leave(pty);
}

#[test]
fn a_bracketed_paste_of_100_kb_arrives_whole_and_has_no_escape_keys() {
    let sandbox = TestSandbox::start();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("pasted");
    let mut pty = open(&sandbox);
    let text = [b"\x1b[200~\r", &text()[..], b"\x1b[201~"].concat();
    paste(&mut pty, &text, &file);
    assert!(std::fs::read(&file).unwrap() == text, "{pty:?}");
    leave(pty);
}

#[test]
fn a_paste_into_a_line_editor_is_echoed_and_taken() {
    let sandbox = TestSandbox::start();
    let mut pty = open(&sandbox);
    let lines: String = (1..=2000).map(|number| format!("n=$((n+{number}))\r")).collect();
    pty.send(lines);
    pty.send("echo su''m: $n\r");
    pty.wait_for_text("sum: 2001000");
    leave(pty);
}
