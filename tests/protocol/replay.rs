//! Every recording replayed: fed with the agent's half at the recorded times, and told to type what was typed, our
//! client sends what the recorded client sent: the same stream messages under the same numbers and the same
//! acknowledgements, each in the same order.
//!
//! Where PROTOCOL.md tells us to do better, the difference has a name in [`Better`], and the recordings in which it
//! shows are listed with it.

use std::time::{Duration, Instant};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use serde_json::Value;
use ssmx::protocol::{
    ClientConfig, Config, DataChannel, DataKey, Event, Flag, Message, MessageType, PayloadType, SealedKey, Size,
};

use crate::recording::{Direction, Entry, Recording};

/// What our client does better than the recorded one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Better {
    /// The official client turns a message of one line feed into a carriage return. Ours sends what was written.
    KeepsLoneLineFeed,
    /// The official client does not know the challenge of newer agents. Ours has it in the encryption context.
    AcknowledgesChallenge,
    /// The bare client of the lab sent messages out of order, repeated them and left a request unanswered, to see
    /// what the agent does. Ours sends each once, in order, and answers.
    SendsInOrder,
    /// As above, for the request that was left unanswered.
    AnswersHandshake,
}

const BETTER: [(&str, Better); 5] = [
    ("lone-newline", Better::KeepsLoneLineFeed),
    ("kms-shell", Better::AcknowledgesChallenge),
    ("kms-noninteractive", Better::AcknowledgesChallenge),
    ("raw-order", Better::SendsInOrder),
    ("raw-handshake-timeout", Better::AnswersHandshake),
];

/// A stream message, as far as two clients can be compared.
#[derive(Clone, Debug, PartialEq)]
struct Sent {
    sequence: i64,
    payload_type: PayloadType,
    content: Content,
}

#[derive(Clone, Debug, PartialEq)]
enum Content {
    Bytes(Bytes),
    Json(Value),
    /// Encrypted, of this length.
    Sealed(usize),
}

#[derive(Debug, Default)]
struct Half {
    stream: Vec<Sent>,
    acknowledged: Vec<i64>,
    repeated: usize,
}

impl Half {
    fn take(&mut self, message: &Message, keys: Option<&Keys>) {
        match message.header.message_type {
            MessageType::InputStreamData => {
                let sent = Sent::of(message, keys);
                match self.stream.iter().find(|earlier| earlier.sequence == sent.sequence) {
                    Some(earlier) => {
                        assert_eq!(*earlier, sent, "a repeated message differs");
                        self.repeated += 1;
                    }
                    None => self.stream.push(sent),
                }
            }
            MessageType::Acknowledge => {
                let content: Value = serde_json::from_slice(&message.payload).expect("an acknowledgement is JSON");
                assert_eq!(content["AcknowledgedMessageType"], "output_stream_data");
                assert_eq!(content["IsSequentialMessage"], true);
                let sequence = content["AcknowledgedMessageSequenceNumber"].as_i64().expect("a number");
                if !self.acknowledged.contains(&sequence) {
                    self.acknowledged.push(sequence);
                }
            }
            other => panic!("a client does not send {other:?}"),
        }
    }
}

impl Sent {
    fn of(message: &Message, keys: Option<&Keys>) -> Self {
        let payload_type = message.header.payload_type;
        let payload = &message.payload;
        let content = match payload_type {
            PayloadType::Output if keys.is_some() => Content::Sealed(payload.len()),
            PayloadType::HandshakeResponse => Content::Json(normal_response(payload)),
            PayloadType::EncChallengeResponse => {
                let json: Value = serde_json::from_slice(payload).expect("JSON");
                let sealed = STANDARD.decode(json["Challenge"].as_str().expect("a challenge")).expect("base64");
                Content::Sealed(sealed.len())
            }
            PayloadType::Size => Content::Json(serde_json::from_slice(payload).expect("JSON")),
            _ => Content::Bytes(payload.clone()),
        };
        Self { sequence: message.header.sequence, payload_type, content }
    }
}

