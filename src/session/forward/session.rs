//! One session that is ready to carry connections, whatever its mode.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::basic::Basic;
use super::copy::{self, is_set};
use super::incoming::Local;
use super::mux::Shared;
use super::tunnel::Reporter;
use crate::channel::{Channel, End, Event};
use crate::protocol::smux::OpenError;
use crate::protocol::{Capabilities, Capability, Handshake};

/// How long a session may take to be ready once its channel is open. A handshake with KMS takes a second or two.
const READY_PATIENCE: Duration = Duration::from_secs(30);

/// How long a session that is over may take to say how it ended.
const END_PATIENCE: Duration = Duration::from_secs(1);

/// The type of port sessions that can be multiplexed, as the properties of their documents name it.
const MULTIPLEXED_TYPE: &str = "LocalPortForwarding";

/// Why a session that was started is not ready.
#[derive(Debug)]
pub(crate) enum SessionError {
    /// It has ended.
    Ended(End),
    /// It took more than 30 s.
    TimedOut,
    /// The agent, of this version, does not know of other hosts: it would connect to the instance itself instead.
    NoRemoteHosts(String),
}

/// A session that carries connections.
#[derive(Debug)]
pub(crate) struct Session {
    id: String,
    mode: Mode,
    stop: watch::Sender<bool>,
    task: JoinHandle<End>,
}

