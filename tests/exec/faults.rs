//! Commands over networks that lose, repeat, reorder, hold up and cut; and with agents of all sorts.

use std::collections::BTreeSet;
use std::os::unix::process::CommandExt;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use rustix::process::Signal;
use ssmx::sandbox::{Options, Silence};

use crate::support::cloud::{Cloud, slow_resume};
use crate::support::command::{Finished, Running, run, ssmx};
use crate::support::snapshot::without_reasons;

/// `ssmx sandbox FLAGS -- ssmx exec web-1 -- sh -c SCRIPT`
fn with(flags: &[&str], script: &str) -> Finished {
    let mut command = ssmx();
    command.arg("sandbox").args(flags).args(["--", "ssmx", "exec", "web-1", "--", "sh", "-c", script]);
    run(&mut command)
}

const MUCH: usize = 4 * 1024 * 1024;
const SCRIPT: &str = "yes 0123456789abcde | head -c 4194304; echo err >&2; exit 6";

#[track_caller]
fn assert_whole(ran: &Finished) {
    assert_eq!(ran.code(), 6, "{}", ran.err());
    let expected = digest(&SHA256, &b"0123456789abcde\n".repeat(MUCH / 16));
    let came = digest(&SHA256, &ran.stdout);
    assert!(came.as_ref() == expected.as_ref(), "{} of {MUCH} bytes came\n{}", ran.stdout.len(), ran.err());
}

#[test]
fn a_bad_network_loses_nothing() {
    let ran = with(&["--fault", "drop=0.05,dup=0.05,reorder=0.1,delay=3ms", "--seed", "11"], SCRIPT);
    assert_whole(&ran);
    assert_eq!(ran.err(), "err\n");
}

