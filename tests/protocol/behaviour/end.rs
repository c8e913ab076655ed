//! One end under test with its clock, and the frames that the other end would send.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};
use ssmx::protocol::{
    AgentConfig, AgentHandshakeConfig, ClientConfig, Config, DataChannel, Event, Header, KmsRequest, Message,
    MessageType, PayloadType, SessionType,
};
use uuid::Uuid;

pub(super) const MS: Duration = Duration::from_millis(1);
pub(super) const SECOND: Duration = Duration::from_secs(1);

/// How long a client waits after a handshake that took no time.
pub(super) const SETTLING: Duration = Duration::from_millis(10);

pub(super) struct End {
    pub(super) channel: DataChannel,
    pub(super) now: Instant,
}

impl End {
    /// A connected client.
    pub(super) fn client(grace: Option<Duration>) -> Self {
        Self::client_with(grace, |_| {})
    }

    /// A client that accepts no session without encryption.
    pub(super) fn encrypted_client(grace: Option<Duration>) -> Self {
        let config = Config::new(Instant::now(), 1_700_000_000_000, 1);
        let now = config.started;
        let client = ClientConfig { require_encryption: true, ..ClientConfig::new(grace, 1) };
        let mut channel = DataChannel::client(config, client);
        channel.handle_connected(now);
        Self { channel, now }
    }

    pub(super) fn client_with(grace: Option<Duration>, change: impl Fn(&mut Config)) -> Self {
        let mut config = Config::new(Instant::now(), 1_700_000_000_000, 1);
        change(&mut config);
        let now = config.started;
        let mut channel = DataChannel::client(config, ClientConfig::new(grace, 1));
        channel.handle_connected(now);
        Self { channel, now }
    }

    /// A client that the agent's first output, number 0, has told that there is no handshake.
    pub(super) fn ready_client() -> Self {
        Self::ready_client_with(|_| {})
    }

    pub(super) fn ready_client_with(change: impl Fn(&mut Config)) -> Self {
        let mut end = Self::client_with(None, change);
        end.hear(output(0, PayloadType::Output, b"$ "));
        assert_eq!(end.events(), [Event::Ready(None), Event::Output("$ ".into())]);
        assert_eq!(end.acknowledged(), [0]);
        end
    }

    /// A connected agent.
    pub(super) fn agent(handshake: Option<AgentHandshakeConfig>) -> Self {
        Self::agent_with(handshake, |_| {})
    }

    pub(super) fn agent_with(handshake: Option<AgentHandshakeConfig>, change: impl Fn(&mut Config)) -> Self {
        let mut config = Config::new(Instant::now(), 1_700_000_000_000, 2);
        change(&mut config);
        let now = config.started;
        let agent = AgentConfig { session_id: "session".to_owned(), handshake };
        let mut channel = DataChannel::agent(config, agent);
        channel.handle_connected(now);
        Self { channel, now }
    }

    /// Lets time pass, and everything happen that is due meanwhile; what is sent then is lost.
    pub(super) fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(at) = self.channel.poll_timeout()
            && at <= until
        {
            self.now = self.now.max(at);
            self.channel.handle_timeout(self.now);
            while self.channel.poll_transmit(self.now).is_some() {}
        }
        self.now = until;
        self.channel.handle_timeout(until);
    }

    /// Lets time pass up to `time` in which nothing may be due; a timer that is due right then has fired.
    pub(super) fn wait(&mut self, time: Duration) {
        self.now += time;
        assert!(self.channel.poll_timeout().is_none_or(|at| at >= self.now), "a timer was due before");
        self.channel.handle_timeout(self.now);
    }

    /// Lets the time pass in which a client waits after a handshake.
    pub(super) fn settle(&mut self) {
        self.now += SETTLING;
        self.channel.handle_timeout(self.now);
    }

    pub(super) fn hear(&mut self, frame: Bytes) {
        self.channel.handle_frame(self.now, frame);
    }

    pub(super) fn write(&mut self, bytes: impl AsRef<[u8]>) {
        assert_eq!(self.channel.write(bytes.as_ref()), bytes.as_ref().len(), "no room");
    }

    /// The next frame it sends.
    pub(super) fn say(&mut self) -> Option<Message> {
        let frame = self.channel.poll_transmit(self.now)?;
        let message = Message::parse(frame).expect("a message");
        assert!(message.is_intact());
        Some(message)
    }

    /// All that it sends now.
    pub(super) fn sent(&mut self) -> Vec<Message> {
        std::iter::from_fn(|| self.say()).collect()
    }

    /// All that it sends now, which are stream messages.
    pub(super) fn stream(&mut self) -> Vec<(i64, PayloadType, Bytes)> {
        let describe = |message: Message| {
            assert!(acknowledged(&message).is_none(), "an acknowledgement");
            (message.header.sequence, message.header.payload_type, message.payload)
        };
        self.sent().into_iter().map(describe).collect()
    }

    /// All that it sends now, which are acknowledgements of these numbers.
    pub(super) fn acknowledged(&mut self) -> Vec<i64> {
        self.sent().iter().map(|message| acknowledged(message).expect("an acknowledgement")).collect()
    }

    pub(super) fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.channel.poll_event()).collect()
    }
}

