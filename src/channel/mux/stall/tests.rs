use bytes::Bytes;

use super::*;
use crate::protocol::Role;
use crate::protocol::smux::Config;

const SECOND: Duration = Duration::from_secs(1);

/// A session with so many streams, and the other end of it.
struct Session {
    mux: Mux,
    ledger: Ledger,
    ids: Vec<StreamId>,
    limits: Limits,
    start: Instant,
}

impl Session {
    fn with(streams: usize) -> Self {
        let start = Instant::now();
        let config = Config { receive_per_stream: 1_000, ..Config::default() };
        let limits = Limits { stall: Some(30 * SECOND) };
        let (mux, ledger) = (Mux::new(Role::Client, config, start), Ledger::default());
        let mut session = Self { mux, ledger, ids: Vec::new(), limits, start };
        for number in 0..streams {
            let id = session.mux.open().unwrap();
            session.ledger.opened(id, format!("program-{number}"), start);
            session.ids.push(id);
        }
        while session.mux.poll_transmit(1_024).is_some() {}
        session
    }

    /// The destination of a stream has sent so much.
    fn arrives(&mut self, stream: usize, bytes: u16) {
        let id = self.ids[stream].0.to_le_bytes();
        let frame = [&[1, 2][..], &bytes.to_le_bytes(), &id, &vec![7; bytes.into()]].concat();
        self.mux.handle_data(self.start, frame.into()).unwrap();
    }

    fn sends(&mut self, stream: usize, bytes: usize) {
        let accepted = self.mux.write(self.ids[stream], Bytes::from(vec![7; bytes])).unwrap();
        self.ledger.sent(self.ids[stream], bytes.max(accepted), self.start);
    }

    fn stall(&self, stream: usize, side: Side, lasted: Duration) -> Stall {
        let _ = self;
        Stall { connection: format!("program-{stream}"), side, lasted }
    }

    fn looks(&self, watch: &mut Watch, mute: bool, second: u32) -> Verdict {
        watch.look(&self.mux, &self.ledger, self.limits, mute, self.start + second * SECOND)
    }
}

#[test]
fn a_program_that_does_not_read_is_told_of_and_then_cut() {
    let (mut session, mut watch) = (Session::with(2), Watch::new());
    session.arrives(1, 2_000);
    assert_eq!(session.looks(&mut watch, false, 1), Verdict::Wait(Some(session.start + 15 * SECOND)));
    let told = session.stall(1, Side::Program, 14 * SECOND);
    assert_eq!(session.looks(&mut watch, false, 15), Verdict::Report(told));
    assert_eq!(session.looks(&mut watch, false, 16), Verdict::Wait(Some(session.start + 31 * SECOND)), "once");
    let cut = session.stall(1, Side::Program, 30 * SECOND);
    assert_eq!(session.looks(&mut watch, false, 31), Verdict::Cut(session.ids[1], cut));
}

#[test]
fn a_program_that_reads_slowly_is_none_that_does_not() {
    let (mut session, mut watch) = (Session::with(2), Watch::new());
    session.arrives(1, 2_000);
    session.arrives(1, 2_000);
    for second in 1..100 {
        assert!(matches!(session.looks(&mut watch, false, second), Verdict::Wait(_)), "{second}");
        if second % 10 == 0 {
            // It takes some, and not enough to make room.
            session.ledger.taken(session.ids[1], session.start + second * SECOND);
        }
    }
}

#[test]
fn who_holds_up_nobody_may_take_as_long_as_it_likes() {
    let (mut session, mut watch) = (Session::with(1), Watch::new());
    session.arrives(0, 2_000);
    for second in 1..1_000 {
        assert!(matches!(session.looks(&mut watch, false, second), Verdict::Wait(Some(_))));
    }
    // Who comes then need not wait as long again.
    let id = session.mux.open().unwrap();
    session.ledger.opened(id, "another".to_owned(), session.start + 1_000 * SECOND);
    assert!(matches!(session.looks(&mut watch, false, 1_000), Verdict::Cut(cut, _) if cut == session.ids[0]));
}

#[test]
fn a_destination_that_does_not_read_costs_the_session() {
    let (mut session, mut watch) = (Session::with(3), Watch::new());
    session.sends(0, 4 << 20);
    session.sends(1, 2_000);
    assert!(matches!(session.looks(&mut watch, true, 1), Verdict::Wait(Some(_))));
    let told = session.stall(0, Side::Destination, 14 * SECOND);
    assert_eq!(session.looks(&mut watch, true, 15), Verdict::Report(told));
    assert!(watch.is_mute());
    let lost = session.stall(0, Side::Destination, 30 * SECOND);
    assert_eq!(session.looks(&mut watch, true, 31), Verdict::GiveUp(lost));
}

#[test]
fn a_destination_that_goes_on_reading_is_forgiven() {
    let (mut session, mut watch) = (Session::with(3), Watch::new());
    session.sends(0, 4 << 20);
    session.sends(1, 2_000);
    for round in 0..10 {
        assert!(!matches!(session.looks(&mut watch, true, 30 * round), Verdict::GiveUp(_)));
        assert!(!matches!(session.looks(&mut watch, true, 30 * round + 20), Verdict::GiveUp(_)));
        session.looks(&mut watch, false, 30 * round + 25);
        assert!(!watch.is_mute());
    }
}

#[test]
fn a_program_that_has_left_is_not_waited_for_as_long() {
    let (mut session, mut watch) = (Session::with(2), Watch::new());
    session.sends(0, 4 << 20);
    session.sends(1, 2_000);
    let id = session.ids[0];
    session.mux.close(id);
    session.ledger.closed(id, &session.mux);
    assert!(matches!(session.looks(&mut watch, true, 1), Verdict::Wait(Some(_))));
    let lost = session.stall(0, Side::Destination, 14 * SECOND);
    assert_eq!(session.looks(&mut watch, true, 15), Verdict::GiveUp(lost));
}

#[test]
fn an_agent_that_takes_nothing_for_another_reason_is_none_of_our_business() {
    let (mut session, mut watch) = (Session::with(2), Watch::new());
    session.sends(0, 100_000);
    session.sends(1, 2_000);
    for second in 1..1_000 {
        assert!(matches!(session.looks(&mut watch, true, second), Verdict::Wait(Some(_))));
    }
}

#[test]
fn without_a_limit_nothing_is_cut() {
    let (mut session, mut watch) = (Session::with(2), Watch::new());
    session.limits.stall = None;
    session.arrives(1, 2_000);
    let verdicts: Vec<_> = (1..10_000).map(|second| session.looks(&mut watch, false, second)).collect();
    assert_eq!(verdicts.iter().filter(|verdict| !matches!(verdict, Verdict::Wait(_))).count(), 1, "it is told of once");
}

#[test]
fn a_destination_that_holds_up_nobody_keeps_its_session_and_new_connections_have_another() {
    let (mut session, mut watch) = (Session::with(2), Watch::new());
    session.sends(0, 4 << 20);
    for second in 1..1_000 {
        assert!(matches!(session.looks(&mut watch, true, second), Verdict::Wait(Some(_))));
        assert_eq!(watch.is_mute(), second >= 15, "{second}");
    }
    session.looks(&mut watch, false, 1_000);
    assert!(!watch.is_mute());
}
