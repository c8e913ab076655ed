//! Sessions without a terminal: one program, neither shell nor input.

use std::fs::{self, File};
use std::io;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use super::contract::Outcome;
use super::environment::Environment;
use super::program::{Input, Io, Output, OutputSender, chunk_size, failure};
use super::shell::{BETWEEN_CHUNKS, START_FAILED};
use super::split::split;
use super::unix::{ControlSignal, Process, start_error};
use super::utf8::Utf8Cutter;
use crate::sandbox::pace::Pace;
use crate::sandbox::random;

/// The real agent sleeps so long before it sends an error to the client.
const BEFORE_ERROR: Duration = Duration::from_secs(1);

/// Longest prefix of a stream's chunks, in characters.
const LONGEST_PREFIX: usize = 30;

/// What to run and how to report it.
#[derive(Debug)]
pub(crate) struct Command<'a> {
    /// The command line; the agent splits it into words itself.
    pub(crate) line: &'a str,
    /// Both streams apart, and the exit code.
    pub(crate) separate: bool,
    /// Put before each chunk of standard output that begins a line.
    pub(crate) stdout_prefix: &'a str,
    /// Put before each chunk of standard error that begins a line.
    pub(crate) stderr_prefix: &'a str,
}

impl Command<'_> {
    /// Runs the command to its end.
    pub(crate) async fn run(&self, pace: Pace, environment: &Environment, io: Io) -> Outcome {
        // Unlike a shell's, this handler is ready before the program is.
        io.output.send(Output::Accepting(true)).await;
        if self.separate {
            for (name, prefix) in [("stdout", self.stdout_prefix), ("stderr", self.stderr_prefix)] {
                if !is_prefix(prefix) {
                    return Outcome::failed(format!("invalid {name}SeparatorPrefix {prefix}"));
                }
            }
        }
        let words = if self.line.trim().is_empty() { Ok(vec!["sh".to_owned()]) } else { split(self.line) };
        let words = match words {
            Ok(words) => words,
            Err(error) => {
                let error = format!("Unable to start command: Failed to parse commands input: {error}\n\n");
                if pace == Pace::Real {
                    sleep(START_FAILED).await;
                }
                return report(error, pace, &io.output).await;
            }
        };
        // A line of comments only; the real agent's worker panics and is gone.
        if words.is_empty() {
            return Outcome::failed("");
        }
        let words = match environment.is_windows {
            true => windows::program(&words),
            false => Ok(words),
        };
        let words = match words {
            Ok(words) => words,
            Err(error) => return report(format!("{error}\n"), pace, &io.output).await,
        };
        if self.separate {
            self.separate(&words, pace, environment, io).await
        } else {
            merged(&words, pace, environment, io).await
        }
    }

    async fn separate(&self, words: &[String], pace: Pace, environment: &Environment, io: Io) -> Outcome {
        let Io { mut input, output } = io;
        let (mut process, stdout, stderr) = match Process::piped(words, environment) {
            Ok(started) => started,
            Err(error) => {
                output.send(Output::ExitCode(1)).await;
                return report(not_started(words, &error), pace, &output).await;
            }
        };
        let closing = watch::Sender::new(false);
        let pump =
            |prefix| Pump { prefix, size: chunk_size(pace), closing: closing.subscribe(), output: output.clone() };
        let mut pumps = Box::pin(async {
            tokio::join!(
                pump(self.stdout_prefix).run(stdout, Output::Bytes),
                pump(self.stderr_prefix).run(stderr, Output::Stderr)
            )
        });
        let signal = tokio::select! {
            _ = &mut pumps => None,
            signal = next_signal(&mut input) => Some(signal),
        };
        let Some(signal) = signal else {
            let code = process.wait().await;
            output.send(Output::ExitCode(code)).await;
            return Outcome::success();
        };
        // The real agent waits for the program where it should read on: it takes no further input, it takes the pipes
        // away when the program has ended, and it has lost the exit code then. So the session fails, with code 1.
        process.signal(signal);
        let ending = async {
            output.send(Output::Accepting(false)).await;
            process.wait().await;
            closing.send_replace(true);
        };
        tokio::join!(pumps, ending);
        output.send(Output::ExitCode(1)).await;
        Outcome::failed("")
    }
}

