//! The picker in a real pty, against the sandbox.

mod commands;
mod keys;
mod leaving;
mod many;
mod plain;
mod recent;
mod screens;

use std::cell::RefCell;
use std::process::Command;

use crate::support::pty::Pty;
use crate::support::sandbox::TestSandbox;
use crate::support::snapshot;

/// `ssmx pick`, in a terminal that can draw.
fn pick(sandbox: &TestSandbox, args: &[&str]) -> Command {
    let mut command = sandbox.ssmx();
    command.arg("pick").args(args).env("TERM", "xterm-256color").env("NO_COLOR", "1");
    command
}

/// Starts it in a terminal of 80 to 24, and waits until all that there is was found.
#[track_caller]
fn open(command: Command) -> Pty {
    let pty = Pty::spawn(command, 80, 24);
    wait_until_idle(&pty);
    pty
}

/// Waits until nothing is looked for any more.
#[track_caller]
fn wait_until_idle(pty: &Pty) {
    pty.wait_for(is_idle, "list that is complete");
}

fn is_idle(screen: &vt100::Screen) -> bool {
    let first = line(screen, 0);
    screen.alternate_screen()
        && first.starts_with('>')
        && first.split_whitespace().last().is_some_and(is_count)
        && !line(screen, 2).is_empty()
}

/// Waits until the screen is as described, and returns the whole of it, for a snapshot.
#[track_caller]
fn whole(pty: &Pty, is: impl Fn(&vt100::Screen) -> bool, what: &str) -> String {
    let shown = RefCell::default();
    // The cursor is hidden while a frame is drawn.
    let is_drawn = |screen: &vt100::Screen| {
        let is_drawn = !screen.hide_cursor() && is(screen);
        if is_drawn {
            shown.replace(snapshot::rows(screen));
        }
        is_drawn
    };
    pty.wait_for(is_drawn, what);
    shown.into_inner()
}

/// Whether this is `3`, `3/8`, or the end of `3 marked`; while something is looked for, more stands behind it.
fn is_count(word: &str) -> bool {
    word == "marked" || word.split('/').all(|number| number.parse::<usize>().is_ok())
}

/// A line of the screen, without the blanks at its end.
fn line(screen: &vt100::Screen, number: u16) -> String {
    let (_, cols) = screen.size();
    screen.contents_between(number, 0, number, cols.get()).trim_end().to_owned()
}

/// Waits until the instance that one stands on has this name.
#[track_caller]
fn wait_for_selected(pty: &Pty, name: &str) {
    let is = |screen: &vt100::Screen| selected(screen).is_some_and(|line| line.contains(name));
    pty.wait_for(is, &format!("selection of {name}"));
}

/// The line of the instance that one stands on.
fn selected(screen: &vt100::Screen) -> Option<String> {
    let (rows, _) = screen.size();
    (1..rows.get()).map(|number| line(screen, number)).find(|line| line.starts_with('>'))
}

/// Waits for how many match of how many.
#[track_caller]
fn wait_for_counts(pty: &Pty, counts: &str) {
    pty.wait_for(|screen| line(screen, 0).split_whitespace().any(|word| word == counts), counts);
}

/// Waits for the end with a code, and sees to it that the terminal is as it was.
#[track_caller]
fn ends_with(pty: &mut Pty, code: i32) {
    assert_eq!(pty.wait().code(), Some(code), "{pty:?}");
    pty.assert_restored();
    pty.wait_for_at_rest();
}

trait AtRest {
    fn wait_for_at_rest(&self);
}

impl AtRest for Pty {
    #[track_caller]
    fn wait_for_at_rest(&self) {
        let output = self.raw_output();
        let mut parser = vt100::Parser::new(24.try_into().unwrap(), 80.try_into().unwrap(), 0);
        parser.process(&output);
        let screen = parser.screen();
        assert!(
            !screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste(),
            "the terminal is not at rest: {self:?}"
        );
    }
}
