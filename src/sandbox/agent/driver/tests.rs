use std::path::PathBuf;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::time::timeout;

use crate::sandbox::agent::contract::Outcome;
use crate::sandbox::agent::testing::{Client, command, interactive, session};
use crate::sandbox::agent::work::Work;

async fn assert_no_process_is_left(work: Work) {
    let mut client = session(work, |_| {});
    client.shows("begun\n").await;
    let home = PathBuf::from(client.text().lines().next().unwrap());
    let mut pipe = pipe::OpenOptions::new().open_receiver(home.join("pipe")).unwrap();
    client.shows("both\n").await;
    client.terminate();
    assert_eq!(client.outcome().await, Outcome::success());
    // The end comes when no process is left that could write into it.
    let mut written = Vec::new();
    let end = timeout(Duration::from_mins(1), pipe.read_to_end(&mut written)).await;
    assert_eq!(end.expect("no process is left").unwrap(), 0);
}

#[tokio::test]
async fn termination_leaves_no_process() {
    let line = "stty -onlcr 2>/dev/null; pwd; mkfifo pipe; echo begun; exec 3>pipe; sleep 1000 & echo both; sleep 1000";
    assert_no_process_is_left(interactive(line)).await;
    assert_no_process_is_left(command(&format!("sh -c '{line}'"))).await;
}

#[tokio::test]
async fn a_key_encrypts_the_session() {
    for version in ["3.3.3050.0", "3.2.2303.0"] {
        let mut client = keyed(version);
        client.until(|client| client.ready).await;
        assert_eq!(client.outcome().await, Outcome::success());
        assert_eq!(client.text(), "secret\n");
        let handshake = client.handshake.unwrap();
        assert_eq!(handshake.customer_message, "This session is encrypted using AWS KMS.");
    }
}

#[tokio::test]
async fn a_key_of_another_context_is_refused() {
    let mut client = keyed("3.3.3050.0");
    client.forget_context();
    let outcome = client.outcome().await;
    assert!(!outcome.success);
    assert!(outcome.output.contains("initiating handshake. Fetching data key failed"), "{}", outcome.output);
}

fn keyed(version: &str) -> Client {
    session(command("echo secret"), |session| {
        session.kms_key = Some("the-key".to_owned());
        version.clone_into(&mut session.agent_version);
    })
}

#[tokio::test]
async fn old_agents_shake_no_hands() {
    let mut client = session(command("echo hello"), |session| session.handshake = false);
    assert_eq!(client.outcome().await, Outcome::success());
    assert_eq!((client.text().as_str(), client.handshake), ("hello\n", None));
}
