use std::time::Instant;

use crate::protocol::Size;
use crate::sandbox::agent::contract::Outcome;
use crate::sandbox::agent::testing::{interactive, session, shell};
use crate::sandbox::agent::work::Work;
use crate::sandbox::pace::Pace;

const PROMPT: &str = "[sandbox web-1] $ ";

#[tokio::test]
async fn a_shell_says_where_it_is_and_ends() {
    let mut client = session(shell(), |_| {});
    client.shows(PROMPT).await;
    client.send("echo he''llo $TERM; exit\n");
    assert_eq!(client.outcome().await, Outcome::success());
    assert!(client.text().contains("hello xterm-256color\r\n"), "{}", client.text());
    assert_eq!(client.handshake, None);
}

#[tokio::test]
async fn the_profile_is_typed_first() {
    let profile = "greeting=good; greeting=$greeting-day".to_owned();
    let mut client = session(Work::Shell { profile, run_as: None }, |_| {});
    client.shows(PROMPT).await;
    client.send("echo $greeting; exit\n");
    client.outcome().await;
    assert!(client.text().contains("good-day\r\n"), "{}", client.text());
}

#[tokio::test]
async fn the_terminal_has_the_size_of_the_clients() {
    let mut client = session(shell(), |_| {});
    client.shows(PROMPT).await;
    client.channel.resize(Size { cols: 65_536 + 132, rows: 43 });
    client.send("stty size\n");
    client.shows("43 132\r\n").await;
    client.channel.resize(Size { cols: 80, rows: 24 });
    client.send("stty size\n");
    client.shows("24 80\r\n").await;
    client.send("exit\n");
    assert_eq!(client.outcome().await, Outcome::success());
}

#[tokio::test]
async fn an_interrupt_reaches_the_foreground_only() {
    let mut client = session(shell(), |_| {});
    client.shows(PROMPT).await;
    // The program says so itself: a shell that is interrupted while it starts one may miss it.
    client.send("sh -c \"echo st''arted; exec sleep 1000\"\n");
    client.shows("started").await;
    client.send([0x03]);
    client.until(|client| client.text().matches(PROMPT).count() == 2).await;
    client.send("echo al''ive; exit\n");
    assert_eq!(client.outcome().await, Outcome::success());
    assert!(client.text().contains("alive"));
}

#[tokio::test]
async fn a_command_reads_before_it_writes() {
    let mut client = session(interactive("read line; echo \"got:$line\""), |_| {});
    // There is nothing that says that the agent is ready.
    client.channel = crate::protocol::DataChannel::client(
        crate::protocol::Config::new(Instant::now(), 1, 7),
        crate::protocol::ClientConfig::new(Some(std::time::Duration::ZERO), 1),
    );
    client.channel.handle_connected(Instant::now());
    client.send("abc\n");
    assert_eq!(client.outcome().await, Outcome::success());
    assert_eq!(client.text(), "abc\r\ngot:abc\r\n");
}

#[tokio::test]
async fn the_real_pace() {
    let started = Instant::now();
    let line = "i=0; while [ $i -lt 100 ]; do printf '%s' 'z€€€€€€€€€€'; i=$((i+1)); done";
    let mut client = session(interactive(line), |session| session.pace = Pace::Real);
    assert_eq!(client.outcome().await, Outcome::success());
    assert!(started.elapsed() >= super::FIRST_READ);
    assert_eq!(client.text(), "z€€€€€€€€€€".repeat(100));
    assert!(client.messages.len() >= 4, "{} messages", client.messages.len());
    for message in &client.messages {
        assert!(message.len() <= 1027 && std::str::from_utf8(message).is_ok(), "{message:?}");
    }
}

#[tokio::test]
async fn more_goes_both_ways_than_any_buffer_holds() {
    let line = "stty raw -echo; echo ready; exec head -c 4194304";
    let mut client = session(interactive(line), |_| {});
    client.shows("ready\n").await;
    let sent: Vec<u8> = (0..4 << 20).map(|n: u32| b'a' + (n % 17) as u8).collect();
    client.send(&sent);
    assert_eq!(client.outcome().await, Outcome::success());
    assert!(client.stdout.ends_with(&sent), "{} bytes came back", client.stdout.len());
}
