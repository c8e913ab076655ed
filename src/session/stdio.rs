//! Standard input and output carried over a session, byte by byte: what a ProxyCommand of ssh is.

#[cfg(all(test, unix))]
mod tests;

use std::future::pending;
use std::io;
use std::time::Duration;

use tokio::sync::watch;

use super::event::{OutputEvent, next_output};
use super::forward::{HALF_CLOSE_TIMEOUT, HalfClose};
use super::observer::Observer;
use crate::channel::{self, Channel, End};
use crate::terminal::signals::exit_at_next;
use crate::terminal::{Input, Output, Termination, Terminations};

/// How long the end may take. Whoever reads our output may take as long as they like.
#[derive(Clone, Copy, Debug)]
struct Timeouts {
    /// For the agent to acknowledge the last input, which may wait for a reconnect.
    input: Duration,
    /// For the remote side to say something more when it has all our input.
    silence: Duration,
}

const TIMEOUTS: Timeouts = Timeouts { input: Duration::from_mins(1), silence: HALF_CLOSE_TIMEOUT };

#[derive(Debug)]
pub(crate) enum Carried {
    /// The session has ended, and all that it brought is written.
    Ended(End),
    /// Our input has ended, all of it has arrived, and the remote side has been silent since for a while (10 s), or nobody
    /// reads our output any more; the session is ended on the service.
    EndOfInput,
    /// Our input has ended, all of it has arrived, and the remote side, which has not said anything yet, is not waited for
    /// any longer (10 s); the session is ended on the service.
    Unanswered,
    /// Our input has ended, and not all of it was acknowledged in time (60 s); the session is ended on the service.
    Undelivered,
    /// A signal asked us to stop; the session is ended on the service.
    Stopped(Termination),
    /// Our input cannot be read; what came before has arrived, and the session is ended on the service.
    Input(io::Error),
    /// Our output cannot be written; the session is ended on the service.
    Output(io::Error),
}

/// Carries standard input into an open session and what it brings to standard output, until the session ends, or our input
/// has ended and nothing more comes. Where this returns before the end of the session, that begins to be ended on the
/// service.
///
/// # Errors
/// The standard streams cannot be had.
pub(crate) async fn stdio(
    channel: Channel,
    terminations: &mut Terminations,
    observer: &dyn Observer,
) -> io::Result<Carried> {
    let (input, output) = (Input::open()?, Output::stdout()?);
    Ok(carry(channel, input, output, terminations.next(), observer, TIMEOUTS).await)
}

async fn carry(
    mut channel: Channel,
    input: Input,
    mut output: Output,
    stop: impl Future<Output = Termination>,
    observer: &dyn Observer,
    timeouts: Timeouts,
) -> Carried {
    let mut stop = std::pin::pin!(stop);
    let (finished, finished_seen) = watch::channel(false);
    let sending = send(input, channel.input(), timeouts.input, finished);
    let carried = tokio::select! {
        carried = sending => carried,
        carried = receive(&mut channel, &mut output, observer, finished_seen, timeouts.silence) => carried,
        signal = &mut stop => Carried::Stopped(signal),
    };
    let carried = match carried {
        // There is no reader for the rest of what arrived, or no time.
        Carried::Stopped(_) | Carried::Output(_) => carried,
        carried => tokio::select! {
            flushed = output.flush() => flushed.map_or_else(Carried::Output, |()| carried),
            signal = &mut stop => Carried::Stopped(signal),
        },
    };
    if matches!(carried, Carried::Stopped(_)) {
        exit_at_next();
    }
    // Dropping the channel ends the session.
    carried
}

/// Sends until the input ends, and says so when all of it has arrived. Returns when it cannot go on.
async fn send(mut stdin: Input, input: channel::Input, limit: Duration, finished: watch::Sender<bool>) -> Carried {
    let failure = loop {
        match stdin.read().await {
            Ok(bytes) if bytes.is_empty() => break None,
            Ok(bytes) => {
                if input.write(bytes).await.is_err() {
                    // The receiving side hears how the session ended.
                    return pending().await;
                }
            }
            Err(error) => break Some(Carried::Input(error)),
        }
    };
    match tokio::time::timeout(limit, input.flush()).await {
        Ok(Ok(())) => {}
        Ok(Err(_)) => return pending().await,
        Err(_) => return Carried::Undelivered,
    }
    if let Some(failure) = failure {
        return failure;
    }
    finished.send_replace(true);
    pending().await
}

/// Writes what arrives until the session ends, or nothing more comes after our last input. Agents close a whole connection
/// when one direction of it ends, so that the remote side is not told of that end before.
async fn receive(
    channel: &mut Channel,
    output: &mut Output,
    observer: &dyn Observer,
    mut finished: watch::Receiver<bool>,
    silence: Duration,
) -> Carried {
    let mut end = HalfClose::patient(finished.clone(), silence).over(channel.input().connected());
    let mut answered = false;
    loop {
        tokio::select! {
            event = next_output(channel, observer) => match event {
                OutputEvent::Stdout(bytes) | OutputEvent::Stderr(bytes) => {
                    if let Err(error) = output.write_all(&bytes).await {
                        return Carried::Output(error);
                    }
                    end.heard();
                    answered = true;
                }
                OutputEvent::ExitCode(_) => {}
                OutputEvent::Ended(end) => return Carried::Ended(end),
            },
            () = end.due() => return if answered { Carried::EndOfInput } else { Carried::Unanswered },
            // ssh, for one, is gone then: an answer would be for nobody.
            () = reader_gone(&mut finished, output) => return Carried::EndOfInput,
        }
    }
}

/// Waits until all our input has arrived and nobody reads our output.
async fn reader_gone(finished: &mut watch::Receiver<bool>, output: &Output) {
    if finished.wait_for(|finished| *finished).await.is_err() {
        return pending().await;
    }
    output.reader_gone().await;
}
