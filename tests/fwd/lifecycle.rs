//! From the start of a tunnel to its end.

use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use insta::assert_snapshot;
use rustix::process::Signal;

use super::tunnel::{Aws, echo, exchange};
use crate::support::command::{Running, run};
use crate::support::snapshot::cases;

#[cfg(unix)]
#[test]
fn ctrl_c_ends_everything_within_a_second() {
    let mut aws = Aws::new(|_| {});
    let (one, two) = (format!("0:{}", echo()), format!("0:{}", echo()));
    let mut tunnel = aws.open(&["db", &one, &two]);
    let stream = tunnel.connect();
    exchange(&stream, b"hello", 5);
    let address = tunnel.addresses(0)[0];
    assert_eq!(aws.service().active_sessions().len(), 2);
    let (code, took) = tunnel.interrupt();
    assert_eq!(code, Some(0), "{}", tunnel.errors());
    assert!(took < LIMIT, "{took:?}");
    assert!(TcpStream::connect(address).is_err());
    assert_eq!(aws.service().active_sessions(), [""; 0], "ended on the service");
}

#[test]
fn ctrl_c_ends_everything_within_a_second_also_when_the_service_is_gone() {
    let mut aws = Aws::new(|_| {});
    let mut tunnel = aws.open(&["db", &format!("0:{}", echo())]);
    exchange(&tunnel.connect(), b"hello", 5);
    aws.service().stop();
    tunnel.wait_for("connection lost");
    let (code, took) = tunnel.interrupt();
    assert_eq!(code, Some(0), "{}", tunnel.errors());
    assert!(took < LIMIT, "{took:?}");
}

#[test]
fn ctrl_c_ends_two_hundred_connections_that_were_just_closed_in_time() {
    use std::io::Write;

    let aws = Aws::new(|_| {});
    let forward = format!("0:{}", echo());
    let mut saturated = aws.open(&["db", &forward]);
    let (busy, mut tunnel) = (saturated.connect(), aws.open(&["db", &forward]));
    thread::scope(|scope| {
        // Until the other end is gone.
        scope.spawn(|| while (&busy).write_all(&[7; 64 << 10]).is_ok() {});
        scope.spawn(|| drop(std::io::copy(&mut &busy, &mut std::io::sink())));
        let connections: Vec<_> = (0..200).map(|_| tunnel.connect()).collect();
        connections.iter().for_each(|mut connection| connection.write_all(b"hello").unwrap());
        drop(connections);
        let (code, took) = tunnel.interrupt();
        // Three seconds are the most that it gives itself, however busy the machine is.
        assert!(code == Some(0) && took < Duration::from_secs(6), "{code:?} after {took:?}");
        saturated.interrupt();
    });
}

/// The second that is promised, and half of one for a machine that is busy with other tests.
const LIMIT: Duration = Duration::from_millis(1_500);

#[test]
fn a_command_hears_of_signals_that_no_terminal_has_sent_it() {
    use std::os::unix::process::CommandExt;

    for signal in [Signal::INT, Signal::TERM] {
        let mut aws = Aws::new(|_| {});
        let script = "trap 'exit 21' INT; trap 'exit 22' TERM; echo running; while :; do sleep 0.05; done";
        let mut command = aws.fwd(&["db", &format!("0:{}", echo()), "--", "sh", "-c", script]);
        // In a group of its own, which is in no foreground.
        let running = Running::start(command.process_group(0));
        running.wait_for_out("running");
        running.kill(signal);
        let done = running.finish();
        assert_eq!(done.code(), if signal == Signal::INT { 21 } else { 22 }, "{done:?}");
        assert_eq!(aws.service().active_sessions(), [""; 0], "ended on the service");
    }
}

#[test]
fn a_destination_that_fails_ends_all_that_were_opened_beside_it() {
    let mut aws = Aws::new(|_| {});
    let fine: Vec<String> = (0..5).map(|_| format!("0:{}", echo())).collect();
    let words: Vec<&str> =
        ["db"].into_iter().chain(fine.iter().map(String::as_str)).chain(["0:169.254.169.254:80", "--wait"]).collect();
    let done = run(&mut aws.fwd(&words));
    assert_snapshot!(done.shown(), @"
    exit code: 1
    --- stderr
    error: the session failed
    caused by: Forwarding to IP address 169.254.169.254 is forbidden.
    ");
    assert_eq!(aws.service().active_sessions(), [""; 0], "ended on the service");
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
    assert_snapshot!(missing.shown(), @"
    exit code: 255
    --- stderr
    Forwarding 127.0.0.1:PORT and [::1]:PORT → db:PORT
    error: cannot run `/no/such/program`
    caused by: No such file or directory (os error NUMBER)
    ");
}

#[test]
fn own_failures_have_their_codes() {
    let aws = Aws::new(|_| {});
    let commands = [&["nobody", "0:80"][..], &["nobody", "0:80", "--", "true"], &["db", "80:x"]];
    assert_snapshot!(cases(commands.map(|words| (words.join(" "), run(&mut aws.fwd(words)).shown()))), @"
    === nobody 0:80
    exit code: 3
    --- stderr
    error: no instance is named `nobody` in us-east-1
    hint: `ssmx ls` lists all instances; also check the region and the account

    === nobody 0:80 -- true
    exit code: 255
    --- stderr
    error: no instance is named `nobody` in us-east-1
    hint: `ssmx ls` lists all instances; also check the region and the account

    === db 80:x
    exit code: 2
    --- stderr
    error: `x` is not a remote port: expected a number from 1 to 65535 at the end
    hint: write FORWARD like 5432, 8080:80 or 5433:db.internal:5432
    ");
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
