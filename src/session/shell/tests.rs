//! A shell whose standard streams are pipes.

use std::fs::File;
use std::future::pending;
use std::io::{PipeReader, PipeWriter, Read, pipe};
use std::os::fd::OwnedFd;
use std::time::Duration;

use tokio::sync::mpsc;

use super::*;
use crate::channel::{Command, ConnectionEvent, Event};

struct Deaf;

impl Observer for Deaf {
    fn connection(&self, _: &ConnectionEvent) {}

    fn agent_message(&self, _: &str) {}
}

/// More than a pipe holds, and less than is kept for it.
const MUCH: usize = 200_000;

/// A shell, and what the test holds of it.
struct Play {
    _stdin: PipeWriter,
    stdout: PipeReader,
    _commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<Event>,
}

fn play() -> (Play, Channel, Ends) {
    let (input, stdin) = pipe().unwrap();
    let (stdout, output) = pipe().unwrap();
    let (channel, commands, events, _) = Channel::for_tests("session");
    let ends = Ends {
        raw: None,
        input: terminal::Input::from_file(File::from(OwnedFd::from(input))).unwrap(),
        output: Output::to_file(File::from(OwnedFd::from(output))).unwrap(),
        changes: Changes::listen().unwrap(),
    };
    (Play { _stdin: stdin, stdout, _commands: commands, events }, channel, ends)
}

impl Play {
    async fn ends_with_much(&self) {
        self.events.send(Event::Output(vec![b'x'; MUCH].into())).await.unwrap();
        self.events.send(Event::Ended(End::Closed(String::new()))).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_reads_a_pipe_may_take_their_time() {
    let (play, channel, ends) = play();
    play.ends_with_much().await;
    let mut stdout = play.stdout;
    let reader = async {
        tokio::time::sleep(Duration::from_hours(1)).await;
        tokio::task::spawn_blocking(move || {
            let mut all = Vec::new();
            stdout.read_to_end(&mut all).unwrap();
            all.len()
        })
        .await
        .unwrap()
    };
    let (left, read) = tokio::join!(run(channel, ends, None, pending(), &Deaf), reader);
    assert!(matches!(left, Ok(Left::Ended(End::Closed(_)))), "{left:?}");
    assert_eq!(read, MUCH);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_takes_nothing_does_not_keep_a_signal_waiting() {
    let (play, channel, ends) = play();
    play.ends_with_much().await;
    let stop = async {
        tokio::time::sleep(Duration::from_hours(1)).await;
        Termination::Hangup
    };
    let left = run(channel, ends, None, stop, &Deaf).await;
    assert!(matches!(left, Ok(Left::Stopped(Termination::Hangup))), "{left:?}");
}
