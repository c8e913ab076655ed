//! Programs with piped standard streams and a deadline.

use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, mpsc};
use std::thread;

use super::DEADLINE;
use super::waiting::end_of;

/// What a program left.
#[derive(Debug)]
#[must_use = "look at the status or the output"]
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

impl Finished {
    /// The exit code; panics with the output if a signal ended the program.
    pub(crate) fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| panic!("ended by a signal: {self:?}"))
    }

    /// Standard output as text.
    pub(crate) fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error as text.
    pub(crate) fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

/// The ssmx under test, without the AWS and ssmx settings of whoever runs the test.
pub(crate) fn ssmx() -> Command {
    #[cfg(unix)]
    super::signals::reset_ignored();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ssmx"));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["AWS_", "SSMX_"].iter().any(|prefix| text.starts_with(prefix)) || text.to_lowercase().ends_with("_proxy") {
            command.env_remove(&name);
        }
    }
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    command.env("XDG_CONFIG_HOME", "/nowhere");
    // Nothing is remembered from one test to the next: there can be no folder of this name.
    command.env("SSMX_CACHE_DIR", "/dev/null/nowhere");
    command
}

/// Runs a program to its end with nothing to read.
pub(crate) fn run(command: &mut Command) -> Finished {
    run_with_input(command, b"")
}

/// Runs a program to its end. Panics, and kills it, when that takes longer than [`DEADLINE`].
pub(crate) fn run_with_input(command: &mut Command, input: &[u8]) -> Finished {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // A program that does not read its input is no failure here.
    thread::spawn(move || drop(stdin.write_all(&input)));
    let stdout = collect(child.stdout.take().unwrap());
    let stderr = collect(child.stderr.take().unwrap());

    let (Ok(stdout), Ok(stderr)) = (stdout.recv_timeout(DEADLINE), stderr.recv_timeout(DEADLINE)) else {
        let _ = child.kill();
        panic!("{command:?} did not end in time");
    };
    let Some(status) = end_of(&mut child) else {
        let _ = child.kill();
        panic!("{command:?} closed its streams and did not end in time");
    };
    Finished { status, stdout, stderr }
}

/// A program that runs, whose output is collected meanwhile. It is killed when this is dropped.
pub(crate) struct Running {
    child: Child,
    heard: Arc<Heard>,
}

/// What a program wrote, and a bell that rings when there is more.
struct Heard {
    so_far: Mutex<SoFar>,
    changed: Condvar,
}

struct SoFar {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// How many of the two streams can still bring something.
    open: u8,
}

impl Running {
    /// Starts a program with nothing to read.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let so_far = SoFar { stdout: Vec::new(), stderr: Vec::new(), open: 2 };
        let heard = Arc::new(Heard { so_far: Mutex::new(so_far), changed: Condvar::new() });
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (for_stdout, for_stderr) = (Arc::clone(&heard), Arc::clone(&heard));
        thread::spawn(move || for_stdout.follow(stdout, |so_far| &mut so_far.stdout));
        thread::spawn(move || for_stderr.follow(stderr, |so_far| &mut so_far.stderr));
        Self { child, heard }
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Standard output so far.
    pub(crate) fn out(&self) -> String {
        self.heard.lock().out()
    }

    /// Standard error so far.
    pub(crate) fn err(&self) -> String {
        self.heard.lock().err()
    }

    /// Waits until standard output has the text.
    #[track_caller]
    pub(crate) fn wait_for_out(&self, text: &str) {
        self.heard.wait_for(|so_far| so_far.out().contains(text), &format!("{text:?} on standard output"));
    }

    /// Waits until standard error has the text.
    #[track_caller]
    pub(crate) fn wait_for_err(&self, text: &str) {
        self.heard.wait_for(|so_far| so_far.err().contains(text), &format!("{text:?} on standard error"));
    }

    /// Waits until standard output has so many lines.
    #[track_caller]
    pub(crate) fn wait_for_lines(&self, count: usize) {
        self.heard.wait_for(|so_far| so_far.out().lines().count() >= count, &format!("{count} lines"));
    }

    /// Sends a signal.
    #[cfg(unix)]
    pub(crate) fn kill(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Finished {
        let ended = end_of(&mut self.child);
        let status = ended.unwrap_or_else(|| panic!("it does not end:\n{}---\n{}", self.out(), self.err()));
        self.heard.wait_for(|so_far| so_far.open == 0, "end of what it wrote");
        let mut so_far = self.heard.lock();
        Finished { status, stdout: std::mem::take(&mut so_far.stdout), stderr: std::mem::take(&mut so_far.stderr) }
    }
}

impl Heard {
    fn lock(&self) -> MutexGuard<'_, SoFar> {
        self.so_far.lock().unwrap()
    }

    /// Waits until what was written is as described; panics with it when it does not come to that.
    #[track_caller]
    fn wait_for(&self, is: impl Fn(&SoFar) -> bool, what: &str) {
        let goes_on = |so_far: &mut SoFar| so_far.open > 0 && !is(so_far);
        let so_far = self.changed.wait_timeout_while(self.lock(), DEADLINE, goes_on).unwrap().0;
        if !is(&so_far) {
            let ended = if so_far.open == 0 { " (nothing more can come)" } else { "" };
            panic!("no {what}{ended}:\n{}---\n{}", so_far.out(), so_far.err());
        }
    }

    fn follow(&self, mut stream: impl Read, all: fn(&mut SoFar) -> &mut Vec<u8>) {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = stream.read(&mut buffer).unwrap_or(0);
            let mut so_far = self.lock();
            all(&mut so_far).extend_from_slice(&buffer[..read]);
            so_far.open -= u8::from(read == 0);
            self.changed.notify_all();
            if read == 0 {
                return;
            }
        }
    }
}

impl SoFar {
    fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(mut stream: impl Read + Send + 'static) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut all = Vec::new();
        let _ = stream.read_to_end(&mut all);
        let _ = sender.send(all);
    });
    receiver
}
