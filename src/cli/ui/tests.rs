use super::*;
use crate::testing::Written;

fn ui(quiet: bool, colored: bool) -> (Ui, Written) {
    let written = Written::default();
    (Ui::with_screen(Screen::new(stream(written.clone(), colored), false), quiet, colored), written)
}

#[test]
fn an_error_says_what_why_and_what_next() {
    let (ui, written) = ui(false, false);
    ui.error(&CliError::failed("it did not work\nat all").cause("the cable").hint("plug it in"));
    assert_eq!(written.text(), "error: it did not work\n  at all\ncaused by: the cable\nhint: plug it in\n");
}

#[test]
fn quiet_leaves_warnings_and_errors() {
    let (ui, written) = ui(true, false);
    ui.status("s");
    ui.notice("n");
    ui.hint("h");
    ui.warning("w");
    ui.error(&CliError::failed("e").hint("help"));
    assert_eq!(written.text(), "warning: w\nerror: e\nhint: help\n");
}

#[test]
fn colours_are_around_the_label_only() {
    let (ui, written) = ui(false, true);
    ui.warning("w");
    let text = written.text();
    assert!(text.starts_with("\x1b[1m\x1b[33mwarning:\x1b[0m w"), "{text:?}");
}

#[test]
fn names_from_elsewhere_cannot_command_the_terminal() {
    let (ui, written) = ui(false, false);
    ui.notice("web\x1b]0;owned\x07\u{9b}31m\r\tü\u{202e}");
    assert_eq!(written.text(), "ssmx: web\\u{1b}]0;owned\\u{7}\\u{9b}31m\\r\tü\\u{202e}\n");
}

#[test]
fn a_message_is_no_longer_than_a_screen() {
    let (ui, written) = ui(false, false);
    ui.error(&CliError::failed("the session failed").cause("x\n".repeat(1_000)));
    let text = written.text();
    assert_eq!(text.lines().count(), 1 + 24);
    assert!(text.ends_with("  x… (1952 more characters; the log has them: `--log-file`)\n"), "{text}");
}

#[test]
fn a_message_is_written_in_one_piece() {
    for colored in [false, true] {
        let (ui, written) = ui(false, colored);
        ui.screen().hold();
        ui.notice("first\nsecond");
        assert_eq!(written.pieces(), 1);
    }
}

#[test]
fn a_reader_that_went_away_is_no_news() {
    let (ui, written) = ui(false, false);
    ui.error(&CliError::stdout(&io::ErrorKind::BrokenPipe.into()));
    assert_eq!(written.text(), "");
}
