//! A program in a pty, with a terminal that understands what it draws.

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZero;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use pty_process::Size;
use pty_process::blocking;
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{LocalModes, Termios, tcgetattr};

use super::waiting::{end_of, polled};
use super::{DEADLINE, snapshot};

/// A program in a pty of its own. The program is killed when this is dropped.
pub(crate) struct Pty {
    control: blocking::Pty,
    input: File,
    child: Child,
    before: Termios,
    screen: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    parser: vt100::Parser,
    raw: Vec<u8>,
    ended: bool,
}

impl Pty {
    /// Starts the program as the leader of a session that has the pty as its controlling terminal.
    pub(crate) fn spawn(command: Command, cols: u16, rows: u16) -> Self {
        let (control, terminal) = blocking::open().unwrap();
        control.resize(Size::new(rows, cols)).unwrap();
        let before = tcgetattr(&terminal).unwrap();
        let child = blocking::Command::from(command).spawn(terminal).unwrap();
        let output = File::from(rustix::io::dup(&control).unwrap());
        let input = File::from(rustix::io::dup(&control).unwrap());

        let state =
            State { parser: vt100::Parser::new(nonzero(rows), nonzero(cols), 0), raw: Vec::new(), ended: false };
        let screen = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let for_thread = Arc::clone(&screen);
        thread::spawn(move || for_thread.follow(output));
        Self { control, input, child, before, screen }
    }

    /// Types.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.input.write_all(bytes.as_ref()).unwrap();
    }

    /// Whether the screen is as described, now or within the time.
    pub(crate) fn sees_within(&self, time: Duration, is: impl Fn(&vt100::Screen) -> bool) -> bool {
        is(self.screen.wait(time, |state| is(state.parser.screen())).parser.screen())
    }

    /// Waits until the screen is as described; panics with the screen when it does not come to that.
    #[track_caller]
    pub(crate) fn wait_for(&self, is: impl Fn(&vt100::Screen) -> bool, what: &str) {
        self.screen.wait_for(|state| is(state.parser.screen()), what);
    }

    /// Waits until the text is on the screen.
    #[track_caller]
    pub(crate) fn wait_for_text(&self, text: &str) {
        self.wait_for(|screen| screen.contents().contains(text), &format!("{text:?}"));
    }

    /// Waits until all that was sent to the terminal is as described; panics with the screen when it does not come to
    /// that.
    #[track_caller]
    pub(crate) fn wait_for_output(&self, is: impl Fn(&[u8]) -> bool, what: &str) {
        self.screen.wait_for(|state| is(&state.raw), what);
    }

    /// Waits until the terminal is raw, or is not.
    #[track_caller]
    pub(crate) fn wait_for_raw(&self, raw: bool) {
        let came = polled(|| is_raw(&self.termios()) == raw);
        assert!(came, "the terminal is not {}; {self:?}", if raw { "raw" } else { "cooked" });
    }

    /// Waits until the terminal no longer echoes by itself what is typed, as a question does while it waits for a key.
    /// What is typed before that may stay on the screen.
    #[track_caller]
    pub(crate) fn wait_for_no_echo(&self) {
        let came = polled(|| !self.termios().local_modes.contains(LocalModes::ECHO));
        assert!(came, "the terminal goes on to echo; {self:?}");
    }

    /// The modes of the pty.
    pub(crate) fn termios(&self) -> Termios {
        tcgetattr(&self.control).unwrap()
    }

    /// The controlling side of the pty.
    pub(crate) fn control(&self) -> &blocking::Pty {
        &self.control
    }

    /// Panics unless the modes of the pty are what they were before the program started.
    #[track_caller]
    pub(crate) fn assert_restored(&self) {
        assert_eq!(format!("{:?}", self.termios()), format!("{:?}", self.before), "{self:?}");
    }

    /// The text on the screen as it is; in a snapshot, see `text` and `rows`.
    pub(crate) fn contents(&self) -> String {
        self.screen.lock().parser.screen().contents()
    }

    /// The rows of the screen, for a snapshot of a layout: a line that did not fit takes several.
    pub(crate) fn rows(&self) -> String {
        snapshot::rows(self.screen.lock().parser.screen())
    }

    /// Every byte that was sent to the terminal.
    pub(crate) fn raw_output(&self) -> Vec<u8> {
        self.screen.lock().raw.clone()
    }

    /// Changes the size; the program gets SIGWINCH.
    pub(crate) fn resize(&self, cols: u16, rows: u16) {
        self.screen.lock().parser.screen_mut().set_size(nonzero(rows), nonzero(cols));
        self.control.resize(Size::new(rows, cols)).unwrap();
    }

    /// Sends a signal to the program, not to its children.
    pub(crate) fn kill(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end of the program, and for all that it wrote.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let ended = end_of(&mut self.child);
        let status = ended.unwrap_or_else(|| panic!("the program does not end; {self:?}"));
        // Its children may still have the terminal; then there is no end to wait for.
        drop(self.screen.wait(Duration::from_secs(1), |_| false));
        status
    }
}

impl std::fmt::Debug for Pty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the screen:\n{}\n---", self.contents())
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Waits until it is as described, but no longer than this, nor than until nothing more can come.
    fn wait(&self, time: Duration, is: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let goes_on = |state: &mut State| !state.ended && !is(state);
        self.changed.wait_timeout_while(self.lock(), time, goes_on).unwrap().0
    }

    #[track_caller]
    fn wait_for(&self, is: impl Fn(&State) -> bool, what: &str) {
        let state = self.wait(DEADLINE, &is);
        if !is(&state) {
            let ended = if state.ended { " (the program has ended)" } else { "" };
            panic!("no {what}{ended}; the screen:\n{}\n---", state.parser.screen().contents());
        }
    }

    fn follow(&self, mut output: File) {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            // Linux ends a pty with EIO.
            let read = output.read(&mut buffer).unwrap_or(0);
            let mut state = self.lock();
            state.parser.process(&buffer[..read]);
            state.raw.extend_from_slice(&buffer[..read]);
            state.ended = read == 0;
            self.changed.notify_all();
            if read == 0 {
                return;
            }
        }
    }
}

/// Whether any part of raw mode is on.
pub(crate) fn is_raw(termios: &Termios) -> bool {
    use rustix::termios::{InputModes, OutputModes};
    !termios.local_modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG | LocalModes::IEXTEN)
        || !termios.output_modes.contains(OutputModes::OPOST)
        || !termios.input_modes.contains(InputModes::ICRNL)
}

fn nonzero(cells: u16) -> NonZero<u16> {
    NonZero::new(cells).expect("a terminal has at least one cell")
}
