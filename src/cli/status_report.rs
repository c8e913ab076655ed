//! What `ssmx status` has found out of a target.

use super::error::{CliError, ErrorKind};
use super::exit::Exit;
use crate::fleet::diagnose::{Diagnosis, Facts, Verdict};

/// What can be told of a target as it was typed; several instances make several of these.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) target: String,
    /// Or why it is not known which instance is meant.
    pub(super) report: Result<Report, CliError>,
}

/// What was found out of an instance.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) facts: Facts,
    pub(super) diagnosis: Diagnosis,
}

impl Report {
    /// The exit code that this alone would have.
    pub(super) fn exit(&self) -> Exit {
        match self.diagnosis.verdict {
            Verdict::Reachable => Exit::FINE,
            Verdict::NotConnected => Exit::NOT_CONNECTED,
            Verdict::NoSuchTarget => Exit::NO_TARGET,
            Verdict::Undetermined(kind) => CliError::new(ErrorKind::from(kind), "").exit(),
        }
    }

    /// The verdict in one word, for programs.
    pub(super) fn word(&self) -> &'static str {
        match self.diagnosis.verdict {
            Verdict::Reachable => "reachable",
            Verdict::NotConnected => "not-connected",
            Verdict::NoSuchTarget => "no-such-target",
            Verdict::Undetermined(_) => "undetermined",
        }
    }
}