/// A handshake response without what differs between any two implementations: the client's version, and an empty list
/// written as null.
fn normal_response(payload: &[u8]) -> Value {
    let mut json: Value = serde_json::from_slice(payload).expect("JSON");
    json["ClientVersion"] = Value::Null;
    if json["Errors"].is_null() {
        json["Errors"] = Value::Array(Vec::new());
    }
    for action in json["ProcessedClientActions"].as_array_mut().expect("actions") {
        if let Some(result) = action["ActionResult"].as_object_mut() {
            // Always null, and never read.
            result.remove("KMSCipherTextHash");
        }
    }
    json
}

/// A key of our own for the encrypted recordings, whose real keys were not kept: what the agent sealed is replaced by
/// other bytes of the same length, sealed with this key. Kinds, order, numbers and lengths remain to be compared.
struct Keys {
    plaintext: [u8; 64],
    ciphertext: Vec<u8>,
}

/// Bytes that sealing adds: the nonce and the tag.
const SEALED: usize = 12 + 16;

impl Keys {
    fn of(recording: &Recording) -> Option<Self> {
        let ciphertext = recording.entries.iter().find_map(|entry| {
            let Entry::Frame(_, Direction::ToService, 2, frame) = entry else { return None };
            let message = Message::parse(frame.clone()).ok()?;
            let json: Value = serde_json::from_slice(&message.payload).ok()?;
            let text = json["ProcessedClientActions"][1]["ActionResult"]["KMSCipherTextKey"].as_str()?.to_owned();
            Some(STANDARD.decode(text).expect("base64"))
        })?;
        Some(Self { plaintext: std::array::from_fn(|index| index as u8), ciphertext })
    }

    fn half(&self, to_agent: bool) -> LessSafeKey {
        let half = if to_agent { &self.plaintext[32..] } else { &self.plaintext[..32] };
        LessSafeKey::new(UnboundKey::new(&AES_256_GCM, half).expect("32 bytes"))
    }

    /// What the client sealed.
    fn open(&self, payload: &[u8]) -> Bytes {
        let (nonce, sealed) = payload.split_at(12);
        let mut sealed = sealed.to_vec();
        let nonce = Nonce::try_assume_unique_for_key(nonce).expect("12 bytes");
        let opened = self.half(true).open_in_place(nonce, Aad::empty(), &mut sealed).expect("sealed by the client");
        Bytes::copy_from_slice(opened)
    }

    /// The agent's message with a payload of the same length that this key opens.
    fn replace(&self, message: &Message) -> Bytes {
        let seal = |mut text: Vec<u8>| {
            let nonce = Nonce::assume_unique_for_key([7; 12]);
            self.half(false).seal_in_place_append_tag(nonce, Aad::empty(), &mut text).expect("short");
            [&[7; 12][..], &text].concat()
        };
        let payload = match message.header.payload_type {
            PayloadType::EncChallengeRequest => {
                let challenge = STANDARD.encode(seal(vec![b'c'; 64]));
                format!(r#"{{"Challenge":"{challenge}"}}"#).into_bytes()
            }
            PayloadType::ExitCode => seal(b"EXIT_CODE: 5".to_vec()),
            PayloadType::Output | PayloadType::StdErr => seal(vec![b'x'; message.payload.len() - SEALED]),
            _ => message.payload.to_vec(),
        };
        assert_eq!(payload.len(), message.payload.len(), "{:?}", message.header);
        let mut frame = BytesMut::new();
        message.header.encode(&payload, &mut frame);
        frame.freeze()
    }
}

/// What our client encrypts has to open with the agent's half of the key.
fn check_sealing(message: &Message, keys: &Keys) {
    match message.header.payload_type {
        PayloadType::Output => {
            assert!(keys.open(&message.payload).iter().all(|byte| *byte == b'k'));
        }
        PayloadType::EncChallengeResponse => {
            let json: Value = serde_json::from_slice(&message.payload).expect("JSON");
            let sealed = STANDARD.decode(json["Challenge"].as_str().expect("a challenge")).expect("base64");
            assert_eq!(keys.open(&sealed), [b'c'; 64][..], "the challenge comes back");
        }
        _ => {}
    }
}

struct Replay {
    channel: DataChannel,
    start: Instant,
    ours: Half,
    keys: Option<Keys>,
    closed: Option<String>,
    received: Vec<u8>,
    /// How long our client has waited after the handshake, as the recorded ones do not: meanwhile the recording waits.
    waited: Duration,
}

/// The longest of these waits.
const SETTLING: Duration = Duration::from_millis(10);

impl Replay {
    fn new(recording: &Recording) -> Self {
        let start = Instant::now();
        let config = Config::new(start, 1_700_000_000_000, 1);
        let channel = DataChannel::client(config, ClientConfig::new(None, 1));
        let keys = Keys::of(recording);
        Self { channel, start, ours: Half::default(), keys, closed: None, received: Vec::new(), waited: Duration::ZERO }
    }

