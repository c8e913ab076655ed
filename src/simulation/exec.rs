//! A command without a terminal: all of its output and its code, or a failure that says so.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tokio::time::{sleep, timeout};

use super::cloud::Cloud;
use super::plan::{Lie, Plan};
use super::random::Random;
use super::work::{Part, Work};
use super::{Outcome, text};
use crate::aws::Aws;
use crate::channel::{self, ConnectionEvent, End, Options, StartSession};
use crate::protocol::{DataChannel, Flag, SessionType};
use crate::session::{Executed, Observer, Sink, exec};
use crate::terminal::Terminations;

/// After so long the person has had enough of a session whose agent lies.
const PATIENCE: Duration = Duration::from_hours(3);

/// What the command writes, and its code.
#[derive(Clone, Debug)]
struct Command {
    stdout: Bytes,
    stderr: Bytes,
    code: i32,
    random: Random,
}

impl Command {
    fn draw(random: &mut Random) -> Self {
        let length = |random: &mut Random, most: u64| {
            let halvings = random.below(12);
            random.below(most >> halvings) as usize
        };
        let stdout = text(length(random, 600_000), 0);
        let stderr = text(length(random, 50_000), 13);
        Self { stdout, stderr, code: random.below(256) as i32, random: random.fork() }
    }
}

impl Work for Command {
    fn begin(&self) -> Box<dyn Part> {
        let Self { stdout, stderr, code, random } = self.clone();
        Box::new(Running { stdout, stderr, code: Some(code), random, ready: false })
    }
}

struct Running {
    stdout: Bytes,
    stderr: Bytes,
    /// Not yet sent.
    code: Option<i32>,
    random: Random,
    ready: bool,
}

impl Part for Running {
    fn handshake(&self) -> (SessionType, serde_json::Value) {
        (SessionType::NonInteractiveCommands, json!({ "commands": "x", "separateOutputStream": "true" }))
    }

    fn ready(&mut self) {
        self.ready = true;
    }

    fn data(&mut self, _: Bytes) {}

    fn flag(&mut self, _: Flag) {}

    fn step(&mut self, channel: &mut DataChannel) -> Option<Duration> {
        if !self.ready || self.is_done() {
            return None;
        }
        if self.stdout.is_empty() && self.stderr.is_empty() {
            if let Some(code) = self.code
                && channel.send_exit_code(code)
            {
                self.code = None;
            }
            return None;
        }
        if channel.writable() == 0 {
            // An acknowledgement makes room, and wakes the agent.
            return None;
        }
        let piece = 1 + self.random.below(20_000) as usize;
        if self.random.chance(300) || self.stdout.is_empty() {
            let accepted = channel.write_stderr(&self.stderr[..piece.min(self.stderr.len())]);
            let _ = self.stderr.split_to(accepted);
        } else {
            let accepted = channel.write(&self.stdout[..piece.min(self.stdout.len())]);
            let _ = self.stdout.split_to(accepted);
        }
        Some(self.random.span(Duration::from_millis(200)) + Duration::from_millis(1))
    }

    fn is_done(&self) -> bool {
        self.code.is_none()
    }
}

/// Keeps what it is given, in its own time.
struct Reader {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    random: Random,
    /// Of a thousand pieces of output, so many are taken only after a pause.
    slow: u64,
}

impl Reader {
    async fn pause(&mut self) {
        if self.random.chance(self.slow) {
            sleep(self.random.span(Duration::from_secs(40))).await;
        }
    }
}

impl Sink for Reader {
    async fn stdout(&mut self, bytes: Bytes) -> io::Result<()> {
        self.pause().await;
        self.stdout.extend(bytes);
        Ok(())
    }

    async fn stderr(&mut self, bytes: Bytes) -> io::Result<()> {
        self.pause().await;
        self.stderr.extend(bytes);
        Ok(())
    }

    async fn finish(&mut self) -> io::Result<()> {
        self.pause().await;
        Ok(())
    }
}

/// Hears everything.
#[derive(Default)]
pub(super) struct Heard(pub(super) Mutex<Vec<ConnectionEvent>>);

impl Observer for Heard {
    fn connection(&self, event: &ConnectionEvent) {
        super::note(event);
        self.0.lock().expect("no panic").push(event.clone());
    }

    fn agent_message(&self, _: &str) {}
}

/// Runs one seed.
pub(super) async fn run(plan: Plan, mut random: Random) -> Outcome {
    let command = Command::draw(&mut random);
    let cloud = Cloud::new(plan.clone(), random.fork(), Arc::new(command.clone()));
    let aws = Aws::simulated(Arc::clone(&cloud) as _).await;
    let heard = Heard::default();
    let mut terminations = Terminations::listen().expect("signals");
    let slow = if random.chance(300) { random.below(100) } else { 0 };
    let mut reader = Reader { stdout: Vec::new(), stderr: Vec::new(), random: random.fork(), slow };
    let request = StartSession { target: "i-1".to_owned(), ..StartSession::default() };
    let ran = async {
        let channel =
            channel::open(&aws, &request, Options::with_handshake()).await.map_err(|error| error.to_string())?;
        Ok(exec(channel, &mut reader, &mut terminations, &heard).await)
    };
    let executed: Result<Result<Executed, String>, _> = timeout(PATIENCE, ran).await;
    let told = format!("{executed:?}");

    // What was handed out is what was written, from the beginning, whatever happened.
    assert!(command.stdout.starts_with(&reader.stdout), "standard output differs: {told}");
    assert!(command.stderr.starts_with(&reader.stderr), "standard error differs: {told}");
    assert_eq!(cloud.seen_plain(), None, "in the clear");
    let whole = reader.stdout.len() == command.stdout.len() && reader.stderr.len() == command.stderr.len();
    let outcome = match executed {
        Ok(Ok(Executed::Code(Some(code)))) => {
            assert_eq!(code, i64::from(command.code));
            assert!(whole, "{} of {} bytes with a code", reader.stdout.len(), command.stdout.len());
            Outcome::Done
        }
        Ok(Ok(Executed::Code(None))) => Outcome::Failed("no code".to_owned()),
        Ok(Ok(Executed::Ended(End::Closed(reason)))) => {
            assert!(!reason.is_empty());
            Outcome::Failed(reason)
        }
        Ok(Ok(Executed::Ended(end))) => Outcome::Failed(format!("{end:?}")),
        Ok(Ok(other)) => panic!("{other:?}"),
        Ok(Err(reason)) => Outcome::Failed(reason),
        Err(_) => {
            let may_last = matches!(plan.lie, Some(Lie::FallsSilent(_)));
            assert!(may_last, "not at its end after {PATIENCE:?}, heard {:?}", heard.0.lock().expect("no panic"));
            Outcome::Waiting
        }
    };
    if outcome != Outcome::Waiting && plan.service.failing == 0 && plan.service.unanswered == 0 {
        let refused = matches!(plan.lie, Some(Lie::RefusesResume(_)));
        assert!(refused || cloud.left_behind().is_empty(), "left behind: {told}");
    }
    cloud.check_pace(1);
    let kind = plan.is_kind();
    assert!(!kind || outcome == Outcome::Done, "{outcome:?} in a kind world");
    outcome
}
