//! What a command sent last arrives before the tunnel ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use insta::assert_snapshot;
use rustix::process::Signal;
use ssmx::sandbox::ApiFault;

use super::tunnel::{Aws, echo, server};
use crate::support::DEADLINE;
use crate::support::command::{Running, run};
use crate::support::waiting::end_of;

/// A server that counts what each connection sends up to its end.
fn counting() -> (u16, mpsc::Receiver<usize>) {
    let (count, counted) = mpsc::channel();
    let port = server(move |mut stream| {
        let mut got = Vec::new();
        let orderly = stream.read_to_end(&mut got).is_ok();
        let _ = count.send(if orderly { got.len() } else { usize::MAX });
    });
    (port, counted)
}

/// A command that sends so much, closes and ends.
fn sending(bytes: usize) -> String {
    format!("head -c {bytes} /dev/zero >\"/dev/tcp/$SSMX_HOST/$SSMX_PORT\"")
}

#[test]
fn what_a_command_sent_last_arrives_however_far_the_instance_is() {
    for version in [None, Some("2.3.1550.0")] {
        for (milliseconds, bytes) in [(0, 3_000_000), (50, 1_000), (150, 300_000)] {
            let mut aws = Aws::new(|options| {
                options.agent_version = version.map(str::to_owned);
                options.faults_to_agent.delay = Duration::from_millis(milliseconds);
                options.faults_to_client.delay = Duration::from_millis(milliseconds);
            });
            let (port, counted) = counting();
            let forward = format!("0:{port}");
            let done = run(&mut aws.fwd(&["db", &forward, "--", "bash", "-c", &sending(bytes)]));
            assert_eq!(done.code(), 0, "{done:?}");
            let trial = format!("agent {version:?}, {milliseconds} ms each way");
            assert_eq!(counted.recv_timeout(DEADLINE), Ok(bytes), "{trial}");
            assert_eq!(aws.service().active_sessions(), [""; 0], "ended on the service, {trial}");
        }
    }
}

/// A server that speaks first, and counts what each connection sends however it ends.
fn greeting() -> (u16, mpsc::Receiver<usize>) {
    let (count, counted) = mpsc::channel();
    let port = server(move |mut stream| {
        let mut got = Vec::new();
        let _ = stream.write_all(b"220 ready\r\n");
        let _ = stream.read_to_end(&mut got);
        let _ = count.send(got.len());
    });
    (port, counted)
}

#[test]
fn what_a_command_sent_last_arrives_though_it_went_without_reading_the_greeting() {
    // It has closed by the time that the greeting comes: else its own system drops what it has sent. So it is without a
    // tunnel.
    for milliseconds in [50, 150] {
        let aws = Aws::new(|options| {
            options.faults_to_agent.delay = Duration::from_millis(milliseconds);
            options.faults_to_client.delay = Duration::from_millis(milliseconds);
        });
        let (port, counted) = greeting();
        let script = sending(280_000);
        let done = run(&mut aws.fwd(&["db", &format!("0:{port}"), "--", "bash", "-c", &script]));
        assert_eq!(done.code(), 0, "{milliseconds} ms each way: {done:?}");
        assert_eq!(counted.recv_timeout(DEADLINE), Ok(280_000), "{milliseconds} ms each way: {done:?}");
    }
}

#[test]
fn what_a_command_sent_last_arrives_across_an_outage() {
    let aws = Aws::new(|options| {
        options.faults_to_agent.delay = Duration::from_millis(50);
        options.cut_client_every = Some(Duration::from_millis(300));
    });
    let (port, counted) = counting();
    let done = run(&mut aws.fwd(&["db", &format!("0:{port}"), "--", "bash", "-c", &sending(2_000_000)]));
    assert_eq!(done.code(), 0, "{done:?}");
    assert_eq!(counted.recv_timeout(DEADLINE), Ok(2_000_000));
}

#[test]
fn what_a_command_sends_during_an_outage_arrives() {
    let mut aws =
        Aws::new(|options| options.api_faults.push(ApiFault::slow("ssm:ResumeSession", Duration::from_secs(2))));
    let (port, counted) = counting();
    // It sends when it is told to, which is when the connection is lost.
    let script = format!("read -r; {}", sending(1_000));
    let mut command = aws.fwd(&["db", &format!("0:{port}"), "--", "bash", "-c", &script]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut said = BufReader::new(child.stderr.take().expect("a pipe")).lines().map_while(Result::ok);
    assert!(said.any(|line| line.contains("Forwarding")));
    aws.service().cut_clients();
    assert!(said.any(|line| line.contains("connection lost")));
    child.stdin.take().expect("a pipe").write_all(b"\n").expect("it reads");
    let rest: Vec<String> = said.collect();
    assert_eq!(end_of(&mut child).expect("it ends").code(), Some(0), "{rest:?}");
    assert_eq!(counted.recv_timeout(DEADLINE), Ok(1_000), "{rest:?}");
}

#[test]
fn a_session_that_ends_before_the_last_bytes_arrive_is_no_success() {
    let mut aws = Aws::new(|options| options.faults_to_agent.delay = Duration::from_secs(4));
    let (port, _counted) = counting();
    let forward = format!("0:{port}");
    let running = Running::start(&mut aws.fwd(&["db", &forward, "--", "bash", "-c", &sending(150_000)]));
    running.wait_for_err("waiting for the last bytes");
    aws.service().terminate_sessions();
    let done = running.finish();
    assert_eq!(done.code(), 255, "{done:?}");
    assert!(done.err().contains("the session ended before all that was sent had arrived"), "{done:?}");
}

#[test]
fn the_code_of_a_command_is_ours_also_after_it_has_sent_something() {
    let aws = Aws::new(|options| options.faults_to_agent.delay = Duration::from_millis(50));
    let (port, counted) = counting();
    let script = format!("{}; exit 7", sending(1_000));
    assert_eq!(run(&mut aws.fwd(&["db", &format!("0:{port}"), "--", "bash", "-c", &script])).code(), 7);
    assert_eq!(counted.recv_timeout(DEADLINE), Ok(1_000));
}

#[test]
fn a_connection_that_outlives_the_command_is_waited_for_until_a_signal_comes() {
    let mut aws = Aws::new(|_| {});
    // What goes on in the background has the connection.
    let script = "exec 3<>/dev/tcp/$SSMX_HOST/$SSMX_PORT; sleep 60 <&3 >/dev/null 2>&1 & echo $!";
    let mut command = aws.fwd(&["db", &format!("0:{}", echo()), "--", "bash", "-c", script]);
    let running = Running::start(&mut command);
    running.wait_for_err("waiting for");
    running.kill(Signal::INT);
    let done = running.finish();
    if let Some(left) = done.out().trim().parse().ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process(left, Signal::KILL);
    }
    assert_eq!(done.code(), 130, "{done:?}");
    let line = done.err().lines().find(|line| line.contains("waiting for")).unwrap_or_default().to_owned();
    assert_snapshot!(crate::support::snapshot::settled(&line), @"ssmx: db:PORT: waiting for a connection to end; Ctrl-C ends at once");
    assert_eq!(aws.service().active_sessions(), [""; 0], "ended on the service");
}
