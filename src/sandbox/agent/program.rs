//! What stands between the driver of a session and the program that it runs.

use bytes::Bytes;
use tokio::sync::mpsc;

use super::contract::Outcome;
use crate::protocol::{Flag, Size};
use crate::sandbox::pace::Pace;

/// Chunks that wait in either direction. One is enough: the next is wanted only when this one is gone.
const WAITING: usize = 1;

/// Bytes of output that the real agent reads and sends at once.
const REAL_CHUNK: usize = 1024;

/// Bytes of output that are read and sent at once where speed is wanted. What the real gateway passes is not known.
const FAST_CHUNK: usize = 16 * 1024;

/// What a client has for a program.
#[derive(Debug)]
pub(crate) enum Input {
    /// Keys, or the bytes of a connection: one message of the client.
    Bytes(Bytes),
    /// The size of the client's terminal.
    Size(Size),
    /// A flag of a port session.
    Flag(Flag),
}

/// What a program has for its client.
#[derive(Debug)]
pub(crate) enum Output {
    /// Whether the program takes input. Until then input is neither taken nor acknowledged.
    Accepting(bool),
    /// Bytes for one message.
    Bytes(Bytes),
    /// Bytes of standard error for one message.
    Stderr(Bytes),
    /// The exit code, once the program has ended.
    ExitCode(i32),
    /// A flag of a port session.
    Flag(Flag),
}

/// A program's end of its line to the driver.
#[derive(Debug)]
pub(crate) struct Io {
    /// `None` never comes: the driver drops the program before its line.
    pub(crate) input: mpsc::Receiver<Input>,
    /// Waits while the channel takes nothing; so no more is read from the program either.
    pub(crate) output: OutputSender,
}

/// Sends a program's output.
#[derive(Clone, Debug)]
pub(crate) struct OutputSender(mpsc::Sender<Output>);

impl OutputSender {
    /// Waits for room, and sends. Empty output is not sent, as there is no such message.
    pub(crate) async fn send(&self, output: Output) {
        if let Output::Bytes(bytes) | Output::Stderr(bytes) = &output
            && bytes.is_empty()
        {
            return;
        }
        // The driver outlives the program that it polls.
        let _ = self.0.send(output).await;
    }
}

/// The driver's end of the line to a program.
pub(crate) type DriverEnd = (mpsc::Sender<Input>, mpsc::Receiver<Output>);

/// A line between a driver and a program.
pub(crate) fn line() -> (DriverEnd, Io) {
    let (input_sender, input) = mpsc::channel(WAITING);
    let (output, output_receiver) = mpsc::channel(WAITING);
    ((input_sender, output_receiver), Io { input, output: OutputSender(output) })
}

/// Most bytes read from a program at once.
pub(crate) fn chunk_size(pace: Pace) -> usize {
    match pace {
        Pace::Real => REAL_CHUNK,
        Pace::Fast => FAST_CHUNK,
    }
}

/// A failure as the real agent reports it to the service, which shows it to the client.
pub(crate) fn failure(error: &str) -> Outcome {
    Outcome::failed(format!("\n----------ERROR-------\n{error}"))
}
