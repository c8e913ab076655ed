//! The terminal room in a real pty. The program in the pty is this test binary itself, told by an environment variable
//! to play one of the children below.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use rustix::termios::{ControlModes, InputModes, LocalModes, OutputModes, SpecialCodeIndex};
use ssmx::bench::terminal::{EscapeKeys, Input, Output, RawMode, Typed, signals, size};

use crate::support::pty::Pty;

/// Names the child to play.
const CHILD: &str = "SSMX_TEST_CHILD";

/// What a full-screen program switches on.
const FULL_SCREEN: &[u8] = b"\x1b[?1049h\x1b[?1000;1006h\x1b[?2004h\x1b[?1h\x1b=\x1b[?25l\x1b[Hfull screen";

/// What other programs change, and what is sent when they are lost.
const CHANGES: [(&str, &str); 12] = [
    ("\x1b[?7l", "\x1b[?7h"),
    ("\x1b[4h", "\x1b[4l"),
    ("\x1b[?5h", "\x1b[?5l"),
    ("\x1b[2;5r", "\x1b7\x1b[r\x1b8"),
    ("\x1b[4 q", "\x1b[0 q"),
    ("\x1b[?2048h", "\x1b[?2048l"),
    ("\x1b[?2031h", "\x1b[?2031l"),
    ("\x1b[?2026h", "\x1b[?2026l"),
    ("\x1b[>5u", "\x1b[<1u"),
    ("\x1b[>4;2m", "\x1b[>4m"),
    ("\x1b)0\x0e", "\x0f\x1b)B"),
    ("\x1b]11;red\x1b\\", "\x1b]111\x1b\\"),
];

fn child(name: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(CHILD, name).args(["--exact", "terminal::child_in_the_pty", "--nocapture"]);
    command
}

/// Not a test: the other side of the tests below.
#[test]
fn child_in_the_pty() {
    let Ok(name) = std::env::var(CHILD) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    match name.as_str() {
        "session" => runtime.block_on(session(|| {})),
        "panicking session" => runtime.block_on(session(|| panic!("a mistake of ours"))),
        "size" => runtime.block_on(sizes()),
        "stubborn" => runtime.block_on(stubborn()),
        other => panic!("no child {other}"),
    }
    runtime.shutdown_background();
    std::process::exit(0);
}

/// Echoes what is typed until it is told to end; `!` starts a full-screen program, `#` does `at_hash`.
async fn session(at_hash: fn()) {
    let mut output = Output::stdout().unwrap();
    let mut input = Input::open().unwrap();
    let mut changes = size::Changes::listen().unwrap();
    let terminate = signals::terminate().unwrap();
    tokio::pin!(terminate);
    let mut keys = EscapeKeys::new(Some(b'~'));
    let mut raw = RawMode::enter().unwrap();
    output.write_all(b"\r\nready\r\n").await.unwrap();
    loop {
        let typed = tokio::select! {
            typed = input.read() => typed.unwrap(),
            size = changes.next() => {
                output.write_all(format!("\r\nresized {}x{}\r\n", size.cols, size.rows).as_bytes()).await.unwrap();
                continue;
            }
            signal = &mut terminate => {
                output.write_all(format!("\r\n{signal}\r\n").as_bytes()).await.unwrap();
                output.flush().await.unwrap();
                drop(raw);
                std::process::exit(signal.exit_code().into());
            }
        };
        assert!(!typed.is_empty(), "the terminal ended");
        for typed in keys.read(typed) {
            match typed {
                Typed::Data(data) if *data == *b"!" => output.write_all(FULL_SCREEN).await.unwrap(),
                Typed::Data(data) if *data == *b"@" => {
                    let changes: String = CHANGES.iter().map(|(change, _)| *change).collect();
                    output.write_all(format!("changed{changes}").as_bytes()).await.unwrap();
                }
                Typed::Data(data) if *data == *b"#" => {
                    output.flush().await.unwrap();
                    at_hash();
                }
                Typed::Data(data) => output.write_all(format!("<{}>", data.escape_ascii()).as_bytes()).await.unwrap(),
                Typed::Help => output.write_all(keys.help().as_bytes()).await.unwrap(),
                Typed::Suspend => {
                    output.flush().await.unwrap();
                    let size = raw.suspend().await.unwrap();
                    output.write_all(format!("\r\nback {size:?}\r\n").as_bytes()).await.unwrap();
                }
                Typed::Disconnect => {
                    output.flush().await.unwrap();
                    return;
                }
            }
        }
    }
}

async fn sizes() {
    let mut changes = size::Changes::listen().unwrap();
    let mut output = Output::stdout().unwrap();
    output.write_all(format!("start {:?}\n", changes.current()).as_bytes()).await.unwrap();
    loop {
        let size = changes.next().await;
        output.write_all(format!("now {size:?}\n").as_bytes()).await.unwrap();
    }
}

