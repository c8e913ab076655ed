//! `ssmx proxy` from its start to its end.

use std::io::{Read, Write, copy};
use std::net::Shutdown;
use std::sync::mpsc;

use insta::assert_snapshot;

use super::lab::{server, web_server};
use crate::plugin::play::Running;
use crate::support::DEADLINE;
use crate::support::cloud::{Cloud, nobody};
use crate::support::command::{run, run_with_input};
use crate::support::snapshot::settled;

fn proxy(cloud: &Cloud, port: u16) -> std::process::Command {
    let mut proxy = cloud.ssmx();
    proxy.args(["proxy", "web-1", &port.to_string()]);
    proxy
}

#[test]
fn the_end_of_input_ends_it_when_all_has_arrived() {
    let cloud = Cloud::start();
    let (told, heard) = mpsc::channel();
    let port = server(move |mut stream| {
        let mut all = Vec::new();
        let _ = stream.read_to_end(&mut all);
        let _ = told.send(all.len());
    });
    let ran = run_with_input(&mut proxy(&cloud, port), &vec![7; 3_000_000]);
    let said = "warning: nothing has come for 10 s after the end of the input: a later answer is lost\n";
    assert_eq!((ran.code(), ran.out().as_str(), ran.err().as_str()), (0, "", said), "{ran:?}");
    assert_eq!(heard.recv_timeout(DEADLINE).unwrap(), 3_000_000);
    cloud.wait_for_no_session();
}

#[test]
fn an_answer_that_has_begun_is_no_reason_for_a_warning() {
    let cloud = Cloud::start();
    let port = server(|mut stream| {
        let _ = stream.read_exact(&mut [0; 5]);
        let _ = stream.write_all(b"hi");
        // It keeps the connection, as servers do that expect more.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let ran = run_with_input(&mut proxy(&cloud, port), b"hello");
    assert_eq!((ran.code(), ran.out().as_str(), ran.err().as_str()), (0, "hi", ""), "{ran:?}");
    cloud.wait_for_no_session();
}

#[test]
fn the_answer_comes_after_the_end_of_the_question() {
    let cloud = Cloud::start();
    // As `printf … | ssmx proxy web-1 80` asks.
    let ran = run_with_input(&mut proxy(&cloud, web_server("hello")), b"GET / HTTP/1.0\r\n\r\n");
    assert_eq!((ran.code(), ran.err().as_str()), (0, ""), "{ran:?}");
    assert!(ran.out().ends_with("\r\n\r\nhello"), "{ran:?}");
    cloud.wait_for_no_session();
}

#[test]
fn the_end_of_the_server_ends_it_when_all_is_written() {
    let cloud = Cloud::start();
    let port = server(|mut stream| {
        let _ = stream.read_exact(&mut [0; 5]);
        let _ = stream.write_all(&vec![b'x'; 3_000_000]);
        let _ = stream.shutdown(Shutdown::Both);
    });
    // The input stays open.
    let mut running = Running::spawn(proxy(&cloud, port));
    running.send("hello");
    let (status, said) = running.wait_without_end_of_input();
    assert_eq!((status.code(), said.len()), (Some(0), 3_000_000));
    cloud.wait_for_no_session();
}

#[test]
fn nobody_who_listens_is_an_error_on_standard_error_alone() {
    let cloud = Cloud::start();
    let port = nobody().rsplit_once(':').unwrap().1.parse().unwrap();
    let errors = tempfile::NamedTempFile::new().unwrap();
    let mut refused = proxy(&cloud, port);
    refused.stderr(errors.reopen().unwrap());
    // The end of its input would be an end as well.
    let (status, said) = Running::spawn(refused).wait_without_end_of_input();
    let errors = std::fs::read_to_string(errors.path()).unwrap();
    assert_eq!((status.code(), said.as_str()), (Some(1), ""), "{errors}");
    assert_snapshot!(settled(&errors), @"
    error: the session failed
    caused by: Unable to connect to specified port: dial tcp 127.0.0.1:PORT: connect: connection refused
    hint: is a server listening on port PORT?
    ");
    cloud.wait_for_no_session();
}

#[test]
fn who_reads_no_more_ends_it() {
    let cloud = Cloud::start();
    let port = server(|mut stream| while stream.write_all(&[b'x'; 4_096]).is_ok() {});
    let script = r#""$@" | head -c 100000 >/dev/null; echo "${PIPESTATUS[0]}""#;
    let mut shell = std::process::Command::new("bash");
    shell.args(["-c", script, "bash", env!("CARGO_BIN_EXE_ssmx"), "proxy", "web-1", &port.to_string()]);
    shell.envs(cloud.environment().iter().cloned());
    let ran = run_open(shell);
    // As with any program at the head of a pipe, that is no failure.
    assert_eq!(ran, "0\n");
    cloud.wait_for_no_session();
}

/// Runs a program whose input does not end, and returns what it writes.
fn run_open(command: std::process::Command) -> String {
    Running::spawn(command).wait_without_end_of_input().1
}

#[test]
fn an_end_from_outside_is_an_end() {
    let cloud = Cloud::start();
    let port = server(|mut stream| drop(copy(&mut stream.try_clone().unwrap(), &mut stream)));
    let mut running = Running::spawn(proxy(&cloud, port));
    running.send("hello");
    running.wait_for("hello");
    let [session] = cloud.active().try_into().unwrap();
    let aws = crate::aws_cli::program();
    let mut end = std::process::Command::new(aws);
    end.envs(cloud.environment().iter().cloned());
    let ended = run(end.args(["ssm", "terminate-session", "--session-id", session.session_id().unwrap()]));
    assert_eq!(ended.code(), 0, "{ended:?}");
    let (status, said) = running.wait_without_end_of_input();
    assert_eq!((status.code(), said.as_str()), (Some(0), "hello"));
}
