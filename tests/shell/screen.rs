//! Full-screen programs.

use super::{PROMPT, leave, open};
use crate::support::sandbox::TestSandbox;

/// Draws a frame of the size of the terminal on the alternate screen, again at each resize, until a key is hit.
const PROGRAM: &str = r#"
draw() {
    set -- $(stty size)
    printf '\033[2J\033[1;1Htop left'
    printf '\033[%d;%dHbottom right' "$1" $(($2 - 11))
    printf '\033[2;1H%s by %s' "$2" "$1"
}
trap draw WINCH
modes=$(stty -g)
stty raw -echo isig
printf '\033[?1049h\033[?1000h\033[?1006h\033[?2004h\033[?1h\033=\033[?25l'
draw
(dd bs=1 count=1 2>/dev/null >key; kill $$) </dev/tty &
trap 'over=1' TERM
over=
while [ -z "$over" ]; do wait; done
printf '\033[?25h\033>\033[?1l\033[?2004l\033[?1006l\033[?1000l\033[?1049l'
stty "$modes"
"#;

fn is_drawn(screen: &vt100::Screen, cols: u16, rows: u16) -> bool {
    let lines: Vec<_> = screen.rows(0, cols).collect();
    screen.alternate_screen()
        && screen.hide_cursor()
        && lines[0] == "top left"
        && lines[1] == format!("{cols} by {rows}")
        && lines[usize::from(rows) - 1].ends_with("bottom right")
}

#[test]
fn a_full_screen_program_draws_follows_the_size_and_leaves_nothing() {
    let sandbox = TestSandbox::start();
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("program");
    std::fs::write(&program, PROGRAM).unwrap();

    let mut pty = open(&sandbox);
    pty.send("echo bef''ore\r");
    pty.wait_for_text("before");
    pty.send(format!("sh {}\r", program.display()));
    pty.wait_for(|screen| is_drawn(screen, 80, 24), "frame");
    assert!(!pty.contents().contains("before"), "{pty:?}");
    pty.wait_for(
        |screen| screen.application_cursor() && screen.application_keypad() && screen.bracketed_paste(),
        "modes",
    );

    pty.resize(100, 30);
    pty.wait_for(|screen| is_drawn(screen, 100, 30), "frame in the new size");

    pty.send("q");
    pty.wait_for(
        |screen| {
            !screen.alternate_screen()
                && !screen.hide_cursor()
                && !screen.bracketed_paste()
                && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
                && screen.contents().matches(PROMPT.trim_end()).count() == 3
        },
        "screen as it was",
    );
    pty.send("echo aft''er\r");
    pty.wait_for_text("after");
    leave(pty);
}

#[test]
fn what_a_session_shows_last_comes_before_the_terminal_is_restored() {
    let sandbox = TestSandbox::start();
    let mut pty = open(&sandbox);
    // A full-screen program, and its shell, are gone at once, with much to show.
    pty.send("printf '\\033[?1049h\\033[?25l'; seq 1 30000; printf 'la''st'; kill -9 $$\r");
    pty.wait();
    let output = String::from_utf8_lossy(&pty.raw_output()).into_owned();
    let shown = output.rfind("last").unwrap_or_else(|| panic!("{pty:?}"));
    let farewell = output.rfind("\x1b[?1049l").unwrap_or_else(|| panic!("{pty:?}"));
    assert!(output.contains("\n29999\r\n30000\r\nlast") && shown < farewell, "{pty:?}");
    pty.assert_restored();
}
