use super::*;
use crate::protocol::message::PREFIX_LENGTH;
use crate::protocol::mtu::BASE_MTU;

fn pair(now: Instant) -> (DataChannel, DataChannel) {
    let config = |seed| Config::new(now, 1, seed);
    let client = DataChannel::client(config(1), ClientConfig::new(Some(Duration::ZERO), 1));
    let agent = DataChannel::agent(config(2), AgentConfig { session_id: "s".to_owned(), handshake: None });
    (client, agent)
}

/// Carries frames both ways until both are silent, and returns what the agent's program has read.
fn carry(now: Instant, client: &mut DataChannel, agent: &mut DataChannel) -> Vec<u8> {
    let mut read = Vec::new();
    loop {
        let mut any = false;
        while let Some(frame) = client.poll_transmit(now) {
            agent.handle_frame(now, frame);
            any = true;
        }
        while let Some(frame) = agent.poll_transmit(now) {
            client.handle_frame(now, frame);
            any = true;
        }
        while let Some(event) = agent.poll_event() {
            if let Event::Output(bytes) = event {
                read.extend_from_slice(&bytes);
            }
        }
        while client.poll_event().is_some() {}
        if !any {
            return read;
        }
    }
}

/// A client that tries large messages, with its agent, both connected and ready.
fn discovering_pair(now: Instant) -> (DataChannel, DataChannel) {
    let (mut client, mut agent) = pair(now);
    client.handle_connected(now);
    agent.handle_connected(now);
    client.handle_timeout(now);
    client.open_without_handshake();
    client.discover_mtu();
    while client.poll_event().is_some() {}
    (client, agent)
}

/// Writes bulk data, of which the first message goes out and is swallowed.
fn swallow_a_probe(now: Instant, client: &mut DataChannel) {
    assert_eq!(client.write(&[7; 20_000]), 20_000);
    let probe = client.poll_transmit(now).unwrap();
    assert!(probe.len() > PREFIX_LENGTH + BASE_MTU);
}

/// Lets time pass while repetitions are swallowed too; returns when something other than them was due.
fn wait(client: &mut DataChannel, mut now: Instant, until: Instant) -> Option<Instant> {
    while let Some(at) = client.poll_timeout().filter(|at| *at <= until) {
        now = now.max(at);
        client.handle_timeout(now);
        while client.poll_transmit(now).is_some() {}
        if !client.events.is_empty() {
            return Some(now);
        }
    }
    None
}

#[test]
fn the_first_large_message_goes_alone_and_then_all_are_large() {
    let now = Instant::now();
    let (mut client, mut agent) = discovering_pair(now);
    assert_eq!(client.write(&[7; 20_000]), 20_000);
    let first = client.poll_transmit(now).unwrap();
    assert_eq!(first.len(), PREFIX_LENGTH + 8 * 1024);
    assert!(client.poll_transmit(now).is_none() && client.poll_sendable() == 0);
    agent.handle_frame(now, first);
    assert_eq!(carry(now, &mut client, &mut agent), vec![7; 20_000]);
    assert_eq!(client.send_statistics().sent, 2, "the rest is one message");
    assert!(!client.timers.is_set(Timer::MtuProbe));
}

#[test]
fn a_refused_large_message_is_cut_anew_and_nothing_is_lost_or_doubled() {
    let now = Instant::now();
    let (mut client, mut agent) = discovering_pair(now);
    let data: Vec<u8> = (0..20_000_u32).map(|number| number as u8).collect();
    assert_eq!(client.write(b"small"), 5);
    assert_eq!(carry(now, &mut client, &mut agent), b"small");
    assert_eq!(client.write(&data), data.len());
    // The gateway closes the connection, and the message is gone.
    assert!(client.poll_transmit(now).unwrap().len() > 8 * 1024);
    client.handle_disconnected();
    client.handle_message_too_large();
    client.handle_message_too_large();
    assert_eq!((client.poll_event(), client.poll_event()), (Some(Event::LargeMessagesRefused), None));
    client.handle_connected(now);
    let sent_before = client.send_statistics().sent;
    assert_eq!(carry(now, &mut client, &mut agent), data);
    assert_eq!(client.send_statistics().sent - sent_before, 20, "in messages of the usual size");
}

#[test]
fn a_probe_that_is_swallowed_ends_the_session_ten_seconds_later() {
    let now = Instant::now();
    let (mut client, _) = discovering_pair(now);
    swallow_a_probe(now, &mut client);
    let due = now + MTU_PROBE_TIMEOUT;
    assert_eq!(wait(&mut client, now, due + MTU_PROBE_TIMEOUT), Some(due));
    assert_eq!(client.poll_event(), Some(Event::LargeMessagesRefused));
    assert_eq!(client.poll_event(), Some(Event::Failed(Failure::LargeMessageUnanswered)));
    assert!(client.has_ended() && client.poll_timeout().is_none());
}

#[test]
fn a_probe_has_its_time_anew_on_each_connection_and_none_without_one() {
    let now = Instant::now();
    let (mut client, mut agent) = discovering_pair(now);
    swallow_a_probe(now, &mut client);
    assert_eq!(wait(&mut client, now, now + MTU_PROBE_TIMEOUT / 2), None);
    client.handle_disconnected();
    let back = now + 10 * MTU_PROBE_TIMEOUT;
    assert_eq!(wait(&mut client, now, back), None, "an outage is not the gateway's silence");
    client.handle_connected(back);
    let due = back + MTU_PROBE_TIMEOUT;
    assert_eq!(wait(&mut client, back, due - Duration::from_millis(1)), None);
    // The last repetition gets through after all.
    client.sender.on_timeout(due);
    assert_eq!(carry(due, &mut client, &mut agent), vec![7; 20_000]);
    assert!(!client.has_ended() && client.poll_timeout().is_none());
}

#[test]
fn what_is_sendable_goes_out_at_once() {
    let now = Instant::now();
    let (mut client, mut agent) = pair(now);
    assert_eq!(client.poll_sendable(), 0, "not connected");
    client.handle_connected(now);
    agent.handle_connected(now);
    assert_eq!(client.poll_sendable(), 0, "it is not known whether there is a handshake");
    client.open_without_handshake();
    let sendable = client.poll_sendable();
    assert!(sendable >= 32 * 1024, "{sendable}");
    assert_eq!(client.write(&vec![1; sendable]), sendable);
    assert_eq!(client.poll_sendable(), 0, "something waits");
    while client.poll_transmit(now).is_some() {}
    assert!(client.queue.is_empty());
}
