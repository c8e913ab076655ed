//! A tunnel: every connection gets what was sent to it, whole or with a reset, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::Outcome;
use super::cloud::Cloud;
use super::exec::Heard;
use super::plan::{Lie, Plan};
use super::ports::{Load, Ports};
use super::random::Random;
use crate::aws::Aws;
use crate::channel::{self, Channel, Options, StartSession};
use crate::session::forward::{self, Incoming, Limits, Listener, Opener, Stop, TunnelEvent, TunnelObserver};

/// After so long a program has had enough.
const PATIENCE: Duration = Duration::from_hours(3);

/// The tunnel is closed within this time, whatever the peers do: one unanswered request of the API lasts 5 s.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// The same where the last bytes are waited for: a minute without progress, and what an agent that stalls adds.
const FINISH_LIMIT: Duration = Duration::from_mins(5);

struct Sessions(Aws);

impl Opener for Sessions {
    type Error = channel::OpenError;

    async fn open(&self) -> Result<Channel, Self::Error> {
        let request = StartSession { target: "i-1".to_owned(), ..StartSession::default() };
        channel::open(&self.0, &request, Options::port()).await
    }
}

impl TunnelObserver for Heard {
    fn tunnel(&self, event: &TunnelEvent) {
        super::note(event);
    }
}

/// How a connection ended for its program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Orderly,
    Reset,
    /// The program had enough.
    Left,
}

#[derive(Debug)]
struct Program {
    load: Load,
    half_closes: bool,
    begins: Duration,
    /// The program goes away after so many bytes of the answer.
    leaves_after: Option<usize>,
    random: Random,
}

impl Program {
    fn draw(number: u64, random: &mut Random) -> Self {
        let length = |random: &mut Random, most: u64| {
            let halvings = random.below(12);
            random.below(most >> halvings) as usize
        };
        let (up, down) = (length(random, 300_000), length(random, 600_000));
        Self {
            load: Load { number, up, down },
            half_closes: random.chance(300),
            begins: random.span(Duration::from_mins(1)),
            leaves_after: random.chance(100).then(|| random.below(down as u64 + 1) as usize),
            random: random.fork(),
        }
    }

    /// Runs to its end; how the connection ended and the answer as far as it came.
    async fn run(mut self, listener: mpsc::Sender<Incoming>) -> (Load, Ended, Vec<u8>) {
        sleep(self.begins).await;
        let (mut near, far, reset) = Incoming::in_memory();
        let mut answer = Vec::new();
        if listener.send(far).await.is_err() {
            return (self.load, Ended::Reset, answer);
        }
        let leaves_after = self.leaves_after;
        let worked = async {
            let (mut reader, mut writer) = tokio::io::split(&mut near);
            let mut random = self.random.fork();
            let sending = async {
                let mut request = [self.load.header(), self.load.request()].concat();
                while !request.is_empty() {
                    let piece = request.len().min(1 + random.below(50_000) as usize);
                    if writer.write_all(&request[..piece]).await.is_err() {
                        break;
                    }
                    request.drain(..piece);
                    sleep(random.span(Duration::from_millis(50))).await;
                }
                if self.half_closes {
                    let _ = writer.shutdown().await;
                }
                std::future::pending::<()>().await;
            };
            let reading = async {
                let mut buffer = vec![0; 32 * 1024];
                loop {
                    if leaves_after.is_some_and(|limit| answer.len() >= limit) {
                        return Ended::Left;
                    }
                    match reader.read(&mut buffer).await {
                        Ok(0) | Err(_) => return if reset.was_reset() { Ended::Reset } else { Ended::Orderly },
                        Ok(count) => answer.extend_from_slice(&buffer[..count]),
                    }
                    if self.random.chance(20) {
                        sleep(self.random.span(Duration::from_secs(5))).await;
                    }
                }
            };
            tokio::select! {
                () = sending => unreachable!("it waits"),
                ended = reading => ended,
            }
        };
        let ended = timeout(PATIENCE, worked).await.unwrap_or(Ended::Left);
        (self.load, ended, answer)
    }
}

/// Runs one seed.
pub(super) async fn run(plan: Plan, mut random: Random) -> Outcome {
    let ports = Ports::new(random.fork(), random.chance(200));
    let cloud = Cloud::new(plan.clone(), random.fork(), Arc::new(Arc::clone(&ports)));
    let aws = Aws::simulated(Arc::clone(&cloud) as _).await;
    let heard = Arc::new(Heard::default());
    let opener = Sessions(aws);
    let first = async {
        let channel = opener.open().await.map_err(|error| error.to_string())?;
        forward::connect(channel, &heard, Limits::default()).await.map_err(|error| error.to_string())
    };
    let session = match timeout(PATIENCE, first).await.expect("a session or an error") {
        Ok(session) => session,
        Err(reason) => return Outcome::Failed(reason),
    };
    let (listener, connections) = Listener::in_memory();
    let (stop, stopped) = watch::channel(Stop::Not);
    let serving = tokio::spawn(forward::serve(vec![listener], session, opener, Arc::clone(&heard), stopped));
    let mut programs = JoinSet::new();
    for number in 0..=random.below(12) {
        programs.spawn(Program::draw(number, &mut random).run(connections.clone()));
    }
    let mut resets = 0;
    let began = Instant::now();
    let mut finished = Vec::new();
    while let Some(done) = programs.join_next().await {
        let (load, ended, answer) = done.expect("no panic");
        super::note(&(load, ended, answer.len()));
        assert!(load.answer().starts_with(&answer), "the answer of connection {} differs", load.number);
        let whole = answer.len() == load.down;
        let after = Instant::now() - cloud.began;
        assert!(
            ended != Ended::Orderly || whole,
            "{load:?}: an orderly end after {} bytes and {after:?}",
            answer.len()
        );
        resets += usize::from(ended == Ended::Reset);
        finished.push((load, ended, answer.len()));
    }
    let lasted = began.elapsed();
    let (how, limit) = if random.chance(500) { (Stop::Now, STOP_LIMIT) } else { (Stop::Finish, FINISH_LIMIT) };
    stop.send_replace(how);
    let closed = timeout(limit, serving).await;
    assert!(closed.is_ok(), "not closed within {limit:?}, asked to {how:?}");
    let complete = closed.is_ok_and(|complete| complete.expect("no panic"));
    assert_eq!(*ports.wrong.lock().expect("no panic"), Vec::<String>::new(), "what arrived differs");
    assert_eq!(cloud.seen_plain(), None, "in the clear");
    if plan.is_kind() {
        assert!(ports.ends_after_first || resets == 0, "{resets} connections were reset: {finished:?}");
        assert!(complete || how == Stop::Now, "something was lost at the end");
        assert!(lasted < PATIENCE, "a connection took {lasted:?}: {finished:?}");
    }
    if plan.service.failing == 0 && plan.service.unanswered == 0 {
        let refused = matches!(plan.lie, Some(Lie::RefusesResume(_)));
        assert!(refused || cloud.left_behind().is_empty(), "left behind");
    }
    cloud.check_pace();
    if resets == 0 { Outcome::Done } else { Outcome::Failed(format!("{resets} connections were reset")) }
}
