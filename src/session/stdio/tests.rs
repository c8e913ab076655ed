//! Standard streams in pipes, and a session that the test plays.

use std::fs::File;
use std::future::pending;
use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::os::fd::OwnedFd;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::timeout;

use super::*;
use crate::channel::{Command, ConnectionEvent, Event};

const SHORT: Timeouts = Timeouts { input: Duration::from_millis(20), silence: Duration::from_millis(20) };

/// For tests in which silence is not what ends it.
const PATIENT: Timeouts = Timeouts { silence: Duration::from_hours(1), ..TIMEOUTS };

const DEADLINE: Duration = Duration::from_secs(30);

/// Keeps what was reported.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Observer for Heard {
    fn connection(&self, event: &ConnectionEvent) {
        self.0.lock().unwrap().push(format!("{event:?}"));
    }

    fn agent_message(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
}

/// The ends of the streams and of the session that the test holds.
struct Play {
    stdin: PipeWriter,
    stdout: PipeReader,
    commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<Event>,
    terminated: Arc<Notify>,
}

impl Play {
    fn new() -> (Self, Channel, Input, Output) {
        let (input, stdin) = pipe().unwrap();
        let (stdout, output) = pipe().unwrap();
        let (channel, commands, events, terminated) = Channel::for_tests("session");
        let input = Input::from_file(File::from(OwnedFd::from(input))).unwrap();
        let output = Output::to_file(File::from(OwnedFd::from(output))).unwrap();
        (Self { stdin, stdout, commands, events, terminated }, channel, input, output)
    }

    /// All that is sent before the next flush.
    async fn sent(&mut self) -> (Vec<u8>, oneshot::Sender<()>) {
        let mut sent = Vec::new();
        loop {
            match self.commands.recv().await.expect("something is asked for") {
                Command::Write(bytes) => sent.extend_from_slice(&bytes),
                Command::Flush(done) => return (sent, done),
                other => panic!("{other:?}"),
            }
        }
    }

    async fn send(&self, event: Event) {
        self.events.send(event).await.unwrap();
    }

    async fn was_terminated(&self) -> bool {
        timeout(DEADLINE, self.terminated.notified()).await.is_ok()
    }
}

/// All that was written before the last writer was closed.
fn rest(mut stdout: PipeReader) -> Vec<u8> {
    let mut all = Vec::new();
    stdout.read_to_end(&mut all).unwrap();
    all
}

#[tokio::test]
async fn the_end_of_input_is_the_end_when_all_has_arrived_and_nothing_comes() {
    let (mut play, channel, input, output) = Play::new();
    let heard = Heard::default();
    let timeouts = Timeouts { silence: SHORT.silence, ..TIMEOUTS };
    let mut carrying = pin!(carry(channel, input, output, pending(), &heard, timeouts));
    play.stdin.write_all(b"all\n\xff\0of it").unwrap();
    let Play { stdin, .. } = &mut play;
    drop(std::mem::replace(stdin, pipe().unwrap().1));
    let (sent, done) = tokio::select! {
        sent = play.sent() => sent,
        carried = &mut carrying => panic!("{carried:?} before all has arrived"),
    };
    assert_eq!(sent, b"all\n\xff\0of it");
    // What comes meanwhile is still written.
    play.send(Event::Output(Bytes::from_static(b"late"))).await;
    let waiting = timeout(Duration::from_millis(20), &mut carrying).await;
    assert!(waiting.is_err(), "{waiting:?}");
    done.send(()).unwrap();
    let carried = timeout(DEADLINE, carrying).await.unwrap();
    assert!(matches!(carried, Carried::EndOfInput), "{carried:?}");
    assert!(play.was_terminated().await);
    assert_eq!(rest(play.stdout), b"late");
}

#[tokio::test]
async fn input_that_does_not_arrive_in_time_is_reported() {
    let heard = Heard::default();
    let (play, channel, input, output) = Play::new();
    let Play { stdin, commands: _commands, events: _events, terminated, .. } = play;
    drop(stdin);
    let carried = carry(channel, input, output, pending(), &heard, SHORT).await;
    assert!(matches!(carried, Carried::Undelivered), "{carried:?}");
    terminated.notified().await;
}

#[tokio::test]
async fn the_end_of_the_session_comes_after_its_last_byte() {
    let (play, channel, input, output) = Play::new();
    let heard = Heard::default();
    let data: Vec<u8> = (0..=255).cycle().take(2_000_000).collect();
    let Play { stdin: _stdin, stdout, commands: _commands, events, .. } = play;
    let reader = std::thread::spawn(move || rest(stdout));
    let session = async {
        events.send(Event::Ready(None)).await.unwrap();
        events.send(Event::AgentMessage("welcome".to_owned())).await.unwrap();
        for piece in data.chunks(10_000) {
            events.send(Event::Output(Bytes::copy_from_slice(piece))).await.unwrap();
        }
        events.send(Event::Connection(ConnectionEvent::Lost("cut".to_owned()))).await.unwrap();
        events.send(Event::Ended(End::Closed(String::new()))).await.unwrap();
    };
    let (carried, ()) = tokio::join!(carry(channel, input, output, pending(), &heard, TIMEOUTS), session);
    assert!(matches!(&carried, Carried::Ended(End::Closed(reason)) if reason.is_empty()), "{carried:?}");
    assert!(reader.join().unwrap() == data);
    assert_eq!(*heard.0.lock().unwrap(), ["welcome", "Lost(\"cut\")"]);
}

