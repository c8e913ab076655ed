//! One command without a terminal, from its start to its exit code.

use std::io;

use bytes::Bytes;

use super::event::{OutputEvent, next_output};
use super::observer::Observer;
use super::sink::Sink;
use crate::channel::{Channel, End};
use crate::terminal::signals::exit_at_next;
use crate::terminal::{Termination, Terminations};

/// What the agent takes as SIGINT and as SIGQUIT for the command.
const INTERRUPT: &[u8] = &[0x03];
const QUIT: &[u8] = &[0x1c];

/// How a command ended.
#[derive(Debug)]
pub(crate) enum Executed {
    /// With this code. Documents that do not keep the streams apart report none.
    Code(Option<i64>),
    /// The session ended otherwise before the command did.
    Ended(End),
    /// A signal asked us to stop; the session is ended on the service.
    Stopped(Termination),
    /// The output could not be written, or not be decoded; the session is ended on the service.
    Output(io::Error),
}

/// Runs the command of an open session to its end, and hands its output to `sink`. Where this returns before the end of
/// the session, that begins to be ended on the service.
///
/// The first interrupt goes to the command, which may take its time; the second one ends the session, and so does one
/// that comes before the agent is ready.
pub(crate) async fn exec<S: Sink>(
    mut channel: Channel,
    sink: &mut S,
    terminations: &mut Terminations,
    observer: &dyn Observer,
) -> Executed {
    let input = channel.input();
    let mut interrupted = false;
    // Signals are heard also while nobody reads what the command writes.
    let mut running = std::pin::pin!(run(&mut channel, sink, observer));
    let stopped = loop {
        tokio::select! {
            executed = &mut running => return executed,
            signal = terminations.next() => match signal {
                // Before it is ready there is no command to interrupt.
                Termination::Interrupt if !interrupted && input.is_ready() => {
                    interrupted = true;
                    // A full queue, or a session that is over: then there is nothing to interrupt.
                    let _ = input.try_write(Bytes::from_static(INTERRUPT));
                }
                Termination::Quit if !interrupted && input.is_ready() => {
                    interrupted = true;
                    let _ = input.try_write(Bytes::from_static(QUIT));
                }
                signal => break signal,
            },
        }
    };
    exit_at_next();
    Executed::Stopped(stopped)
}

async fn run<S: Sink>(channel: &mut Channel, sink: &mut S, observer: &dyn Observer) -> Executed {
    let mut code = None;
    loop {
        match take(next_output(channel, observer).await, &mut code, sink).await {
            Ok(None) => {}
            Ok(Some(executed)) => return sink.finish().await.map_or_else(Executed::Output, |()| executed),
            Err(error) => return Executed::Output(error),
        }
    }
}

/// Takes one event. `Some` when it was the last.
async fn take<S: Sink>(event: OutputEvent, code: &mut Option<i64>, sink: &mut S) -> io::Result<Option<Executed>> {
    match event {
        OutputEvent::Stdout(bytes) => sink.stdout(bytes).await?,
        OutputEvent::Stderr(bytes) => sink.stderr(bytes).await?,
        OutputEvent::ExitCode(reported) => *code = Some(reported),
        // Once the code is known the command has ended, even if the session fails afterwards.
        OutputEvent::Ended(end) => {
            return Ok(Some(match (*code, end) {
                (Some(code), _) => Executed::Code(Some(code)),
                (None, End::Closed(reason)) if reason.is_empty() => Executed::Code(None),
                (None, end) => Executed::Ended(end),
            }));
        }
    }
    Ok(None)
}
