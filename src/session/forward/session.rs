//! One session that is ready to carry connections, whatever its mode.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::basic::{Basic, Use};
use super::error::SessionError;
use super::gauge::Gauge;
use super::incoming::Incoming;
use super::meter::Load;
use super::multiplexed::Multiplexed;
use super::observer::{TunnelEvent, TunnelObserver};
use super::stop::{Stop, reaches};
use super::tally::Tally;
use crate::channel::{Channel, End, Limits, Streams};
use crate::protocol::{Capability, Handshake};
use crate::session::event::wait_until_ready;

/// How long a session may take to be ready once its channel is open. A handshake with KMS takes a second or two.
const READY_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a session that is over may take to report how it ended.
const END_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a session that is to end may go on without anything moving.
const FINISH_TIMEOUT: Duration = Duration::from_mins(1);

/// A person is told what a session that is to end waits for after this time.
pub(super) const SILENT_FINISH: Duration = Duration::from_secs(3);

/// Where a session cannot be replaced, nothing is cut, as with the official client; a person is told all the same.
const NEVER_CUTS: Limits = Limits { stall: None };

/// How often to look whether anything moves.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// A session that carries connections.
#[derive(Debug)]
pub(crate) struct Session {
    id: String,
    mode: Mode,
    tally: Arc<Tally>,
    stop: watch::Sender<Stop>,
    task: JoinHandle<End>,
    /// How it ended, until somebody takes it.
    end: Option<End>,
    /// The task has ended.
    seen: bool,
}

#[derive(Debug)]
enum Mode {
    Multiplexed(Multiplexed),
    Basic(Basic),
}

/// What came of asking whether the destination accepts connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Probe {
    /// It accepted one, which is closed again.
    Accepts,
    /// It did not.
    Refuses,
    /// The session has ended.
    Over,
    /// The agent is too old to be asked. It has connected once when the session started, or the session would have
    /// failed.
    Unknown,
}

/// Waits until the agent is ready, and begins to carry.
///
/// # Errors
/// [`SessionError`]; the session is ended on the service.
#[cfg(test)]
pub(crate) async fn connect<O: TunnelObserver>(
    channel: Channel,
    observer: &Arc<O>,
    limits: Limits,
) -> Result<Session, SessionError> {
    // Without a stop there is a session or an error.
    let (_sender, mut never) = watch::channel(Stop::Not);
    match connect_unless(channel, observer, limits, &mut never).await? {
        Some(session) => Ok(session),
        None => Err(SessionError::Ended(End::Terminated)),
    }
}

/// As [`connect`], unless it is to stop at once before; then the session is ended on the service, and `None` the answer.
///
/// # Errors
/// As those of [`connect`].
pub(crate) async fn connect_unless<O: TunnelObserver>(
    mut channel: Channel,
    observer: &Arc<O>,
    limits: Limits,
    stop: &mut watch::Receiver<Stop>,
) -> Result<Option<Session>, SessionError> {
    let ready = tokio::select! {
        biased;
        () = reaches(stop, Stop::Now) => None,
        ready = tokio::time::timeout(READY_TIMEOUT, wait_until_ready(&mut channel, &**observer)) => Some(ready),
    };
    let handshake = match ready {
        Some(Ok(Ok(handshake))) => handshake,
        Some(Ok(Err(end))) => return Err(SessionError::Ended(end)),
        Some(Err(_)) => {
            channel.terminate().await;
            return Err(SessionError::TimedOut);
        }
        None => {
            channel.terminate().await;
            return Ok(None);
        }
    };
    if let Some(version) = handshake.as_ref().and_then(misled) {
        channel.terminate().await;
        return Err(SessionError::NoRemoteHosts(version));
    }
    Ok(Some(carry(channel, observer, limits, Use::Once)))
}

/// The version of an agent that leads elsewhere than the document says.
fn misled(handshake: &Handshake) -> Option<String> {
    let host = handshake.properties.get("host")?.as_str().filter(|host| !host.is_empty());
    let leads_there = handshake.capabilities()?.has(Capability::RemoteHosts);
    (host.is_some() && !leads_there).then(|| handshake.agent_version.clone())
}

/// Begins to carry over a session whose agent is ready, with or without a handshake, and that cannot be replaced.
pub(crate) fn begin<O: TunnelObserver>(channel: Channel, observer: &Arc<O>) -> Session {
    carry(channel, observer, NEVER_CUTS, Use::Again)
}

