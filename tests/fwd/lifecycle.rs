//! From the start of a tunnel to its end.

use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use super::tunnel::{Aws, echo, exchange};
use crate::support::command::run;

#[cfg(unix)]
#[test]
fn ctrl_c_ends_everything_within_a_second() {
    let aws = Aws::new(|_| {});
    let mut tunnel = aws.open(&["db", &format!("0:{}", echo())]);
    let stream = tunnel.connect();
    exchange(&stream, b"hello", 5);
    let address = tunnel.addresses(0)[0];
    let (code, took) = tunnel.interrupt();
    assert_eq!(code, Some(0), "{}", tunnel.errors());
    assert!(took < Duration::from_millis(1_500), "{took:?}");
    assert!(TcpStream::connect(address).is_err());
}

#[cfg(unix)]
#[test]
fn a_command_runs_behind_the_tunnel_and_its_code_is_ours() {
    let aws = Aws::new(|_| {});
    let forward = format!("0:{}", echo());
    let script = r#"echo "$SSMX_HOST $SSMX_PORT ${SSMX_PORT_1-none} $1"; exit 7"#;
    let done = run(&mut aws.fwd(&["db", &forward, "--", "sh", "-c", script, "sh", "{host}:{port}"]));
    assert_eq!(done.code(), 7, "{done:?}");
    let words: Vec<String> = done.out().split_whitespace().map(str::to_owned).collect();
    assert_eq!((words[0].as_str(), words[2].as_str()), ("127.0.0.1", "none"), "{done:?}");
    assert_eq!(words[3], format!("127.0.0.1:{}", words[1]));

    let script = r#"[ "$SSMX_PORT" = "$SSMX_PORT_1" ] && [ "$SSMX_PORT_1" != "$SSMX_PORT_2" ]"#;
    let done = run(&mut aws.fwd(&["db", &forward, &forward, "--", "sh", "-c", script]));
    assert_eq!(done.code(), 0, "{done:?}");

    let missing = run(&mut aws.fwd(&["db", &forward, "--", "/no/such/program"]));
    assert_eq!(missing.code(), 255, "{missing:?}");
}

#[test]
fn own_failures_have_their_codes() {
    let aws = Aws::new(|_| {});
    let unknown = run(&mut aws.fwd(&["nobody", "0:80"]));
    assert_eq!(unknown.code(), 3, "{unknown:?}");
    let unknown = run(&mut aws.fwd(&["nobody", "0:80", "--", "true"]));
    assert_eq!(unknown.code(), 255, "{unknown:?}");
    let nonsense = run(&mut aws.fwd(&["db", "80:x"]));
    assert_eq!(nonsense.code(), 2, "{nonsense:?}");
    assert!(nonsense.err().contains("expected a number from 1 to 65535"), "{nonsense:?}");
}

#[test]
fn waiting_makes_ready_mean_that_the_destination_accepts() {
    let aws = Aws::new(|_| {});
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| aws.open(&["db", &format!("0:{}", address.port()), "--wait"]));
        let listener = TcpListener::bind(address).unwrap();
        // The one that is closed again.
        drop(listener.accept().unwrap());
        let tunnel = waiting.join().unwrap();
        let _stream = tunnel.connect();
        listener.accept().unwrap();
    });
}