/// Runs a program whose output comes in one stream, after its end, without an exit code.
async fn merged(words: &[String], pace: Pace, environment: &Environment, io: Io) -> Outcome {
    let Io { mut input, output } = io;
    let started = output_file(environment)
        .and_then(|(file, reader)| Process::into_file(words, environment, file).map(|process| (process, reader)));
    let (mut process, reader) = match started {
        Ok(started) => started,
        Err(error) => return report(not_started(words, &error), pace, &output).await,
    };
    loop {
        tokio::select! {
            _ = process.wait() => break,
            signal = next_signal(&mut input) => process.signal(signal),
        }
    }
    output.send(Output::Accepting(false)).await;
    let mut reader = tokio::fs::File::from_std(reader);
    let mut cutter = Utf8Cutter::default();
    let mut buffer = vec![0; chunk_size(pace)];
    while let Ok(length @ 1..) = reader.read(&mut buffer).await {
        output.send(Output::Bytes(cutter.push(&buffer[..length]))).await;
        if pace == Pace::Real {
            sleep(BETWEEN_CHUNKS).await;
        }
    }
    Outcome::success()
}

/// Carries one stream of a program to the client.
struct Pump<'a> {
    prefix: &'a str,
    size: usize,
    /// Becomes true when the pumps no longer wait for output.
    closing: watch::Receiver<bool>,
    output: OutputSender,
}

impl Pump<'_> {
    async fn run(mut self, mut pipe: impl AsyncRead + Unpin, wrap: fn(Bytes) -> Output) {
        let mut cutter = Utf8Cutter::default();
        let mut buffer = vec![0; self.size - self.prefix.len()];
        let mut begins_line = true;
        loop {
            let length = tokio::select! {
                biased;
                read = pipe.read(&mut buffer) => read.unwrap_or(0),
                _ = self.closing.wait_for(|closing| *closing) => 0,
            };
            if length == 0 {
                return;
            }
            if begins_line {
                cutter.prefix(self.prefix);
            }
            begins_line = buffer[length - 1] == b'\n';
            self.output.send(wrap(cutter.push(&buffer[..length]))).await;
        }
    }
}

/// Waits for a message with a control character that is a signal. All other input is thrown away.
async fn next_signal(input: &mut mpsc::Receiver<Input>) -> ControlSignal {
    loop {
        let bytes = match input.recv().await {
            Some(Input::Bytes(bytes)) => bytes,
            Some(Input::Size(_) | Input::Flag(_)) => continue,
            None => std::future::pending().await,
        };
        let signal = bytes.iter().find_map(|byte| match byte {
            0x03 => Some(ControlSignal::Interrupt),
            0x1c => Some(ControlSignal::Quit),
            _ => None,
        });
        if let Some(signal) = signal {
            return signal;
        }
    }
}

fn not_started(words: &[String], error: &io::Error) -> String {
    format!("Error occurred starting the command: {}\n", start_error(&words[0], error))
}

/// Reports to the client and the service that nothing could be started.
async fn report(error: String, pace: Pace, output: &OutputSender) -> Outcome {
    if pace == Pace::Real {
        sleep(BEFORE_ERROR).await;
    }
    let outcome = failure(&error);
    output.send(Output::Stderr(error.into())).await;
    outcome
}

fn is_prefix(prefix: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"\r\n_:-".contains(&byte);
    prefix.len() <= LONGEST_PREFIX && prefix.bytes().all(allowed)
}

/// A file to write output into, and the same to read it from; it has no name any more.
fn output_file(environment: &Environment) -> io::Result<(File, File)> {
    let path = environment.home.join(format!(".output-{}", random::base32::<16>()));
    let writer = File::options().append(true).create_new(true).open(&path)?;
    let reader = File::open(&path);
    fs::remove_file(&path)?;
    Ok((writer, reader?))
}

pub(super) mod windows;

#[cfg(test)]
mod tests;
