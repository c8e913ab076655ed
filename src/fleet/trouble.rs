//! What keeps a listing from being complete.

use std::fmt;

use super::model::place::Place;
use crate::aws::{self, ErrorKind};

/// A service that did not answer, or not to the end. What the other one says is listed nevertheless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Where it was asked.
    pub place: Place,
    /// Which of the two it was.
    pub service: Service,
    /// Whether it had answered in part: what was listed breaks off in the middle.
    pub partial: bool,
    /// The family of the failure.
    pub kind: ErrorKind,
    /// What happened, in one line.
    pub message: String,
    /// What to do about it, best first; may be empty.
    pub hints: Vec<String>,
    /// What a program said before it failed, in lines: one that was to find credentials.
    pub(crate) output: Option<String>,
}

/// A service that knows instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// It knows names, tags, addresses, and what is stopped.
    Ec2,
    /// It knows whether agents are in touch, and hybrid nodes.
    SystemsManager,
}

impl Trouble {
    pub(crate) fn new(place: &Place, service: Service, partial: bool, err: &aws::Error) -> Self {
        Self {
            place: place.clone(),
            service,
            partial,
            kind: err.kind(),
            message: err.to_string(),
            hints: err.hints(),
            output: err.output().map(str::to_owned),
        }
    }

    /// Whether the answer would be the same for some time: the caller may not ask this service.
    pub fn is_lasting(&self) -> bool {
        self.kind == ErrorKind::Permission && !self.partial
    }

    /// What is missing from the listing.
    pub fn missing(&self) -> &'static str {
        match (self.service, self.partial) {
            (Service::Ec2, false) => "names, tags, addresses and stopped instances are missing",
            (Service::Ec2, true) => {
                "the list is incomplete: instances are missing, or lack their names, tags and addresses"
            }
            (Service::SystemsManager, false) => "agent status and hybrid nodes are missing",
            (Service::SystemsManager, true) => {
                "the list is incomplete: some instances lack their status, and hybrid nodes may be missing"
            }
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.place, self.missing(), self.message)
    }
}
