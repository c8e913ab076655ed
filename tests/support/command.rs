//! Programs with piped standard streams and a deadline.

use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use super::DEADLINE;

/// How often states are asked for that nobody tells of.
const POLL: Duration = Duration::from_millis(5);

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
    Finished { status: child.wait().unwrap(), stdout, stderr }
}

/// A program that runs, whose output is collected meanwhile. It is killed when this is dropped.
pub(crate) struct Running {
    child: Child,
    stdout: Arc<Mutex<Vec<u8>>>,
    stderr: Arc<Mutex<Vec<u8>>>,
    readers: Vec<thread::JoinHandle<()>>,
}

impl Running {
    /// Starts a program with nothing to read.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (stdout, out) = follow(child.stdout.take().unwrap());
        let (stderr, err) = follow(child.stderr.take().unwrap());
        Self { child, stdout, stderr, readers: vec![out, err] }
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Standard output so far.
    pub(crate) fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout.lock().unwrap()).into_owned()
    }

    /// Standard error so far.
    pub(crate) fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr.lock().unwrap()).into_owned()
    }

    /// Waits until standard output has the text.
    #[track_caller]
    pub(crate) fn wait_for_out(&self, text: &str) {
        let deadline = Instant::now() + DEADLINE;
        while !self.out().contains(text) {
            assert!(Instant::now() < deadline, "no {text:?}:\n{}---\n{}", self.out(), self.err());
            thread::sleep(POLL);
        }
    }

    /// Waits until standard error has the text.
    #[track_caller]
    pub(crate) fn wait_for_err(&self, text: &str) {
        let deadline = Instant::now() + DEADLINE;
        while !self.err().contains(text) {
            assert!(Instant::now() < deadline, "no {text:?}:\n{}---\n{}", self.out(), self.err());
            thread::sleep(POLL);
        }
    }

    /// Sends a signal.
    #[cfg(unix)]
    pub(crate) fn kill(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Finished {
        let deadline = Instant::now() + DEADLINE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "it does not end:\n{}---\n{}", self.out(), self.err());
            thread::sleep(POLL);
        };
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        Finished {
            status,
            stdout: std::mem::take(&mut self.stdout.lock().unwrap()),
            stderr: std::mem::take(&mut self.stderr.lock().unwrap()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn follow(mut stream: impl Read + Send + 'static) -> (Arc<Mutex<Vec<u8>>>, thread::JoinHandle<()>) {
    let all = Arc::new(Mutex::new(Vec::new()));
    let written = Arc::clone(&all);
    let reader = thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = stream.read(&mut buffer) {
            written.lock().unwrap().extend_from_slice(&buffer[..length]);
        }
    });
    (all, reader)
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
