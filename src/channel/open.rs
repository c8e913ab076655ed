//! Starts a session, and hands out the end of it that its user holds.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use super::clock::now;
use super::dial::DialError;
use super::driver::Driver;
use super::endings::Duty;
use super::handle::{Channel, EVENTS};
use super::input::{COMMANDS, Input};
use super::reconnect::{Socket, connect_first};
use super::resources::{epoch_ms, random};
use super::stream_url::{Policy, StreamUrl, StreamUrlError};
use super::terminate::terminate;
use crate::aws::{self, Aws, Secret, StartSession, StartedSession};
use crate::protocol::{ClientConfig, Config, DataChannel};
use crate::records;

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
    /// Whether connections are carried as streams, by agents and documents that multiplex.
    pub multiplexed: bool,
}

impl Options {
    /// For shells and interactive commands. They have a handshake only when a KMS key is configured; a real agent
    /// asks for it within 100 ms of its start and sends its first output after a second.
    pub(crate) fn interactive() -> Self {
        Self {
            handshake_grace: Some(Duration::from_secs(1)),
            always_handshake: false,
            large_messages: false,
            multiplexed: false,
        }
    }

    /// For sessions that have a handshake always.
    pub(crate) fn with_handshake() -> Self {
        Self { handshake_grace: None, always_handshake: true, large_messages: false, multiplexed: false }
    }

    /// For a port whose bytes are carried as they are.
    pub(crate) fn single_port() -> Self {
        Self { multiplexed: false, ..Self::port() }
    }

    /// For port sessions. They have a handshake always, except with agents older than handshakes; a real agent asks for
    /// it within 100 ms of its start.
    pub(crate) fn port() -> Self {
        let handshake_grace = Some(Duration::from_secs(5));
        Self { handshake_grace, always_handshake: true, large_messages: true, multiplexed: true }
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
        match opening.aws.start_session(&opening.request).await {
            Ok(started) => opening.begin(started).await,
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
    tokio::spawn(opening.begin(started));
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

    /// Opens the data channel, and ends the session if that fails or nobody waits for it any more.
    async fn begin(mut self, started: StartedSession) {
        let session_id = started.session_id.clone();
        self.duty.started(&session_id, records::keep(record(&self.aws, &self.request, &session_id)));
        let connecting = async {
            let url = StreamUrl::parse(&started.stream_url, &Policy::of(&self.aws))?;
            let socket = connect_first(&self.aws, &url, &started.token).await?;
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
        let streams = Arc::new(OnceLock::new());
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
            options: self.options,
            mux: None,
            streams: Arc::clone(&streams),
            ready: Arc::clone(&ready),
            connected,
        };
        let task = tokio::spawn(driver.run(socket));
        let input = Input { ready, connected: connection, commands, sizes };
        let channel = Channel { session_id, input, events, stop, task, streams };
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
