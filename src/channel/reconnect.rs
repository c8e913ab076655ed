//! Getting a connection: the first one, and another one after a cut.
//!
//! The service cuts connections as a matter of routine (about every hour, close 1000 "Bye"), laptops sleep, Wi-Fi
//! changes. So a cut is met with ResumeSession, with the credentials as they are now, and a new dial, for as long as
//! the service may keep the session.

use std::time::{Duration, Instant};

use futures_util::SinkExt;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{self, Message};

use super::clock::now;
use super::dial::{DialError, dial};
use super::event::{ConnectionEvent, End, Event};
use super::resources::{client_id, new_uuid, random};
use super::stream_url::StreamUrl;
use crate::aws::{Aws, BoxedStream, Secret};
use crate::backoff::Backoff;
use crate::protocol::{CLIENT_VERSION, OpenMessage};

/// A connection on which the open message has been sent.
pub(super) type Socket = WebSocketStream<BoxedStream>;

/// Attempts to open the first connection, as many as the official client makes.
const FIRST_ATTEMPTS: u32 = 6;

/// The pause after the first failure, and the longest one; each is jittered.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// How long to try for another connection, at least once more after that: the longest idle timeout an account can
/// set, after which the service has ended the session by itself.
const KEPT_BY_SERVICE: Duration = Duration::from_hours(1);

/// Opens the first connection of a session.
pub(super) async fn connect_first(aws: &Aws, url: &StreamUrl, token: &Secret) -> Result<Socket, DialError> {
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
    for _ in 1..FIRST_ATTEMPTS {
        match connect(aws, url, token).await {
            Ok(socket) => return Ok(socket),
            Err(error) if !error.is_retryable() => return Err(error),
            Err(error) => tracing::debug!(%error, "cannot open the data channel yet"),
        }
        pause(&mut backoff).await;
    }
    connect(aws, url, token).await
}

/// The time without a connection that is of use.
pub(super) struct Outage {
    started: Instant,
    backoff: Backoff,
    failures: u32,
    /// The reason that the owner was given last.
    reported: Option<String>,
    last: bool,
}

impl Outage {
    /// An outage that begins now.
    pub(super) fn new() -> Self {
        let backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        Self { started: now(), backoff, failures: 0, reported: None, last: false }
    }

    /// How long it has lasted when it ends.
    pub(super) fn until(&self, end: Instant) -> Duration {
        end.saturating_duration_since(self.started)
    }

    /// Resumes a session after a cut, with a fresh token, however long it takes.
    ///
    /// # Errors
    /// How the session ended instead.
    pub(super) async fn reconnect(
        &mut self,
        aws: &Aws,
        session_id: &str,
        url: &StreamUrl,
        token: &mut Secret,
        events: &mpsc::Sender<Event>,
    ) -> Result<Socket, End> {
        loop {
            let reason = match attempt(aws, session_id, url, token).await {
                Ok(socket) => return Ok(socket),
                Err(Attempt::Ended(end)) => return Err(end),
                Err(Attempt::Again(reason)) => reason,
            };
            self.failed(session_id, reason, events).await?;
        }
    }

    /// An attempt failed, for this reason: waits until it is time for the next one.
    ///
    /// # Errors
    /// It is time to give up.
    pub(super) async fn failed(
        &mut self,
        session_id: &str,
        reason: String,
        events: &mpsc::Sender<Event>,
    ) -> Result<(), End> {
        tracing::info!(session_id, %reason, "cannot resume yet");
        if self.last {
            return Err(End::Lost(reason));
        }
        self.last = self.until(now()) >= KEPT_BY_SERVICE;
        // The first failures are common while a network comes back, and mean nothing to a person.
        if self.failures > 2 && self.reported.as_ref() != Some(&reason) {
            self.reported = Some(reason.clone());
            // A full queue: the owner does not read, and will see the outcome.
            let _ = events.try_send(Event::Connection(ConnectionEvent::Waiting(reason)));
        }
        self.failures += 1;
        pause(&mut self.backoff).await;
        Ok(())
    }
}

async fn pause(backoff: &mut Backoff) {
    tokio::time::sleep(backoff.next_jittered(u16::from_ne_bytes(random()))).await;
}

/// What one attempt to resume came to.
enum Attempt {
    Again(String),
    Ended(End),
}

async fn attempt(aws: &Aws, session_id: &str, url: &StreamUrl, token: &mut Secret) -> Result<Socket, Attempt> {
    match aws.resume_session(session_id).await {
        Ok(resumed) => *token = resumed.token.ok_or(Attempt::Ended(End::Expired))?,
        Err(error) if error.is_retryable_for_resume() => return Err(Attempt::Again(error.to_string())),
        Err(error) if error.kind() == crate::aws::ErrorKind::NotFound => return Err(Attempt::Ended(End::Expired)),
        Err(error) => return Err(Attempt::Ended(End::Refused(error))),
    }
    // The URL in the answer is not used: the official client reopens the original one.
    connect(aws, url, token).await.map_err(|error| Attempt::Again(error.to_string()))
}

/// Dials, signs, and sends the open message.
async fn connect(aws: &Aws, url: &StreamUrl, token: &Secret) -> Result<Socket, DialError> {
    let mut socket = dial(aws, url).await?;
    let open = OpenMessage::client(token.expose(), client_id(), new_uuid().to_string(), CLIENT_VERSION).encode();
    let refused =
        |error: tungstenite::Error| DialError::Handshake { host: url.host.clone(), reason: error.to_string() };
    socket.send(Message::text(open.as_str())).await.map_err(refused)?;
    Ok(socket)
}
