//! Moves frames between a channel and its socket, many at a time.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{Sink, Stream};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};
use tokio_tungstenite::tungstenite::{self, Message, error::ProtocolError};

use super::clock::{now, wall};
use super::dial::MESSAGE_LIMIT;
use super::moderation::Moderation;
use super::mux::Multiplexer;
use super::reconnect::Socket;
use super::watchdog::{Verdict, Watchdog};
use crate::protocol::{self, DataChannel, Failure};

/// Frames read before what they caused is written: so many acknowledgements share a write.
const BATCH: usize = 64;

/// Frames written before what has come is looked at again.
const WRITE_BATCH: usize = 256;

/// How long nothing may arrive on a connection to which nothing can be written.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a connection is lost.
#[derive(Debug)]
pub(super) struct Cut {
    /// For a person to read.
    pub(super) reason: String,
    /// The service refuses a message for its size (close code 1009).
    pub(super) too_large: bool,
    /// The service does not want this connection, for all that it says.
    pub(super) refused: bool,
    /// Another connection would bring the same.
    pub(super) failure: Option<Failure>,
}

impl From<String> for Cut {
    fn from(reason: String) -> Self {
        Self { reason, too_large: false, refused: false, failure: None }
    }
}

/// One connection of a session.
pub(super) struct Connection {
    socket: Socket,
    unflushed: bool,
    watchdog: Watchdog,
    moderation: Moderation,
}

impl Connection {
    pub(super) fn new(socket: Socket) -> Self {
        let (watchdog, moderation) = (Watchdog::new(now(), wall()), Moderation::default());
        Self { socket, unflushed: false, watchdog, moderation }
    }

    /// Writes what the channel and its streams have to send, as far as the socket takes it, and reads what has come, if
    /// `listening`. Ready when something was read, or there is more to write. Dropping the future that polls this loses
    /// nothing.
    ///
    /// # Errors
    /// Why the connection is lost.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        channel: &mut DataChannel,
        streams: Option<&mut Multiplexer>,
        listening: bool,
    ) -> Poll<Result<(), Cut>> {
        let (received, sent) = (channel.receive_statistics().received, channel.send_statistics().sent);
        let mut again = match self.paused_until() {
            Some(_) => false,
            None => self.read(cx, channel, listening)?,
        };
        self.moderation.received(now(), channel.receive_statistics().received - received);
        // To a connection on which nothing can be written nothing is; what had arrived on it is read to its end.
        if !self.is_broken() {
            again |= self.write(cx, channel, streams)?;
        }
        if channel.send_statistics().sent != sent {
            // What was not read is to be asked for again.
            again |= self.paused_until().is_some();
            self.moderation.sent();
        }
        if again { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    /// Why nothing can be written any more.
    fn broken(&self) -> Option<String> {
        self.socket.get_ref().broken().map(describe_io)
    }

    fn read(&mut self, cx: &mut Context<'_>, channel: &mut DataChannel, listening: bool) -> Result<bool, Cut> {
        let now = now();
        for count in 0..BATCH {
            if !listening || !channel.can_receive() {
                self.watchdog.deaf(now);
                channel.handle_unread(now);
                return Ok(count > 0);
            }
            let message = match Pin::new(&mut self.socket).poll_next(cx) {
                Poll::Pending => return Ok(count > 0),
                Poll::Ready(None) => {
                    let closed = || "the service closed the connection".to_owned();
                    return Err(self.broken().unwrap_or_else(closed).into());
                }
                Poll::Ready(Some(Err(error))) => {
                    return Err(self.broken().map_or_else(|| failed(&error), Cut::from));
                }
                Poll::Ready(Some(Ok(message))) => message,
            };
            self.watchdog.heard(now);
            match message {
                Message::Binary(frame) => {
                    trace("received", &frame);
                    channel.handle_frame(now, frame);
                }
                // The real agent takes a message in a text frame as well.
                Message::Text(text) => channel.handle_frame(now, text.into()),
                Message::Close(frame) => return Err(closed_by(frame)),
                // The library has queued the answer, which has to be flushed.
                Message::Ping(_) => self.unflushed = true,
                Message::Pong(_) | Message::Frame(_) => {}
            }
            if channel.has_ended() {
                break;
            }
        }
        Ok(true)
    }

    /// Whether there may be more to write at once.
    fn write(
        &mut self,
        cx: &mut Context<'_>,
        channel: &mut DataChannel,
        mut streams: Option<&mut Multiplexer>,
    ) -> Result<bool, Cut> {
        let now = now();
        let mut socket = Pin::new(&mut self.socket);
        let mut written = 0;
        // Many frames a write: a flush for each would cost more than all the rest together (6 µs against 1).
        while written < WRITE_BATCH && socket.as_mut().poll_ready(cx).map_err(|error| describe(&error))?.is_ready() {
            let Some(frame) = next_frame(channel, streams.as_deref_mut(), now) else { break };
            trace("sent", &frame);
            socket.as_mut().start_send(Message::Binary(frame)).map_err(|error| describe(&error))?;
            self.unflushed = true;
            written += 1;
        }
        if self.unflushed && socket.as_mut().poll_flush(cx).map_err(|error| describe(&error))?.is_ready() {
            self.unflushed = false;
        }
        Ok(written == WRITE_BATCH)
    }

    /// Until when nothing is read, if that is so; see [`Moderation`].
    pub(super) fn paused_until(&self) -> Option<Instant> {
        self.moderation.paused_until(now())
    }

    /// Whether nothing can be written any more.
    pub(super) fn is_broken(&self) -> bool {
        self.socket.get_ref().broken().is_some()
    }

    /// When to look again whether the connection still lives, where nobody waits for anything.
    pub(super) fn next_check(&self) -> Instant {
        self.watchdog.next_look()
    }

    /// Looks whether the connection still lives; called every [`super::watchdog::TICK`] while anybody waits for anything.
    ///
    /// # Errors
    /// Why the connection is lost.
    pub(super) fn check(&mut self, now: Instant, channel: &DataChannel) -> Result<(), Cut> {
        if let Some(reason) = self.broken().filter(|_| self.watchdog.quiet(now) >= DRAIN_TIMEOUT) {
            return Err(reason.into());
        }
        match self.watchdog.look(now, wall(), channel.awaits_acknowledgement()) {
            Verdict::Fine => Ok(()),
            Verdict::Dead => Err("the service has been silent for too long".to_owned().into()),
            Verdict::Ping => {
                // Where the socket takes nothing the ping is lost, and the silence that follows shows the same.
                if let Err(error) = Pin::new(&mut self.socket).start_send(Message::Ping(Bytes::new())) {
                    return Err(describe(&error).into());
                }
                self.unflushed = true;
                Ok(())
            }
        }
    }
}

/// The next frame of the channel. When it has none, streams may write: what they send goes out at once, so that they decide
/// what that is at the last moment.
fn next_frame(channel: &mut DataChannel, streams: Option<&mut Multiplexer>, now: Instant) -> Option<Bytes> {
    channel.poll_transmit(now).or_else(|| {
        streams?.transmit(channel);
        channel.poll_transmit(now)
    })
}

/// Why reading failed.
fn failed(error: &tungstenite::Error) -> Cut {
    let reset = matches!(error, tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake));
    // What is no WebSocket now will not be one the next time.
    let refused = matches!(error, tungstenite::Error::Protocol(_) | tungstenite::Error::Utf8(_)) && !reset;
    let too_large = matches!(error, tungstenite::Error::Capacity(_));
    Cut { refused, failure: too_large.then_some(Failure::FrameTooLarge(MESSAGE_LIMIT)), ..describe(error).into() }
}

