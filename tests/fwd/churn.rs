//! Connections that come and go: none leaks, none crosses into another.

use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rustix::net::sockopt::set_socket_linger;

use super::tunnel::{Aws, connect, exchange, noise, server};
use crate::support::waiting::poll_until;

const SEED: u64 = 20_261_121;

/// An echo server that counts the connections that it has had, and those that it has.
fn counting_echo() -> (u16, Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let (all, open) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let (all_seen, open_seen) = (Arc::clone(&all), Arc::clone(&open));
    let port = server(move |stream| {
        all.fetch_add(1, Ordering::SeqCst);
        open.fetch_add(1, Ordering::SeqCst);
        let _ = std::io::copy(&mut &stream, &mut &stream);
        let _ = stream.shutdown(Shutdown::Both);
        open.fetch_sub(1, Ordering::SeqCst);
    });
    (port, all_seen, open_seen)
}

/// One connection and its fate, both by the number.
fn live(stream: &TcpStream, number: u64) {
    use std::io::Write;

    let fate = noise(SEED + number, 4);
    let tag = [&number.to_be_bytes()[..], &noise(number, usize::from(fate[1]) * 64 + 1)].concat();
    match fate[0] % 5 {
        // Comes and goes.
        0 => {}
        // Does not wait for the answer.
        1 => drop((&*stream).write_all(&tag)),
        _ => exchange(stream, &tag, 1 + usize::from(fate[2]) * 16),
    }
    match fate[3] % 3 {
        0 => set_socket_linger(stream, Some(std::time::Duration::ZERO)).unwrap(),
        1 => stream.shutdown(Shutdown::Both).unwrap(),
        _ => {}
    }
}

#[test]
fn five_hundred_connections_at_random_leave_nothing_behind() {
    let aws = Aws::new(|_| {});
    let (port, all, open) = counting_echo();
    let tunnel = aws.open(&["db", &format!("0:{port}")]);
    let address = tunnel.addresses(0)[0];
    exchange(&tunnel.connect(), b"the first", 10);
    poll_until("the first is closed", || open.load(Ordering::SeqCst) == 0);
    let sockets = tunnel.sockets();
    thread::scope(|scope| {
        for worker in 0..20_u64 {
            scope.spawn(move || (0..25).for_each(|number| live(&connect(address), worker * 25 + number)));
        }
    });
    exchange(&tunnel.connect(), b"still here", 10);
    poll_until("none is open behind the instance", || open.load(Ordering::SeqCst) == 0);
    // Three further lanes stay open for a minute: a socket each, and the one over which it was asked for.
    poll_until("none is open here", || tunnel.sockets() <= sockets + 6);
    assert_eq!(all.load(Ordering::SeqCst), 502, "seed {SEED}");
}
