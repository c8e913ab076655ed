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

/// An agent that says nothing is told of well within this time, and given up.
const SILENT_LIMIT: Duration = Duration::from_mins(3);

/// Where the gateway takes nothing that we have to say, the session is given up within this time.
const HOPELESS_LIMIT: Duration = Duration::from_mins(30);

/// All sessions of a program are ended within this time before it goes: a request of the API lasts 5 s.
const END_LIMIT: Duration = Duration::from_secs(12);

/// What the command writes, and its code.
#[derive(Clone, Debug)]
struct Command {
    stdout: Bytes,
    stderr: Bytes,
    /// None in documents that do not keep the streams apart.
    code: Option<i32>,
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
        let code = random.chance(800).then(|| random.below(256) as i32);
        Self { stdout, stderr, code, random: random.fork() }
    }
}

impl Work for Command {
    fn begin(&self) -> Box<dyn Part> {
        let Self { stdout, stderr, code, random } = self.clone();
        Box::new(Running { stdout, stderr, code, random, ready: false })
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
        self.ready && self.code.is_none() && self.stdout.is_empty() && self.stderr.is_empty()
    }
}

/// Keeps what it is given, in its own time.
struct Reader {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    random: Random,
    /// Of a thousand pieces of output, so many are taken only after a pause.
    slow: u64,
    /// It is gone after so many bytes, as `head` is.
    gone_after: Option<usize>,
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
        if self.gone_after.is_some_and(|limit| self.stdout.len() >= limit) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
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

impl Heard {
    pub(super) fn all(&self) -> Vec<ConnectionEvent> {
        self.0.lock().expect("no panic").clone()
    }
}

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
    let gone_after = random.chance(100).then(|| random.below(command.stdout.len() as u64 + 1) as usize);
    let mut reader = Reader { stdout: Vec::new(), stderr: Vec::new(), random: random.fork(), slow, gone_after };
    // A signal ends the program wherever it is.
    let leaves_after = if random.chance(200) { random.span(Duration::from_secs(8)) } else { PATIENCE };
    let slept = plan.sleep(&mut random);
    let target = format!("i-{:016x}", random.below(u64::MAX));
    let request = StartSession { target: target.clone(), ..StartSession::default() };
    let ran = async {
        let channel =
            channel::open(&aws, &request, Options::with_handshake()).await.map_err(|error| error.to_string())?;
        Ok(exec(channel, &mut reader, &mut terminations, &heard).await)
    };
    let executed: Result<Result<Executed, String>, _> = timeout(leaves_after + slept, ran).await;
    let told = format!("{executed:?}");
    let lasted = cloud.began.elapsed();
    // As the program does before it goes; it is gone then, and nothing goes on.
    let ended = timeout(END_LIMIT + slept, channel::end_all_on(&target)).await;
    if plan.service.is_sound() {
        let refused = matches!(plan.lie, Some(Lie::RefusesResume(_)));
        assert!(ended.is_ok(), "not ended within {END_LIMIT:?}: {told}");
        assert!(refused || cloud.left_behind().is_empty(), "left behind: {told}");
    }

    // What was handed out is what was written, from the beginning, whatever happened.
    assert!(command.stdout.starts_with(&reader.stdout), "standard output differs: {told}");
    assert!(command.stderr.starts_with(&reader.stderr), "standard error differs: {told}");
    assert_eq!(cloud.seen_plain(), None, "in the clear");
    let whole = reader.stdout.len() == command.stdout.len() && reader.stderr.len() == command.stderr.len();
    let outcome = match executed {
        Ok(Ok(Executed::Code(Some(code)))) => {
            assert_eq!(Some(code), command.code.map(i64::from));
            assert!(whole, "{} of {} bytes with a code", reader.stdout.len(), command.stdout.len());
            Outcome::Done
        }
        Ok(Ok(Executed::Code(None))) if command.code.is_none() && whole => Outcome::Done,
        Ok(Ok(Executed::Code(None))) => Outcome::Failed("no code".to_owned()),
        Ok(Ok(Executed::Ended(End::Closed(reason)))) => {
            assert!(!reason.is_empty());
            Outcome::Failed(reason)
        }
        Ok(Ok(Executed::Ended(end))) => Outcome::Failed(format!("{end:?}")),
        Ok(Ok(Executed::Output(_))) if gone_after.is_some() => Outcome::Left,
        Ok(Ok(other)) => panic!("{other:?}"),
        Ok(Err(reason)) => Outcome::Failed(reason),
        Err(_) if leaves_after < PATIENCE => Outcome::Left,
        Err(_) => {
            let may_last = matches!(plan.lie, Some(Lie::FallsSilent(_)));
            assert!(may_last, "not at its end after {PATIENCE:?}, heard {:?}", heard.all());
            Outcome::Waiting
        }
    };
    if outcome != Outcome::Left {
        check(&plan, &command, &outcome, lasted, &heard.all());
    }
    cloud.check_bounds(1);
    outcome
}

/// What has to be so unless the program went away.
fn check(plan: &Plan, command: &Command, outcome: &Outcome, lasted: Duration, heard: &[ConnectionEvent]) {
    let done = *outcome == Outcome::Done;
    // Without a code the end is nothing but a word of the service, which nobody repeats; and an agent that hears nothing
    // for as long as a silent cut takes to be found gives its handshake up.
    let is_certain = !plan.network.is_cut() || command.code.is_some() && !plan.network.silent_cuts;
    assert!(done || !plan.is_reparable() || !is_certain, "{outcome:?} in a world in which nothing is lost for good");
    let all_sent = plan.lie == Some(Lie::EndsUnacknowledged) && plan.is_straight();
    assert!(done || !all_sent, "{outcome:?} although all had been sent");
    if plan.is_straight() && plan.lie == Some(Lie::NeverSpeaks) {
        let told = heard.iter().any(|event| matches!(event, ConnectionEvent::AgentSilent(_)));
        assert!(told && lasted < SILENT_LIMIT, "{outcome:?} after {lasted:?} of silence, heard {heard:?}");
    }
    if matches!(plan.lie, Some(Lie::RefusesTokens | Lie::ClosesOnContent(1))) && plan.service.is_sound() {
        assert!(lasted < HOPELESS_LIMIT, "{outcome:?} after {lasted:?}");
    }
}
