use super::*;
use crate::protocol::message::PREFIX_LENGTH;

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

#[test]
fn the_first_large_message_goes_alone_and_then_all_are_large() {
    let now = Instant::now();
    let (mut client, mut agent) = pair(now);
    client.handle_connected(now);
    agent.handle_connected(now);
    client.handle_timeout(now);
    client.open_without_handshake();
    client.set_message_size(8 * 1024);
    assert_eq!(client.write(&[7; 20_000]), 20_000);
    let first = client.poll_transmit(now).unwrap();
    assert_eq!(first.len(), PREFIX_LENGTH + 8 * 1024);
    assert!(client.poll_transmit(now).is_none() && client.trying_large_since().is_some());
    assert_eq!(client.poll_sendable(), 0);
    agent.handle_frame(now, first);
    assert_eq!(carry(now, &mut client, &mut agent), vec![7; 20_000]);
    assert!(client.trying_large_since().is_none() && client.send_statistics().sent == 3);
}

#[test]
fn a_refused_large_message_is_cut_anew_and_nothing_is_lost_or_doubled() {
    let now = Instant::now();
    let (mut client, mut agent) = pair(now);
    client.handle_connected(now);
    agent.handle_connected(now);
    client.handle_timeout(now);
    client.open_without_handshake();
    client.set_message_size(8 * 1024);
    let data: Vec<u8> = (0..20_000_u32).map(|number| number as u8).collect();
    assert_eq!(client.write(b"small"), 5);
    assert_eq!(carry(now, &mut client, &mut agent), b"small");
    assert_eq!(client.write(&data), data.len());
    // The gateway closes the connection, and the message is gone.
    assert!(client.poll_transmit(now).unwrap().len() > 8 * 1024);
    client.handle_disconnected();
    assert!(client.large_refused() && !client.large_refused());
    client.handle_connected(now);
    assert_eq!(carry(now, &mut client, &mut agent), data);
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