fn carry<O: TunnelObserver>(channel: Channel, observer: &Arc<O>, limits: Limits, uses: Use) -> Session {
    let id = channel.session_id().to_owned();
    let (stop, stopped) = watch::channel(Stop::Not);
    let observer = Arc::clone(observer);
    let (mode, tally, task) = match channel.streams() {
        Some(streams) => {
            let (multiplexed, task) = Multiplexed::spawn(channel, streams, observer, limits, stopped);
            let tally = Arc::clone(&multiplexed.tally);
            (Mode::Multiplexed(multiplexed), tally, task)
        }
        None => {
            let (basic, task) = Basic::spawn(channel, observer, uses, stopped);
            let tally = Arc::clone(&basic.tally);
            (Mode::Basic(basic), tally, task)
        }
    };
    tracing::debug!(session_id = id, multiplexed = matches!(mode, Mode::Multiplexed(_)), "ready for connections");
    Session { id, mode, tally, stop, task, end: None, seen: false }
}

impl Session {
    /// The id of the session.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Whether many connections are carried at a time.
    pub(crate) fn is_multiplexed(&self) -> bool {
        matches!(self.mode, Mode::Multiplexed(_))
    }

    /// Asks the destination whether it accepts connections, with one that is closed at once.
    pub(crate) async fn probe(&self) -> Probe {
        let Some(streams) = self.mode.streams() else { return Probe::Unknown };
        let before = streams.refused();
        let Ok(stream) = streams.open("a probe".to_owned()) else { return Probe::Over };
        // Either end closes when the other has: the end of the stream means that the agent has tried, and a refusal is
        // reported before it.
        stream.finish();
        loop {
            match stream.read().await {
                Ok(Some(_)) => {}
                Ok(None) if streams.refused() == before => return Probe::Accepts,
                Ok(None) => return Probe::Refuses,
                Err(_) => return Probe::Over,
            }
        }
    }

    /// Connections that the destination has refused so far, as far as the agent tells.
    pub(super) fn refusals(&self) -> u64 {
        self.mode.streams().map_or(0, Streams::refused)
    }

    /// What it carries of late.
    pub(super) fn load(&self) -> Load {
        self.tally.load(self.tally.is_settled())
    }

    /// The connections that it carries.
    pub(super) fn tally(&self) -> &Arc<Tally> {
        &self.tally
    }

    /// Has the route know when that changes.
    pub(super) fn report_to(&self, gauge: &Arc<Gauge>) {
        self.tally.report_to(gauge);
    }

    /// Waits until one more connection can be carried. Dropping the future loses nothing.
    pub(super) async fn vacancy(&mut self) {
        self.mode.vacancy().await;
    }

    /// Waits for the end of the session, and for room for one more connection. Dropping the futures loses nothing;
    /// when the first has resolved, [`Session::ended`] says how.
    pub(super) fn split(&mut self) -> (impl Future<Output = ()> + Send, impl Future<Output = ()> + Send) {
        let (task, end, seen) = (&mut self.task, &mut self.end, &mut self.seen);
        let ended = async move {
            if !*seen {
                // A panic in the task was reported by the panic hook.
                *end = Some(task.await.unwrap_or(End::Terminated));
                *seen = true;
            }
        };
        (ended, self.mode.vacancy())
    }

    /// How it ended, if [`Session::split`] has seen that; the answer is given once.
    pub(super) fn ended(&mut self) -> Option<End> {
        self.end.take()
    }

    /// Whether it had better carry no more connections: it has carried the one that it can, or one connection holds up
    /// the others.
    pub(super) fn is_used_up(&self) -> bool {
        match &self.mode {
            Mode::Multiplexed(multiplexed) => multiplexed.streams.is_mute(),
            Mode::Basic(basic) => basic.is_spent(),
        }
    }

    /// Whether that is nothing that a person has to know.
    pub(super) fn is_used_up_as_usual(&self) -> bool {
        matches!(&self.mode, Mode::Basic(basic) if basic.is_spent())
    }

    /// Gives programs that have sent all they have to send less time for an answer, while somebody else waits for the
    /// session to be idle.
    pub(super) fn hurry(&self, hurry: bool) {
        let sender = match &self.mode {
            Mode::Multiplexed(multiplexed) => &multiplexed.hurry,
            Mode::Basic(basic) => &basic.hurry,
        };
        sender.send_if_modified(|old| std::mem::replace(old, hurry) != hurry);
    }

    /// Carries a connection; [`Session::vacancy`] comes first. The connection comes back when the session cannot carry
    /// it, and then it never will.
    pub(super) fn carry(&mut self, incoming: Incoming) -> Result<(), Incoming> {
        match &mut self.mode {
            Mode::Multiplexed(multiplexed) => multiplexed.carry(&self.id, incoming),
            Mode::Basic(basic) => basic.carry(incoming),
        }
    }

    /// How a session ended that is over; one that does not report it within a second is ended on the service.
    pub(crate) async fn end(mut self) -> End {
        if self.seen {
            return self.end.take().unwrap_or(End::Terminated);
        }
        match tokio::time::timeout(END_TIMEOUT, &mut self.task).await {
            // A panic in the task was reported by the panic hook.
            Ok(end) => end.unwrap_or(End::Terminated),
            Err(_) => {
                self.terminate().await;
                End::Terminated
            }
        }
    }

