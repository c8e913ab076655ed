//! Signals to `ssmx ssh` and `ssmx proxy`: they end, and so do their sessions.

use std::io::copy;

use rustix::process::Signal;

use super::lab::{Lab, server};
use crate::plugin::play::Running;
use crate::support::cloud::Cloud;
use crate::support::command;
use crate::support::waiting::poll_until;

#[test]
fn a_proxy_ends_with_the_code_of_the_signal() {
    let cloud = Cloud::start();
    let echo = server(|mut stream| drop(copy(&mut stream.try_clone().unwrap(), &mut stream)));
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let mut proxy = cloud.ssmx();
        proxy.args(["proxy", "web-1", &echo.to_string()]);
        let mut proxy = Running::spawn(proxy);
        proxy.send("hello");
        proxy.wait_for("hello");
        proxy.kill(signal);
        let (status, said) = proxy.wait_without_end_of_input();
        assert_eq!((status.code(), said.as_str()), (Some(code), "hello"));
        cloud.wait_for_no_session();
    }
}

#[test]
fn a_proxy_that_is_still_connecting_ends_too() {
    let cloud = Cloud::start();
    // The instance does not answer: somebody else has taken the place of the service.
    let silent = server(|stream| drop(copy(&mut &stream, &mut std::io::sink())));
    let mut proxy = cloud.ssmx();
    proxy
        .args(["proxy", "i-0a11ce0000000001a", "22"])
        .env("AWS_ENDPOINT_URL_SSM", format!("http://127.0.0.1:{silent}"));
    let proxy = command::Running::start(proxy.args(["-v"]));
    proxy.wait_for_err("AWS settings");
    proxy.kill(Signal::TERM);
    assert_eq!(proxy.finish().code(), 143);
}

#[test]
fn ssh_is_ended_with_ssmx_and_nothing_is_left() {
    let lab = Lab::new();
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let ssh = command::Running::start(&mut lab.ssmx(["ssh", "web-1", "echo begun; sleep 1000"]));
        ssh.wait_for_out("begun");
        ssh.kill(signal);
        let ended = ssh.finish();
        assert_ne!(ended.status.code(), Some(0), "{ended:?}");
        lab.cloud.wait_for_no_session();
        poll_until("the key to go", || lab.left_keys() == 0);
    }
}

#[test]
fn a_proxy_whose_ssh_was_killed_ends_by_itself() {
    let lab = Lab::new();
    lab.configure(&["web-1"]);
    let ssh = command::Running::start(&mut lab.openssh("ssh", ["web-1.ssmx", "echo begun; sleep 1000"]));
    ssh.wait_for_out("begun");
    assert_eq!(lab.cloud.active().len(), 1);
    ssh.kill(Signal::KILL);
    lab.cloud.wait_for_no_session();
}
