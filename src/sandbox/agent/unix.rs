//! Processes and terminals: all that is particular to Unix.

use std::fs::File;
use std::io;
use std::process::{ExitStatus, Stdio};

use pty_process::{Pty, ReadPty, WritePty};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use rustix::termios::tcgetpgrp;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

use super::environment::Environment;
use super::signals;
use crate::protocol::Size;

/// A program on a terminal of its own: it leads a session whose controlling terminal that is. If it is dropped before
/// its end, it is killed together with its foreground processes.
pub(crate) struct Terminal {
    pty: Pty,
    child: Child,
}

impl Terminal {
    /// Starts a program on a new terminal.
    ///
    /// # Errors
    /// The system's error when it has no terminal left, or no such program.
    pub(crate) fn start(program: &str, args: &[&str], environment: &Environment) -> io::Result<Self> {
        let (pty, pts) = pty_process::open().map_err(into_io)?;
        signals::reset_ignored();
        let child = pty_process::Command::new(program)
            .args(args)
            .env_clear()
            .envs(environment.variables())
            .envs([environment.prompt()])
            .current_dir(&environment.home)
            .kill_on_drop(true)
            .spawn(pts)
            .map_err(into_io)?;
        Ok(Self { pty, child })
    }

    /// The terminal's ends: what the program writes, and what it reads.
    pub(crate) fn split(&mut self) -> (ReadPty<'_>, WritePty<'_>) {
        self.pty.split()
    }

    /// Waits for the program's end.
    pub(crate) async fn wait(&mut self) {
        if let Err(error) = self.child.wait().await {
            tracing::debug!(%error, "the program cannot be waited for");
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let Some(leader) = running(&self.child) else { return };
        if let Ok(foreground) = tcgetpgrp(&self.pty)
            && foreground != leader
        {
            kill_group(foreground);
        }
        kill_group(leader);
    }
}

/// Sets a terminal's size. The real agent cuts both numbers to 16 bits.
pub(crate) fn resize(terminal: &WritePty<'_>, size: Size) {
    if let Err(error) = terminal.resize(pty_process::Size::new(size.rows as u16, size.cols as u16)) {
        tracing::debug!(%error, "the terminal keeps its size");
    }
}

/// A program without a terminal and without input. If it is dropped before its end, it is killed with its group.
#[derive(Debug)]
pub(crate) struct Process(Child);

impl Process {
    /// Starts a program that writes into two pipes.
    ///
    /// # Errors
    /// The system's error when there is no such program.
    pub(crate) fn piped(words: &[String], environment: &Environment) -> io::Result<(Self, ChildStdout, ChildStderr)> {
        let mut child = command(words, environment).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let (stdout, stderr) = child.stdout.take().zip(child.stderr.take()).expect("both were asked for");
        Ok((Self(child), stdout, stderr))
    }

    /// Starts a program that writes both its streams into a file.
    ///
    /// # Errors
    /// The system's error when there is no such program.
    pub(crate) fn into_file(words: &[String], environment: &Environment, file: File) -> io::Result<Self> {
        let stdout = file.try_clone()?;
        Ok(Self(command(words, environment).stdout(stdout).stderr(file).spawn()?))
    }

    /// Sends the signal of a control character to the program alone, not to its group, as the real agent does.
    pub(crate) fn signal(&self, signal: ControlSignal) {
        let signal = match signal {
            ControlSignal::Interrupt => Signal::INT,
            ControlSignal::Quit => Signal::QUIT,
        };
        if let Some(pid) = running(&self.0)
            && let Err(error) = kill_process(pid, signal)
        {
            tracing::debug!(%error, "the program cannot be signalled");
        }
    }

    /// Waits for the program's end. The exit code is -1 for one that a signal has ended, as Go counts.
    pub(crate) async fn wait(&mut self) -> i32 {
        self.0.wait().await.as_ref().ok().and_then(ExitStatus::code).unwrap_or(-1)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(leader) = running(&self.0) {
            kill_group(leader);
        }
    }
}

/// A control character that is a signal in sessions without a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ControlSignal {
    /// SIGINT, sent by Ctrl-C.
    Interrupt,
    /// SIGQUIT, sent by Ctrl-\.
    Quit,
}

fn command(words: &[String], environment: &Environment) -> Command {
    signals::reset_ignored();
    let mut command = Command::new(&words[0]);
    command
        .args(&words[1..])
        .env_clear()
        .envs(environment.variables())
        .current_dir(&environment.home)
        .stdin(Stdio::null())
        // A Ctrl-C on the sandbox's own terminal is not for the instances.
        .process_group(0)
        .kill_on_drop(true);
    command
}

/// Why a program could not be started, in the words of Go's `os/exec`.
pub(crate) fn start_error(program: &str, error: &io::Error) -> String {
    use rustix::io::Errno;

    if program.is_empty() {
        return "exec: no command".to_owned();
    }
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    if !program.contains('/') && matches!(errno, Some(Errno::NOENT | Errno::ACCESS)) {
        return format!("exec: \"{program}\": executable file not found in $PATH");
    }
    let reason = match errno {
        Some(Errno::NOENT) => "no such file or directory".to_owned(),
        Some(Errno::ACCESS) => "permission denied".to_owned(),
        Some(Errno::NOEXEC) => "exec format error".to_owned(),
        Some(Errno::NOTDIR) => "not a directory".to_owned(),
        Some(Errno::TOOBIG) => "argument list too long".to_owned(),
        _ => error.to_string(),
    };
    format!("fork/exec {program}: {reason}")
}

/// The process id of a child that was not waited for, and so cannot belong to another process yet.
fn running(child: &Child) -> Option<Pid> {
    Pid::from_raw(i32::try_from(child.id()?).ok()?)
}

fn kill_group(leader: Pid) {
    // It may be gone already, which is as well.
    let _ = kill_process_group(leader, Signal::KILL);
}

fn into_io(error: pty_process::Error) -> io::Error {
    match error {
        pty_process::Error::Io(error) => error,
        other => io::Error::other(other),
    }
}
