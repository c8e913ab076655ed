//! Several sessions to one destination.

use std::net::TcpStream;

use ssmx::sandbox::ApiFault;

use super::tunnel::{Aws, echo, exchange};
use crate::support::command::run;
use crate::support::waiting::poll_until;

#[test]
fn connections_that_are_open_together_have_sessions_of_their_own_up_to_a_limit() {
    let mut aws = Aws::new(|_| {});
    let mut tunnel = aws.open(&["db", &format!("0:{}", echo())]);
    exchange(&tunnel.connect(), b"alone", 5);
    assert_eq!(aws.service().active_sessions().len(), 1, "one is enough for one");
    let together: Vec<TcpStream> = (0..20).map(|_| tunnel.connect()).collect();
    together.iter().for_each(|stream| exchange(stream, b"together", 8));
    poll_until("there are as many as there may be", || aws.service().active_sessions().len() == 4);
    exchange(&tunnel.connect(), b"one more", 8);
    assert_eq!(aws.service().active_sessions().len(), 4);
    let (code, _) = tunnel.interrupt();
    assert_eq!((code, tunnel.errors().as_str()), (Some(0), ""));
    assert_eq!(aws.service().active_sessions(), [""; 0], "all are ended on the service");
}

#[test]
fn as_many_as_are_asked_for_by_flag_or_configuration() {
    let mut aws = Aws::new(|_| {});
    let forward = format!("0:{}", echo());
    let config = tempfile::NamedTempFile::new().unwrap();
    let text = format!("defaults.lanes = 2\n[tunnels.echo]\ntarget = \"db\"\nforward = [\"{forward}\"]\nlanes = 3\n");
    std::fs::write(config.path(), text).unwrap();
    for (args, lanes) in
        [(&["db", &forward][..], 2), (&["db", &forward, "--lanes=5"], 5), (&["echo"], 3), (&["echo", "--lanes=1"], 1)]
    {
        let mut tunnel = Aws::open_as(aws.fwd(args).env("SSMX_CONFIG", config.path()), 1);
        poll_until("they are opened", || aws.service().active_sessions().len() == lanes);
        exchange(&tunnel.connect(), b"hello", 5);
        assert_eq!(tunnel.interrupt().0, Some(0));
        assert_eq!(aws.service().active_sessions().len(), 0, "{args:?}");
    }
    let wrong = run(&mut aws.fwd(&["db", "5432", "--lanes=17"]));
    assert!(wrong.err().contains("expected \"auto\" or a number from 1 to 16, found `17`"), "{wrong:?}");
}

#[test]
fn a_service_that_starts_no_more_sessions_fails_no_connection() {
    let fault = ApiFault::BreakOff { action: "ssm:StartSession".to_owned(), calls: 1 };
    let mut aws = Aws::new(|options| options.api_faults.push(fault));
    let mut tunnel = aws.open(&["db", "--lanes=4", &format!("0:{}", echo())]);
    let together: Vec<TcpStream> = (0..20).map(|_| tunnel.connect()).collect();
    together.iter().for_each(|stream| exchange(stream, b"together", 8));
    assert_eq!(aws.service().active_sessions().len(), 1);
    assert_eq!(tunnel.errors(), "", "nobody has to know");
}

#[test]
fn sessions_that_are_cut_together_are_told_of_once() {
    let mut aws = Aws::new(|_| {});
    let mut tunnel = aws.open(&["db", "--lanes=3", &format!("0:{}", echo())]);
    poll_until("they are opened", || aws.service().active_sessions().len() == 3);
    let together: Vec<TcpStream> = (0..6).map(|_| tunnel.connect()).collect();
    together.iter().for_each(|stream| exchange(stream, b"before", 6));
    aws.service().terminate_sessions();
    tunnel.wait_for("ended");
    exchange(&tunnel.connect(), b"after", 5);
    let said = tunnel.errors();
    assert_eq!(said.matches("ended").count(), 1, "{said}");
}
