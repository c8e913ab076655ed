//! A tunnel: every connection gets what was sent to it, whole or with a reset, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::Outcome;
use super::cloud::Cloud;
use super::exec::Heard;
use super::plan::{BASIC, Lie, Plan};
use super::ports::{Load, Ports};
use super::random::Random;
use crate::aws::Aws;
use crate::channel::{self, Channel, ConnectionEvent, Options, StartSession};
use crate::session::forward::{self, Incoming, Lanes, Listener, Opener, Route, Stop, TunnelEvent, TunnelObserver};

/// After so long a program has had enough.
const PATIENCE: Duration = Duration::from_hours(3);

/// The tunnel is closed within this time, whatever the peers do: one unanswered request of the API lasts 5 s.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// The same where the last bytes are waited for: a minute without progress, and what an agent that stalls adds.
const FINISH_LIMIT: Duration = Duration::from_mins(5);

/// An agent that says nothing is given up within this time.
const START_LIMIT: Duration = Duration::from_mins(1);

/// The destination knows within this time that a program is gone, once all it sent has arrived. Ten seconds more would
/// be those for which the end of one direction is held back.
const LET_GO_LIMIT: Duration = Duration::from_secs(8);

struct Sessions(Aws, Lanes);

impl Opener for Sessions {
    type Error = channel::OpenError;

    async fn open(&self) -> Result<Channel, Self::Error> {
        let request = StartSession { target: "i-1".to_owned(), ..StartSession::default() };
        channel::open(&self.0, &request, Options::port()).await
    }

