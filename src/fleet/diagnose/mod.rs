//! Whether an instance can be reached, and if not: why, and what fixes it. Pure: from [`Facts`] to a [`Diagnosis`].

mod facts;
mod obstacles;
mod purpose;
mod reason;
#[cfg(test)]
mod tests;

pub(crate) use facts::{AgentFacts, Answer, Ec2Facts, Elsewhere, Facts, Refusal, Sighting};
pub(crate) use purpose::Purpose;
pub(crate) use reason::Reason;

use crate::aws::{ErrorKind, InstanceState, PingStatus};

/// What can be said about reaching an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Diagnosis {
    /// Whether it can be reached.
    pub verdict: Verdict,
    /// The verdict's reason in a few words; a clause that follows "cannot be reached:". Empty if it can.
    pub summary: String,
    /// What keeps it from being reached, in the order in which a person would check. Empty if it can be.
    pub reasons: Vec<Reason>,
    /// What is worth knowing although it does not decide.
    pub cautions: Vec<Reason>,
}

/// Whether an instance can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A session can be expected to start.
    Reachable,
    /// It exists, as far as is known, and no session can start.
    NotConnected,
    /// It does not exist here.
    NoSuchTarget,
    /// No service that knows answered. The family of the failure.
    Undetermined(ErrorKind),
}

/// Says from facts whether a target can be reached, and if not, why.
pub(crate) fn diagnose(facts: &Facts) -> Diagnosis {
    let down = obstacles::down(facts);
    let verdict = verdict(facts, down.is_some());
    if verdict == Verdict::Reachable {
        return reachable(facts);
    }
    let mut reasons: Vec<Reason> = Vec::new();
    let mut summary = None;
    if let Some(elsewhere) = &facts.elsewhere {
        reasons.extend(obstacles::elsewhere(facts, elsewhere));
    }
    if facts.is_container() {
        reasons.extend(facts.connected.given().map(|_| obstacles::container()));
    } else if facts.is_unknown_here() {
        if reasons.is_empty() {
            reasons.push(obstacles::unknown_here(facts));
        }
    } else if let Some(down) = down {
        // A stopped instance says nothing of its agent; what it was like before is of no use now.
        reasons.push(down);
    } else if let Some(agent) = facts.known_agent() {
        if agent.ping == PingStatus::Online {
            reasons.extend(obstacles::too_old(facts, facts.purpose));
            reasons.extend(obstacles::tier(facts));
            let connected = facts.connected.given() == Some(&true);
            let explained = reasons.iter().any(|reason| reason.certain);
            reasons.extend((!connected && !explained).then(|| obstacles::no_channel(facts)));
        } else {
            reasons.extend(obstacles::silent(facts));
            reasons.extend(obstacles::profile_gone(facts));
            reasons.extend(obstacles::too_old(facts, facts.purpose));
            reasons.extend(obstacles::tier(facts));
        }
    } else if verdict == Verdict::NotConnected {
        summary = Some(match &facts.agent {
            Answer::Given(_) => "Systems Manager does not know it",
            _ => "its agent is not connected to Session Manager",
        });
        reasons.extend(facts.ec2.refusal().map(|_| obstacles::may_be_down(facts)));
        reasons.extend(obstacles::unregistered(facts));
    }
    reasons.extend(unanswered(facts));
    let summary = summary.map(str::to_owned).or_else(|| Some(reasons.first()?.what.clone()));
    let fallback = "the reason is unknown".to_owned();
    Diagnosis { verdict, summary: summary.unwrap_or(fallback), reasons, cautions: Vec::new() }
}

fn verdict(facts: &Facts, down: bool) -> Verdict {
    let starting = facts.instance().is_some_and(|instance| instance.state == InstanceState::Pending);
    let online = facts.known_agent().map(|agent| agent.ping == PingStatus::Online);
    let barred = || {
        let refused = facts.refused.is_some() && obstacles::tier(facts).is_some_and(|reason| reason.certain);
        refused || obstacles::too_old(facts, facts.purpose).is_some()
    };
    if facts.is_unknown_here() {
        return Verdict::NoSuchTarget;
    }
    // Session Manager still calls an agent connected for a while after its instance was stopped.
    if down && !starting {
        return Verdict::NotConnected;
    }
    match (facts.connected.given(), online) {
        (Some(true), _) | (None, Some(true)) if !barred() => Verdict::Reachable,
        (Some(_), _) | (None, Some(_)) => Verdict::NotConnected,
        // It is not registered, so it is not connected either, whether or not that could be asked.
        (None, None) if facts.agent.given().is_some() || down => Verdict::NotConnected,
        (None, None) => Verdict::Undetermined(worst(facts)),
    }
}

/// The family of failures that says most: credentials and permissions before networks.
fn worst(facts: &Facts) -> ErrorKind {
    let kinds: Vec<_> = facts.refusals().map(|refusal| refusal.kind).collect();
    let denied = [ErrorKind::Credentials, ErrorKind::Permission].into_iter().find(|kind| kinds.contains(kind));
    denied.or(kinds.first().copied()).unwrap_or(ErrorKind::Service)
}

fn reachable(facts: &Facts) -> Diagnosis {
    let mut cautions: Vec<Reason> = Vec::new();
    // What the oldest missing ability takes, all newer ones take as well.
    cautions.extend(Purpose::ALL.into_iter().find_map(|purpose| obstacles::too_old(facts, purpose)));
    cautions.extend(obstacles::tier(facts));
    cautions.extend(unanswered(facts));
    Diagnosis { verdict: Verdict::Reachable, summary: String::new(), reasons: Vec::new(), cautions }
}

/// What was asked and not answered, each kind of trouble once: expired credentials are the same for every question.
fn unanswered(facts: &Facts) -> Vec<Reason> {
    let mut reasons: Vec<Reason> = Vec::new();
    for refusal in facts.refusals() {
        let reason = obstacles::unanswered(refusal);
        if !reasons.iter().any(|known| known.what == reason.what) {
            reasons.push(reason);
        }
    }
    reasons
}
