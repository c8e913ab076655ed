//! Runs the agent of a session, and ends the session when its agent, its client or a limit says so.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::sandbox::account::Account;
use crate::sandbox::agent::contract::{AgentSession, Outcome};
use crate::sandbox::sessions::session::{Phase, Session};

/// How long an agent may take to stop once its session is terminated.
const AGENT_STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a client that is away may take to come for the last frames and the end.
const RETURN_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a client that is there may take for its next frame, once its session has ended.
const STALL_TIMEOUT: Duration = Duration::from_mins(5);

/// How long the first connection of a client may take: tokens are documented to be valid only long enough for it.
const CONNECT_TIMEOUT: Duration = Duration::from_mins(5);

/// Serves a session from its start to its place in the history.
pub(crate) async fn supervise(account: Arc<Account>, session: Arc<Session>, job: AgentSession) {
    let agent = Arc::clone(&account.options.agent);
    // In a task of its own, so that an agent that panics ends its session and nothing else.
    let mut agent = tokio::spawn(async move { agent.run(job).await });
    let mut awaited = true;
    let outcome = tokio::select! {
        finished = &mut agent => Some(finished.unwrap_or_else(|_| Outcome::failed("the agent failed"))),
        end = ended_by_service(&account, &session) => {
            awaited = end.awaited;
            session.close(end.outcome);
            None
        }
        () = cut_agent(&account, &session) => None,
    };
    match outcome {
        Some(outcome) => session.close(outcome),
        None => {
            if timeout(AGENT_STOP_TIMEOUT, &mut agent).await.is_err() {
                tracing::warn!(session = session.id, "the agent did not stop in time");
                agent.abort();
            }
        }
    }
    tokio::select! {
        // The client's connection says when it has taken the end.
        () = session.reaches(Phase::Over) => {}
        () = client_stays_away(&session, awaited) => {}
        () = account.stopped() => {}
    }
    session.over();
    tracing::debug!(session = session.id, status = session.status(), "session over");
}

/// An end that the service gives a session.
struct End {
    outcome: Outcome,
    /// Whether a client that is away will come back for it: not one that has asked for it.
    awaited: bool,
}

async fn ended_by_service(account: &Account, session: &Session) -> End {
    let preferences = &account.options.preferences;
    let ended = |text: &str, awaited| End { outcome: Outcome { success: true, output: text.to_owned() }, awaited };
    tokio::select! {
        () = session.reaches(Phase::Terminating) => ended("", false),
        () = idle(session, preferences.idle_timeout) => ended("Your session timed out due to inactivity.", true),
        () = after(preferences.max_duration) => ended("Your session has reached its maximum duration.", true),
        () = never_attached(session) => End { outcome: Outcome::failed("no client has connected"), awaited: false },
        () = account.stopping() => ended("The sandbox was stopped.", false),
    }
}

async fn idle(session: &Session, limit: Option<Duration>) {
    let Some(limit) = limit else { return pending().await };
    loop {
        let until = session.to_agent.last_push().max(session.to_client.last_push()) + limit;
        if until <= Instant::now() {
            return;
        }
        sleep_until(until).await;
    }
}

async fn after(limit: Option<Duration>) {
    match limit {
        Some(limit) => sleep(limit).await,
        None => pending().await,
    }
}

async fn never_attached(session: &Session) {
    sleep(CONNECT_TIMEOUT).await;
    if session.was_attached() {
        pending::<()>().await;
    }
}

/// Waits until the client no longer fetches the last frames of a session.
async fn client_stays_away(session: &Session, awaited: bool) {
    let mut connection = session.connection();
    loop {
        connection.mark_unchanged();
        let taken = session.to_client.taken();
        let limit = match (session.was_attached(), session.is_attached()) {
            (false, _) => return,
            (true, false) if !awaited || session.is_given_up() => return,
            (true, false) => RETURN_TIMEOUT,
            (true, true) => STALL_TIMEOUT,
        };
        tokio::select! {
            () = sleep(limit) => {
                if session.to_client.taken() == taken {
                    return;
                }
            }
            // The sender is a field of the session: it cannot be gone.
            _ = connection.changed() => {}
        }
    }
}

async fn cut_agent(account: &Account, session: &Session) {
    let Some(every) = account.options.cut_agent_every else { return pending().await };
    loop {
        sleep(every).await;
        session.to_agent.cut();
    }
}
