//! The message gateway: one WebSocket of a client, and a way to and from the agent that delays, loses, repeats and
//! reorders.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use uuid::Uuid;

use super::cloud::Cloud;
use super::plan::{Lie, Network};
use super::random::Random;
use crate::protocol;

/// Frames that wait for a client; beyond it they are lost.
const TO_CLIENT: usize = 4096;

/// How long a client may take to say who it is.
const OPEN_TIMEOUT: Duration = Duration::from_secs(30);

/// Larger than any frame that a client takes.
const OVERSIZED: usize = 17 << 20;

type Socket = WebSocketStream<DuplexStream>;

/// Serves one connection to its end.
pub(super) async fn serve(cloud: Arc<Cloud>, stream: DuplexStream, mut random: Random) {
    let Ok(Ok(mut socket)) = timeout(OPEN_TIMEOUT, tokio_tungstenite::accept_async(stream)).await else { return };
    let Ok(Some(Ok(Message::Text(open)))) = timeout(OPEN_TIMEOUT, socket.next()).await else { return };
    let open: Value = serde_json::from_str(&open).expect("the open message is JSON");
    let token = open["TokenValue"].as_str().expect("the open message has a token");
    let (to_client, from_agent) = mpsc::channel(TO_CLIENT);
    let Some((id, to_agent)) = cloud.attach(token, to_client) else {
        let _ = socket.close(None).await;
        return;
    };
    let cut = cloud.next_cut().map(|after| Instant::now() + after);
    let way = Way { cloud: &cloud, id: &id, cut, liar: Liar::new(&cloud, &mut random) };
    let silent = way.carry(socket, from_agent, to_agent, random).await;
    if let Some(socket) = silent {
        // The client sees neither an end nor an answer.
        tokio::time::sleep(Duration::from_hours(10)).await;
        drop(socket);
    }
}

struct Way<'a> {
    cloud: &'a Cloud,
    id: &'a str,
    cut: Option<Instant>,
    liar: Liar,
}

