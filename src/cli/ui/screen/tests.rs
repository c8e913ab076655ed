use super::*;
use crate::testing::Written;

fn screen(is_terminal: bool) -> (Screen, Written) {
    let written = Written::default();
    (Screen::new(Box::new(written.clone()), is_terminal), written)
}

#[test]
fn a_raw_terminal_gets_messages_but_no_log_until_it_is_given_back() {
    let (mut screen, written) = screen(true);
    screen.hold();
    screen.log(b"a trace\n");
    screen.message("the connection was cut");
    assert_eq!(written.text(), "\r\nthe connection was cut\r\n");
    screen.release();
    assert_eq!(written.text(), "\r\nthe connection was cut\r\na trace\n");
    screen.log(b"another\n");
    assert!(written.text().ends_with("a trace\nanother\n"));
}

#[test]
fn a_raw_terminal_shows_nothing_that_is_waited_for() {
    let (mut screen, written) = screen(true);
    screen.wait(Some("connecting".into()));
    screen.hold();
    screen.wait(Some("still".into()));
    screen.wait(None);
    assert_eq!(written.text(), "connecting\r          \r");
    screen.release();
    screen.wait(Some("ending".into()));
    assert_eq!(written.text(), "connecting\r          \rending");
}

#[test]
fn the_kept_log_is_bounded_and_says_what_it_lost() {
    let (mut screen, written) = screen(true);
    screen.hold();
    for n in 0..MAX_HELD / 100 + 10 {
        screen.log(format!("{n:99}\n").as_bytes());
    }
    assert!(screen.held_bytes <= MAX_HELD);
    screen.release();
    let text = written.text();
    let kept = MAX_HELD / 100;
    assert!(text.starts_with("(10 earlier lines of the log were dropped)\n"), "{}", &text[..80]);
    assert_eq!(text.lines().count(), kept + 1);
    assert_eq!(text.lines().last().unwrap().trim(), (kept + 9).to_string());
}

#[test]
fn a_file_gets_the_log_as_it_comes() {
    let (mut screen, written) = screen(false);
    screen.hold();
    screen.log(b"a trace\n");
    screen.message("a message");
    screen.wait(Some("waiting".into()));
    assert_eq!(written.text(), "a trace\na message\n");
}

#[test]
fn the_waiting_line_gives_way_and_goes() {
    let (mut screen, written) = screen(true);
    screen.wait(Some("connecting".into()));
    screen.message("a message");
    screen.wait(None);
    assert_eq!(written.text(), "connecting\r          \ra message\nconnecting\r          \r");
}

#[test]
fn a_program_that_asks_has_the_last_line_for_itself() {
    let (mut screen, written) = screen(true);
    screen.wait(Some("reading".into()));
    screen.lend();
    let lent = written.text();
    assert_eq!(lent, "reading\r       \r");
    screen.lend();
    screen.wait(Some("still reading".into()));
    screen.take_back();
    screen.wait(Some("and still".into()));
    assert_eq!(written.text(), lent, "nothing is drawn while one of them asks");
    screen.take_back();
    screen.wait(None);
    assert_eq!(written.text(), format!("{lent}and still\r         \r"));
}
