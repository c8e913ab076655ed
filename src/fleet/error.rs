//! Why no target, or not one, was found; and what to do about it.

use thiserror::Error;

use super::model::instance::Instance;
use super::trouble::Trouble;
use crate::aws::ErrorKind;
use crate::text::printable;

/// A target that could not be made out.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum FleetError {
    /// No instance is meant.
    #[error("no instance {described} in {region}")]
    NotFound {
        /// What was looked for, as in "is named `web`".
        described: String,
        /// Where it was looked for.
        region: String,
        /// Names of instances that look like it, nearest first, at most 3.
        near: Vec<String>,
        /// What kept a service from answering, if it did.
        missing: Vec<Trouble>,
    },
    /// Several are meant equally well.
    #[error("{} instances {described}: {}", matches.len(), list(matches))]
    Ambiguous {
        /// What they have in common, as in "are named `web`".
        described: String,
        /// All of them, in the order in which they are shown. The text of the error lists at most 20.
        matches: Vec<Instance>,
    },
    /// The target is an empty text.
    #[error("the target is empty")]
    Empty,
    /// Neither service answered, or not to the end.
    #[error("{}", .0.message)]
    Unanswered(Box<Trouble>),
}

impl FleetError {
    /// What family the failure belongs to; enough to choose an exit code.
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound { .. } | Self::Ambiguous { .. } => ErrorKind::NotFound,
            Self::Empty => ErrorKind::Usage,
            Self::Unanswered(trouble) => trouble.kind,
        }
    }

    /// What a program said before it failed, in lines.
    pub(crate) fn output(&self) -> Option<&str> {
        match self {
            Self::Unanswered(trouble) => trouble.output.as_deref(),
            _ => None,
        }
    }

    /// What to do about it, best first; may be empty.
    pub(crate) fn hints(&self) -> Vec<String> {
        match self {
            Self::NotFound { near, missing, .. } => {
                let mut hints = Vec::new();
                if !near.is_empty() {
                    let near: Vec<_> = near.iter().map(|name| printable(name)).collect();
                    hints.push(format!("did you mean {}?", near.join(", ")));
                }
                for trouble in missing {
                    hints.push(format!("some instances could not be listed: {}", trouble.message));
                    hints.extend(trouble.hints.iter().cloned());
                }
                hints.push("`ssmx ls` lists all instances; also check the region and the account".to_owned());
                hints
            }
            Self::Ambiguous { .. } => vec!["give the id of one of them".to_owned()],
            Self::Empty => Vec::new(),
            Self::Unanswered(trouble) => trouble.hints.clone(),
        }
    }
}

fn list(matches: &[Instance]) -> String {
    let shown = matches.iter().take(MATCHES_SHOWN).map(|instance| instance.target().to_string());
    let mut list = shown.collect::<Vec<_>>().join(", ");
    if matches.len() > MATCHES_SHOWN {
        list.push_str(&format!(", and {} more", matches.len() - MATCHES_SHOWN));
    }
    list
}

/// How many matches the text of an error lists.
const MATCHES_SHOWN: usize = 20;
