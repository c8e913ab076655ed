//! What editors do over ssh: many long-lived shells at once that are fed scripts, each with a SOCKS port.

use std::thread;

use super::lab::{Lab, web_server};
use crate::plugin::play::Running;
use crate::support::cloud::nobody;
use crate::support::command::run;

const HOSTS: [&str; 3] = ["web-1.ssmx", "web-2.ssmx", "web-3.ssmx"];

#[test]
fn many_shells_live_side_by_side() {
    let lab = Lab::new();
    lab.configure(&["web-1", "web-2", "web-3"]);
    let mut shells: Vec<_> =
        (0..12).map(|number| Running::spawn(lab.openssh("ssh", ["-T", HOSTS[number % 3], "bash", "-s"]))).collect();
    for round in 0..3 {
        for (number, shell) in shells.iter_mut().enumerate() {
            shell.send(&format!("echo \"round-$(({round} + 1)) of $(({number} + 100)) end\"\n"));
        }
        for (number, shell) in shells.iter_mut().enumerate() {
            shell.wait_for(&format!("round-{} of {} end", round + 1, number + 100));
        }
    }
    assert_eq!(lab.cloud.active().len(), shells.len());
    for (number, mut shell) in shells.into_iter().enumerate() {
        shell.send(&format!("exit {}\n", number + 1));
        let (status, said) = shell.wait();
        assert_eq!(status.code(), Some(number as i32 + 1), "{said}");
        assert_eq!(said.lines().count(), 3, "only what it was asked for: {said}");
    }
    lab.cloud.wait_for_no_session();
}

#[test]
fn a_shell_with_a_socks_port_serves_both() {
    let lab = Lab::new();
    lab.configure(&["web-1"]);
    let (web, socks) = (web_server("the editor's server"), nobody());
    let mut shell = Running::spawn(lab.openssh("ssh", ["-T", "-D", &socks, "web-1.ssmx", "bash"]));
    shell.send("echo list\"\"ening\n");
    shell.wait_for("listening");
    thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| {
                let url = format!("http://localhost:{web}/");
                let got =
                    run(lab.program("curl").args(["-q", "-sS", "--noproxy", "", "--socks5-hostname", &socks, &url]));
                assert_eq!((got.code(), got.out().as_str()), (0, "the editor's server"), "{got:?}");
            });
        }
    });
    shell.send("echo aft\"\"er; exit\n");
    shell.wait_for("after");
    assert!(shell.wait().0.success());
}
