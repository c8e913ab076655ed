use std::time::Instant;

use super::*;
use crate::sandbox::agent::testing::mux::*;
use crate::sandbox::agent::testing::{forward, session, session_of};

fn client(port: u16) -> MuxClient {
    MuxClient::new(session(forward(port, None), |_| {}))
}

#[tokio::test]
async fn twenty_streams_go_at_once() {
    let mut client = client(echo().await);
    let streams: Vec<_> = (0..20_u8).map(|n| (client.open(vec![n; 2_048]), n)).collect();
    client.until(|client| streams.iter().all(|(id, _)| client.received[id].len() == 2_048)).await;
    for (id, n) in streams {
        assert!(client.received[&id].iter().all(|byte| *byte == n), "stream {n}");
    }
    assert!(client.finished.is_empty());
    client.end().await;
}

#[tokio::test]
async fn a_refused_connection_is_told_and_the_session_goes_on() {
    let (listener, port) = listen().await;
    drop(listener);
    let mut client = client(port);
    let id = client.open("unheard");
    client.until(|client| client.finished.contains(&id)).await;
    assert_eq!(client.client.flags, [Flag::ConnectToPortError]);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    client.open("hello");
    let mut socket = client.during(accepted(&listener)).await;
    assert_eq!(client.during(heard(&mut socket, 5)).await, b"hello");
    client.end().await;
}

#[tokio::test]
async fn a_client_that_is_done_closes_the_whole_connection() {
    let (listener, port) = listen().await;
    let mut client = client(port);
    let id = client.open("question");
    let mut socket = client.during(accepted(&listener)).await;
    assert_eq!(client.during(heard(&mut socket, 8)).await, b"question");
    client.mux.finish(id);
    client.until(|client| client.finished.contains(&id)).await;
    assert!(is_closed(&mut socket).await);
    assert_eq!(client.received[&id], b"", "no answer gets through");
    client.end().await;
}

#[tokio::test]
async fn a_server_that_is_done_closes_the_whole_connection() {
    let (listener, port) = listen().await;
    let mut client = client(port);
    let id = client.open("");
    let server = async {
        let mut socket = accepted(&listener).await;
        write_to(&mut socket, b"answer").await;
        tokio::io::AsyncWriteExt::shutdown(&mut socket).await.unwrap();
        socket
    };
    let ((), mut socket) = tokio::join!(client.until(|client| client.finished.contains(&id)), server);
    assert_eq!(client.received[&id], b"answer");
    assert!(is_closed(&mut socket).await);
    client.end().await;
}

#[tokio::test]
async fn eight_mebibytes_come_back_as_they_went() {
    let mut client = client(echo().await);
    let mut state = 1_u32;
    let bytes: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
    .take(8 << 20)
    .collect();
    let id = client.open(bytes.clone());
    client.until(|client| client.received[&id].len() >= bytes.len()).await;
    assert!(client.received[&id] == bytes, "something was changed on the way");
    client.end().await;
}

#[tokio::test]
async fn one_that_does_not_read_stops_no_other_at_first_and_loses_nothing() {
    let (listener, port) = listen().await;
    let mut client = client(port);
    let stalled = client.open(vec![0; 3 << 20]);
    let mut slow = client.during(accepted(&listener)).await;
    client.flush().await;
    let other = client.open("");
    let server = async {
        let mut socket = accepted(&listener).await;
        write_to(&mut socket, b"alive").await;
        socket
    };
    let ((), _kept) = tokio::join!(client.receives(other, "alive"), server);
    client.write(stalled, vec![1; 9 << 20]);
    let bytes = client.during(heard(&mut slow, 12 << 20)).await;
    assert!(bytes.iter().enumerate().all(|(at, byte)| (at >= 3 << 20) == (*byte == 1)));
    client.end().await;
}

#[tokio::test]
async fn one_that_does_not_read_silences_all_others_in_the_end() {
    const MIB: usize = 1 << 20;
    let (listener, port) = listen().await;
    let mut client = MuxClient::new(session(forward(port, None), |session| session.pace = Pace::Real));
    let other = client.open("");
    let mut quick = client.during(accepted(&listener)).await;
    let stalled = client.open("");
    let mut slow = client.during(accepted(&listener)).await;
    client.send_ahead(stalled, vec![0; 16 * MIB]);
    client.write(other, "question");
    let mut read = 0;
    let reader = async {
        while read < 16 * MIB {
            read += heard(&mut slow, 64 << 10).await.len();
        }
        std::future::pending::<()>().await;
    };
    let question = client.during(async {
        tokio::select! { text = heard(&mut quick, 8) => text, () = reader => vec![] }
    });
    assert_eq!(question.await, b"question");
    // The agent and the sockets hold 4 MiB and a few more. The rest was in the way.
    assert!(read >= MIB, "{read} bytes of what nobody read at first were read before the question came");
    client.during(write_to(&mut quick, b"answer")).await;
    client.receives(other, "answer").await;
}