/// Joins two ends until neither has anything to say, the clock standing still. `answer` is given the events.
pub(super) fn converse(client: &mut End, agent: &mut End, mut answer: impl FnMut(&mut End, Event)) {
    loop {
        let mut quiet = true;
        while let Some(frame) = client.channel.poll_transmit(client.now) {
            agent.hear(frame);
            quiet = false;
        }
        while let Some(frame) = agent.channel.poll_transmit(agent.now) {
            client.hear(frame);
            quiet = false;
        }
        for end in [&mut *client, &mut *agent] {
            while let Some(event) = end.channel.poll_event() {
                answer(end, event);
                quiet = false;
            }
        }
        if quiet {
            return;
        }
    }
}

/// A stream message of an agent.
pub(super) fn output(sequence: i64, payload_type: PayloadType, payload: impl AsRef<[u8]>) -> Bytes {
    frame(MessageType::OutputStreamData, sequence, payload_type, payload)
}

/// A stream message of a client.
pub(super) fn input(sequence: i64, payload_type: PayloadType, payload: impl AsRef<[u8]>) -> Bytes {
    frame(MessageType::InputStreamData, sequence, payload_type, payload)
}

/// The acknowledgement of a message.
pub(super) fn acknowledgement(sequence: i64) -> Bytes {
    let content = json!({ "AcknowledgedMessageSequenceNumber": sequence });
    outside_stream(MessageType::Acknowledge, content.to_string())
}

pub(super) fn outside_stream(message_type: MessageType, payload: impl AsRef<[u8]>) -> Bytes {
    frame(message_type, 0, PayloadType::Other(0), payload)
}

fn frame(message_type: MessageType, sequence: i64, payload_type: PayloadType, payload: impl AsRef<[u8]>) -> Bytes {
    let id = Uuid::from_u128(sequence as u128);
    let header = Header { message_type, schema_version: 1, created: 1, sequence, flags: 0, id, payload_type };
    let mut out = BytesMut::new();
    header.encode(payload.as_ref(), &mut out);
    out.freeze()
}

/// The same frame with something else in its digest.
pub(super) fn with_wrong_digest(frame: &Bytes) -> Bytes {
    let mut wrong = BytesMut::from(&frame[..]);
    wrong[80] ^= 1;
    wrong.freeze()
}

/// The number that a message acknowledges.
pub(super) fn acknowledged(message: &Message) -> Option<i64> {
    (message.header.message_type == MessageType::Acknowledge).then(|| {
        let content: Value = serde_json::from_slice(&message.payload).expect("JSON");
        content["AcknowledgedMessageSequenceNumber"].as_i64().expect("a number")
    })
}

/// An agent's request for these actions.
pub(super) fn request(actions: &Value) -> String {
    json!({ "AgentVersion": "3.3.0.0", "RequestedClientActions": actions }).to_string()
}

/// A request for nothing but the kind of session.
pub(super) fn plain_request() -> String {
    request(&json!([{
        "ActionType": "SessionType",
        "ActionParameters": { "SessionType": "Standard_Stream", "Properties": null },
    }]))
}

pub(super) const COMPLETE: &str = r#"{"HandshakeTimeToComplete":1,"CustomerMessage":""}"#;

/// What an agent says in the handshake of a shell.
pub(super) fn shell_handshake(kms: Option<KmsRequest>) -> AgentHandshakeConfig {
    AgentHandshakeConfig {
        agent_version: "3.3.0.0".to_owned(),
        session_type: SessionType::StandardStream,
        properties: Value::Null,
        kms,
        customer_message: String::new(),
    }
}
