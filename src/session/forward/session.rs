//! One session that is ready to carry connections, whatever its mode.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::basic::Basic;
use super::copy;
use super::error::SessionError;
use super::half_close::HALF_CLOSE_TIMEOUT;
use super::incoming::Incoming;
use super::mux::Shared;
use super::observer::TunnelObserver;
use super::stop::is_set;
use super::stream::Stream;
use crate::channel::{Channel, End};
use crate::protocol::smux::OpenError;
use crate::protocol::{Capabilities, Capability, Handshake};
use crate::session::event::wait_until_ready;

/// How long a session may take to be ready once its channel is open. A handshake with KMS takes a second or two.
const READY_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a session that is over may take to report how it ended.
const END_TIMEOUT: Duration = Duration::from_secs(1);

/// The type of port sessions that can be multiplexed, as the properties of their documents name it.
const MULTIPLEXED_TYPE: &str = "LocalPortForwarding";

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
pub(crate) async fn connect<O: TunnelObserver>(channel: Channel, observer: &Arc<O>) -> Result<Session, SessionError> {
    // Without a stop there is a session or an error.
    let (_sender, mut never) = watch::channel(false);
    match connect_unless(channel, observer, &mut never).await? {
        Some(session) => Ok(session),
        None => Err(SessionError::Ended(End::Terminated)),
    }
}

/// As [`connect`], unless `stop` becomes true before; then the session is ended on the service, and `None` the answer.
///
/// # Errors
/// As those of [`connect`].
pub(crate) async fn connect_unless<O: TunnelObserver>(
    mut channel: Channel,
    observer: &Arc<O>,
    stop: &mut watch::Receiver<bool>,
) -> Result<Option<Session>, SessionError> {
    let ready = tokio::select! {
        biased;
        true = is_set(stop) => None,
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
    Ok(Some(begin(channel, handshake.as_ref(), observer)))
}

/// The version of an agent that leads elsewhere than the document says.
fn misled(handshake: &Handshake) -> Option<String> {
    let host = handshake.properties.get("host")?.as_str().filter(|host| !host.is_empty());
    let leads_there = handshake.capabilities()?.has(Capability::RemoteHosts);
    (host.is_some() && !leads_there).then(|| handshake.agent_version.clone())
}

/// Begins to carry over a session whose agent is ready, with or without a handshake.
pub(crate) fn begin<O: TunnelObserver>(channel: Channel, handshake: Option<&Handshake>, observer: &Arc<O>) -> Session {
    let id = channel.session_id().to_owned();
    let (stop, stopped) = watch::channel(false);
    let (mode, task) = match multiplexing_agent(handshake) {
        Some(agent) => {
            let shared = Shared::new(agent);
            let task = tokio::spawn(Arc::clone(&shared).run(channel, Arc::clone(observer), stopped));
            (Mode::Mux(shared), task)
        }
        None => {
            let (basic, task) = Basic::spawn(channel, Arc::clone(observer), stopped);
            (Mode::Basic(basic), task)
        }
    };
    tracing::debug!(session_id = id, multiplexed = matches!(mode, Mode::Mux(_)), "ready for connections");
    Session { id, mode, stop, task }
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
        let Ok(stream) = Stream::open(shared) else { return Probe::Over };
        // Either end closes when the other has: the end of the stream means that the agent has tried, and a refusal is
        // reported before it.
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
    pub(super) fn carry(&mut self, incoming: Incoming) -> Result<(), Incoming> {
        match &mut self.mode {
            Mode::Mux(shared) => match Stream::open(shared) {
                Ok(stream) => {
                    tokio::spawn(copy::serve(incoming, stream, HALF_CLOSE_TIMEOUT));
                    Ok(())
                }
                Err(OpenError::TooManyStreams) => {
                    // The limit is the one of the real agents. A connection beyond it sees a failure at once.
                    tracing::warn!(session_id = self.id, "too many connections");
                    incoming.reset();
                    Ok(())
                }
                Err(OpenError::Session(_) | OpenError::IdsExhausted | OpenError::NotClient) => Err(incoming),
            },
            Mode::Basic(basic) => basic.carry(incoming),
        }
    }

    /// How a session ended that is over; one that does not report it within a second is ended on the service.
    pub(crate) async fn end(mut self) -> End {
        match tokio::time::timeout(END_TIMEOUT, &mut self.task).await {
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