    fn now(&self, time: u64) -> Instant {
        self.start + self.waited + Duration::from_micros(time)
    }

    /// Runs the timers up to `time`, and collects what the channel sends meanwhile.
    fn run_to(&mut self, time: u64) {
        while let Some(at) = self.channel.poll_timeout()
            && at <= self.now(time)
        {
            self.channel.handle_timeout(at);
            self.collect(at);
        }
        self.collect(self.now(time));
    }

    fn collect(&mut self, now: Instant) {
        loop {
            while let Some(frame) = self.channel.poll_transmit(now) {
                let message = Message::parse(frame).expect("we send messages");
                assert!(message.is_intact());
                if let Some(keys) = &self.keys {
                    check_sealing(&message, keys);
                }
                self.ours.take(&message, self.keys.as_ref());
            }
            let Some(event) = self.channel.poll_event() else { break };
            match event {
                Event::KeyNeeded(_) => {
                    let keys = self.keys.as_ref().expect("a key was made");
                    let plaintext = DataKey::new(&keys.plaintext).expect("64 bytes");
                    self.channel.provide_sealed_key(Ok(SealedKey { plaintext, ciphertext: keys.ciphertext.clone() }));
                }
                Event::Ready(Some(_)) => self.waited = SETTLING,
                Event::Closed(closed) => self.closed = Some(closed.output),
                Event::Output(bytes) | Event::Stderr(bytes) => self.received.extend_from_slice(&bytes),
                Event::Failed(failure) => panic!("{failure}"),
                _ => {}
            }
        }
    }

