//! Sessions on a terminal: a shell, or one command line.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::command::windows;
use super::contract::Outcome;
use super::environment::Environment;
use super::program::{Input, Io, Output, OutputSender, chunk_size, failure};
use super::unix::{Terminal, resize};
use super::utf8::Utf8Cutter;
use crate::sandbox::pace::Pace;

/// The real agent sleeps so long before it reads any output.
const FIRST_READ: Duration = Duration::from_secs(1);

/// And so long after each chunk.
pub(crate) const BETWEEN_CHUNKS: Duration = Duration::from_millis(1);

/// The real agent sleeps so long before it reports that it could not start something.
pub(crate) const START_FAILED: Duration = Duration::from_secs(2);

/// Runs a shell, and types the lines of `profile` first.
pub(crate) async fn shell(profile: &str, pace: Pace, environment: &Environment, io: Io) -> Outcome {
    run("sh", &[], profile, pace, environment, io).await
}

/// Runs a command line in a shell.
pub(crate) async fn command(line: &str, pace: Pace, environment: &Environment, io: Io) -> Outcome {
    if environment.is_windows && !line.trim().is_empty() {
        let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        return match windows::program(&words) {
            Ok(words) => {
                let words: Vec<_> = words.iter().map(String::as_str).collect();
                run(words[0], &words[1..], "", pace, environment, io).await
            }
            Err(error) => failure(&error),
        };
    }
    match line.trim() {
        "" => run("sh", &[], "", pace, environment, io).await,
        _ => run("sh", &["-c", line], "", pace, environment, io).await,
    }
}

async fn run(program: &str, args: &[&str], profile: &str, pace: Pace, environment: &Environment, io: Io) -> Outcome {
    let mut terminal = match Terminal::start(program, args, environment) {
        Ok(terminal) => terminal,
        Err(error) => {
            if pace == Pace::Real {
                sleep(START_FAILED).await;
            }
            return failure(&format!("Unable to start command: Failed to start pty: {error}\n\n"));
        }
    };
    let Io { mut input, output } = io;
    output.send(Output::Accepting(true)).await;
    let (reader, mut writer) = terminal.split();
    let typing = async {
        if !profile.trim().is_empty() {
            type_in(&mut writer, format!("{profile}\n").as_bytes()).await;
        }
        serve_input(&mut writer, &mut input).await;
    };
    tokio::select! {
        () = forward(reader, pace, &output) => {}
        () = typing => unreachable!("input has no end"),
    }
    terminal.wait().await;
    Outcome::success()
}

/// Sends what the program writes, until the last process has closed the terminal.
async fn forward(mut terminal: impl AsyncReadExt + Unpin, pace: Pace, output: &OutputSender) {
    if pace == Pace::Real {
        sleep(FIRST_READ).await;
    }
    let mut cutter = Utf8Cutter::default();
    let mut buffer = vec![0; chunk_size(pace)];
    // Linux reports a terminal that no process has open as an error, macOS as its end.
    while let Ok(length @ 1..) = terminal.read(&mut buffer).await {
        output.send(Output::Bytes(cutter.push(&buffer[..length]))).await;
        if pace == Pace::Real {
            sleep(BETWEEN_CHUNKS).await;
        }
    }
}

async fn serve_input(terminal: &mut pty_process::WritePty<'_>, input: &mut mpsc::Receiver<Input>) {
    loop {
        match input.recv().await {
            Some(Input::Bytes(bytes)) => type_in(terminal, &bytes).await,
            Some(Input::Size(size)) => resize(terminal, size),
            // The real agent knows flags in port sessions only.
            Some(Input::Flag(flag)) => tracing::debug!(?flag, "a terminal has no use for flags"),
            None => std::future::pending().await,
        }
    }
}

async fn type_in(terminal: &mut pty_process::WritePty<'_>, bytes: &[u8]) {
    if let Err(error) = terminal.write_all(bytes).await {
        tracing::debug!(%error, "the terminal takes no input");
    }
}

#[cfg(test)]
mod tests;
