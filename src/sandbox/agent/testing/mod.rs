//! A client for the agents' tests: the other role of the protocol, on an agent's link without a gateway.

#[cfg(all(test, unix))]
pub(crate) mod mux;

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::Instances;
use crate::protocol::{
    CLIENT_VERSION, ClientConfig, Config, DataChannel, DataKey, Event, Flag, Handshake, KeyRequest, SealedKey,
};
use crate::sandbox::agent::contract::{Agent, AgentSession, Outcome};
use crate::sandbox::agent::work::{PortWork, Work};
use crate::sandbox::faults::Faults;
use crate::sandbox::fleet::Fleet;
use crate::sandbox::link::{AgentLink, Lane, LinkEvent};
use crate::sandbox::pace::Pace;
use crate::sandbox::services::kms::{EncryptionContext, Kms};
use crate::sandbox::services::pushed_keys::PushedKeys;

/// Longer than anything takes that is not broken.
const DEADLINE: Duration = Duration::from_mins(1);

pub(crate) struct Client {
    pub(crate) channel: DataChannel,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    /// Each message of `stdout` by itself.
    pub(crate) messages: Vec<Bytes>,
    pub(crate) exit_code: Option<i64>,
    pub(crate) flags: Vec<Flag>,
    pub(crate) ready: bool,
    pub(crate) handshake: Option<Handshake>,
    unsent: BytesMut,
    link: AgentLink,
    kms: Arc<Kms>,
    context: EncryptionContext,
    agent: JoinHandle<Outcome>,
}

/// A session on web-1 as fast as can be, with the newest agent; `change` makes it another.
pub(crate) fn session(work: Work, change: impl FnOnce(&mut AgentSession)) -> Client {
    session_of(CLIENT_VERSION, work, change)
}

/// The same with a client that states another version.
pub(crate) fn session_of(version: &str, work: Work, change: impl FnOnce(&mut AgentSession)) -> Client {
    session_on(Instances::new(), version, work, change)
}

/// The same on these instances.
pub(crate) fn session_on(
    instances: Instances,
    version: &str,
    work: Work,
    change: impl FnOnce(&mut AgentSession),
) -> Client {
    let instance = Arc::clone(Fleet::builtin("us-east-1").iter().next().unwrap());
    let link = AgentLink { from_client: Lane::new(Faults::default(), 0), to_client: Lane::new(Faults::default(), 0) };
    let kms = Arc::new(Kms::new("123456789012"));
    let mut session = AgentSession {
        session_id: "me-0123456789abcdef0".to_owned(),
        instance,
        fleet: Fleet::builtin("us-east-1"),
        work,
        kms_key: None,
        kms: Arc::clone(&kms),
        pushed_keys: Arc::new(PushedKeys::default()),
        pace: Pace::Fast,
        agent_version: "3.3.3050.0".to_owned(),
        handshake: true,
        link: link.clone(),
    };
    change(&mut session);
    let context = EncryptionContext::from([
        ("aws:ssm:SessionId".to_owned(), session.session_id.clone()),
        ("aws:ssm:TargetId".to_owned(), session.instance.id.clone()),
    ]);
    let to_client = Arc::clone(&link.to_client);
    let agent = tokio::spawn(async move {
        let outcome = instances.run(session).await;
        to_client.close();
        outcome
    });
    let config = ClientConfig { version: version.to_owned(), ..ClientConfig::new(None, 1) };
    let mut channel = DataChannel::client(Config::new(Instant::now(), 1, 7), config);
    channel.handle_connected(Instant::now());
    Client {
        channel,
        stdout: Vec::new(),
        stderr: Vec::new(),
        messages: Vec::new(),
        exit_code: None,
        flags: Vec::new(),
        ready: false,
        handshake: None,
        unsent: BytesMut::new(),
        link,
        kms,
        context,
        agent,
    }
}

pub(crate) fn shell() -> Work {
    Work::Shell { profile: String::new(), run_as: None }
}

pub(crate) fn interactive(command: &str) -> Work {
    Work::InteractiveCommand { command: command.to_owned(), run_as: None }
}

pub(crate) fn command(command: &str) -> Work {
    Work::NonInteractiveCommand {
        command: command.to_owned(),
        separate_output: true,
        stdout_prefix: String::new(),
        stderr_prefix: String::new(),
        run_as: None,
    }
}