    /// Does what the person did who made the recorded client send `sent`.
    fn imitate(&mut self, sent: &Sent) {
        match (&sent.content, sent.payload_type) {
            (Content::Bytes(bytes), PayloadType::Output) => assert_eq!(self.channel.write(bytes), bytes.len()),
            (Content::Sealed(length), PayloadType::Output) => {
                assert_eq!(self.channel.write(&vec![b'k'; length - SEALED]), length - SEALED);
            }
            (Content::Json(json), PayloadType::Size) => {
                self.channel.resize(serde_json::from_value::<Size>(json.clone()).expect("a size"));
            }
            (Content::Bytes(bytes), PayloadType::Flag) => {
                let number = u32::from_be_bytes(bytes[..].try_into().expect("four bytes"));
                assert!(self.channel.send_flag(match number {
                    1 => Flag::DisconnectToPort,
                    2 => Flag::TerminateSession,
                    other => Flag::Other(other),
                }));
            }
            // The channel answers handshakes by itself.
            _ => {}
        }
    }
}

fn replay(recording: &Recording) -> (Half, Replay) {
    let better = |which| BETTER.contains(&(recording.name.as_str(), which));
    let mut replay = Replay::new(recording);
    let mut theirs = Half::default();
    for entry in &recording.entries {
        match entry {
            Entry::Event(time, name) => {
                let now = replay.now(*time);
                match name.as_str() {
                    "open" => replay.channel.handle_connected(now),
                    "detach" => replay.channel.handle_disconnected(),
                    _ => {}
                }
                replay.run_to(*time);
            }
            Entry::Frame(time, Direction::ToClient, 2, frame) => {
                replay.run_to(*time);
                let now = replay.now(*time);
                let frame = match &replay.keys {
                    Some(keys) => keys.replace(&Message::parse(frame.clone()).expect("a message")),
                    None => frame.clone(),
                };
                replay.channel.handle_frame(now, frame);
                replay.run_to(*time);
            }
            Entry::Frame(time, Direction::ToService, 2, frame) => {
                replay.run_to(*time);
                let mut message = Message::parse(frame.clone()).expect("a message");
                if better(Better::KeepsLoneLineFeed) && message.payload == "\r" {
                    message.payload = Bytes::from_static(b"\n");
                }
                let known = theirs.stream.len();
                theirs.take(&message, replay.keys.as_ref());
                if let Some(sent) = theirs.stream.get(known) {
                    replay.imitate(&sent.clone());
                }
                replay.run_to(*time);
            }
            Entry::Frame(..) => {}
        }
    }
    (theirs, replay)
}

#[test]
fn our_client_sends_what_the_recorded_clients_sent() {
    for recording in Recording::all() {
        let name = recording.name.as_str();
        let better = |which| BETTER.contains(&(name, which));
        let (mut theirs, replay) = replay(&recording);
        let ours = &replay.ours;

        if better(Better::SendsInOrder) {
            // Ours numbers them as they were written.
            let sequence = |sent: &Sent| (sent.sequence, sent.payload_type);
            let mut expected: Vec<_> = theirs.stream.iter().map(sequence).collect();
            expected.sort_by_key(|(sequence, _)| *sequence);
            assert_eq!(ours.stream.iter().map(sequence).collect::<Vec<_>>(), expected, "{name}");
        } else {
            if better(Better::AnswersHandshake) {
                assert!(theirs.stream.is_empty());
                theirs.stream.extend(ours.stream.first().cloned());
                assert_eq!(theirs.stream[0].payload_type, PayloadType::HandshakeResponse);
            }
            if better(Better::AcknowledgesChallenge) {
                let response =
                    theirs.stream.iter_mut().find(|sent| sent.payload_type == PayloadType::HandshakeResponse);
                let Some(Sent { content: Content::Json(json), .. }) = response else { panic!("{name}") };
                let action = &mut json["ProcessedClientActions"][1]["ActionResult"];
                assert!(action.get("ChallengeAcknowledgement").is_none(), "{name}: no difference");
                action["ChallengeAcknowledgement"] = Value::Bool(true);
            }
            assert_eq!(ours.stream, theirs.stream, "{name}");
        }

        assert_eq!(ours.acknowledged, theirs.acknowledged, "{name}");
    }
}

#[test]
fn recorded_reasons_of_the_end_arrive() {
    let ending = |name| replay(&Recording::load(name)).1.closed;
    assert_eq!(ending("shell").as_deref(), Some(""));
    assert_eq!(ending("port-denied-host").as_deref(), Some("Forwarding to IP address 169.254.169.254 is forbidden."));
    assert!(ending("raw-handshake-timeout").is_some_and(|text| text.contains("----------ERROR-------")));
}

#[test]
fn recorded_output_arrives_whole_and_once() {
    let received = |name| String::from_utf8(replay(&Recording::load(name)).1.received).expect("text");
    let lossy = received("lossy-shell");
    let numbers: String = (1..=300).map(|number| format!("{number}\r\n")).collect();
    assert!(lossy.contains(&numbers), "{lossy}");
    let ticks = received("cut-and-resume");
    for tick in 1..=8 {
        assert_eq!(ticks.matches(&format!("tick {tick}\r\n")).count(), 1, "{ticks}");
    }
    assert_eq!(received("kms-noninteractive"), "xxxx", "four bytes of standard output, decrypted");
    assert_eq!(received("noninteractive-command"), "out\nerr\n");
}