    fn lanes(&self) -> Lanes {
        self.1
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
    /// It has sent all, and wanted no answer.
    Sent,
}

#[derive(Debug)]
struct Program {
    load: Load,
    half_closes: bool,
    begins: Duration,
    /// The program goes away after so many bytes of the answer.
    leaves_after: Option<usize>,
    /// It sends, closes, and waits for no answer.
    only_sends: bool,
    random: Random,
}

/// What came of one connection.
#[derive(Debug)]
struct Finished {
    load: Load,
    how: Ended,
    /// Bytes of the answer.
    got: usize,
    /// When the program let go of it.
    at: Instant,
    /// The tunnel was to stop by then.
    stopping: bool,
}

impl Program {
    /// `tells_end` is false where a program has to know by itself when it has all.
    fn draw(number: u64, random: &mut Random, tells_end: bool) -> Self {
        let length = |random: &mut Random, most: u64| {
            let halvings = random.below(12);
            random.below(most >> halvings) as usize
        };
        let (up, down) = (length(random, 300_000), length(random, 600_000));
        Self {
            load: Load { number, up, down },
            half_closes: random.chance(300),
            begins: random.span(Duration::from_mins(1)),
            leaves_after: match (random.chance(100), random.below(down as u64 + 1) as usize) {
                (true, part) => Some(part),
                (false, _) => (!tells_end).then_some(down),
            },
            only_sends: random.chance(300),
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
        if self.only_sends {
            let ended = match near.write_all(&[self.load.header(), self.load.request()].concat()).await {
                Ok(()) => Ended::Sent,
                Err(_) => Ended::Reset,
            };
            return (self.load, ended, answer);
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

impl Finished {
    /// All of it was accepted, and the program is gone.
    fn is_to_arrive(&self) -> bool {
        self.how == Ended::Sent && !self.stopping
    }

    /// What has to be so of every connection.
    fn check(&self, plan: &Plan, ports: &Ports) {
        let Self { load, how, got, at, stopping } = self;
        let whole = *got == load.down;
        let seen = ports.seen(load.number);
        assert!(*how != Ended::Orderly || whole, "{load:?}: an orderly end after {got} bytes");
        // The session may be over as soon as the agent knows that all is here.
        let cut_short = *how == Ended::Reset && seen.finished && !stopping;
        assert!(!cut_short || !plan.is_reparable(), "{load:?}: reset after {got} bytes, and all of it had come");
        let gone = matches!(how, Ended::Left | Ended::Sent) && !stopping && !ports.is_basic;
        if let (true, true, Some(heard_at), Some(ended_at)) = (gone, plan.is_kind(), seen.heard_at, seen.ended_at) {
            let after = ended_at.saturating_duration_since(heard_at.max(*at));
            assert!(after < LET_GO_LIMIT, "{load:?}: its destination knew {after:?} after it was gone");
        }
    }
}

/// What has to be so of a tunnel that could not be opened.
fn check_start(plan: &Plan, cloud: &Cloud, heard: &[ConnectionEvent]) {
    assert!(!plan.is_kind(), "no session in a kind world");
    if plan.is_straight() && plan.lie == Some(Lie::NeverSpeaks) {
        let told = heard.iter().any(|event| matches!(event, ConnectionEvent::AgentSilent(_)));
        let lasted = cloud.began.elapsed();
        assert!(told && lasted < START_LIMIT, "{lasted:?} of silence, heard {heard:?}");
    }
    cloud.check_bounds(1);
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Runs one seed.
pub(super) async fn run(plan: Plan, mut random: Random) -> Outcome {
    let is_basic = plan.agent.version == BASIC;
    let ports = Ports::new(random.fork(), random.chance(200) && !is_basic, is_basic);
    let cloud = Cloud::new(plan.clone(), random.fork(), Arc::new(Arc::clone(&ports)));
    let aws = Aws::simulated(Arc::clone(&cloud) as _).await;
    let heard = Arc::new(Heard::default());
    // One lane, as many as are needed, or two to four in any case.
    let lanes = match random.below(6) {
        0 => Lanes::ONE,
        1 | 2 => Lanes::AUTO,
        more => Lanes::fixed(more as usize - 1),
    };
    let slept = plan.sleep(&mut random);
    let opener = Sessions(aws, lanes);
    let (stop, stopped) = watch::channel(Stop::Not);
    let mut route = Route::new(opener, Arc::clone(&heard), stopped.clone());
    if let Err(reason) = timeout(PATIENCE + slept, route.open()).await.expect("a session or an error") {
        check_start(&plan, &cloud, &heard.all());
        return Outcome::Failed(reason.to_string());
    }
    let (listener, connections) = Listener::in_memory(cloud.files.clone());
    let serving = tokio::spawn(forward::serve(vec![listener], route, stopped));
    let mut programs = JoinSet::new();
    for number in 0..=random.below(12) {
        programs.spawn(Program::draw(number, &mut random, !is_basic).run(connections.clone()));
    }
    let began = Instant::now();
    let mut finished = Vec::new();
    let (how, limit) = if random.chance(500) { (Stop::Now, STOP_LIMIT) } else { (Stop::Finish, FINISH_LIMIT) };
    // In half of the worlds the tunnel is to end while programs are at work.
    let stop_at = random.chance(500).then(|| Instant::now() + random.span(Duration::from_mins(1)));
    loop {
        let done = tokio::select! {
            done = programs.join_next() => done,
            () = until(stop_at.filter(|_| *stop.borrow() == Stop::Not)) => {
                stop.send_replace(how);
                continue;
            }
        };
        let Some(done) = done else { break };
        let (load, how, answer) = done.expect("no panic");
        super::note(&(load, how, answer.len()));
        assert!(load.answer().starts_with(&answer), "the answer of connection {} differs", load.number);
        let stopping = *stop.borrow() != Stop::Not;
        finished.push(Finished { load, how, got: answer.len(), at: Instant::now(), stopping });
    }
    let lasted = began.elapsed();
    stop.send_replace(how);
    let closed = timeout(limit + slept, serving).await;
    assert!(closed.is_ok(), "not closed within {limit:?}, asked to {how:?}");
    let complete = closed.is_ok_and(|complete| complete.expect("no panic"));
    let resets = finished.iter().filter(|one| one.how == Ended::Reset && !one.stopping).count();
    if how == Stop::Finish && complete {
        let lost: Vec<_> =
            finished.iter().filter(|one| one.is_to_arrive() && !ports.seen(one.load.number).answered).collect();
        assert!(lost.is_empty(), "{lost:?} have sent all and are gone, and it has not arrived: {finished:?}");
    }
    assert_eq!(*ports.wrong.lock().expect("no panic"), Vec::<String>::new(), "what arrived differs");
    assert_eq!(cloud.seen_plain(), None, "in the clear");
    finished.iter().for_each(|one| one.check(&plan, &ports));
    if plan.is_reparable() {
        assert!(ports.ends_after_first || resets == 0, "{resets} connections were reset: {finished:?}");
    }
    if plan.is_kind() {
        let waited_in_vain = ports.ends_after_first || is_basic;
        assert!(complete || how == Stop::Now || waited_in_vain, "something was lost at the end");
    }
    if plan.is_reparable() || matches!(plan.lie, Some(Lie::SwallowsSize(_))) && plan.service.is_sound() {
        assert!(lasted < PATIENCE / 2, "a connection took {lasted:?}: {finished:?}");
    }
    if plan.service.is_sound() {
        let refused = matches!(plan.lie, Some(Lie::RefusesResume(_)));
        // A session that was being started is seen through in a task of its own.
        let ended = async {
            while !cloud.left_behind().is_empty() {
                sleep(Duration::from_secs(1)).await;
            }
        };
        assert!(refused || timeout(STOP_LIMIT + slept, ended).await.is_ok(), "left behind");
    }
    cloud.check_bounds(4);
    if resets == 0 { Outcome::Done } else { Outcome::Failed(format!("{resets} connections were reset")) }
}