#[tokio::test]
async fn a_download_stands_in_the_way_of_an_answer() {
    let (listener, port) = listen().await;
    let mut client = MuxClient::new(session(forward(port, None), |session| session.pace = Pace::Real));
    let [bulk, other] = [client.open(""), client.open("")];
    let mut sockets = client.during(async { [accepted(&listener).await, accepted(&listener).await] }).await;
    let [from, quick] = &mut sockets;
    let sent = async {
        write_to(from, &vec![0; 1 << 20]).await;
        std::future::pending::<()>().await;
    };
    let begun = async {
        // The pace: by then the agent has had time to read as much as it ever does ahead.
        client.until(|client| client.received[&bulk].len() > 100_000).await;
        write_to(quick, b"answer").await;
        let before = client.received[&bulk].len();
        client.receives(other, "answer").await;
        client.received[&bulk].len() - before
    };
    let between = tokio::select! { between = begun => between, () = sent => unreachable!() };
    assert!(between >= super::REAL_SOCKET / 2, "{between} bytes of the download came before the answer");
    client.end().await;
}

#[tokio::test]
async fn termination_leaves_no_connection() {
    let (listener, port) = listen().await;
    let mut client = client(port);
    let ids = [client.open("a"), client.open("b")];
    let mut sockets = client.during(async { [accepted(&listener).await, accepted(&listener).await] }).await;
    for socket in &mut sockets {
        client.during(heard(socket, 1)).await;
    }
    assert_eq!(ids.len(), client.mux.streams().len());
    client.client.terminate();
    assert_eq!(client.outcome().await, Outcome::success());
    for socket in &mut sockets {
        assert!(is_closed(socket).await);
    }
}

#[tokio::test]
async fn what_is_no_multiplexer_ends_the_session() {
    let mut client = session(forward(echo().await, None), |_| {});
    client.send("GET / HTTP/1.0\r\n\r\n");
    assert_eq!(client.outcome().await, Outcome::failed(""));
}

#[tokio::test]
async fn a_forbidden_host_fails_the_session() {
    for host in ["169.254.169.254", "fd00:ec2::254"] {
        let outcome = session(forward(80, Some(host)), |_| {}).outcome().await;
        assert_eq!(outcome, Outcome::failed(format!("Forwarding to IP address {host} is forbidden.")));
    }
}

#[tokio::test]
async fn a_host_of_the_network_is_this_machine_and_others_refuse() {
    let port = echo().await;
    for (host, version) in [("orders.rds.amazonaws.com", "3.3.3050.0"), ("192.0.2.1", "3.1.1000.0")] {
        let session = session(forward(port, Some(host)), |session| session.agent_version = version.to_owned());
        let mut client = MuxClient::new(session);
        let id = client.open("select 1");
        client.receives(id, "select 1").await;
        client.end().await;
    }
    let mut client = MuxClient::new(session(forward(port, Some("192.0.2.1")), |_| {}));
    let id = client.open("select 1");
    client.until(|client| client.finished.contains(&id)).await;
    assert_eq!(client.client.flags, [Flag::ConnectToPortError]);
    client.end().await;
}

#[tokio::test]
async fn old_clients_are_kept_alive_and_new_ones_are_not() {
    const NOP: &[u8] = &[1, 3, 0, 0, 0, 0, 0, 0];
    let started = Instant::now();
    let mut old = session_of("1.2.331.0", forward(echo().await, None), |_| {});
    let mut new = session(forward(echo().await, None), |_| {});
    tokio::select! {
        () = old.until(|client| client.stdout == NOP) => {}
        () = new.until(|client| !client.stdout.is_empty()) => panic!("{:?}", new.stdout),
    }
    assert!(started.elapsed() >= KeepAlive::default().interval);
}

#[tokio::test]
async fn the_real_pace_is_a_mebibyte_a_second() {
    let session = session(forward(echo().await, None), |session| session.pace = Pace::Real);
    let mut client = MuxClient::new(session);
    let started = Instant::now();
    let id = client.open(vec![7; 300_000]);
    client.until(|client| client.received[&id].len() == 300_000).await;
    assert!(started.elapsed().as_secs_f64() > 0.29, "{:?}", started.elapsed());
    assert!(client.client.messages.iter().all(|message| message.len() <= 1024));
    client.end().await;
}