/// Takes its time to end.
async fn stubborn() {
    let terminate = signals::terminate().unwrap();
    let _raw = RawMode::enter().unwrap();
    let mut output = Output::stdout().unwrap();
    output.write_all(b"ready\r\n").await.unwrap();
    let signal = terminate.await;
    output.write_all(format!("{signal}, in a moment\r\n").as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_mins(10)).await;
}

fn start(name: &str) -> Pty {
    let pty = Pty::spawn(child(name), 80, 24);
    pty.wait_for_text("ready");
    pty
}

#[test]
fn raw_mode_passes_every_key_and_goes_with_the_session() {
    let mut pty = start("session");

    let raw = pty.termios();
    let local = LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG | LocalModes::IEXTEN;
    assert!(!raw.local_modes.intersects(local), "{raw:?}");
    assert!(!raw.output_modes.contains(OutputModes::OPOST), "{raw:?}");
    assert!(!raw.input_modes.intersects(InputModes::ICRNL | InputModes::IXON | InputModes::ISTRIP), "{raw:?}");
    assert!(raw.control_modes.contains(ControlModes::CS8), "{raw:?}");
    assert_eq!((raw.special_codes[SpecialCodeIndex::VMIN], raw.special_codes[SpecialCodeIndex::VTIME]), (1, 0));

    // Ctrl-C, Ctrl-D, Ctrl-O, Ctrl-Q, Ctrl-S, Ctrl-V, Ctrl-Y, Ctrl-Z, Ctrl-\, arrow up, DEL, a byte of no character.
    pty.send(b"\x03\x04\x0f\x11\x13\x16\x19\x1a\x1c\x1b[A\x7f\xff");
    pty.wait_for_text(r"<\x03\x04\x0f\x11\x13\x16\x19\x1a\x1c\x1b[A\x7f\xff>");

    pty.send(b"\r~.");
    assert!(pty.wait().success(), "{pty:?}");
    pty.assert_restored();
}

#[test]
fn a_paste_comes_whole() {
    let mut pty = start("session");
    let paste: Vec<u8> = (0..100_000u32).map(|n| b'a' + (n % 26) as u8).collect();
    pty.send(&paste);
    pty.send(b"\r~.");
    assert!(pty.wait().success(), "{pty:?}");
    let output = String::from_utf8(pty.raw_output()).unwrap();
    let echoed: String =
        output.split('<').skip(1).filter_map(|piece| piece.split_once('>')).map(|(text, _)| text).collect();
    assert!(echoed.as_bytes() == [&paste, r"\r".as_bytes()].concat(), "{} bytes came back", echoed.len());
    let pieces = output.matches('<').count();
    assert!(pieces <= 100, "the paste came in {pieces} pieces");
}

#[test]
fn a_session_lost_in_a_full_screen_program_leaves_a_usable_screen() {
    let mut pty = start("session");
    pty.send("!");
    pty.wait_for(|screen| screen.alternate_screen() && screen.hide_cursor(), "full-screen program");
    pty.send(b"\r~.");
    assert!(pty.wait().success(), "{pty:?}");
    pty.wait_for(
        |screen| {
            !screen.alternate_screen()
                && !screen.hide_cursor()
                && !screen.bracketed_paste()
                && !screen.application_cursor()
                && !screen.application_keypad()
                && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
        },
        "terminal at rest",
    );
    pty.assert_restored();
}

#[test]
fn whatever_a_lost_program_has_changed_is_changed_back() {
    let mut pty = start("session");
    pty.send("@");
    pty.wait_for_text("changed");
    pty.send(b"\r~.");
    assert!(pty.wait().success(), "{pty:?}");
    let output = String::from_utf8(pty.raw_output()).unwrap();
    let (_, farewell) = output.rsplit_once("<\\r>").expect("it was echoed");
    for (change, back) in CHANGES {
        assert!(farewell.contains(back), "{change:?} is left: {farewell:?}");
    }
    pty.assert_restored();
}

#[test]
fn nothing_is_sent_to_a_screen_that_is_at_rest() {
    let mut pty = start("session");
    pty.send(b"~.");
    assert!(pty.wait().success(), "{pty:?}");
    assert!(pty.raw_output().ends_with(b"ready\r\n"), "{:?}", String::from_utf8_lossy(&pty.raw_output()));
}

#[test]
fn a_panic_restores_the_terminal_before_it_speaks() {
    let mut pty = start("panicking session");
    pty.send("!");
    pty.wait_for_text("full screen");
    pty.send("#");
    let status = pty.wait();
    assert!(!status.success());
    pty.assert_restored();
    pty.wait_for(|screen| !screen.alternate_screen() && !screen.hide_cursor(), "terminal at rest");
    let output = String::from_utf8_lossy(&pty.raw_output()).into_owned();
    let farewell = output.find("\x1b[?1049l").expect("the screen was not restored");
    let message = output.find("a mistake of ours").expect("the panic was not reported");
    assert!(farewell < message, "{output:?}");
}

#[test]
fn signals_end_the_session_properly() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::INT, 130), (Signal::QUIT, 131)] {
        let mut pty = start("session");
        pty.send("!");
        pty.wait_for_text("full screen");
        pty.kill(signal);
        assert_eq!(pty.wait().code(), Some(code), "{signal:?} {pty:?}");
        pty.assert_restored();
        pty.wait_for(|screen| !screen.alternate_screen() && !screen.hide_cursor(), "terminal at rest");
    }
}

