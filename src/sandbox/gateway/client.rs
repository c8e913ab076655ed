//! One connection of a session's client: the open message, then frames both ways until either side has enough.

use std::borrow::Cow;
use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt, stream};
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::channel_closed::channel_closed;
use super::publication::{pause_publication, start_publication};
use crate::sandbox::account::Account;
use crate::sandbox::faults::MessageLimit;
use crate::sandbox::sessions::session::{Attachment, Session};

/// How long the open message may take.
const OPEN_DEADLINE: Duration = Duration::from_secs(10);

/// How long a client may take to answer a close.
const CLOSE_DEADLINE: Duration = Duration::from_secs(5);

/// Frames written before a flush.
const BATCH: usize = 64;

type Socket = WebSocketStream<TcpStream>;

/// The first, and only textual, message of a connection.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OpenMessage<'a> {
    message_schema_version: &'a str,
    #[serde(borrow)]
    token_value: Cow<'a, str>,
}

/// Why a connection ends.
#[derive(Debug)]
enum Leave {
    /// The client went, or its socket failed.
    Gone,
    /// A newer connection took the session over.
    Replaced,
    /// It was time for a cut.
    Cut,
    /// The client or the agent has sent a message that is too long.
    TooLong,
    /// The session is over, and everything before that is written.
    Over,
}

/// Serves a connection to its end.
pub(crate) async fn serve(
    account: Arc<Account>,
    session: Arc<Session>,
    cuts: watch::Receiver<u64>,
    mut socket: Socket,
) {
    if let Err(refusal) = open(&session, &mut socket).await {
        tracing::debug!(session = session.id, refusal, "connection refused");
        return close(socket, CloseCode::Policy, refusal).await;
    }
    let attachment = session.attach();
    tracing::debug!(session = session.id, "client connected");
    if account.options.publication_control {
        session.to_agent.push_own(start_publication());
    }
    let (leave, socket) = relay(&account, &session, cuts, &attachment, socket).await;
    tracing::debug!(session = session.id, ?leave, "client leaves");
    if account.options.publication_control && attachment.is_current() {
        session.to_agent.push_own(pause_publication());
    }
    drop(attachment);
    match leave {
        Leave::Gone | Leave::Replaced => {}
        Leave::Cut => cut(&session, socket).await,
        Leave::TooLong => close(socket, CloseCode::Size, "").await,
        Leave::Over => say_closed(&session, socket).await,
    }
}

/// Reads and checks the open message.
async fn open(session: &Session, socket: &mut Socket) -> Result<(), &'static str> {
    let text = loop {
        match timeout(OPEN_DEADLINE, socket.next()).await {
            Ok(Some(Ok(Message::Text(text)))) => break text,
            Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => {}
            Ok(Some(Ok(_))) => return Err("the first message must be the open message"),
            Ok(Some(Err(_)) | None) => return Err("the client has gone"),
            Err(_) => return Err("no open message in time"),
        }
    };
    let open: OpenMessage<'_> = serde_json::from_str(&text).map_err(|_| "not an open message")?;
    if open.message_schema_version != "1.0" {
        return Err("unknown MessageSchemaVersion");
    }
    if !session.opens_with(&open.token_value) {
        return Err("invalid TokenValue");
    }
    Ok(())
}

async fn relay(
    account: &Account,
    session: &Session,
    cuts: watch::Receiver<u64>,
    attachment: &Attachment,
    socket: Socket,
) -> (Leave, Socket) {
    let (mut sink, mut source) = socket.split();
    let leave = tokio::select! {
        leave = read(session, &mut source, account.options.message_limit) => leave,
        leave = write(session, &mut sink, account.options.message_limit_to_client) => leave,
        () = attachment.replaced() => Leave::Replaced,
        () = cut_time(account, cuts) => Leave::Cut,
    };
    let socket = sink.reunite(source).expect("both are halves of one socket");
    (leave, socket)
}

async fn read(session: &Session, source: &mut stream::SplitStream<Socket>, limit: Option<MessageLimit>) -> Leave {
    while let Some(Ok(message)) = source.next().await {
        // The agent's reader takes a binary message in a text frame as well.
        let frame = match message {
            Message::Binary(frame) => frame,
            Message::Text(text) => Bytes::from(text),
            Message::Ping(_) | Message::Pong(_) => continue,
            Message::Close(_) | Message::Frame(_) => return Leave::Gone,
        };
        match limit {
            Some(MessageLimit::Close(most)) if frame.len() > most => return Leave::TooLong,
            Some(MessageLimit::Swallow(most)) if frame.len() > most => continue,
            _ => {}
        }
        if session.to_agent.push(frame).await.is_err() {
            // The session is over: the writer reports it, and ends this connection.
            pending::<()>().await;
        }
    }
    Leave::Gone
}

async fn write(session: &Session, sink: &mut stream::SplitSink<Socket, Message>, limit: Option<MessageLimit>) -> Leave {
    while let Some(batch) = session.to_client.batch(BATCH).await {
        for frame in batch.frames() {
            match limit {
                Some(MessageLimit::Close(most)) if frame.len() > most => return Leave::TooLong,
                Some(MessageLimit::Swallow(most)) if frame.len() > most => continue,
                _ => {}
            }
            if sink.feed(Message::Binary(frame)).await.is_err() {
                return Leave::Gone;
            }
        }
        if sink.flush().await.is_err() {
            return Leave::Gone;
        }
        batch.sent();
    }
    Leave::Over
}

async fn cut_time(account: &Account, mut cuts: watch::Receiver<u64>) {
    match account.options.cut_client_every {
        Some(every) => tokio::select! {
            () = sleep(every) => {}
            _ = cuts.changed() => {}
        },
        None => {
            // The sender is a field of the account: it cannot be gone.
            let _ = cuts.changed().await;
        }
    }
}

/// Ends a connection in the two ways that real ones end: by a reset, and by a close that says `Bye`.
async fn cut(session: &Session, socket: Socket) {
    if session.count_cut().is_multiple_of(2) {
        // A socket whose linger time is zero is reset, not shut down.
        let _ = socket.get_ref().set_zero_linger();
    } else {
        close(socket, CloseCode::Normal, "Bye").await;
    }
}

async fn say_closed(session: &Session, mut socket: Socket) {
    let message = channel_closed(&session.id, &session.instance.id, &session.output(), SystemTime::now());
    if socket.send(Message::Binary(message)).await.is_ok() {
        session.over();
        close(socket, CloseCode::Normal, "").await;
    }
}

/// Sends a close and waits for the client's.
async fn close(mut socket: Socket, code: CloseCode, reason: &'static str) {
    let closing = async {
        if socket.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await.is_ok() {
            while let Some(Ok(_)) = socket.next().await {}
        }
    };
    let _ = timeout(CLOSE_DEADLINE, closing).await;
}
