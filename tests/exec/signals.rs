//! Signals while a command runs.

use std::os::unix::process::CommandExt;

use rustix::process::Signal;

use crate::support::cloud::Cloud;
use crate::support::command::{Finished, Running};

/// Runs a script until it has said `begun`.
fn begun(cloud: &Cloud, script: &str) -> Running {
    let mut command = cloud.ssmx();
    // Alone in its group, as a signal for the whole group of the tests would be too much.
    command.args(["exec", "web-1", "--", "sh", "-c", script]).process_group(0);
    let running = Running::start(&mut command);
    running.wait_for_out("begun");
    running
}

fn lasts(script: &str) -> String {
    format!("{script} echo begun; while :; do sleep 0.05; done")
}

#[test]
fn an_interrupt_goes_to_the_command() {
    let cloud = Cloud::start();
    let running = begun(&cloud, &lasts("trap 'echo interrupted; exit 9' INT;"));
    running.kill(Signal::INT);
    running.wait_for_out("interrupted");
    let ended = running.finish();
    assert_eq!(ended.code(), 1, "the agent has lost the code of a command that it has interrupted: {ended:?}");
    cloud.wait_for_no_session();
}

#[test]
fn a_quit_goes_to_the_command() {
    let cloud = Cloud::start();
    let running = begun(&cloud, &lasts("trap 'echo told to quit; exit 9' QUIT;"));
    running.kill(Signal::QUIT);
    running.wait_for_out("told to quit");
    assert_eq!(running.finish().code(), 1);
}

#[test]
fn a_second_interrupt_does_not_wait() {
    let cloud = Cloud::start();
    let running = begun(&cloud, &lasts("trap 'echo refused' INT;"));
    running.kill(Signal::INT);
    running.wait_for_out("refused");
    running.kill(Signal::INT);
    let ended = running.finish();
    assert_eq!((ended.code(), ended.err().as_str()), (130, ""));
    cloud.wait_for_no_session();
}

fn told_to_end(signal: Signal) -> Finished {
    let cloud = Cloud::start();
    let running = begun(&cloud, &lasts(""));
    running.kill(signal);
    let ended = running.finish();
    // Not a moment later: it was ended before ssmx did.
    assert!(cloud.active().iter().all(|session| session.status.as_ref().unwrap().as_str() == "Terminating"));
    cloud.wait_for_no_session();
    ended
}

#[test]
fn sigterm_ends_the_session_on_the_service() {
    let ended = told_to_end(Signal::TERM);
    assert_eq!((ended.code(), ended.err().as_str()), (143, ""));
}

#[test]
fn sighup_ends_the_session_on_the_service() {
    assert_eq!(told_to_end(Signal::HUP).code(), 129);
}

#[test]
fn an_interrupt_of_several_reaches_all_and_starts_no_more() {
    let cloud = Cloud::start();
    let mut command = cloud.ssmx();
    let script = "trap 'echo interrupted; exit 9' INT; echo begun; while :; do sleep 0.05; done";
    command.args(["exec", "web-1", "web-2", "--", "sh", "-c", script]).process_group(0);
    let running = Running::start(&mut command);
    running.wait_for_out("web-1: begun");
    running.wait_for_out("web-2: begun");
    running.kill(Signal::INT);
    running.wait_for_out("web-1: interrupted");
    running.wait_for_out("web-2: interrupted");
    assert_eq!(running.finish().code(), 1);
    cloud.wait_for_no_session();
}

#[test]
fn after_an_interrupt_no_further_target_has_its_turn() {
    let cloud = Cloud::start();
    let mut command = cloud.ssmx();
    let script = "trap 'exit 9' INT; echo begun; while :; do sleep 0.05; done";
    command.arg("exec").args(["web-1"; 20]).args(["--", "sh", "-c", script]).process_group(0);
    let running = Running::start(&mut command);
    // So many run side by side.
    running.wait_for_lines(16);
    running.kill(Signal::INT);
    let ended = running.finish();
    assert_eq!(ended.out().matches("begun").count(), 16, "{ended:?}");
    assert_ne!(ended.code(), 0, "{ended:?}");
    cloud.wait_for_no_session();
    assert_eq!(cloud.history().len(), 16);
}

#[test]
fn a_signal_before_the_session_is_there_ends_it_too() {
    // A server that takes the connection and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let cloud = Cloud::start();
    let mut command = cloud.ssmx();
    command.env("AWS_ENDPOINT_URL_SSM", format!("http://{}", silent.local_addr().unwrap()));
    command.args(["shell", "i-0a11ce0000000001a"]).process_group(0);
    let running = Running::start(&mut command);
    let _waiting = silent.accept().unwrap();
    running.kill(Signal::INT);
    let ended = running.finish();
    assert_eq!(ended.code(), 130);
    // The request has arrived there, as far as can be known here.
    insta::assert_snapshot!(ended.err(), @"warning: a session on i-0a11ce0000000001a may still start: AWS has not answered the request for it; it ends at the account's idle timeout");
}
