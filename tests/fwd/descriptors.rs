//! More connections than this process may have files open.

use std::io::{Read, Write};
use std::process::Command;

use insta::assert_snapshot;

use super::tunnel::{Aws, Tunnel, echo, exchange};
use crate::support::cloud::slow_resume;
use crate::support::command::run;

/// `ssmx fwd` as a shell starts it that allows so many open files.
fn limited(aws: &Aws, limit: &str, args: &[&str]) -> Command {
    let ssmx = aws.fwd(args);
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("ulimit {limit}; exec \"$0\" \"$@\"")).arg(ssmx.get_program()).args(ssmx.get_args());
    shell.envs(ssmx.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell
}

#[test]
fn descriptors_that_are_used_up_leave_enough_to_survive_a_cut() {
    let mut aws = Aws::new(|options| options.api_faults.push(slow_resume()));
    let mut tunnel = Aws::open_as(&mut limited(&aws, "-n 40", &["db", &format!("0:{}", echo())]), 1);
    let streams: Vec<_> = (0..60).map(|_| tunnel.connect()).collect();
    for stream in &streams {
        (&*stream).write_all(b"before").unwrap();
    }
    assert_snapshot!(tunnel.line_with("files may be open"), @"ssmx: db:PORT: 40 files may be open, and so many are: further connections wait until others are closed; `ulimit -n` sets the limit");

    aws.service().cut_clients();
    tunnel.wait_for("nothing was lost");
    // Each that has ended makes room for one that waits.
    for stream in streams {
        let mut before = [0; 6];
        (&stream).read_exact(&mut before).unwrap();
        assert_eq!(&before, b"before");
        exchange(&stream, b"after", 5);
    }
    assert_eq!(tunnel.errors().matches("files may be open").count(), 1, "{}", tunnel.errors());
}

#[test]
fn the_limit_is_raised_for_us_and_not_for_the_command() {
    let aws = Aws::new(|_| {});
    let forward = format!("0:{}", echo());
    let done =
        run(limited(&aws, "-Sn 50", &["db", &forward, "--", "sh", "-c", "ulimit -Sn"])
            .stdin(std::process::Stdio::null()));
    assert_eq!((done.code(), done.out().as_str()), (0, "50\n"), "{done:?}");

    let mut tunnel = Aws::open_as(&mut limited(&aws, "-Sn 50", &["db", &forward]), 1);
    let streams: Vec<_> = (0..100).map(|_| tunnel.connect()).collect();
    streams.iter().for_each(|stream| exchange(stream, b"hello", 5));
    assert_eq!(tunnel.errors().matches("files may be open").count(), 0, "{}", tunnel.errors());
}

#[test]
fn while_the_connection_is_lost_none_is_accepted() {
    let mut aws = Aws::new(|_| {});
    let mut tunnel = aws.open(&["db", &format!("0:{}", echo())]);
    let stream = tunnel.connect();
    exchange(&stream, b"before", 6);
    aws.service().stop();
    tunnel.wait_for("connection lost");
    let waiting: Vec<_> = (0..30).map(|_| tunnel.connect()).collect();
    // It has been told that there is no connection, and asks for another one, which takes a socket or two.
    tunnel.wait_for("reconnecting");
    assert!(accepted(&tunnel) < waiting.len(), "{} sockets", accepted(&tunnel));
}

/// The sockets of the tunnel, of which those of connections are most.
fn accepted(tunnel: &Tunnel) -> usize {
    tunnel.sockets()
}
