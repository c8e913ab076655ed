//! Connections that are made before the session is there: what they send is what an agent hears first, which is deaf for
//! a moment after its handshake, and before that throws away what it acknowledges.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

use super::tunnel::{Aws, echo, exchange};
use crate::support::DEADLINE;
use crate::support::command::Running;
use crate::support::waiting::poll_until;

/// Where the client does not wait for the agent, most of them hang.
const SESSIONS: usize = 12;

#[test]
fn what_a_program_sends_at_once_arrives_in_every_session() {
    let mut aws = Aws::new(|_| {});
    let to = echo();
    for session in 0..SESSIONS {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let _running = Running::start(&mut aws.fwd(&["db", &format!("{port}:{to}")]));
        let mut connected = None;
        poll_until("a port to connect to", || {
            connected = TcpStream::connect(address).ok();
            connected.is_some()
        });
        let stream = connected.expect("it was waited for");
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        exchange(&stream, format!("first of {session}").as_bytes(), 32);
    }
    aws.service().terminate_sessions();
}