impl Way<'_> {
    /// Carries frames until the connection is cut; returns the socket if it is to stay in silence.
    async fn carry(
        mut self,
        mut socket: Socket,
        mut from_agent: mpsc::Receiver<Bytes>,
        to_agent: mpsc::Sender<Bytes>,
        mut random: Random,
    ) -> Option<Socket> {
        let network = &self.cloud.plan.network;
        let (mut up, mut down) = (Line::default(), Line::default());
        let mut over = false;
        if let Some(Lie::Hoards(count)) = self.liar.lie {
            for number in 0..count {
                if socket.send(Message::Binary(nearly_all_header(number as i64))).await.is_err() {
                    return None;
                }
            }
            // All but what is on its way is with the client.
            self.cloud.measure();
        }
        loop {
            if over && down.is_empty() {
                let _ = timeout(Duration::from_secs(1), socket.close(None)).await;
                return None;
            }
            if let Some(nonsense) = self.liar.nonsense()
                && socket.send(nonsense).await.is_err()
            {
                return None;
            }
            tokio::select! {
                message = socket.next() => match message {
                    Some(Ok(Message::Binary(frame))) => {
                        if let Some(close) = self.liar.refuses(&frame) {
                            let _ = socket.send(Message::Close(Some(close))).await;
                            return None;
                        }
                        self.cloud.sent(self.id);
                        self.inspect(&frame);
                        if self.liar.swallows(&frame) {
                            continue;
                        }
                        up.push(frame, network, &mut random);
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return None,
                },
                frame = up.pop() => drop(to_agent.try_send(frame)),
                frame = from_agent.recv(), if !over => match frame {
                    Some(frame) => down.push(frame, network, &mut random),
                    None => over = true,
                },
                frame = down.pop() => {
                    let sent = tokio::select! {
                        sent = socket.send(Message::Binary(frame)) => sent.is_ok(),
                        () = until(self.cut) => false,
                    };
                    if !sent {
                        return None;
                    }
                }
                () = until(self.cut) => return network.silent_cuts.then_some(socket),
                () = until(self.liar.second_client) => {
                    let _ = socket.close(None).await;
                    return None;
                }
            }
        }
    }

    /// Whether the content of a session that asked for encryption is.
    fn inspect(&self, frame: &Bytes) {
        if !self.cloud.plan.agent.kms {
            return;
        }
        let Ok(message) = protocol::Message::parse(frame.clone()) else { return };
        let is_data = message.header.payload_type == protocol::PayloadType::Output;
        if is_data && message.payload.windows(super::MARK.len()).any(|bytes| bytes == super::MARK.as_bytes()) {
            self.cloud.saw_plain(format!("{}: {:?}", self.id, message.header.sequence));
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => pending().await,
    }
}

/// Frames on their way, by the time of their arrival.
#[derive(Default)]
struct Line {
    frames: BTreeMap<(Instant, u64), Bytes>,
    number: u64,
    last: Option<Instant>,
}

impl Line {
    fn push(&mut self, frame: Bytes, network: &Network, random: &mut Random) {
        // What the service itself says is not lost as long as there is a connection.
        if !frame[4..].starts_with(b"channel_closed") && random.chance(network.lost) {
            return;
        }
        let jitter = if network.jitter.is_zero() { Duration::ZERO } else { random.span(network.jitter) };
        let at = Instant::now() + network.latency + jitter;
        if random.chance(network.repeated) {
            self.insert(at + random.span(Duration::from_secs(1)), frame.clone());
        }
        self.insert(at, frame);
    }

    fn insert(&mut self, at: Instant, frame: Bytes) {
        self.number += 1;
        self.last = self.last.max(Some(at));
        self.frames.insert((at, self.number), frame);
    }

    fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// The next frame when it has arrived. Dropping the future loses nothing.
    async fn pop(&mut self) -> Bytes {
        let Some((&(at, number), _)) = self.frames.first_key_value() else { return pending().await };
        sleep_until(at).await;
        self.frames.remove(&(at, number)).expect("it was there")
    }
}

/// What this gateway does that no gateway should.
struct Liar {
    lie: Option<Lie>,
    frames: u64,
    said: bool,
    second_client: Option<Instant>,
}

impl Liar {
    fn new(cloud: &Cloud, random: &mut Random) -> Self {
        let lie = cloud.plan.lie;
        let second_client = match lie {
            Some(Lie::SecondClient(times)) if cloud.calls("ResumeSession") < times => {
                Some(Instant::now() + random.span(Duration::from_secs(2)))
            }
            _ => None,
        };
        Self { lie, frames: 0, said: false, second_client }
    }

    /// A frame that makes no sense, once a connection.
    fn nonsense(&mut self) -> Option<Message> {
        if std::mem::replace(&mut self.said, true) {
            return None;
        }
        let frame = match self.lie? {
            Lie::Oversized => vec![0; OVERSIZED],
            Lie::Noise => (0..300_u32).map(|byte| byte.wrapping_mul(97) as u8).collect(),
            Lie::HeaderLength(length) => {
                let mut frame = service_message("output_stream_data", b"noise").to_vec();
                frame[..4].copy_from_slice(&length.to_be_bytes());
                frame
            }
            _ => return None,
        };
        Some(Message::binary(frame))
    }

    fn swallows(&self, frame: &Bytes) -> bool {
        matches!(self.lie, Some(Lie::SwallowsSize(size)) if frame.len() > size)
    }

    fn refuses(&mut self, frame: &Bytes) -> Option<CloseFrame> {
        self.frames += 1;
        let code = match self.lie? {
            Lie::ClosesOnSize(size, code) if frame.len() > size => code,
            Lie::ClosesOnContent(every) if self.frames.is_multiple_of(every) => 1008,
            _ => return None,
        };
        Some(CloseFrame { code: code.into(), reason: "simulated".into() })
    }
}

/// The service's message that a session is over.
pub(super) fn channel_closed(id: &str, reason: &str) -> Bytes {
    let payload = json!({
        "MessageType": "channel_closed",
        "MessageId": Uuid::nil().to_string(),
        "DestinationId": "i-1",
        "SessionId": id,
        "SchemaVersion": 1,
        "CreatedDate": "1",
        "Output": reason,
    });
    service_message("channel_closed", payload.to_string().as_bytes())
}

fn service_message(kind: &str, payload: &[u8]) -> Bytes {
    message(kind, 0, 0, payload)
}

/// The first number of messages that no agent comes to.
const OUT_OF_REACH: i64 = 5_000;

/// What a header of theirs claims to be long.
const LONG_HEADER: usize = 128 * 1024;

/// A message of one byte behind a long header.
fn nearly_all_header(number: i64) -> Bytes {
    let whole = stream_message(OUT_OF_REACH + number, 1, b"x");
    let (header, payload) = whole.split_at(whole.len() - 1);
    let mut frame = BytesMut::zeroed(LONG_HEADER + 4);
    frame[..header.len()].copy_from_slice(header);
    frame[..4].copy_from_slice(&(LONG_HEADER as u32).to_be_bytes());
    frame.put_slice(payload);
    frame.freeze()
}

/// A message of an agent, built by hand, so that it may say what no agent says.
pub(super) fn stream_message(sequence: i64, payload_type: u32, payload: &[u8]) -> Bytes {
    message("output_stream_data", sequence, payload_type, payload)
}

fn message(kind: &str, sequence: i64, payload_type: u32, payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::new();
    frame.put_u32(116);
    frame.put_slice(format!("{kind:<32}").as_bytes());
    frame.put_u32(1);
    frame.put_u64(1);
    frame.put_i64(sequence);
    frame.put_u64(0);
    frame.put_u64(sequence as u64 + 1);
    frame.put_u64(7);
    frame.put_slice(digest::digest(&digest::SHA256, payload).as_ref());
    frame.put_u32(payload_type);
    frame.put_u32(payload.len() as u32);
    frame.put_slice(payload);
    frame.freeze()
}
