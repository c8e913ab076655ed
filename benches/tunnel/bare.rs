//! The baseline at a distance: a client that sends messages of 32 KiB, keeps 16 MiB in flight whatever the path does, and
//! decides nothing. It shows what the path, the service and the agent take.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use futures_util::{Sink, Stream};
use ssmx::protocol::smux::{self, Mux};
use ssmx::protocol::{
    CLIENT_VERSION, ClientConfig, Config, DataChannel, Event, Header, Message, MessageType, OpenMessage, PREFIX_LENGTH,
    PayloadType, Role,
};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as Frame;
use uuid::Uuid;

use super::Result;
use super::server::Request;
use super::under_test::start_session;

/// Payload bytes of a message.
const MESSAGE: usize = 32 * 1024;

/// Bytes in flight.
const IN_FLIGHT: usize = 16 << 20;

/// Uploads to `port` of the instance, until the process ends.
pub(crate) fn run(port: &str) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(upload(port.parse()?))
}

async fn upload(port: u16) -> Result<()> {
    let (_, answer) = start_session(port, 1).await?;
    let answer: serde_json::Value = serde_json::from_str(&answer)?;
    let text = |name: &str| answer[name].as_str().ok_or(format!("no {name}"));
    let (url, token) = (text("StreamUrl")?, text("TokenValue")?);
    let host = url.strip_prefix("ws://").and_then(|rest| rest.split('/').next()).ok_or("not on the loopback")?;
    let stream = TcpStream::connect(host).await?;
    stream.set_nodelay(true)?;
    let (mut socket, _) = tokio_tungstenite::client_async(url, stream).await?;
    let open = OpenMessage::client(token, "bench", Uuid::from_u128(1).to_string(), CLIENT_VERSION).encode();
    send(&mut socket, Frame::text(open.as_str())).await?;

    let start = Instant::now();
    let mut channel = DataChannel::client(Config::new(start, 1_700_000_000_000, 1), ClientConfig::new(None, 1));
    channel.handle_connected(start);
    let mut ready = false;
    loop {
        while let Some(event) = channel.poll_event() {
            ready |= matches!(event, Event::Ready(_));
        }
        while let Some(frame) = channel.poll_transmit(Instant::now()) {
            send(&mut socket, Frame::Binary(frame)).await?;
        }
        // Nothing more may come.
        if ready && !channel.awaits_acknowledgement() {
            break;
        }
        if let Some(frame) = next(&mut socket).await? {
            channel.handle_frame(Instant::now(), frame);
        }
    }
    // What arrives before the agent's port is ready is dropped.
    tokio::time::sleep(Duration::from_millis(300)).await;
    Writer { socket, channel, unanswered: 0, sent: 0 }.write().await
}

struct Writer {
    socket: WebSocketStream<TcpStream>,
    channel: DataChannel,
    /// Messages that are not acknowledged.
    unanswered: usize,
    sent: i64,
}

impl Writer {
    async fn write(mut self) -> Result<()> {
        let first = self.channel.next_sequence();
        let mut mux = Mux::new(Role::Client, smux::Config::default(), Instant::now());
        let stream = mux.open().map_err(|error| format!("{error:?}"))?;
        let (request, block) = (Request::Count.encode(), Bytes::from(vec![0x5a; MESSAGE]));
        mux.write(stream, Bytes::copy_from_slice(&request)).map_err(|error| format!("{error:?}"))?;
        let mut buffer = BytesMut::new();
        loop {
            while self.unanswered * (PREFIX_LENGTH + MESSAGE) < IN_FLIGHT {
                if mux.queued(stream) < MESSAGE {
                    mux.write(stream, block.clone()).map_err(|error| format!("{error:?}"))?;
                }
                let Some(payload) = mux.poll_transmit(MESSAGE) else { continue };
                let header = Header {
                    message_type: MessageType::InputStreamData,
                    schema_version: 1,
                    created: 1_700_000_000_000,
                    sequence: first + self.sent,
                    flags: 0,
                    id: Uuid::from_u128(self.sent as u128 + 2),
                    payload_type: PayloadType::Output,
                };
                header.encode(&payload, &mut buffer);
                feed(&mut self.socket, Frame::Binary(buffer.split().freeze())).await?;
                self.sent += 1;
                self.unanswered += 1;
                // What has come is taken in as often as that.
                if self.unanswered.is_multiple_of(32) {
                    break;
                }
            }
            flush(&mut self.socket).await?;
            self.read().await?;
        }
    }

    /// Takes in what has come, and waits for it where nothing may be sent.
    async fn read(&mut self) -> Result<()> {
        let full = self.unanswered * (PREFIX_LENGTH + MESSAGE) >= IN_FLIGHT;
        let mut wait = full;
        loop {
            let frame = match wait {
                true => next(&mut self.socket).await?,
                false => tokio::select! {
                    biased;
                    frame = next(&mut self.socket) => frame?,
                    () = std::future::ready(()) => return Ok(()),
                },
            };
            let Some(frame) = frame else { continue };
            if Message::parse(frame.clone())?.header.message_type == MessageType::Acknowledge {
                self.unanswered = self.unanswered.saturating_sub(1);
                wait = false;
            }
            self.channel.handle_frame(Instant::now(), frame);
            while self.channel.poll_event().is_some() {}
            while let Some(frame) = self.channel.poll_transmit(Instant::now()) {
                send(&mut self.socket, Frame::Binary(frame)).await?;
            }
        }
    }
}

type Socket = WebSocketStream<TcpStream>;

/// The next frame of data; `None` for one of another kind.
async fn next(socket: &mut Socket) -> Result<Option<Bytes>> {
    let frame = std::future::poll_fn(|cx| std::pin::Pin::new(&mut *socket).poll_next(cx)).await;
    match frame.ok_or("the service closed the connection")?? {
        Frame::Binary(frame) => Ok(Some(frame)),
        Frame::Text(text) => Ok(Some(text.into())),
        _ => Ok(None),
    }
}

async fn feed(socket: &mut Socket, frame: Frame) -> Result<()> {
    std::future::poll_fn(|cx| std::pin::Pin::new(&mut *socket).poll_ready(cx)).await?;
    Ok(std::pin::Pin::new(socket).start_send(frame)?)
}

async fn flush(socket: &mut Socket) -> Result<()> {
    Ok(std::future::poll_fn(|cx| std::pin::Pin::new(&mut *socket).poll_flush(cx)).await?)
}

async fn send(socket: &mut Socket, frame: Frame) -> Result<()> {
    feed(socket, frame).await?;
    flush(socket).await
}
