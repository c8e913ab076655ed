//! The events of a session, sorted: what a person should know goes to the observer, what the caller has to act on is
//! returned, and the rest is dropped.
//!
//! All of these functions are cancel safe: a future that is dropped has taken nothing from the channel.

use bytes::Bytes;

use super::observer::Observer;
use crate::channel::{Channel, End, Event, StreamEvent};
use crate::protocol::{Flag, Handshake};

/// What a shell, a command or a byte stream acts on.
#[derive(Debug)]
pub(crate) enum OutputEvent {
    /// Bytes of standard output, or of a terminal.
    Stdout(Bytes),
    /// Bytes of standard error, from documents that keep the two apart.
    Stderr(Bytes),
    /// The exit code of the command.
    ExitCode(i64),
    /// The session is over, and all of its output has been returned.
    Ended(End),
}

/// What a tunnel acts on.
#[derive(Debug)]
pub(super) enum PortEvent {
    /// Bytes from the port.
    Data(Bytes),
    /// What happens to a stream, where connections have one each.
    Stream(StreamEvent),
    /// The agent could not connect to the port.
    Refused,
    /// The agent has begun anew: what it knew of connections is gone.
    Restarted,
    /// The session is over.
    Ended(End),
}

/// Why a tunnel gives a session up after [`PortEvent::Restarted`].
pub(super) const RESTARTED: &str = "the agent started the session over";

/// The next event of a shell, a command or a byte stream.
pub(crate) async fn next_output(channel: &mut Channel, observer: &(impl Observer + ?Sized)) -> OutputEvent {
    next(channel, observer, |event| match event {
        Event::Output(bytes) => Some(OutputEvent::Stdout(bytes)),
        Event::Stderr(bytes) => Some(OutputEvent::Stderr(bytes)),
        Event::ExitCode(code) => Some(OutputEvent::ExitCode(code)),
        Event::Ended(end) => Some(OutputEvent::Ended(end)),
        _ => None,
    })
    .await
}

/// The next event of a tunnel.
pub(super) async fn next_port(channel: &mut Channel, observer: &(impl Observer + ?Sized)) -> PortEvent {
    next(channel, observer, port).await
}

fn port(event: Event) -> Option<PortEvent> {
    match event {
        Event::Output(bytes) => Some(PortEvent::Data(bytes)),
        Event::Flag(Flag::ConnectToPortError) => Some(PortEvent::Refused),
        Event::Stream(event) => Some(PortEvent::Stream(event)),
        Event::LateHandshake => Some(PortEvent::Restarted),
        Event::Ended(end) => Some(PortEvent::Ended(end)),
        _ => None,
    }
}

/// Waits until data may flow. The handshake is missing where the agent does without.
///
/// # Errors
/// How the session ended instead.
pub(crate) async fn wait_until_ready(
    channel: &mut Channel,
    observer: &(impl Observer + ?Sized),
) -> Result<Option<Handshake>, End> {
    next(channel, observer, |event| match event {
        Event::Ready(handshake) => Some(Ok(handshake)),
        Event::Ended(end) => Some(Err(end)),
        _ => None,
    })
    .await
}

async fn next<T>(
    channel: &mut Channel,
    observer: &(impl Observer + ?Sized),
    relevant: impl Fn(Event) -> Option<T>,
) -> T {
    loop {
        // A channel without further events was terminated here.
        let event = channel.next().await.unwrap_or(Event::Ended(End::Terminated));
        if let Some(event) = unobserved(event, observer).and_then(&relevant) {
            return event;
        }
    }
}

fn unobserved(event: Event, observer: &(impl Observer + ?Sized)) -> Option<Event> {
    match event {
        Event::Connection(event) => observer.connection(&event),
        Event::AgentMessage(text) => observer.agent_message(&text),
        event => return Some(event),
    }
    None
}
