//! What is known of an instance when it has to be said whether and why not it can be reached.

use std::time::SystemTime;

use super::purpose::Purpose;
use crate::aws::{self, ErrorKind, HybridTier, InstanceState, PingStatus, Platform};
use crate::fleet::model::place::Place;

/// What is known of one target.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    /// `i-…`, `mi-…` or `ecs:…`.
    pub id: String,
    /// Where it was looked for.
    pub place: Place,
    /// What a session is to be for.
    pub purpose: Purpose,
    /// What EC2 says; none if it knows no such instance.
    pub ec2: Answer<Option<Ec2Facts>>,
    /// What Systems Manager says of its agent; none if it does not list one.
    pub agent: Answer<Option<AgentFacts>>,
    /// Whether its agent has a connection to Session Manager.
    pub connected: Answer<bool>,
    /// The tier of the hybrid nodes of the account and region.
    pub tier: Answer<HybridTier>,
    /// Why a session could not be started, if that was tried.
    pub refused: Option<Refusal>,
    /// Where else it is known, if it was looked for elsewhere.
    pub elsewhere: Option<Elsewhere>,
    /// When this was asked.
    pub now: SystemTime,
}

/// What a service said to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer<T> {
    /// The question makes no sense, or was not worth a request.
    NotAsked,
    Given(T),
    /// It did not answer.
    Refused(Refusal),
}

/// What EC2 knows of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ec2Facts {
    /// What it is doing.
    pub state: InstanceState,
    /// The value of its name tag.
    pub name: Option<String>,
    /// Windows, or something else.
    pub platform: Option<Platform>,
    /// The ARN of its instance profile.
    pub instance_profile: Option<String>,
    /// Whether it has a public IPv4 address.
    pub has_public_ip: bool,
    /// When it was started.
    pub launched: Option<SystemTime>,
}

/// What Systems Manager knows of an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AgentFacts {
    /// Whether it reports regularly.
    pub ping: PingStatus,
    /// When it did so last.
    pub last_ping: Option<SystemTime>,
    pub version: Option<String>,
    /// The operating system's family.
    pub platform: Option<Platform>,
    /// The operating system's own name and version.
    pub platform_name: Option<String>,
    /// The name given when a hybrid node was activated.
    pub name: Option<String>,
}

/// A question that was not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The family of the failure.
    pub kind: ErrorKind,
    /// What was asked, as IAM names it, or in words if it was no request to a service.
    pub action: String,
    /// What it was asked about.
    pub resource: Option<String>,
    /// The error code of the service.
    pub code: Option<String>,
    /// What happened, in one line.
    pub message: String,
    /// The request id, which AWS support asks for.
    pub request_id: Option<String>,
    /// What to do about it, best first.
    pub hints: Vec<String>,
}

/// What came of looking for an instance in other regions and accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Elsewhere {
    /// The places that were asked, and answered.
    pub asked: Vec<Place>,
    /// Those of them that know it.
    pub known: Vec<Sighting>,
    /// Places that are configured and were not asked, or did not answer in time.
    pub unanswered: Vec<Place>,
}

/// An instance that was seen elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sighting {
    pub place: Place,
    pub id: String,
}

impl Sighting {
    /// The flags with which a command looks there and not `here`, as in "--region eu-west-1".
    pub(crate) fn flags(&self, here: &Place) -> String {
        let profile = self.place.profile.as_ref().filter(|_| self.place.profile != here.profile);
        let profile = profile.map(|profile| format!(" --profile {profile}")).unwrap_or_default();
        format!("--region {}{profile}", self.place.region)
    }
}

impl Elsewhere {
    /// How many places answered, in words.
    pub(crate) fn asked(&self) -> String {
        match self.asked.len() {
            1 => "1 other configured place".to_owned(),
            count => format!("{count} other configured places"),
        }
    }
}

impl<T> Answer<T> {
    /// The answer, if there was one.
    pub(crate) fn given(&self) -> Option<&T> {
        match self {
            Self::Given(answer) => Some(answer),
            Self::NotAsked | Self::Refused(_) => None,
        }
    }

    /// Why there was none, if it was asked for.
    pub(crate) fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::NotAsked | Self::Given(_) => None,
        }
    }
}

impl Facts {
    /// What is known of a target before any request.
    pub(crate) fn none(id: impl Into<String>, place: Place, purpose: Purpose, now: SystemTime) -> Self {
        Self {
            id: id.into(),
            place,
            purpose,
            ec2: Answer::NotAsked,
            agent: Answer::NotAsked,
            connected: Answer::NotAsked,
            tier: Answer::NotAsked,
            refused: None,
            elsewhere: None,
            now,
        }
    }

    /// What EC2 knows of it.
    pub(crate) fn instance(&self) -> Option<&Ec2Facts> {
        self.ec2.given()?.as_ref()
    }

    /// What Systems Manager knows of its agent.
    pub(crate) fn known_agent(&self) -> Option<&AgentFacts> {
        self.agent.given()?.as_ref()
    }

    /// Its name, if it is known.
    pub(crate) fn name(&self) -> Option<&str> {
        let name = self.instance().and_then(|instance| instance.name.as_deref());
        name.or_else(|| self.known_agent()?.name.as_deref())
    }

    /// Its operating system, if it is known.
    pub(crate) fn platform(&self) -> Option<Platform> {
        let platform = self.known_agent().and_then(|agent| agent.platform);
        platform.or_else(|| self.instance()?.platform)
    }

    /// Whether it is a hybrid node, which EC2 does not know.
    pub(crate) fn is_hybrid(&self) -> bool {
        self.id.starts_with("mi-")
    }

    /// Whether it is a container of ECS.
    pub(crate) fn is_container(&self) -> bool {
        self.id.starts_with("ecs:")
    }

    /// Whether those who would know it were asked, and do not.
    pub(crate) fn is_unknown_here(&self) -> bool {
        let by_agent = matches!(self.agent, Answer::Given(None));
        match &self.ec2 {
            // Systems Manager knows no EC2 instance that EC2 does not know.
            Answer::Given(None) => self.known_agent().is_none(),
            Answer::NotAsked => self.is_hybrid() && by_agent,
            _ => false,
        }
    }

    /// Whether it is worth looking for it in other regions and accounts.
    pub(crate) fn may_be_elsewhere(&self) -> bool {
        let unseen = matches!(self.ec2, Answer::Refused(_)) && self.known_agent().is_none();
        !self.is_container() && self.connected.given() != Some(&true) && (self.is_unknown_here() || unseen)
    }

    /// The questions that were asked and not answered.
    pub(crate) fn refusals(&self) -> impl Iterator<Item = &Refusal> {
        // Not that of the tier, which decides nothing: if it is missing, a session fails with a message that says so.
        [self.connected.refusal(), self.ec2.refusal(), self.agent.refusal()].into_iter().flatten()
    }
}

impl From<&aws::Error> for Refusal {
    fn from(error: &aws::Error) -> Self {
        Self {
            kind: error.kind(),
            action: error.action().to_owned(),
            resource: error.resource().map(str::to_owned),
            code: error.code().map(str::to_owned),
            message: error.to_string(),
            request_id: error.request_id().map(str::to_owned),
            hints: error.hints(),
        }
    }
}

impl Refusal {
    /// An answer that did not come in time.
    pub(crate) fn late(action: &str, seconds: u64) -> Self {
        Self {
            kind: ErrorKind::Network,
            action: action.to_owned(),
            resource: None,
            code: None,
            message: format!("{action} got no response within {seconds} s"),
            request_id: None,
            hints: Vec::new(),
        }
    }
}