#[tokio::test]
async fn the_answer_to_the_last_input_is_waited_for() {
    let (mut play, channel, input, output) = Play::new();
    let heard = Heard::default();
    let Play { stdin, .. } = &mut play;
    drop(std::mem::replace(stdin, pipe().unwrap().1));
    let session = async {
        let (_, done) = play.sent().await;
        done.send(()).unwrap();
        for piece in [&b"the "[..], b"answer"] {
            play.send(Event::Output(Bytes::from_static(piece))).await;
        }
        play.send(Event::Ended(End::Closed(String::new()))).await;
        play
    };
    let (carried, play) = tokio::join!(carry(channel, input, output, pending(), &heard, PATIENT), session);
    assert!(matches!(carried, Carried::Ended(End::Closed(_))), "{carried:?}");
    assert_eq!(rest(play.stdout), b"the answer");
}

#[tokio::test]
async fn an_answer_for_nobody_is_not_waited_for() {
    let (mut play, channel, input, output) = Play::new();
    let heard = Heard::default();
    let mut carrying = pin!(carry(channel, input, output, pending(), &heard, PATIENT));
    // As when ssh is killed: both of its ends close.
    let Play { stdin, stdout, .. } = &mut play;
    drop((std::mem::replace(stdin, pipe().unwrap().1), std::mem::replace(stdout, pipe().unwrap().0)));
    let (_, done) = tokio::select! {
        sent = play.sent() => sent,
        carried = &mut carrying => panic!("{carried:?} before all has arrived"),
    };
    done.send(()).unwrap();
    let carried = timeout(DEADLINE, carrying).await.unwrap();
    assert!(matches!(carried, Carried::EndOfInput), "{carried:?}");
    assert!(play.was_terminated().await);
}

#[tokio::test]
async fn whoever_reads_slowly_gets_all_and_does_not_keep_a_signal_waiting() {
    // More than a pipe holds, and less than is kept for it.
    const MUCH: usize = 200_000;
    for stops in [false, true] {
        let heard = Heard::default();
        let (play, channel, input, output) = Play::new();
        play.send(Event::Output(vec![b'x'; MUCH].into())).await;
        play.send(Event::Ended(End::Closed(String::new()))).await;
        let (stop, stopped) = oneshot::channel();
        let stop_now = async { stopped.await.unwrap_or(Termination::Hangup) };
        let mut carrying = pin!(carry(channel, input, output, stop_now, &heard, SHORT));
        let waiting = timeout(Duration::from_millis(50), &mut carrying).await;
        assert!(waiting.is_err(), "{waiting:?}");
        if stops {
            stop.send(Termination::Hangup).unwrap();
            let carried = timeout(DEADLINE, carrying).await.unwrap();
            assert!(matches!(carried, Carried::Stopped(Termination::Hangup)), "{carried:?}");
        } else {
            let reader = std::thread::spawn(move || rest(play.stdout).len());
            let carried = timeout(DEADLINE, carrying).await.unwrap();
            assert!(matches!(carried, Carried::Ended(End::Closed(_))), "{carried:?}");
            assert_eq!(reader.join().unwrap(), MUCH);
        }
    }
}

#[tokio::test]
async fn a_reader_that_is_gone_ends_the_session() {
    let heard = Heard::default();
    let (play, channel, input, output) = Play::new();
    let Play { stdin: _stdin, stdout, commands: _commands, events, terminated } = play;
    drop(stdout);
    let session = async {
        while events.send(Event::Output(Bytes::from_static(b"more"))).await.is_ok() {}
        terminated.notified().await;
    };
    let (carried, ()) = tokio::join!(carry(channel, input, output, pending(), &heard, TIMEOUTS), session);
    assert!(matches!(&carried, Carried::Output(error) if error.kind() == io::ErrorKind::BrokenPipe), "{carried:?}");
}

#[tokio::test]
async fn a_signal_ends_the_session() {
    let heard = Heard::default();
    let (play, channel, input, output) = Play::new();
    let stop = async { Termination::Hangup };
    let carried = carry(channel, input, output, stop, &heard, TIMEOUTS).await;
    assert!(matches!(carried, Carried::Stopped(Termination::Hangup)), "{carried:?}");
    assert!(play.was_terminated().await);
}

#[tokio::test]
async fn input_that_cannot_be_read_ends_the_session_behind_what_was_read() {
    let (mut play, channel, _input, output) = Play::new();
    let input = Input::from_file(File::open("/").unwrap()).unwrap();
    let heard = Heard::default();
    let session = async {
        let (sent, done) = play.sent().await;
        assert!(sent.is_empty());
        done.send(()).unwrap();
    };
    let (carried, ()) = tokio::join!(carry(channel, input, output, pending(), &heard, TIMEOUTS), session);
    assert!(matches!(carried, Carried::Input(_)), "{carried:?}");
}

#[tokio::test]
async fn a_session_that_takes_nothing_any_more_tells_its_own_end() {
    let (mut play, channel, input, output) = Play::new();
    play.commands.close();
    play.stdin.write_all(b"too late").unwrap();
    let heard = Heard::default();
    let mut carrying = pin!(carry(channel, input, output, pending(), &heard, TIMEOUTS));
    let waiting = timeout(Duration::from_millis(20), &mut carrying).await;
    assert!(waiting.is_err(), "{waiting:?}");
    play.send(Event::Ended(End::Expired)).await;
    let carried = timeout(DEADLINE, carrying).await.unwrap();
    assert!(matches!(carried, Carried::Ended(End::Expired)), "{carried:?}");
}
