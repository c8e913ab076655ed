//! What `ssmx status` has found out of a target.

use crate::cli::error::{CliError, ErrorKind};
use crate::cli::exit::Exit;
use crate::fleet::Instance;
use crate::fleet::diagnose::{Diagnosis, Facts, Sighting, Verdict};

/// What `ssmx status` reports of a target as it was typed; several instances make several of these.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) target: String,
    /// Or why it is not known which instance is meant.
    pub(crate) outcome: Result<Finding, LookupError>,
}

/// What was found out of an instance.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) facts: Facts,
    pub(crate) diagnosis: Diagnosis,
}

/// Why it is not known which instance is meant.
#[derive(Debug)]
pub(crate) struct LookupError {
    pub(crate) failure: CliError,
    /// Those that may be meant, if there are several, and what they have in common, in a few words.
    pub(crate) matches: Vec<Instance>,
    pub(crate) in_common: String,
    /// What there is in other regions and accounts.
    pub(crate) elsewhere: Vec<Sighting>,
}

impl Report {
    /// The exit code that this alone would have.
    pub(crate) fn exit(&self) -> Exit {
        match &self.outcome {
            Ok(finding) => finding.exit(),
            Err(error) => error.failure.exit(),
        }
    }
}

impl LookupError {
    pub(crate) fn about(self, what: &str) -> Self {
        Self { failure: self.failure.about(what), ..self }
    }

    /// Adds something to do about it, before what is known already: it is about this very target.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        let known = &self.failure;
        let failure = CliError::new(known.kind(), known.message()).hint(hint);
        let failure = known.hints().iter().fold(failure, |failure, hint| failure.hint(hint));
        Self { failure, ..self }
    }
}

impl From<CliError> for LookupError {
    fn from(failure: CliError) -> Self {
        Self { failure, matches: Vec::new(), in_common: String::new(), elsewhere: Vec::new() }
    }
}

impl Finding {
    /// The exit code that this alone would have.
    pub(crate) fn exit(&self) -> Exit {
        match self.diagnosis.verdict {
            Verdict::Reachable => Exit::FINE,
            Verdict::NotConnected => Exit::NOT_CONNECTED,
            Verdict::NoSuchTarget => Exit::NO_TARGET,
            Verdict::Undetermined(kind) => CliError::new(ErrorKind::from(kind), "").exit(),
        }
    }

    /// The verdict in one word, for programs.
    pub(crate) fn word(&self) -> &'static str {
        match self.diagnosis.verdict {
            Verdict::Reachable => "reachable",
            Verdict::NotConnected => "not-connected",
            Verdict::NoSuchTarget => "no-such-target",
            Verdict::Undetermined(_) => "undetermined",
        }
    }
}
