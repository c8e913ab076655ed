//! Starts a session, and the two ends of it that its user holds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::DialError;
use super::ahead::Ahead;
use super::clock::now;
use super::driver::{Command, Driver};
use super::endings::Duty;
use super::event::Event;
use super::outlet::Outlet;
use super::reconnect::{Socket, connect_first};
use super::resources::{epoch_ms, random};
use super::stream_url::{Policy, StreamUrl, StreamUrlError};
use crate::aws::{self, Aws, Secret, StartSession, StartedSession};
use crate::protocol::{ClientConfig, Config, DataChannel, Flag, Size};
use crate::records;

/// Commands that wait for the driver; with [`CHUNK`] this bounds what is accepted and not yet in the send buffer.
const COMMANDS: usize = 16;

/// Events that wait for the owner; at the limit the driver stops reading the socket.
const EVENTS: usize = 64;

/// Writes are handed to the driver in pieces of this many bytes.
const CHUNK: usize = 32 * 1024;

/// How long ending a session on the service may take.
const TERMINATE_TIMEOUT: Duration = Duration::from_secs(5);

/// What differs between kinds of session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// How long to wait for a handshake that may not come before the agent is probed. Data is sent 2 s after it has
    /// answered, or 15 s.
    pub handshake_grace: Option<Duration>,
    /// Whether agents shake hands in all sessions of this kind, so that one that has not may do so yet.
    pub always_handshake: bool,
    /// Whether bulk data goes in messages of 32 KiB, to agents and through gateways that take them, in place of 1 KiB.
    pub large_messages: bool,
}

impl Options {
    /// For shells and interactive commands. They have a handshake only when a KMS key is configured; a real agent
    /// asks for it within 100 ms of its start and sends its first output after a second.
    pub(crate) fn interactive() -> Self {
        Self { handshake_grace: Some(Duration::from_secs(1)), always_handshake: false, large_messages: false }
    }

    /// For sessions that have a handshake always.
    pub(crate) fn with_handshake() -> Self {
        Self { handshake_grace: None, always_handshake: true, large_messages: false }
    }

    /// For port sessions. They have a handshake always, except with agents older than handshakes; a real agent asks for
    /// it within 100 ms of its start.
    pub(crate) fn port() -> Self {
        Self { handshake_grace: Some(Duration::from_secs(5)), always_handshake: true, large_messages: true }
    }
}

