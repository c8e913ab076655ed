//! SOCKS5 with a real client.

use std::io::Write;
use std::net::TcpListener;
use std::process::Command;

use insta::assert_snapshot;

use super::tunnel::{Aws, Tunnel, connect, program, server};
use crate::support::command::{Finished, run};
use crate::support::snapshot::cases;

/// A web server that says to each request what it was asked for, and closes.
pub(super) fn web() -> u16 {
    server(|stream| {
        use std::io::BufRead;
        let mut lines = std::io::BufReader::new(&stream).lines().map_while(Result::ok);
        let host: String =
            lines.by_ref().take_while(|line| !line.is_empty()).filter(|line| line.starts_with("Host:")).collect();
        // One that only asks whether we are there says nothing.
        if !host.is_empty() {
            let body = format!("{host}\n");
            let head = format!("HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            let _ = (&stream).write_all(format!("{head}{body}").as_bytes());
        }
    })
}

/// curl through a SOCKS5 port, which gets the name of the host as it is.
fn curl(proxy: &str, url: &str) -> Command {
    let mut curl = program("curl");
    curl.args(["-sS", "--noproxy", "", "--socks5-hostname", proxy, url]);
    curl
}

fn proxy(tunnel: &Tunnel) -> String {
    tunnel.addresses(0)[0].to_string()
}

/// The reply of the proxy that curl complains of.
#[track_caller]
fn refused(done: &Finished, reply: u8) {
    assert_eq!(done.code(), 97, "{done:?}");
    assert!(done.err().contains(&format!("({reply})")), "{done:?}");
}

#[test]
fn each_destination_has_a_session_and_names_are_for_the_instance_to_resolve() {
    let mut aws = Aws::new(|_| {});
    let mut tunnel = aws.socks(&[]);
    let (one, two) = (web(), web());
    for address in tunnel.addresses(0) {
        let asked = run(&mut curl(&address.to_string(), &format!("http://localhost:{one}/")));
        assert_eq!((asked.code(), asked.out()), (0, format!("Host: localhost:{one}\n")), "{asked:?}");
    }
    assert_eq!(aws.service().active_sessions().len(), 1);
    // Nobody here knows these names.
    for host in ["orders.sandbox.internal", "ORDERS.sandbox.internal", "web-1"] {
        let asked = run(&mut curl(&proxy(&tunnel), &format!("http://{host}:{two}/")));
        assert_eq!((asked.code(), asked.out()), (0, format!("Host: {host}:{two}\n")), "{asked:?}");
    }
    assert_eq!(aws.service().active_sessions().len(), 3);
    let (code, _) = tunnel.interrupt();
    assert_eq!(code, Some(0), "{}", tunnel.errors());
    assert_eq!(aws.service().active_sessions(), [""; 0], "all are ended on the service");
}

#[test]
fn what_cannot_be_reached_has_its_reply_and_its_line() {
    let aws = Aws::new(|_| {});
    let mut tunnel = aws.socks(&[]);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    refused(&run(&mut curl(&proxy(&tunnel), &format!("http://localhost:{closed}/"))), 5);
    assert_snapshot!(tunnel.line_with(&format!(":{closed}")), @"ssmx: db:PORT: the connection to the destination failed; the agent's log says why");
    // Agents forward to some addresses for nobody.
    refused(&run(&mut curl(&proxy(&tunnel), "http://169.254.169.254/")), 2);
    assert_snapshot!(tunnel.line_with("169.254.169.254:80"), @"ssmx: 169.254.169.254:80 through db: cannot start a session: Forwarding to IP address 169.254.169.254 is forbidden.");
    let mut four = program("curl");
    let four = run(four.args(["-sS", "--noproxy", "", "--socks4", &proxy(&tunnel), "http://127.0.0.1:1/"]));
    assert_ne!(four.code(), 0);
    assert_snapshot!(tunnel.line_with("SOCKS4"), @"ssmx: SOCKS5: refused: a program speaks SOCKS4; tell it to use SOCKS5 (`socks5h://`)");
}

#[test]
fn sessions_make_room_for_each_other_or_a_destination_is_refused() {
    let mut aws = Aws::new(|_| {});
    let mut tunnel = aws.socks(&["--socks-sessions", "1"]);
    let (one, two) = (web(), web());
    for port in [one, two, one] {
        let asked = run(&mut curl(&proxy(&tunnel), &format!("http://localhost:{port}/")));
        assert_eq!(asked.code(), 0, "{asked:?}");
        assert_eq!(aws.service().active_sessions().len(), 1, "there is one at a time");
    }
    // A connection that stays keeps the session.
    let staying = connect(tunnel.addresses(0)[0]);
    let request = [&[5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1][..], &one.to_be_bytes()].concat();
    (&staying).write_all(&request).unwrap();
    let mut reply = [0; 12];
    std::io::Read::read_exact(&mut &staying, &mut reply).unwrap();
    assert_eq!(reply[..4], [5, 0, 5, 0]);
    refused(&run(&mut curl(&proxy(&tunnel), &format!("http://localhost:{two}/"))), 1);
    assert_snapshot!(tunnel.line_with("in use"), @"ssmx: db:PORT: refused: all sessions are in use; `--socks-sessions` allows more");
}

#[test]
fn an_idle_session_is_ended() {
    let mut aws = Aws::new(|_| {});
    let tunnel = aws.socks(&["--socks-idle", "200ms"]);
    let asked = run(&mut curl(&proxy(&tunnel), &format!("http://localhost:{}/", web())));
    assert_eq!(asked.code(), 0, "{asked:?}");
    aws.service().wait_until_no_session_is_left();
}

#[test]
fn a_command_is_told_of_the_port_beside_those_of_forwards() {
    let aws = Aws::new(|_| {});
    let port = web();
    let script = r#"
        [ "$1" = "$SSMX_SOCKS_HOST:$SSMX_SOCKS_PORT" ] || exit 9
        curl -sS --noproxy '' --fail "http://127.0.0.1:$SSMX_PORT/" || exit 8
        curl -sS --noproxy '' --fail -x "socks5h://$1" "http://web-2:$2/" || exit 7
        exit 5"#;
    let (forward, number) = (format!("0:{port}"), port.to_string());
    let words = ["db", "--socks", "0", &forward, "--", "sh", "-c", script, "sh", "{socks}", &number];
    let done = run(&mut aws.fwd(&words));
    assert_eq!(done.code(), 5, "{done:?}");
    assert!(done.out().ends_with(&format!("Host: web-2:{port}\n")), "{done:?}");
    let alone = run(&mut aws.fwd(&["db", "--socks", "0", "--", "sh", "-c", r#"[ -z "$SSMX_PORT" ]"#]));
    assert_eq!(alone.code(), 0, "{alone:?}");
}

#[test]
fn nonsense_is_refused_at_once() {
    let aws = Aws::new(|_| {});
    let commands = [
        &["db", "--socks", "x"][..],
        &["db", "--socks-idle", "1s", "80"],
        &["db", "--socks", "0", "--socks-sessions", "0"],
    ];
    assert_snapshot!(cases(commands.map(|words| (words.join(" "), run(&mut aws.fwd(words)).shown()))), @"
    === db --socks x
    exit code: 2
    --- stderr
    error: invalid value 'x' for '--socks <[BIND:]PORT>': `x` is not a local port: expected [BIND:]PORT

    For more information, try '--help'.

    === db --socks-idle 1s 80
    exit code: 2
    --- stderr
    error: the following required arguments were not provided:
      --socks <[BIND:]PORT>

    Usage: ssmx fwd --socks <[BIND:]PORT> --socks-idle <TIME> <TARGET> <FORWARD>... [-- <COMMAND>...]

    For more information, try '--help'.

    === db --socks 0 --socks-sessions 0
    exit code: 2
    --- stderr
    error: invalid value '0' for '--socks-sessions <N>': 0 is not in 1..=64

    For more information, try '--help'.
    ");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let done = run(&mut aws.fwd(&["db", "--socks", &port.to_string()]));
    assert_eq!(done.code(), 1);
    // Other systems do not say which program has it.
    #[cfg(target_os = "linux")]
    assert_snapshot!(done.shown(), @"
    exit code: 1
    --- stderr
    error: cannot listen for SOCKS5
    caused by: port PORT is taken by e2e (pid PID)
    hint: let ssmx choose the port with `--socks 0`
    ");
}
