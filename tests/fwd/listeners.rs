//! Where connections come in.

use std::io::Read;
use std::net::TcpListener;

use insta::assert_snapshot;

use super::tunnel::{Aws, connect, echo, exchange};
use crate::support::command::run;
use crate::support::snapshot::settled;

#[test]
fn both_loopback_addresses_lead_there() {
    let aws = Aws::new(|_| {});
    let tunnel = aws.open(&["db", &format!("0:{}", echo())]);
    assert_snapshot!(settled(&tunnel.ready[0].to_string()), @r#"{"forward":"0:PORT","host":"127.0.0.1","listen":["127.0.0.1:PORT","[::1]:PORT"],"path":null,"port":PORT,"remote_host":null,"remote_port":PORT,"session":"SESSION-ID","target":"db","tunnel":null}"#);
    for address in tunnel.addresses(0) {
        assert!(address.ip().is_loopback());
        exchange(&connect(address), b"hello", 5);
    }
}

#[test]
fn a_named_port_that_is_taken_is_an_error_that_says_by_whom() {
    let aws = Aws::new(|_| {});
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let refused = run(&mut aws.fwd(&["db", &format!("{port}:80")]));
    assert_eq!(refused.code(), 1);
    // Other systems do not say which program has it.
    #[cfg(target_os = "linux")]
    assert_snapshot!(refused.shown().replace(&port.to_string(), "PORT"), @"
    exit code: 1
    --- stderr
    error: cannot forward `PORT:80`
    caused by: port PORT is taken by e2e (pid PID)
    hint: let ssmx choose with local port 0, as in `0:80`
    ");
}

#[test]
fn a_port_of_our_choice_moves_on_and_says_so() {
    let aws = Aws::new(|_| {});
    // The server has the port that would be the first choice.
    let port = echo();
    let mut tunnel = aws.open(&["db", &port.to_string()]);
    let other = tunnel.addresses(0)[0].port();
    assert_ne!(other, port);
    let said = tunnel.line_with("is taken");
    assert_snapshot!(said.replace(&port.to_string(), "PORT").replace(&other.to_string(), "OTHER"), @"ssmx: local port PORT is taken; using OTHER for `PORT`");
    exchange(&tunnel.connect(), b"hello", 5);
}

#[test]
fn several_forwards_share_a_command() {
    let aws = Aws::new(|_| {});
    let (one, two) = (echo(), echo());
    let (first, second, third) = (format!("0:{one}"), format!("0:{two}"), format!("0:{one}"));
    let tunnel = aws.open(&["db", &first, &second, &third]);
    for forward in 0..3 {
        exchange(&connect(tunnel.addresses(forward)[0]), b"hello", 5);
    }
    let session = |port: u16| {
        let of = |ready: &&serde_json::Value| ready["remote_port"] == port;
        tunnel.ready.iter().filter(of).map(|ready| ready["session"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(session(one)[0], session(one)[1], "one session for each destination");
    assert_ne!(session(one)[0], session(two)[0]);
}

#[test]
fn a_host_beyond_the_instance_is_reached() {
    let aws = Aws::new(|_| {});
    let tunnel = aws.open(&["db", &format!("0:orders.sandbox.internal:{}", echo())]);
    exchange(&tunnel.connect(), b"hello", 5);
}

#[test]
fn an_agent_that_would_lead_elsewhere_is_refused() {
    let mut aws = Aws::new(|options| options.agent_version = Some("3.1.501.0".to_owned()));
    let refused = run(&mut aws.fwd(&["db", &format!("0:orders.sandbox.internal:{}", echo())]));
    assert_snapshot!(refused.shown(), @"
    exit code: 1
    --- stderr
    error: agent 3.1.501.0 is too old to forward to other hosts: it would connect to the instance itself
    hint: update the agent to 3.1.1188.0 or newer, or forward through SSH: `ssmx ssh TARGET -L …`
    ");
    assert_eq!(aws.service().active_sessions(), [""; 0], "ended on the service");
    let own = aws.open(&["db", &format!("0:{}", echo())]);
    exchange(&own.connect(), b"hello", 5);
}

#[cfg(unix)]
#[test]
fn a_unix_socket_is_private_and_gone_at_the_end() {
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    let aws = Aws::new(|_| {});
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.sock");
    let mut tunnel = aws.open(&["db", &format!("unix:{}:{}", path.display(), echo())]);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let mut stream = std::os::unix::net::UnixStream::connect(&path).unwrap();
    stream.write_all(b"hello").unwrap();
    let mut back = [0; 5];
    stream.read_exact(&mut back).unwrap();
    assert_eq!(&back, b"hello");
    assert_eq!(tunnel.interrupt().0, Some(0));
    assert!(!path.exists());
}

#[test]
fn a_refused_destination_is_told_and_the_tunnel_goes_on() {
    let aws = Aws::new(|_| {});
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let mut tunnel = aws.open(&["db", &format!("0:{port}")]);
    assert_eq!(tunnel.connect().read(&mut [0; 1]).unwrap_or(0), 0);
    assert_snapshot!(tunnel.line_with("failed"), @"ssmx: db:PORT: the connection to the destination failed; the agent's log says why");
    assert_eq!(tunnel.connect().read(&mut [0; 1]).unwrap_or(0), 0);
    assert!(tunnel.child.try_wait().unwrap().is_none());
}