    /// Ends the session on the service, and waits until that is done, 6 s at most. Its connections are reset, and what
    /// is unsent is lost.
    pub(crate) async fn terminate(mut self) {
        self.stop.send_replace(Stop::Now);
        self.over().await;
    }

    /// Waits until the task has ended, which may have been seen before.
    async fn over(&mut self) {
        if !self.seen {
            self.seen = true;
            // A panic in the task was reported by the panic hook.
            self.end = Some((&mut self.task).await.unwrap_or(End::Terminated));
        }
    }

    /// Reports that something was lost with the session, if it was. False then.
    fn is_complete<O: TunnelObserver>(&mut self, observer: &O) -> bool {
        let lost = self.tally.has_lost();
        if lost {
            observer.tunnel(&TunnelEvent::Lost(self.end.take()));
        }
        !lost
    }

    /// Carries no more connections, and ends the session when those that are open have ended and all they sent has
    /// arrived. When `stop` says so there is a limit: a minute in which nothing moves, or none at all. False when
    /// something was lost.
    pub(super) async fn retire<O: TunnelObserver>(mut self, stop: &mut watch::Receiver<Stop>, observer: &O) -> bool {
        self.stop.send_replace(Stop::Finish);
        let tally = Arc::clone(&self.tally);
        tokio::select! {
            () = async {
                self.over().await;
                tally.none_open().await;
            } => return self.is_complete(observer),
            () = reaches(stop, Stop::Finish) => {}
        }
        self.finish(stop, observer).await
    }

    /// The same, with the limit of a minute from now on.
    pub(super) async fn finish<O: TunnelObserver>(mut self, stop: &mut watch::Receiver<Stop>, observer: &O) -> bool {
        self.stop.send_if_modified(|old| *old < Stop::Finish && std::mem::replace(old, Stop::Finish) == Stop::Not);
        self.hurry(true);
        let tally = Arc::clone(&self.tally);
        let finished = async {
            self.over().await;
            // Programs that are slow to read have what came for them before the end.
            tally.none_open().await;
        };
        let outcome = tokio::select! {
            () = finished => return self.is_complete(observer),
            () = idle(&tally, observer) => Stop::Finish,
            () = reaches(stop, Stop::Now) => Stop::Now,
        };
        // Connections that are only idle lose nothing.
        let complete = outcome == Stop::Finish && tally.is_settled() && !tally.has_lost();
        if outcome == Stop::Finish {
            observer.tunnel(&TunnelEvent::Unfinished { open: tally.open(), lost: !complete });
        }
        self.stop.send_replace(Stop::Now);
        self.over().await;
        complete
    }
}

/// Waits until nothing has moved for a minute. A person is told what is waited for.
async fn idle<O: TunnelObserver>(tally: &Tally, observer: &O) {
    let began = Instant::now();
    let (mut mark, mut moved_at, mut told) = (tally.mark(), began, false);
    while moved_at.elapsed() < FINISH_TIMEOUT {
        sleep(LOOK_EVERY).await;
        if mark != tally.mark() {
            (mark, moved_at) = (tally.mark(), Instant::now());
        }
        if began.elapsed() >= SILENT_FINISH && !std::mem::replace(&mut told, true) {
            observer.tunnel(&TunnelEvent::Finishing(tally.open()));
        }
    }
}

impl Mode {
    fn streams(&self) -> Option<&Streams> {
        match self {
            Self::Multiplexed(multiplexed) => Some(&multiplexed.streams),
            Self::Basic(_) => None,
        }
    }

    async fn vacancy(&mut self) {
        match self {
            Self::Multiplexed(_) => {}
            Self::Basic(basic) => basic.vacancy().await,
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.stop.send_replace(Stop::Now);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::protocol::SessionType;

    fn handshake(version: &str, properties: serde_json::Value) -> Handshake {
        Handshake {
            agent_version: version.to_owned(),
            session_type: Some(SessionType::Port),
            properties,
            customer_message: String::new(),
            encrypted: false,
        }
    }

    #[test]
    fn old_agents_lead_to_no_other_hosts() {
        let host = |host: &str| json!({ "portNumber": "80", "host": host });
        assert_eq!(misled(&handshake("3.1.1187.0", host("db"))).as_deref(), Some("3.1.1187.0"));
        for (version, properties) in
            [("3.1.1188.0", host("db")), ("3.1.501.0", host("")), ("3.1.501.0", json!({ "portNumber": "80" }))]
        {
            assert_eq!(misled(&handshake(version, properties)), None);
        }
    }
}
