//! Standard input and output carried over a session, byte by byte: what a ProxyCommand of ssh is.

use std::io;
use std::time::Duration;

use super::Observer;
use crate::channel::{self, Channel, End, Event};
use crate::terminal::{Input, Output, Termination, Terminations};

/// How long the agent may take to acknowledge the last input, which may wait for a reconnect.
const INPUT_PATIENCE: Duration = Duration::from_secs(60);

/// How long whoever reads our output may take for the rest of it.
const OUTPUT_PATIENCE: Duration = Duration::from_secs(10);

/// How carrying ended.
#[derive(Debug)]
pub enum Carried {
    /// The session has ended, and all that it brought is written.
    Ended(End),
    /// Our input has ended, and all of it has arrived; the session is ended on the service.
    EndOfInput,
    /// Our input has ended, and not all of it was acknowledged in time (60 s); the session is ended on the service.
    Undelivered,
    /// We were told to stop; the session is ended on the service.
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
pub async fn stdio(
    mut channel: Channel,
    terminations: &mut Terminations,
    observer: &dyn Observer,
) -> io::Result<Carried> {
    let carried = match streams() {
        Ok((input, mut output)) => {
            let carried = carry(&mut channel, input, &mut output, terminations, observer).await;
            finish(carried, &mut output).await
        }
        Err(error) => {
            channel.terminate().await;
            return Err(error);
        }
    };
    if !matches!(carried, Carried::Ended(_)) {
        channel.terminate().await;
    }
    Ok(carried)
}

fn streams() -> io::Result<(Input, Output)> {
    Ok((Input::open()?, Output::stdout()?))
}

async fn carry(
    channel: &mut Channel,
    input: Input,
    output: &mut Output,
    terminations: &mut Terminations,
    observer: &dyn Observer,
) -> Carried {
    let sending = send(input, channel.input());
    tokio::select! {
        carried = sending => carried,
        carried = receive(channel, output, observer) => carried,
        signal = terminations.next() => Carried::Stopped(signal),
    }
}

/// Sends until the input ends and all of it has arrived.
async fn send(mut stdin: Input, input: channel::Input) -> Carried {
    let over = loop {
        match stdin.read().await {
            Ok(bytes) if bytes.is_empty() => break Carried::EndOfInput,
            Ok(bytes) => {
                if input.write(bytes).await.is_err() {
                    // How the session ended is told to whoever receives.
                    return std::future::pending().await;
                }
            }
            Err(error) => break Carried::Input(error),
        }
    };
    match tokio::time::timeout(INPUT_PATIENCE, input.flush()).await {
        Ok(Ok(())) => over,
        Ok(Err(_)) => std::future::pending().await,
        Err(_) => Carried::Undelivered,
    }
}

/// Writes what arrives until the session ends.
async fn receive(channel: &mut Channel, output: &mut Output, observer: &dyn Observer) -> Carried {
    while let Some(event) = channel.next().await {
        match event {
            Event::Output(bytes) | Event::Stderr(bytes) => {
                if let Err(error) = output.write_all(&bytes).await {
                    return Carried::Output(error);
                }
            }
            Event::Message(text) => observer.message(&text),
            Event::Notice(notice) => observer.notice(&notice),
            Event::Ended(end) => return Carried::Ended(end),
            Event::Ready(_) | Event::LateHandshake | Event::ExitCode(_) | Event::Flag(_) => {}
        }
    }
    Carried::Ended(End::Terminated)
}

/// Sees to it that what arrived is written, unless nobody wants it any more.
async fn finish(carried: Carried, output: &mut Output) -> Carried {
    if matches!(carried, Carried::Stopped(_) | Carried::Output(_)) {
        return carried;
    }
    match tokio::time::timeout(OUTPUT_PATIENCE, output.flush()).await {
        Ok(Ok(())) => carried,
        Ok(Err(error)) => Carried::Output(error),
        Err(_) => Carried::Output(io::ErrorKind::TimedOut.into()),
    }
}