/// Why a session could not be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// AWS refused to start the session.
    #[error(transparent)]
    Aws(#[from] aws::Error),
    /// The service sent us somewhere that is not Session Manager.
    #[error(transparent)]
    StreamUrl(#[from] StreamUrlError),
    /// The session was started, and its data channel could not be opened. The session is ended again.
    #[error(transparent)]
    Dial(#[from] DialError),
}

/// The session is over, and takes nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session is over")]
pub(crate) struct SessionOver;

/// Starts the session that `request` describes and opens its data channel. Who drops the future leaves no session behind:
/// what was asked for is seen through, and then ended; [`end_all`](super::end_all) waits for that.
///
/// # Errors
/// [`OpenError`]; no session is left behind on the service.
pub(crate) async fn open(aws: &Aws, request: &StartSession, options: Options) -> Result<Channel, OpenError> {
    // A person may have to type a code for them, and may leave instead: nothing was asked for so far.
    aws.credentials().await.map_err(|error| error.about(&request.target))?;
    let (opening, opened) = Opening::new(aws, request.clone(), options);
    tokio::spawn(async move {
        let ahead = Ahead::of(&opening.aws);
        match opening.aws.start_session(&opening.request).await {
            Ok(started) => opening.begin(started, ahead).await,
            // A caller that is gone need not know.
            Err(error) => drop(opening.caller.send(Err(error.into()))),
        }
    });
    opened.await.expect(ANSWERS)
}

/// Opens the data channel of a session that was started already, on `target`. Without its target a session cannot be
/// encrypted: it belongs into the encryption context. Who drops the future leaves no session behind, as with [`open`].
///
/// # Errors
/// [`OpenError`]; the session is ended on the service then.
pub(crate) async fn open_started(
    aws: &Aws,
    started: StartedSession,
    target: String,
    options: Options,
) -> Result<Channel, OpenError> {
    let request = StartSession { target, ..StartSession::default() };
    let (opening, opened) = Opening::new(aws, request, options);
    tokio::spawn(opening.begin(started, None));
    opened.await.expect(ANSWERS)
}

/// Of the task that opens a channel.
const ANSWERS: &str = "it answers unless the process is about to go, when nobody asks";

/// A channel that is being opened, in a task of its own: it goes on where nobody waits for it any more.
struct Opening {
    aws: Aws,
    request: StartSession,
    options: Options,
    duty: Duty,
    caller: oneshot::Sender<Result<Channel, OpenError>>,
}

impl Opening {
    fn new(
        aws: &Aws,
        request: StartSession,
        options: Options,
    ) -> (Self, oneshot::Receiver<Result<Channel, OpenError>>) {
        let (caller, opened) = oneshot::channel();
        let duty = Duty::new(&request.target);
        (Self { aws: aws.clone(), request, options, duty, caller }, opened)
    }

    /// Opens the data channel, on a connection that was made ahead where there is one, and ends the session if that fails or
    /// nobody waits for it any more.
    async fn begin(mut self, started: StartedSession, ahead: Option<Ahead>) {
        let session_id = started.session_id.clone();
        self.duty.started(&session_id, records::keep(record(&self.aws, &self.request, &session_id)));
        let connecting = async {
            let url = StreamUrl::parse(&started.stream_url, &Policy::of(&self.aws))?;
            let socket = connect_first(&self.aws, &url, &started.token, ahead).await?;
            Ok((url, socket))
        };
        let stop = self.duty.stop();
        let connected = tokio::select! {
            connected = connecting => Some(connected),
            () = self.caller.closed() => None,
            () = stop.notified() => None,
        };
        match connected {
            // A channel that nobody takes is dropped, which ends the session.
            Some(Ok((url, socket))) => self.run(session_id, url, started.token, socket),
            ended => {
                if terminate(&self.aws, &session_id).await {
                    self.duty.fulfilled();
                }
                if let Some(Err(error)) = ended {
                    drop(self.caller.send(Err(error)));
                }
            }
        }
    }

    /// Has a task run the session, and hands out the other end.
    fn run(self, session_id: String, url: StreamUrl, token: Secret, socket: Socket) {
        let mut config = Config::new(now(), epoch_ms(), u64::from_ne_bytes(random()));
        config.receive_buffer = 256 * 1024;
        let client = ClientConfig {
            always_handshake: self.options.always_handshake,
            require_encryption: self.aws.requires_encryption(),
            ..ClientConfig::new(self.options.handshake_grace, u128::from_ne_bytes(random()))
        };
        let (commands, command_queue) = mpsc::channel(COMMANDS);
        let (event_queue, events) = mpsc::channel(EVENTS);
        let (sizes, size) = watch::channel(None);
        let (connected, connection) = watch::channel(None);
        let stop = self.duty.stop();
        let ready = Arc::new(AtomicBool::new(false));
        let driver = Driver {
            aws: self.aws,
            session_id: session_id.clone(),
            target: self.request.target,
            url,
            token,
            channel: DataChannel::client(config, client),
            commands: command_queue,
            sizes: size,
            events: event_queue,
            duty: self.duty,
            large_messages: self.options.large_messages,
            ready: Arc::clone(&ready),
            connected,
        };
        let task = tokio::spawn(driver.run(socket));
        let channel =
            Channel { session_id, input: Input { ready, connected: connection, commands, sizes }, events, stop, task };
        drop(self.caller.send(Ok(channel)));
    }
}

/// Begins to drive a session whose first connection a test has opened.
#[cfg(test)]
pub(super) fn begin(
    aws: &Aws,
    started: StartedSession,
    target: String,
    url: StreamUrl,
    socket: Socket,
    options: Options,
) -> Channel {
    let request = StartSession { target, ..StartSession::default() };
    let (opening, mut opened) = Opening::new(aws, request, options);
    opening.run(started.session_id, url, started.token, socket);
    opened.try_recv().expect("it has answered").expect("a channel")
}

/// What is remembered of a session.
fn record(aws: &Aws, request: &StartSession, session_id: &str) -> records::Session {
    records::Session {
        id: session_id.to_owned(),
        target: request.target.clone(),
        document: request.document.clone(),
        destination: request.destination(),
        profile: aws.profile().map(str::to_owned),
        identity: aws.identity().as_str().to_owned(),
        region: aws.region().to_owned(),
        endpoint: aws.ssm_endpoint().map(str::to_owned),
    }
}

/// Ends a session on the service, even one that another program started, within 5 s. False if that is not certain: it
/// ends by itself then, at the idle timeout.
pub(crate) async fn terminate(aws: &Aws, session_id: &str) -> bool {
    match tokio::time::timeout(TERMINATE_TIMEOUT, aws.terminate_session(session_id)).await {
        Ok(Ok(())) => tracing::debug!(session_id, "terminated"),
        // The service gave us the id itself: what is wrong with the request can only be the state of the session, which
        // is ending already.
        Ok(Err(error)) if matches!(error.kind(), aws::ErrorKind::NotFound | aws::ErrorKind::Usage) => {
            tracing::debug!(session_id, "ended already");
        }
        Ok(Err(error)) => {
            tracing::warn!(session_id, %error, "cannot terminate the session");
            return false;
        }
        Err(_) => {
            tracing::warn!(session_id, "terminating the session took too long");
            return false;
        }
    }
    true
}

/// Ends a session that another process has left, in a task that [`end_all`](super::end_all) waits for.
pub(crate) fn end_left(aws: &Aws, session: &records::Session) {
    let (aws, id) = (aws.clone(), session.id.clone());
    let mut duty = Duty::new(&session.target);
    duty.started(&id, None);
    tokio::spawn(async move {
        if terminate(&aws, &id).await {
            records::forget(&id);
            duty.fulfilled();
        }
    });
}

/// One session: its events, and the way in. Dropping it ends the session on the service; [`Channel::terminate`] waits
/// for that.
#[derive(Debug)]
pub(crate) struct Channel {
    session_id: String,
    input: Input,
    events: mpsc::Receiver<Event>,
    stop: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Channel {
    /// The id that the service gave the session.
    pub(crate) fn session_id(&self) -> &str {
        &self.session_id
    }

    /// A way to write; there may be several.
    pub(crate) fn input(&self) -> Input {
        self.input.clone()
    }

    /// A way to write whose user decides what to send when there is room on the wire, not before.
    pub(crate) fn outlet(&self) -> Outlet {
        Outlet::new(self.input.commands.clone())
    }

    /// The next event if it is there already.
    pub(crate) fn try_next(&mut self) -> Option<Event> {
        self.events.try_recv().ok()
    }

    /// The next event; `None` after [`Event::Ended`]. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// Ends the session on the service and waits until that is done, 5 s at most. Events that were not read are lost.
    pub(crate) async fn terminate(mut self) {
        self.stop.notify_one();
        self.events.close();
        // The task ends by itself within its own time limits; a panic in it was reported by the panic hook.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.stop.notify_one();
    }
}

/// The way into a session.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    ready: Arc<AtomicBool>,
    connected: watch::Receiver<Option<Instant>>,
    commands: mpsc::Sender<Command>,
    sizes: watch::Sender<Option<Size>>,
}

impl Input {
    /// Whether [`Event::Ready`] has come, or is about to.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    /// Sends bytes, and waits while the session takes none. Dropping the future may lose what was not yet accepted.
    ///
    /// # Errors
    /// [`SessionOver`].
    pub(crate) async fn write(&self, mut bytes: Bytes) -> Result<(), SessionOver> {
        while !bytes.is_empty() {
            let chunk = bytes.split_to(bytes.len().min(CHUNK));
            self.commands.send(Command::Write(chunk)).await.map_err(|_| SessionOver)?;
        }
        Ok(())
    }

    /// Waits until the session takes something. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`SessionOver`].
    pub(crate) async fn reserve(&self) -> Result<SendPermit<'_>, SessionOver> {
        self.commands.reserve().await.map(SendPermit).map_err(|_| SessionOver)
    }

    /// Sends a few bytes if there is room now.
    ///
    /// # Errors
    /// The bytes, when there is none or the session is over.
    pub(crate) fn try_write(&self, bytes: Bytes) -> Result<(), Bytes> {
        self.commands.try_send(Command::Write(bytes.clone())).map_err(|_| bytes)
    }

    /// Sends a flag behind everything written before it.
    ///
    /// # Errors
    /// [`SessionOver`].
    pub(crate) async fn flag(&self, flag: Flag) -> Result<(), SessionOver> {
        self.commands.send(Command::Flag(flag)).await.map_err(|_| SessionOver)
    }

    /// Waits until the agent has acknowledged everything written before, through any input; what is written meanwhile
    /// waits. It takes as long as the agent and the network take, reconnects included: put a limit on it.
    ///
    /// # Errors
    /// [`SessionOver`]; what was not acknowledged may not have arrived.
    pub(crate) async fn flush(&self) -> Result<(), SessionOver> {
        let (done, flushed) = oneshot::channel();
        self.commands.send(Command::Flush(done)).await.map_err(|_| SessionOver)?;
        flushed.await.map_err(|_| SessionOver)
    }

    /// Waits for the same, and holds up nothing that is written meanwhile.
    ///
    /// # Errors
    /// As those of [`Self::flush`].
    pub(crate) async fn delivered(&self) -> Result<(), SessionOver> {
        let (done, delivered) = oneshot::channel();
        self.commands.send(Command::Deliver(done)).await.map_err(|_| SessionOver)?;
        delivered.await.map_err(|_| SessionOver)
    }

    /// Since when there is a connection; `None` while there is none.
    pub(crate) fn connected(&self) -> watch::Receiver<Option<Instant>> {
        self.connected.clone()
    }

    /// Sends the size of the terminal. Only the newest one is sent when several come quickly.
    pub(crate) fn resize(&self, size: Size) {
        self.sizes.send_replace(Some(size));
    }
}

/// Permission to send one more piece of input.
#[derive(Debug)]
pub(crate) struct SendPermit<'a>(mpsc::Permit<'a, Command>);

impl SendPermit<'_> {
    /// Sends what fits, and leaves the rest.
    pub(crate) fn write(self, bytes: &mut BytesMut) {
        let piece = bytes.split_to(bytes.len().min(CHUNK)).freeze();
        self.0.send(Command::Write(piece));
    }
}

#[cfg(test)]
impl Channel {
    /// A channel without a session: the test reads what is written and says what happens. Each turn is asked for.
    pub(crate) fn for_tests(session_id: &str) -> (Self, mpsc::Receiver<Command>, mpsc::Sender<Event>, Arc<Notify>) {
        let (commands, command_queue) = mpsc::channel(COMMANDS);
        let (event_queue, events) = mpsc::channel(EVENTS);
        let stop = Arc::new(Notify::new());
        let ready = Arc::new(AtomicBool::new(true));
        let input = Input { ready, connected: watch::channel(Some(now())).1, commands, sizes: watch::channel(None).0 };
        let task = tokio::spawn(async {});
        let channel = Self { session_id: session_id.to_owned(), input, events, stop: Arc::clone(&stop), task };
        (channel, command_queue, event_queue, stop)
    }
}
