//! The tunnels of ssh itself, inside of ours.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;

use super::lab::{Lab, noise, server, web_server};
use crate::support::cloud::nobody;
use crate::support::command::{Finished, Running, run};
use crate::support::waiting::poll_until;

/// curl, without what the surroundings say of proxies.
fn curl(lab: &Lab, args: &[&str]) -> Finished {
    run(lab.program("curl").args(["-q", "-sS", "--max-time", "30", "--noproxy", ""]).args(args))
}

/// Waits until somebody listens there.
fn wait_for(address: &str) {
    poll_until("ssh to listen", || TcpStream::connect(address).is_ok());
}

#[test]
fn a_local_forward_carries_data_both_ways() {
    let lab = Lab::new();
    let echo = server(|mut stream| {
        let mut copy = stream.try_clone().unwrap();
        let _ = std::io::copy(&mut copy, &mut stream);
        let _ = stream.shutdown(Shutdown::Write);
    });
    let address = nobody();
    let forward = format!("{address}:127.0.0.1:{echo}");
    let ssh = Running::start(&mut lab.ssmx(["ssh", "-N", "-o", "ExitOnForwardFailure=yes", "-L", &forward, "web-1"]));
    wait_for(&address);
    let data = noise(1, 8 << 20);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut stream = TcpStream::connect(&address).unwrap();
                let mut writer = stream.try_clone().unwrap();
                let data = &data;
                scope.spawn(move || {
                    writer.write_all(data).unwrap();
                    writer.shutdown(Shutdown::Write).unwrap();
                });
                let mut back = Vec::new();
                stream.read_to_end(&mut back).unwrap();
                assert!(back == *data, "{} of {} bytes", back.len(), data.len());
            });
        }
    });
    ssh.kill(rustix::process::Signal::TERM);
    // Versions of ssh differ in what they make of it.
    let _ = ssh.finish();
    lab.cloud.wait_for_no_session();
}

#[test]
fn a_dynamic_forward_is_a_socks_server() {
    let lab = Lab::new();
    lab.configure(&["web-1"]);
    let web = web_server("hello from behind");
    let address = nobody();
    let _ssh = Running::start(&mut lab.openssh("ssh", ["-N", "-D", &address, "web-1.ssmx"]));
    wait_for(&address);
    for host in ["localhost", "127.0.0.1"] {
        let got = curl(&lab, &["--socks5-hostname", &address, &format!("http://{host}:{web}/")]);
        assert_eq!((got.code(), got.out().as_str()), (0, "hello from behind"), "{got:?}");
    }
    let closed = nobody();
    let refused = curl(&lab, &["--socks5-hostname", &address, &format!("http://{closed}/")]);
    assert_ne!(refused.code(), 0, "{refused:?}");
}

#[test]
fn a_remote_forward_leads_back_here() {
    let lab = Lab::new();
    lab.configure(&["web-1"]);
    let web = web_server("hello from here");
    let forward = format!("127.0.0.1:0:127.0.0.1:{web}");
    let ssh = Running::start(&mut lab.openssh("ssh", ["-N", "-R", &forward, "web-1.ssmx"]));
    ssh.wait_for_err("Allocated port ");
    ssh.wait_for_err(" for remote forward");
    let said = ssh.err();
    let port = said.split_once("Allocated port ").unwrap().1.split_once(' ').unwrap().0;
    let got = curl(&lab, &[&format!("http://127.0.0.1:{port}/")]);
    assert_eq!((got.code(), got.out().as_str()), (0, "hello from here"), "{got:?}");
}
