//! Standard input and output carried over a session, byte by byte: what a ProxyCommand of ssh is.

#[cfg(all(test, unix))]
mod tests;

use std::io;
use std::time::Duration;

use super::event::{OutputEvent, next_output};
use super::observer::Observer;
use crate::channel::{self, Channel, End};
use crate::terminal::{Input, Output, Termination, Terminations};

/// How long the end may take.
#[derive(Clone, Copy, Debug)]
struct Timeouts {
    /// For the agent to acknowledge the last input, which may wait for a reconnect.
    input: Duration,
    /// For the reader of our output to take the rest of it.
    output: Duration,
}

const TIMEOUTS: Timeouts = Timeouts { input: Duration::from_mins(1), output: Duration::from_secs(10) };

#[derive(Debug)]
pub(crate) enum Carried {
    /// The session has ended, and all that it brought is written.
    Ended(End),
    /// Our input has ended, and all of it has arrived; the session is ended on the service.
    EndOfInput,
    /// Our input has ended, and not all of it was acknowledged in time (60 s); the session is ended on the service.
    Undelivered,
    /// A signal asked us to stop; the session is ended on the service.
    Stopped(Termination),
    /// Our input cannot be read; what came before has arrived, and the session is ended on the service.
    Input(io::Error),
    /// Our output cannot be written; the session is ended on the service.
    Output(io::Error),
}

/// Carries standard input into an open session and what it brings to standard output, until either ends.
///
/// # Errors
/// The standard streams cannot be had; the session is ended on the service.
pub(crate) async fn stdio(
    channel: Channel,
    terminations: &mut Terminations,
    observer: &dyn Observer,
) -> io::Result<Carried> {
    match streams() {
        Ok((input, output)) => Ok(carry(channel, input, output, terminations.next(), observer, TIMEOUTS).await),
        Err(error) => {
            channel.terminate().await;
            Err(error)
        }
    }
}

fn streams() -> io::Result<(Input, Output)> {
    Ok((Input::open()?, Output::stdout()?))
}

async fn carry(
    mut channel: Channel,
    input: Input,
    mut output: Output,
    stop: impl Future<Output = Termination>,
    observer: &dyn Observer,
    timeouts: Timeouts,
) -> Carried {
    let sending = send(input, channel.input(), timeouts.input);
    let carried = tokio::select! {
        carried = sending => carried,
        carried = receive(&mut channel, &mut output, observer) => carried,
        signal = stop => Carried::Stopped(signal),
    };
    let carried = finish(carried, &mut output, timeouts.output).await;
    if !matches!(carried, Carried::Ended(_)) {
        channel.terminate().await;
    }
    carried
}

/// Sends until the input ends and all of it has arrived.
async fn send(mut stdin: Input, input: channel::Input, limit: Duration) -> Carried {
    let over = loop {
        match stdin.read().await {
            Ok(bytes) if bytes.is_empty() => break Carried::EndOfInput,
            Ok(bytes) => {
                if input.write(bytes).await.is_err() {
                    // The receiving side hears how the session ended.
                    return std::future::pending().await;
                }
            }
            Err(error) => break Carried::Input(error),
        }
    };
    match tokio::time::timeout(limit, input.flush()).await {
        Ok(Ok(())) => over,
        Ok(Err(_)) => std::future::pending().await,
        Err(_) => Carried::Undelivered,
    }
}

/// Writes what arrives until the session ends.
async fn receive(channel: &mut Channel, output: &mut Output, observer: &dyn Observer) -> Carried {
    loop {
        match next_output(channel, observer).await {
            OutputEvent::Stdout(bytes) | OutputEvent::Stderr(bytes) => {
                if let Err(error) = output.write_all(&bytes).await {
                    return Carried::Output(error);
                }
            }
            OutputEvent::ExitCode(_) => {}
            OutputEvent::Ended(end) => return Carried::Ended(end),
        }
    }
}

/// Writes the rest of what arrived, unless there is no reader for it.
async fn finish(carried: Carried, output: &mut Output, limit: Duration) -> Carried {
    if matches!(carried, Carried::Stopped(_) | Carried::Output(_)) {
        return carried;
    }
    match tokio::time::timeout(limit, output.flush()).await {
        Ok(Ok(())) => carried,
        Ok(Err(error)) => Carried::Output(error),
        Err(_) => Carried::Output(io::ErrorKind::TimedOut.into()),
    }
}