fn closed_by(frame: Option<CloseFrame>) -> Cut {
    let code = frame.as_ref().map(|frame| frame.code);
    let too_large = code == Some(CloseCode::Size);
    // These say that it is the service's own affair, and may be another time.
    let passing = [CloseCode::Away, CloseCode::Error, CloseCode::Restart, CloseCode::Again];
    let refused = code.is_none_or(|code| !passing.contains(&code));
    let reason = match frame {
        None => "the service closed the connection".to_owned(),
        Some(frame) if frame.reason.is_empty() => format!("the service closed the connection (code {})", frame.code),
        Some(frame) => format!("the service closed the connection (code {}, {})", frame.code, frame.reason),
    };
    Cut { reason, too_large, refused, failure: None }
}

fn describe(error: &tungstenite::Error) -> String {
    match error {
        tungstenite::Error::Io(error) => describe_io(error),
        tungstenite::Error::ConnectionClosed | tungstenite::Error::AlreadyClosed => {
            "the service closed the connection".to_owned()
        }
        tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
            "the connection was cut".to_owned()
        }
        other => other.to_string(),
    }
}

fn describe_io(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
            "the connection was reset".to_owned()
        }
        ErrorKind::UnexpectedEof => "the connection was cut".to_owned(),
        ErrorKind::TimedOut => "the connection timed out".to_owned(),
        _ => error.to_string(),
    }
}

/// What a trace may say of a frame: its kind, number and size, and nothing of its content.
fn trace(direction: &str, frame: &Bytes) {
    if !tracing::enabled!(tracing::Level::TRACE) {
        return;
    }
    match protocol::Message::parse(frame.clone()) {
        Ok(message) => tracing::trace!(
            direction,
            message_type = message.header.message_type.name(),
            sequence = message.header.sequence,
            payload_type = ?message.header.payload_type,
            bytes = message.payload.len(),
        ),
        Err(error) => tracing::trace!(direction, bytes = frame.len(), %error, "not a message"),
    }
}