#[derive(Debug)]
enum Mode {
    Mux(Arc<Shared>),
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
pub(crate) async fn connect<R: Reporter>(channel: Channel, reporter: &Arc<R>) -> Result<Session, SessionError> {
    // Nobody says so, and therefore there is a session or an error.
    let (_nobody, mut never) = watch::channel(false);
    match connect_unless(channel, reporter, &mut never).await? {
        Some(session) => Ok(session),
        None => Err(SessionError::Ended(End::Terminated)),
    }
}

/// As [`connect`], unless `stop` becomes true before; then the session is ended on the service, and `None` the answer.
///
/// # Errors
/// As those of [`connect`].
pub(crate) async fn connect_unless<R: Reporter>(
    mut channel: Channel,
    reporter: &Arc<R>,
    stop: &mut watch::Receiver<bool>,
) -> Result<Option<Session>, SessionError> {
    let ready = tokio::select! {
        biased;
        true = is_set(stop) => None,
        ready = tokio::time::timeout(READY_PATIENCE, wait_until_ready(&mut channel, &**reporter)) => Some(ready),
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
    Ok(Some(begin(channel, handshake.as_ref(), reporter)))
}

/// The version of an agent that leads elsewhere than the document says.
fn misled(handshake: &Handshake) -> Option<String> {
    let host = handshake.properties.get("host")?.as_str().filter(|host| !host.is_empty());
    let leads_there = handshake.capabilities()?.has(Capability::RemoteHosts);
    (host.is_some() && !leads_there).then(|| handshake.agent_version.clone())
}

/// Begins to carry over a session whose agent is ready, with or without a handshake.
pub(crate) fn begin<R: Reporter>(channel: Channel, handshake: Option<&Handshake>, reporter: &Arc<R>) -> Session {
    let id = channel.session_id().to_owned();
    let (stop, stopped) = watch::channel(false);
    let (mode, task) = match multiplexing_agent(handshake) {
        Some(agent) => {
            let shared = Shared::new(agent);
            let task = tokio::spawn(Arc::clone(&shared).run(channel, Arc::clone(reporter), stopped));
            (Mode::Mux(shared), task)
        }
        None => {
            let (basic, task) = Basic::spawn(channel, Arc::clone(reporter), stopped);
            (Mode::Basic(basic), task)
        }
    };
    tracing::debug!(session_id = id, multiplexed = matches!(mode, Mode::Mux(_)), "ready for connections");
    Session { id, mode, stop, task }
}

async fn wait_until_ready<R: Reporter>(channel: &mut Channel, reporter: &R) -> Result<Option<Handshake>, End> {
    while let Some(event) = channel.next().await {
        match event {
            Event::Ready(handshake) => return Ok(handshake),
            Event::Message(text) => reporter.message(&text),
            Event::Notice(notice) => reporter.notice(&notice),
            Event::Ended(end) => return Err(end),
            // Nothing of this comes before the session is ready.
            Event::Output(_) | Event::Stderr(_) | Event::ExitCode(_) | Event::Flag(_) | Event::LateHandshake => {}
        }
    }
    Err(End::Terminated)
}

/// What the agent can do, if it and the document multiplex.
fn multiplexing_agent(handshake: Option<&Handshake>) -> Option<Capabilities> {
    let handshake = handshake?;
    let kind = handshake.properties.get("type")?.as_str()?;
    let agent = handshake.capabilities()?;
    (kind == MULTIPLEXED_TYPE && agent.has(Capability::Multiplexing)).then_some(agent)
}

impl Session {
    /// The id of the session.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Whether many connections are carried at a time.
    pub(crate) fn is_multiplexed(&self) -> bool {
        matches!(self.mode, Mode::Mux(_))
    }

    /// Asks the destination whether it accepts connections, with one that is closed at once.
    pub(crate) async fn probe(&self) -> Probe {
        let Mode::Mux(shared) = &self.mode else { return Probe::Unknown };
        let before = shared.refused();
        let Ok(stream) = shared.open() else { return Probe::Over };
        // Either end closes when the other has: the stream's end says that the agent has tried, and before it the agent
        // says if that was in vain.
        stream.finish();
        loop {
            match stream.read().await {
                Ok(Some(_)) => {}
                Ok(None) if shared.refused() == before => return Probe::Accepts,
                Ok(None) => return Probe::Refuses,
                Err(_) => return Probe::Over,
            }
        }
    }

    /// Connections that the destination has refused so far, as far as the agent tells.
    pub(super) fn refusals(&self) -> u64 {
        match &self.mode {
            Mode::Mux(shared) => shared.refused(),
            Mode::Basic(_) => 0,
        }
    }

    /// Waits until one more connection can be carried. Dropping the future loses nothing.
    pub(super) async fn vacancy(&mut self) {
        self.mode.vacancy().await;
    }

    /// Waits for the end of the session, and for room for one more connection. Dropping the futures loses nothing; when
    /// the first has resolved, the session is gone.
    pub(super) fn split(&mut self) -> (impl Future<Output = End> + Send, impl Future<Output = ()> + Send) {
        let task = &mut self.task;
        // A panic in the task was reported by the panic hook.
        let ended = async move { task.await.unwrap_or(End::Terminated) };
        (ended, self.mode.vacancy())
    }

    /// Carries a connection; [`Session::vacancy`] comes first. The connection comes back when the session cannot carry
    /// it, and then it never will.
    pub(super) fn carry(&mut self, local: Local) -> Result<(), Local> {
        match &mut self.mode {
            Mode::Mux(shared) => match shared.open() {
                Ok(stream) => {
                    tokio::spawn(copy::serve(local, stream, copy::GRACE));
                    Ok(())
                }
                Err(OpenError::TooManyStreams) => {
                    // The limit is the one of the real agents. Whoever comes too late sees a failure at once.
                    tracing::warn!(session_id = self.id, "too many connections");
                    local.reset();
                    Ok(())
                }
                Err(OpenError::Session(_) | OpenError::IdsExhausted | OpenError::NotClient) => Err(local),
            },
            Mode::Basic(basic) => basic.carry(local),
        }
    }

    /// How a session ended that is over; one that does not say so within a second is ended on the service.
    pub(crate) async fn end(mut self) -> End {
        match tokio::time::timeout(END_PATIENCE, &mut self.task).await {
            // A panic in the task was reported by the panic hook.
            Ok(end) => end.unwrap_or(End::Terminated),
            Err(_) => {
                self.terminate().await;
                End::Terminated
            }
        }
    }

    /// Ends the session on the service, and waits until that is done. Its connections are reset.
    pub(crate) async fn terminate(mut self) {
        self.stop.send_replace(true);
        let _ = (&mut self.task).await;
    }
}

impl Mode {
    async fn vacancy(&mut self) {
        match self {
            Self::Mux(_) => {}
            Self::Basic(basic) => basic.vacancy().await,
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.stop.send_replace(true);
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

    #[test]
    fn multiplexing_takes_a_recent_agent_and_the_right_type() {
        let typed = || json!({ "portNumber": "80", "type": "LocalPortForwarding" });
        let multiplexes = |version, properties| multiplexing_agent(Some(&handshake(version, properties))).is_some();
        assert!(multiplexes("3.0.196.1", typed()) && multiplexes("3.3.2299.0", typed()));
        assert!(!multiplexes("3.0.196.0", typed()) && !multiplexes("2.3.714.0", typed()));
        assert!(!multiplexes("3.3.2299.0", json!({ "portNumber": "22" })));
        assert!(!multiplexes("what", typed()) && multiplexing_agent(None).is_none());
    }
}
