//! Every byte that is typed reaches the remote program, every byte that it writes reaches the screen.

use super::{PROMPT, leave, open, run_raw};
use crate::support::pty::Pty;
use crate::support::sandbox::TestSandbox;

fn prompts(screen: &vt100::Screen) -> usize {
    screen.contents().matches(PROMPT.trim_end()).count()
}

/// Types, and returns what a remote program that reads every byte has read, in hexadecimal.
fn read_remotely(pty: &mut Pty, typed: &[u8]) -> String {
    run_raw(pty, &format!("dd bs=1 count={} 2>/dev/null | od -An -v -tx1", typed.len()));
    pty.send(typed);
    pty.wait_for_text("over");
    let contents = pty.contents();
    let (_, dump) = contents.rsplit_once("ready\n").unwrap();
    let (dump, _) = dump.split_once("over").unwrap();
    dump.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

#[test]
fn an_interrupt_is_for_the_remote_program() {
    let sandbox = TestSandbox::start();
    let mut pty = open(&sandbox);
    // It is in the foreground when it says so.
    pty.send("sh -c 'echo st\"\"arted; exec sleep 1000'\r");
    pty.wait_for_text("started");
    pty.send("\x03");
    pty.wait_for(|screen| prompts(screen) == 2, "second prompt");
    pty.send("echo al''ive\r");
    pty.wait_for_text("alive");
    leave(pty);
}

#[test]
fn a_suspension_and_an_end_of_file_are_for_the_remote_program() {
    let sandbox = TestSandbox::start();
    let mut pty = open(&sandbox);
    pty.send("sh -c 'echo st\"\"arted; exec cat'\r");
    pty.wait_for_text("started");
    pty.send("\x1a");
    pty.wait_for(|screen| prompts(screen) == 2, "second prompt");
    pty.send("fg; echo en''ded\r");
    pty.wait_for_text("fg; echo");
    pty.send("lin''e\r");
    pty.wait_for(|screen| screen.contents().matches("lin''e").count() == 2, "line and its copy");
    pty.send("\x04");
    pty.wait_for_text("ended");
    pty.send("\x04");
    assert_eq!(pty.wait().code(), Some(0), "{pty:?}");
    pty.assert_restored();
}

#[test]
fn all_bytes_reach_a_remote_program_that_reads_raw() {
    let sandbox = TestSandbox::start();
    let mut pty = open(&sandbox);
    let all: Vec<u8> = (0..=255).collect();
    assert_eq!(read_remotely(&mut pty, &all), hex(&all), "{pty:?}");
    leave(pty);
}

#[test]
fn keys_that_a_terminal_could_keep_for_itself_are_passed_one_by_one() {
    let sandbox = TestSandbox::start();
    let mut pty = open(&sandbox);
    // Ctrl-C, Ctrl-D, Ctrl-O, Ctrl-Q, Ctrl-R, Ctrl-S, Ctrl-V, Ctrl-W, Ctrl-Y, Ctrl-Z, Ctrl-\, Ctrl-], DEL.
    let keys = b"\x03\x04\x0f\x11\x12\x13\x16\x17\x19\x1a\x1c\x1d\x7f";
    run_raw(&mut pty, &format!("for i in $(seq {}); do dd bs=1 count=1 2>/dev/null | od -An -tx1; done", keys.len()));
    for key in keys {
        pty.send([*key]);
        pty.wait_for_text(&format!(" {key:02x}"));
    }
    pty.wait_for_text("over");
    leave(pty);
}

#[test]
fn sequences_of_keys_mouse_and_paste_and_characters_of_all_lengths_arrive_as_typed() {
    let sandbox = TestSandbox::start();
    let mut pty = open(&sandbox);
    let typed =
        "\x1b[A\x1b[1;5D\x1bOP\x1b[3~\x1b[<0;12;7M\x1b[<0;12;7m\x1b[200~pasted\rtext\x1b[201~\x1b[I\x1bxé€𝄞e\u{301}";
    assert_eq!(read_remotely(&mut pty, typed.as_bytes()), hex(typed.as_bytes()), "{pty:?}");
    leave(pty);
}

#[test]
fn characters_of_all_lengths_are_shown_as_written() {
    let sandbox = TestSandbox::start();
    let mut pty = open(&sandbox);
    pty.send("yes 'a é € 𝄞' | head -n 5000; echo ov''er\r");
    pty.wait_for_text("over");
    let expected = "a é € 𝄞\r\n".repeat(5000) + "over\r\n";
    let output = String::from_utf8(pty.raw_output()).unwrap();
    assert!(output.contains(&expected), "{} bytes came", output.len());
    leave(pty);
}

#[test]
fn control_characters_are_shown_as_written() {
    let sandbox = TestSandbox::start();
    let mut pty = open(&sandbox);
    let all: Vec<u8> = (0..0x80).collect();
    let octal: String = all.iter().map(|byte| format!("\\0{byte:03o}")).collect();
    pty.send(format!("stty -opost; printf 'fr%bto' 'om{octal}'; stty opost\r"));
    let expected = [b"from", &all[..], b"to"].concat();
    pty.wait_for_output(|output| output.windows(expected.len()).any(|window| window == expected), "all of them");
    leave(pty);
}
