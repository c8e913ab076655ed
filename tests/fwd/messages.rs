//! A service that takes no large messages: found out with the first one, and remembered.

use insta::assert_snapshot;
use ssmx::sandbox::MessageLimit;

use super::tunnel::{Aws, echo, exchange, noise};
use crate::support::cloud::slow_resume;
use crate::support::snapshot::settled;

#[test]
fn a_close_for_the_size_of_a_message_costs_one_reconnect() {
    let aws = Aws::new(|options| {
        options.message_limit = Some(MessageLimit::Close(4096));
        options.api_faults.push(slow_resume());
    });
    let mut tunnel = aws.open(&["db", &format!("0:{}", echo())]);
    let stream = tunnel.connect();
    exchange(&stream, b"small", 5);
    for seed in 0..3 {
        exchange(&stream, &noise(seed, 200_000), 50_000);
    }
    tunnel.wait_for("nothing was lost");
    assert_snapshot!(settled(&tunnel.errors()), @"
    ssmx: db:PORT: connection lost (the service closed the connection (code 1009)); reconnecting…
    ssmx: db:PORT: connection restored after TIME; nothing was lost
    ");
}

#[test]
fn a_size_above_the_one_that_got_through_is_found_out_by_itself() {
    let aws = Aws::new(|options| {
        // Messages of 8 KiB get through, those of 32 KiB do not.
        options.message_limit = Some(MessageLimit::Close(20_000));
        options.api_faults.push(slow_resume());
    });
    let mut tunnel = aws.open(&["db", &format!("0:{}", echo())]);
    let stream = tunnel.connect();
    exchange(&stream, b"small", 5);
    exchange(&stream, &noise(1, 1500), 1500);
    exchange(&stream, &noise(2, 16 << 20), 64 << 10);
    tunnel.wait_for("nothing was lost");
    assert_snapshot!(settled(&tunnel.errors()), @"
    ssmx: db:PORT: connection lost (the service closed the connection (code 1009)); reconnecting…
    ssmx: db:PORT: connection restored after TIME; nothing was lost
    ");
}

#[test]
fn a_service_that_swallows_a_large_message_costs_one_session() {
    let aws = Aws::new(|options| options.message_limit = Some(MessageLimit::Swallow(4096)));
    let mut tunnel = aws.open(&["db", &format!("0:{}", echo())]);
    let unlucky = tunnel.connect();
    exchange(&unlucky, b"small", 5);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            use std::io::Write;
            // Some of it is taken before the session is given up, or all.
            let _ = (&unlucky).write_all(&noise(1, 200_000));
        });
        assert_snapshot!(tunnel.line_with("large message"), @"ssmx: db:PORT: the session has ended (the service did not answer a large message); the next connection starts a new one");
    });
    // A cut is no orderly end.
    let read = std::io::Read::read(&mut &unlucky, &mut [0; 1]);
    assert!(read.is_err(), "{read:?}");
    let stream = tunnel.connect();
    exchange(&stream, &noise(2, 500_000), 100_000);
    assert_snapshot!(tunnel.line_with("new session"), @"ssmx: db:PORT: continuing on a new session (SESSION-ID)");
}
