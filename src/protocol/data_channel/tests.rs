use super::*;
use crate::protocol::message::PREFIX_LENGTH;
use crate::protocol::mtu::{BASE_MTU, MAX_MTU};

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
    client.open_without_handshake();
    client.discover_mtu(usize::MAX);
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
fn the_first_large_message_goes_alone_and_proves_its_size() {
    let now = Instant::now();
    let (mut client, mut agent) = discovering_pair(now);
    assert_eq!(client.write(&[7; 20_000]), 20_000);
    let first = client.poll_transmit(now).unwrap();
    assert_eq!(first.len(), PREFIX_LENGTH + 8 * 1024);
    assert!(client.poll_transmit(now).is_none() && client.poll_sendable() == 0);
    agent.handle_frame(now, first);
    assert_eq!(carry(now, &mut client, &mut agent), vec![7; 20_000]);
    assert_eq!(client.send_statistics().sent, 3, "the rest goes in messages of the size that is proven");
    assert_eq!(client.mtu(), 8 * 1024);
    assert!(!client.timers.is_set(Timer::MtuProbe));
}

#[test]
fn each_larger_size_is_tried_with_a_message_of_its_own() {
    let mut now = Instant::now();
    let (mut client, mut agent) = discovering_pair(now);
    let mut largest = 0;
    // A small message proves nothing, whatever is sent after it.
    for length in [1_500, 3_000, 7_000, 400_000, 400_000, 400_000] {
        let mut data: &[u8] = &vec![7; length];
        let mut read = 0;
        while !data.is_empty() || read < length {
            data = &data[client.write(data)..];
            now += Duration::from_millis(1);
            let frames: Vec<Bytes> = std::iter::from_fn(|| client.poll_transmit(now)).collect();
            for (index, frame) in frames.iter().enumerate() {
                let payload = frame.len() - PREFIX_LENGTH;
                if payload > client.mtu() {
                    assert!([8 * 1024, MAX_MTU].contains(&payload), "{payload}");
                    assert_eq!(index + 1, frames.len(), "nothing follows a probe");
                    assert!(client.mtu.is_probing() && client.poll_sendable() == 0);
                }
                largest = largest.max(payload);
            }
            frames.into_iter().for_each(|frame| agent.handle_frame(now, frame));
            now += Duration::from_millis(1);
            read += carry(now, &mut client, &mut agent).len();
        }
        assert!(length >= 8 * 1024 || largest <= BASE_MTU, "{largest} with {length} bytes to send");
    }
    assert_eq!((largest, client.mtu()), (MAX_MTU, MAX_MTU));
}

#[test]
fn a_size_that_was_proven_and_is_refused_later_fails_the_session() {
    let now = Instant::now();
    for in_flight in [true, false] {
        let (mut client, mut agent) = discovering_pair(now);
        assert_eq!(client.write(&[7; 8 * 1024]), 8 * 1024);
        assert_eq!(carry(now, &mut client, &mut agent).len(), 8 * 1024);
        if in_flight {
            assert_eq!(client.write(&[7; 8 * 1024]), 8 * 1024);
            assert!(client.poll_transmit(now).is_some());
        }
        client.handle_disconnected();
        client.handle_message_too_large();
        assert_eq!(client.mtu(), BASE_MTU);
        let failed = in_flight.then_some(Event::Failed(Failure::LargeMessageRefused));
        assert_eq!((client.has_ended(), client.poll_event()), (in_flight, failed), "it may have arrived all the same");
    }
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
    assert_eq!((client.poll_event(), client.mtu()), (None, BASE_MTU));
    client.handle_connected(now);
    let sent_before = client.send_statistics().sent;
    assert_eq!(carry(now, &mut client, &mut agent), data);
    assert_eq!(client.send_statistics().sent - sent_before, 20, "in messages of the usual size");
}

#[test]
fn a_probe_that_is_swallowed_ends_the_session() {
    let now = Instant::now();
    let (mut client, _) = discovering_pair(now);
    swallow_a_probe(now, &mut client);
    let due = now + MTU_PROBE_TIMEOUT;
    assert_eq!(wait(&mut client, now, due + MTU_PROBE_TIMEOUT), Some(due));
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
fn a_probe_whose_acknowledgement_may_lie_unread_is_not_given_up() {
    let now = Instant::now();
    let (mut client, _) = discovering_pair(now);
    swallow_a_probe(now, &mut client);
    let half = MTU_PROBE_TIMEOUT / 2;
    for count in 1..10 {
        assert_eq!(wait(&mut client, now + half * (count - 1), now + half * count), None);
        client.handle_unread(now + half * count);
    }
    let due = now + half * 9 + MTU_PROBE_TIMEOUT;
    assert_eq!(wait(&mut client, now + half * 9, due + half), Some(due));
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