#[test]
fn a_connection_that_is_cut_again_and_again_loses_nothing() {
    let script = "i=0; while [ $i -lt 40 ]; do echo line $i; i=$((i+1)); sleep 0.05; done; exit 6";
    let ran = with(&["--fault", "cut=500ms,resume=300ms", "--seed", "1"], script);
    assert_eq!(ran.code(), 6, "{}", ran.err());
    assert_eq!(ran.out(), (0..40).map(|i| format!("line {i}\n")).collect::<String>());
    // It is resumed at once, and not after a pause: each connection brings something.
    assert!(ran.err().contains("connection restored after 0."), "{}", ran.err());
    // How often is up to the machine.
    let notices: BTreeSet<_> = without_reasons(&ran.err()).lines().map(str::to_owned).collect();
    let notices: Vec<_> = notices.into_iter().collect();
    insta::assert_snapshot!(notices.join("\n"), @"
    ssmx: connection lost (REASON); reconnecting…
    ssmx: connection restored after TIME; nothing was lost
    ");
}

#[test]
fn cuts_amid_much_output_lose_nothing() {
    let cloud = Cloud::with(|options| options.api_faults.push(slow_resume()));
    let script = "yes 0123456789abcde | head -c 2097152; read go < go; yes 0123456789abcde | head -c 2097152; echo err >&2; exit 6";
    let mut command = cloud.ssmx();
    let made = cloud.exec("web-1", ["mkfifo", "go"]);
    assert_eq!(made.code(), 0, "{made:?}");
    let running = Running::start(command.args(["exec", "web-1", "--", "sh", "-c", script]));
    running.wait_for_out("0123456789abcde\n");
    cloud.cut_clients();
    running.wait_for_err("connection restored");
    assert_eq!(cloud.exec("web-1", ["sh", "-c", "echo go > go"]).code(), 0);
    cloud.cut_clients();
    assert_whole(&running.finish());
}

#[test]
fn cuts_of_the_agents_side_do_not_show() {
    let script = "i=0; while [ $i -lt 20 ]; do echo line $i; i=$((i+1)); sleep 0.05; done; exit 6";
    let ran = with(&["--fault", "down:cut=200ms", "--seed", "2"], script);
    assert_eq!((ran.code(), ran.err().as_str()), (6, ""));
    assert_eq!(ran.out(), (0..20).map(|i| format!("line {i}\n")).collect::<String>());
}

#[test]
fn encrypted_over_a_bad_network() {
    let ran =
        with(&["--kms", "--fault", "drop=0.1,dup=0.1,reorder=0.1", "--seed", "5"], "echo out; echo err >&2; exit 6");
    insta::assert_snapshot!(ran.shown(), @"
    exit code: 6
    --- stdout
    out
    --- stderr
    ssmx: This session is encrypted using AWS KMS.
    err
    ");
}

#[test]
fn an_agent_at_its_real_pace() {
    let ran = with(&["--agent-pace", "real"], "yes 0123456789abcde | head -c 65536; echo err >&2; exit 6");
    assert_eq!((ran.code(), ran.stdout.len(), ran.err().as_str()), (6, 65536, "err\n"));
}

#[test]
fn encrypted_sessions_with_agents_with_and_without_a_challenge() {
    for version in ["3.1.1511.0", "3.3.1957.0"] {
        let ran = with(&["--kms", "--agent-version", version], "echo out; exit 6");
        assert_eq!((ran.code(), ran.out().as_str()), (6, "out\n"), "{version}: {}", ran.err());
    }
}

#[test]
fn an_agent_that_cannot_keep_the_streams_apart_is_said_to_be_too_old() {
    let ran = with(&["--agent-version", "3.1.1374.0"], "echo out; echo err >&2; exit 6");
    // No exit code comes: it must not look as if all were well.
    insta::assert_snapshot!(ran.shown(), @"
    exit code: 255
    --- stdout
    out
    err
    --- stderr
    error: the session ended before the command reported its exit code
    hint: the session may have been terminated, or the agent stopped
    hint: agents older than 3.1.1511.0 never report it: update the SSM agent of the instance
    ");
}

#[test]
fn an_agent_without_a_handshake() {
    let ran = with(&["--no-handshake"], "echo out; exit 6");
    assert_eq!((ran.code(), ran.out().as_str()), (6, "out\n"), "{}", ran.err());
}

#[test]
fn an_agent_that_is_silent_for_a_while_is_reported_and_so_is_its_return() {
    let ran = with(&["--fault", "silent=0s,silent-for=7s", "--seed", "1"], "echo out; exit 6");
    assert_eq!((ran.code(), ran.out().as_str()), (6, "out\n"), "{}", ran.err());
    let said = ran.err();
    let said: Vec<_> = said.lines().collect();
    let [silent, again] = said[..] else { panic!("{said:?}") };
    assert!(silent.starts_with("ssmx: the agent has not answered for "), "{silent}");
    assert!(again.starts_with("ssmx: the agent answers again, after "), "{again}");
}

#[test]
fn the_first_interrupt_leaves_an_agent_that_has_not_begun() {
    let cloud = Cloud::with(silent);
    let mut command = cloud.ssmx();
    let running = Running::start(command.args(["exec", "web-1", "--", "true"]).process_group(0));
    running.wait_for_err("the agent has not answered");
    running.kill(Signal::INT);
    let ended = running.finish();
    assert_eq!((ended.code(), ended.out().as_str()), (130, ""), "{ended:?}");
    cloud.wait_for_no_session();
}

#[test]
fn a_tunnel_does_not_wait_for_an_agent_that_is_silent_and_call_that_ready() {
    let cloud = Cloud::with(silent);
    for flags in [&["--wait"][..], &[]] {
        let mut command = cloud.ssmx();
        command.args(["fwd", "db", "0:5432", "-o", "json"]).args(flags).process_group(0);
        let running = Running::start(&mut command);
        running.wait_for_err("the agent has not answered");
        running.kill(Signal::INT);
        let ended = running.finish();
        assert_eq!(ended.out(), "", "{ended:?}");
        cloud.wait_for_no_session();
    }
}

/// Agents that say nothing, in sessions that the service has started.
fn silent(options: &mut Options) {
    let silence = Some(Silence { after: Duration::ZERO, lasting: None });
    (options.faults_to_agent.silence, options.faults_to_client.silence) = (silence, silence);
}
