//! An agent: its end of the data channel, around the work of a scenario.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::cloud::{Cloud, KEY};
use super::gateway::stream_message;
use super::plan::Lie;
use super::random::Random;
use super::work::Part;
use crate::protocol::{AgentConfig, AgentHandshakeConfig, Config, DataChannel, DataKey, Event, KmsRequest};

/// How long an agent looks after a session in which nothing happens.
const IDLE: Duration = Duration::from_hours(1);

/// How long after its handshake an agent throws away what arrives, as the real one does.
const UNSETTLED: Duration = Duration::from_millis(1);

/// Runs the agent of one session to its end.
pub(super) async fn run(
    cloud: Arc<Cloud>,
    id: String,
    mut inbox: mpsc::Receiver<Bytes>,
    mut part: Box<dyn Part>,
    mut random: Random,
) {
    sleep(cloud.plan.agent.start).await;
    if cloud.plan.lie == Some(Lie::CompletesEarly) && cloud.plan.agent.kms {
        return complete_early(&cloud, &id, inbox).await;
    }
    let (session_type, properties) = part.handshake();
    let kms = cloud.plan.agent.kms.then(|| KmsRequest {
        key_id: "key".to_owned(),
        challenge: random.chance(500).then(|| "AAAAAAAAAAAAAAAAAAAAAA==".to_owned()),
        proof: [7; 64],
        nonce: u128::from(random.below(u64::MAX)),
    });
    let handshake = AgentHandshakeConfig {
        agent_version: cloud.plan.agent.version.to_owned(),
        session_type,
        properties,
        kms,
        customer_message: String::new(),
    };
    let started = Instant::now().into_std();
    let config = AgentConfig { session_id: id.clone(), handshake: Some(handshake) };
    let mut channel = DataChannel::agent(Config::new(started, 1, random.below(u64::MAX)), config);
    channel.set_unsettled(UNSETTLED);
    channel.handle_connected(started);
    let mut heard = 0;
    let mut idle_until = Instant::now() + IDLE;
    loop {
        let now = Instant::now().into_std();
        channel.handle_timeout(now);
        while let Some(event) = channel.poll_event() {
            match event {
                Event::Ready(_) => part.ready(),
                Event::Output(bytes) => part.data(bytes),
                Event::Flag(flag) => part.flag(flag),
                Event::KeyToDecrypt { ciphertext, .. } => {
                    assert_eq!(ciphertext, [KEY.as_slice(), &[1]].concat());
                    channel.provide_data_key(now, Ok(DataKey::new(&KEY).expect("the right length")));
                }
                Event::Failed(failure) => return cloud.end(&id, &failure.to_string()),
                _ => {}
            }
        }
        let again = part.step(&mut channel);
        let silent = match cloud.plan.lie {
            Some(Lie::NeverSpeaks) => true,
            Some(Lie::FallsSilent(after)) => heard >= after,
            _ => false,
        };
        while let Some(frame) = channel.poll_transmit(now) {
            if !silent {
                cloud.to_client(&id, frame);
            }
        }
        let may_end = match cloud.plan.lie {
            Some(Lie::EndsEarly) => true,
            Some(Lie::EndsUnacknowledged) => has_sent_all(&channel),
            _ => channel.is_flushed(),
        };
        if part.is_done() && may_end && !silent {
            return cloud.end(&id, "");
        }
        if inbox.is_closed() && inbox.is_empty() {
            return;
        }
        let due = channel.poll_timeout().map(Instant::from_std);
        let again = again.map(|after| Instant::now() + after);
        let next = [due, again, Some(idle_until)].into_iter().flatten().min().unwrap_or(idle_until);
        tokio::select! {
            frame = inbox.recv() => match frame {
                Some(frame) => {
                    heard += 1;
                    idle_until = Instant::now() + IDLE;
                    channel.handle_frame(Instant::now().into_std(), frame);
                }
                None => return,
            },
            () = sleep_until(next) => {
                if Instant::now() >= idle_until {
                    return cloud.end(&id, "the session was idle for too long");
                }
            }
        }
    }
}

/// Whether all was sent that is to be. An exit code, which does not count as data, goes out where there is room.
fn has_sent_all(channel: &DataChannel) -> bool {
    let (in_flight, window) = channel.window();
    channel.is_flushed() || channel.unsent() == 0 && in_flight + ROOM <= window
}

/// Asks for encryption, and goes on as if it had it.
async fn complete_early(cloud: &Cloud, id: &str, mut inbox: mpsc::Receiver<Bytes>) {
    let request = json!({
        "AgentVersion": cloud.plan.agent.version,
        "RequestedClientActions": [{ "ActionType": "KMSEncryption", "ActionParameters": { "KMSKeyId": "key" } }],
    });
    let complete = json!({ "HandshakeTimeToComplete": 1, "CustomerMessage": "encrypted" });
    let messages = [
        stream_message(0, REQUEST, request.to_string().as_bytes()),
        stream_message(1, COMPLETE, complete.to_string().as_bytes()),
        stream_message(2, OUTPUT, b"in the clear"),
    ];
    let mut pause = REPEAT;
    loop {
        for message in &messages {
            cloud.to_client(id, message.clone());
        }
        pause = (2 * pause).min(LONGEST_REPEAT);
        if timeout(pause, inbox.recv()).await.is_ok_and(|frame| frame.is_none()) || cloud.is_over(id) {
            return;
        }
    }
}

const OUTPUT: u32 = 1;
const REQUEST: u32 = 5;
const COMPLETE: u32 = 7;

/// More than a message with an exit code takes.
const ROOM: usize = 1024;

/// How long to wait before saying it all again, doubled each time.
const REPEAT: Duration = Duration::from_millis(500);
const LONGEST_REPEAT: Duration = Duration::from_mins(1);