#[test]
fn a_second_signal_does_not_wait() {
    let mut pty = start("stubborn");
    pty.kill(Signal::TERM);
    pty.wait_for_text("SIGTERM, in a moment");
    pty.kill(Signal::HUP);
    pty.kill(Signal::INT);
    assert_eq!(pty.wait().code(), Some(130), "{pty:?}");
    pty.assert_restored();
}

#[test]
fn a_signal_that_was_ignored_at_the_start_stays_ignored() {
    if !cfg!(target_os = "linux") {
        // Other systems do not tell without unsafe code.
        return;
    }
    let child = child("session");
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(r#"trap "" HUP; exec "$@""#).arg("sh").arg(child.get_program()).args(child.get_args());
    shell.env(CHILD, "session");
    let mut pty = Pty::spawn(shell, 80, 24);
    pty.wait_for_text("ready");
    pty.kill(Signal::HUP);
    pty.send("still here");
    pty.wait_for_text("<still here>");
    pty.kill(Signal::TERM);
    assert_eq!(pty.wait().code(), Some(143), "{pty:?}");
}

/// A shell with job control that has started a session as a job.
fn shell_with_session(pipe: &str) -> Pty {
    let mut shell = Command::new("sh");
    shell.arg("-i").env("PS1", "prompt> ").env(CHILD, "session").env_remove("ENV");
    let mut pty = Pty::spawn(shell, 80, 24);
    pty.wait_for_text("prompt> ");
    let program = std::env::current_exe().unwrap();
    pty.send(format!("clear; '{}' --exact terminal::child_in_the_pty --nocapture {pipe}\n", program.display()));
    pty.wait_for_text("ready");
    pty.wait_for_raw(true);
    pty
}

fn has_prompt(screen: &vt100::Screen) -> bool {
    screen.contents().trim_end().ends_with("prompt>")
}

#[test]
fn a_suspended_session_gives_the_terminal_back_and_takes_it_again() {
    let mut pty = shell_with_session("");
    pty.send("!");
    pty.wait_for_text("full screen");

    pty.send(b"\r~\x1a");
    pty.wait_for(|screen| !screen.alternate_screen() && !screen.hide_cursor(), "the shell's screen");
    pty.wait_for(has_prompt, "prompt");
    pty.resize(100, 30);
    pty.send("echo a$((20 + 22))b\n");
    pty.wait_for_text("a42b");

    pty.send("fg\n");
    pty.wait_for_text("back Some(Size { cols: 100, rows: 30 })");
    pty.wait_for(|screen| screen.alternate_screen() && screen.hide_cursor() && screen.bracketed_paste(), "modes again");
    pty.wait_for_raw(true);
    pty.send("typed");
    pty.wait_for_text("<typed>");

    pty.send(b"\r~.");
    pty.wait_for(has_prompt, "prompt at the end");
    pty.send("exit 7\n");
    assert_eq!(pty.wait().code(), Some(7), "{pty:?}");
}

#[test]
fn a_suspension_stops_the_whole_pipeline() {
    let mut pty = shell_with_session("| cat");
    pty.send(b"~\x1a");
    pty.wait_for(has_prompt, "prompt");
    pty.send("fg\n");
    pty.wait_for_text("back Some(");
    pty.wait_for_raw(true);
    pty.send(b"\r~.");
    pty.wait_for(has_prompt, "prompt at the end");
}

#[test]
fn raw_mode_comes_back_after_a_stop_from_outside() {
    let mut pty = shell_with_session("");
    let foreground = rustix::termios::tcgetpgrp(pty.control()).unwrap();
    rustix::process::kill_process_group(foreground, Signal::STOP).unwrap();
    pty.wait_for(has_prompt, "prompt");
    pty.send("stty sane; clear\n");
    pty.wait_for_raw(false);
    pty.send("fg\n");
    pty.wait_for_raw(true);
    pty.send("typed");
    pty.wait_for_text("<typed>");
}

#[test]
fn where_nobody_could_continue_us_a_suspension_is_a_pause() {
    // The leader of a session belongs to an orphaned process group, which the system does not stop.
    let mut pty = start("session");
    pty.send(b"~\x1a");
    pty.wait_for_text("back Some(Size { cols: 80, rows: 24 })");
    pty.wait_for_raw(true);
    pty.kill(Signal::TERM);
    assert_eq!(pty.wait().signal(), None);
    pty.assert_restored();
}

#[test]
fn the_size_and_its_changes_are_known() {
    let pty = Pty::spawn(child("size"), 132, 50);
    pty.wait_for_text("start Some(Size { cols: 132, rows: 50 })");
    pty.resize(90, 20);
    pty.wait_for_text("now Size { cols: 90, rows: 20 }");
    pty.resize(91, 21);
    pty.wait_for_text("now Size { cols: 91, rows: 21 }");
}
