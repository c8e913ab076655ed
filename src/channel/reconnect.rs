//! Getting a connection: the first one, and another one after a cut.
//!
//! The service cuts connections as a matter of routine (about every hour, close 1000 "Bye"), laptops sleep, Wi-Fi
//! changes. So a cut is met with ResumeSession, with the credentials as they are now, and a new dial, for as long as
//! the service may keep the session.

use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::SinkExt;
use tokio::time::sleep_until;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{self, Message};

use super::ahead::Ahead;
use super::clock::now;
use super::dial::{DialError, dial};
use super::event::{ConnectionEvent, End};
use super::line::Line;
use super::pacing::{FIRST_PAUSE, LONGEST_PAUSE, Pacing, pause};
use super::resources::{client_id, new_uuid};
use super::stream_url::StreamUrl;
use crate::aws::{Aws, BoxedStream, Secret};
use crate::backoff::Backoff;
use crate::protocol::{CLIENT_VERSION, OpenMessage};

/// A connection on which the open message has been sent.
pub(super) type Socket = WebSocketStream<Line>;

/// Attempts to open the first connection, as many as the official client makes.
const FIRST_ATTEMPTS: u32 = 6;

/// An outage that is over sooner is not reported: the service cuts connections every hour, and nobody has to know.
const UNREPORTED: Duration = Duration::from_millis(250);

/// Opens the first connection of a session, if possible on one that was made ahead.
pub(super) async fn connect_first(
    aws: &Aws,
    url: &StreamUrl,
    token: &Secret,
    ahead: Option<Ahead>,
) -> Result<Socket, DialError> {
    if let Some(ahead) = ahead
        && let Some(stream) = ahead.take(url).await
    {
        match connect(aws, url, token, Some(stream)).await {
            Ok(socket) => return Ok(socket),
            Err(error) => tracing::debug!(%error, "the connection that was made ahead is of no use"),
        }
    }
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
    for _ in 1..FIRST_ATTEMPTS {
        match connect(aws, url, token, None).await {
            Ok(socket) => return Ok(socket),
            Err(error) if !error.is_retryable() => return Err(error),
            Err(error) => tracing::debug!(%error, "cannot open the data channel yet"),
        }
        pause(&mut backoff).await;
    }
    connect(aws, url, token, None).await
}

/// The time without a connection, as the owner sees it.
#[derive(Debug)]
pub(super) struct Outage {
    started: Instant,
    /// Why the connection was lost, until the owner knows.
    unreported: Option<String>,
    /// The reason that the owner was given last.
    reported: Option<String>,
}

impl Outage {
    /// An outage that begins now, for this reason.
    pub(super) fn new(reason: String) -> Self {
        Self { started: now(), unreported: Some(reason), reported: None }
    }

    /// How long it has lasted when it ends; `None` when the owner knows nothing of it.
    pub(super) fn reported_until(&self, end: Instant) -> Option<Duration> {
        self.unreported.is_none().then(|| end.saturating_duration_since(self.started))
    }

    /// When it has to be reported, unless it was.
    pub(super) fn report_due(&self) -> Option<Instant> {
        self.unreported.as_ref().map(|_| self.started + UNREPORTED)
    }

    /// What the owner has to know of it, once it has lasted for so long.
    pub(super) fn report(&mut self) -> Option<ConnectionEvent> {
        self.unreported.take().map(ConnectionEvent::Lost)
    }

    /// An attempt failed: what the owner has to know of that.
    fn failed(&mut self, reason: &str) -> Option<ConnectionEvent> {
        if self.unreported.is_some() || self.reported.as_deref() == Some(reason) {
            return None;
        }
        self.reported = Some(reason.to_owned());
        Some(ConnectionEvent::Waiting(reason.to_owned()))
    }
}

/// Resumes a session after a cut, with a fresh token, however long it takes.
///
/// # Errors
/// How the session ended instead.
pub(super) async fn reconnect(
    driver: Resuming<'_>,
    outage: &mut Outage,
    pacing: &mut Pacing,
    mut report: impl FnMut(ConnectionEvent),
) -> Result<Socket, End> {
    let Resuming { aws, session_id, url, token } = driver;
    let mut failure = pacing.take_unpaused();
    loop {
        if let Some(reason) = failure {
            tracing::info!(session_id, %reason, "cannot resume yet");
            // The first failures are common while a network comes back, and mean nothing to a person.
            if pacing.is_long()
                && let Some(event) = outage.failed(&reason)
            {
                report(event);
            }
            reporting(outage, &mut report, pacing.failed(reason)).await?;
        }
        failure = match reporting(outage, &mut report, attempt(aws, session_id, url, token)).await {
            Ok(socket) => return Ok(socket),
            Err(Attempt::Ended(end)) => return Err(end),
            Err(Attempt::Again(reason)) => Some(reason),
        };
    }
}

/// What a session is resumed with.
pub(super) struct Resuming<'a> {
    pub(super) aws: &'a Aws,
    pub(super) session_id: &'a str,
    pub(super) url: &'a StreamUrl,
    pub(super) token: &'a mut Secret,
}

/// Does some work, and reports the outage meanwhile when it is time.
async fn reporting<T>(
    outage: &mut Outage,
    report: &mut impl FnMut(ConnectionEvent),
    work: impl Future<Output = T>,
) -> T {
    let mut work = pin!(work);
    if let Some(due) = outage.report_due() {
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = sleep_until(due.into()) => {}
        }
        outage.report().into_iter().for_each(report);
    }
    work.await
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
    connect(aws, url, token, None).await.map_err(|error| Attempt::Again(error.to_string()))
}

/// Dials unless there is a stream, signs, and sends the open message.
async fn connect(aws: &Aws, url: &StreamUrl, token: &Secret, stream: Option<BoxedStream>) -> Result<Socket, DialError> {
    let mut socket = dial(aws, url, stream).await?;
    let open = OpenMessage::client(token.expose(), client_id(), new_uuid().to_string(), CLIENT_VERSION).encode();
    let refused =
        |error: tungstenite::Error| DialError::Handshake { host: url.host.clone(), reason: error.to_string() };
    socket.send(Message::text(open.as_str())).await.map_err(refused)?;
    Ok(socket)
}
