//! Ways out, at every stage of a session.

use std::io::copy;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use rustix::process::{Pid, Signal, test_kill_process};
use ssmx::sandbox::ApiFault;

use super::{all_ended, silent};
use crate::plugin::play::Play;
use crate::ssh::lab::server;
use crate::support::cloud::Cloud;
use crate::support::command::{Running, run};
use crate::support::snapshot::settled;
use crate::support::waiting::poll_until;

/// Longer than any test waits.
const NEVER: Duration = Duration::from_hours(1);

/// Every command that starts a session, and the code with which it ends at SIGINT.
const COMMANDS: [(&[&str], i32); 4] = [
    (&["shell", "web-1"], 130),
    (&["exec", "web-1", "--", "sleep", "1000"], 130),
    (&["proxy", "web-1", "22"], 130),
    (&["fwd", "web-1", "0:80"], 0),
];

fn late(action: &str, time: Duration) -> Cloud {
    Cloud::with(|options| options.api_faults.push(ApiFault::slow(action, time)))
}

/// Alone in its group, as a signal for the whole group of the tests would be too much.
fn start(command: &mut Command) -> Running {
    Running::start(command.process_group(0))
}

/// One session is there, as far as the service knows.
#[track_caller]
fn wait_for_session(cloud: &Cloud) {
    poll_until("a session on the service", || cloud.active().len() == 1);
}

#[test]
fn a_signal_before_the_channel_is_open_ends_the_session() {
    let cloud = Cloud::start();
    let (_gateway, url) = silent();
    for (words, code) in COMMANDS {
        let running = start(cloud.ssmx().args(words).env("AWS_ENDPOINT_URL_SSMMESSAGES", &url));
        wait_for_session(&cloud);
        running.kill(Signal::INT);
        let ended = running.finish();
        assert_eq!((ended.code(), ended.err().as_str()), (code, ""), "{words:?}");
        assert!(all_ended(&cloud), "{words:?}");
        cloud.wait_for_no_session();
    }
}

#[test]
fn a_signal_before_the_channel_of_the_plugin_is_open_ends_the_session() {
    let play = Play::new();
    let (gateway, url) = silent();
    let session = play.start(None, &[]);
    let running = start(play.take_over(&session).env("AWS_ENDPOINT_URL_SSMMESSAGES", url));
    drop(gateway.accept().unwrap());
    let _dialled = gateway.accept().unwrap();
    running.kill(Signal::TERM);
    assert_eq!(running.finish().code(), 143);
    play.wait_until_over(&session.id);
}

#[test]
fn a_signal_while_the_session_starts_ends_it_when_its_id_is_known() {
    let cloud = late("ssm:StartSession", Duration::from_millis(1_500));
    for (words, code) in COMMANDS {
        let running = start(cloud.ssmx().args(words));
        // Started, and ssmx does not know yet.
        wait_for_session(&cloud);
        running.kill(Signal::INT);
        assert_eq!(running.finish().code(), code, "{words:?}");
        assert!(all_ended(&cloud), "{words:?}");
        cloud.wait_for_no_session();
    }
}

#[test]
fn an_end_that_is_not_confirmed_is_waited_for_and_told() {
    let cloud = late("ssm:TerminateSession", NEVER);
    let running = start(cloud.ssmx().args(["exec", "web-1", "--", "sh", "-c", "echo begun; exec sleep 1000"]));
    running.wait_for_out("begun");
    running.kill(Signal::TERM);
    let ended = running.finish();
    assert_eq!(ended.code(), 143);
    let id = cloud.history().into_iter().chain(cloud.active()).next().unwrap().session_id.unwrap();
    let err = settled(&ended.err().replace(&id, "ID"));
    insta::assert_snapshot!(err, @"warning: session ID may still be open: AWS has not confirmed its end; `ssmx sessions kill ID` ends it");
}