/// A session of a forwarding document.
pub(crate) fn forward(port: u16, host: Option<&str>) -> Work {
    let mut properties =
        json!({ "portNumber": port.to_string(), "localPortNumber": "0", "type": "LocalPortForwarding" });
    if let Some(host) = host {
        properties["host"] = json!(host);
    }
    Work::Port(PortWork {
        port_number: Some(port),
        local_port_number: Some(0),
        kind: Some("LocalPortForwarding".to_owned()),
        host: host.map(str::to_owned),
        properties,
    })
}

/// A session of the document for SSH.
pub(crate) fn ssh(port: u16) -> Work {
    Work::Port(PortWork {
        port_number: Some(port),
        local_port_number: None,
        kind: None,
        host: None,
        properties: json!({ "portNumber": port.to_string() }),
    })
}

impl Client {
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.unsent.extend_from_slice(bytes.as_ref());
    }

    /// Goes on until `done`.
    pub(crate) async fn until(&mut self, done: impl Fn(&Self) -> bool) {
        let in_time = timeout(DEADLINE, async {
            while !done(self) {
                assert!(self.step().await, "the session is over: {}", self.text());
            }
        });
        assert!(in_time.await.is_ok(), "not in time: {}", self.text());
    }

    /// Goes on until the terminal shows `text`.
    pub(crate) async fn shows(&mut self, text: &str) {
        self.until(|client| client.text().contains(text)).await;
    }

    /// Goes on until `future` is done.
    pub(crate) async fn during<T>(&mut self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(timeout(DEADLINE, future));
        loop {
            tokio::select! {
                done = &mut future => return done.expect("in time"),
                goes_on = self.step() => assert!(goes_on, "the session is over: {}", self.text()),
            }
        }
    }

    /// Goes on to the session's end.
    pub(crate) async fn outcome(&mut self) -> Outcome {
        let in_time = timeout(DEADLINE, async { while self.step().await {} }).await;
        assert!(in_time.is_ok(), "not in time: {}", self.text());
        timeout(DEADLINE, &mut self.agent).await.expect("ended").unwrap()
    }

    /// Ends the session as the service does when it is asked to.
    pub(crate) fn terminate(&self) {
        self.link.from_client.abort();
        self.link.to_client.close();
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Whether the channel has taken all that was to be sent.
    pub(crate) fn has_sent(&self) -> bool {
        self.unsent.is_empty()
    }

    /// One round; false at the end.
    pub(crate) async fn step(&mut self) -> bool {
        self.channel.handle_timeout(Instant::now());
        self.take_events();
        let accepted = self.channel.write(&self.unsent);
        self.unsent.advance(accepted);
        while let Some(frame) = self.channel.poll_transmit(Instant::now()) {
            // At the end it may have no taker.
            let _ = self.link.from_client.push(frame).await;
        }
        let wake = self.channel.poll_timeout().unwrap_or_else(|| Instant::now() + DEADLINE);
        tokio::select! {
            event = self.link.to_client.next() => match event {
                Some(LinkEvent::Frame(frame)) => self.channel.handle_frame(Instant::now(), frame),
                Some(LinkEvent::Reconnected) => panic!("not cut"),
                None => return false,
            },
            () = tokio::time::sleep_until(wake.into()) => {}
        }
        self.take_events();
        true
    }

    fn take_events(&mut self) {
        while let Some(event) = self.channel.poll_event() {
            match event {
                Event::Ready(handshake) => (self.ready, self.handshake) = (true, handshake),
                Event::LateHandshake(handshake) => self.handshake = Some(handshake),
                Event::KeyNeeded(request) => {
                    let key = self.data_key(&request);
                    self.channel.provide_sealed_key(Ok(key));
                }
                Event::Output(bytes) => {
                    self.stdout.extend_from_slice(&bytes);
                    self.messages.push(bytes);
                }
                Event::Stderr(bytes) => self.stderr.extend_from_slice(&bytes),
                Event::ExitCode(code) => self.exit_code = Some(code),
                Event::Flag(flag) => self.flags.push(flag),
                other => panic!("{other:?}"),
            }
        }
    }

    fn data_key(&self, request: &KeyRequest) -> SealedKey {
        let mut context = self.context.clone();
        if let Some(challenge) = &request.challenge {
            context.insert("aws:ssm:RandomChallenge".to_owned(), challenge.clone());
        }
        let plaintext = [9; 64];
        SealedKey { plaintext: DataKey::new(&plaintext).unwrap(), ciphertext: self.kms.encrypt(&plaintext, &context) }
    }

    /// Makes the client's encryption context another than the agent's.
    pub(crate) fn forget_context(&mut self) {
        self.context.clear();
    }
}