#[test]
fn the_end_of_a_tunnel_that_is_not_confirmed_is_told_too() {
    let fault = ApiFault::Delay { action: "ssm:TerminateSession".to_owned(), calls: u32::MAX, time: NEVER };
    let cloud = Cloud::with(|options| {
        options.api_faults.push(fault);
        // It cannot be asked to end the session by itself.
        options.agent_version = Some("2.3.722.0".to_owned());
    });
    let port = server(|mut stream| drop(copy(&mut stream.try_clone().unwrap(), &mut stream)));
    let running = start(cloud.ssmx().args(["fwd", "web-1", &format!("0:{port}")]));
    running.wait_for_err("Forwarding");
    running.kill(Signal::INT);
    let ended = running.finish();
    let id = cloud.history().into_iter().chain(cloud.active()).next().unwrap().session_id.unwrap();
    let told = format!(
        "warning: session {id} may still be open: AWS has not confirmed its end; `ssmx sessions kill {id}` ends it\n"
    );
    assert!(ended.err().ends_with(&told), "{ended:?}");
    assert_eq!(ended.code(), 0);
}

#[test]
fn a_second_signal_does_not_wait_for_the_end() {
    let cloud = late("ssm:TerminateSession", NEVER);
    let running = start(cloud.ssmx().args(["exec", "web-1", "--", "sh", "-c", "echo begun; exec sleep 1000"]));
    running.wait_for_out("begun");
    running.kill(Signal::TERM);
    poll_until("the call for the end", || all_ended(&cloud));
    running.kill(Signal::INT);
    let ended = running.finish();
    // Without the word that follows a wait.
    assert_eq!((ended.code(), ended.err().as_str()), (130, ""));
}

#[test]
fn a_reader_that_has_enough_of_several_ends_all_of_them() {
    let cloud = Cloud::start();
    let script = r#""$@" -- sh -c 'while :; do echo $$; sleep 0.05; done' | head -1; echo "${PIPESTATUS[0]}""#;
    let mut shell = Command::new("bash");
    shell.args(["-c", script, "bash", env!("CARGO_BIN_EXE_ssmx"), "exec", "web-1", "web-2", "db"]);
    let ran = run(shell.envs(cloud.environment().iter().cloned()).env("SSMX_CACHE_DIR", "/dev/null/nowhere"));
    // `head` is gone after one line; the next one ends ssmx.
    let (first, code) = ran.out().trim().rsplit_once('\n').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    assert_eq!((code.as_str(), ran.err().as_str()), ("0", ""), "{ran:?}");
    assert!(all_ended(&cloud));
    cloud.wait_for_no_session();
    let process = Pid::from_raw(first.rsplit(' ').next().unwrap().parse().unwrap()).unwrap();
    poll_until("the end of the remote command", || test_kill_process(process).is_err());
}

#[test]
fn a_signal_is_heard_while_nobody_reads_what_a_command_writes() {
    let cloud = Cloud::start();
    let (reader, writer) = std::io::pipe().unwrap();
    for words in [&["exec", "web-1", "--", "yes"][..], &["proxy", "web-1"]] {
        let mut command = cloud.ssmx();
        command.args(words);
        if words.len() == 2 {
            command.arg(server(|mut stream| drop(copy(&mut std::io::repeat(b'x'), &mut stream))).to_string());
        }
        let (stdin, _open) = std::io::pipe().unwrap();
        let mut child = command.stdin(stdin).stdout(writer.try_clone().unwrap()).process_group(0).spawn().unwrap();
        wait_for_session(&cloud);
        // The pipe is full when it takes no byte more.
        poll_until("a full pipe", || rustix::io::ioctl_fionread(&reader).unwrap() >= 65_536);
        rustix::process::kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        let ended = crate::support::waiting::end_of(&mut child).expect("it ends");
        assert_eq!(ended.code(), Some(143), "{words:?}");
        cloud.wait_for_no_session();
    }
}
