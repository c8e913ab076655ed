//! Why no target, or not one, was found; and what to do about it.

use thiserror::Error;

use super::target::Target;
use crate::aws::{self, ErrorKind};

/// A target that could not be made out.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FleetError {
    /// There is none.
    #[error("no instance is named `{target}` in {region}")]
    NotFound {
        /// What was looked for.
        target: String,
        /// Where it was looked for.
        region: String,
        /// Names of instances that look like it, nearest first, at most 3.
        near: Vec<String>,
        /// What kept one of the two services from answering, if it did.
        missing: Option<aws::Error>,
    },
    /// There are several, none of them better than the others.
    #[error("{total} instances are named `{target}`: {}", list(.matches, *.total))]
    Ambiguous {
        /// What was looked for.
        target: String,
        /// The matches, those that can be reached first, at most 20.
        matches: Vec<Target>,
        /// How many there are in all.
        total: usize,
    },
    /// A target that nothing can be named like.
    #[error("an empty text names no instance")]
    Empty,
    /// Nobody could be asked.
    #[error(transparent)]
    Aws(#[from] aws::Error),
}

impl FleetError {
    /// What family the failure belongs to; enough to choose an exit code.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound { .. } | Self::Ambiguous { .. } => ErrorKind::NotFound,
            Self::Empty => ErrorKind::Usage,
            Self::Aws(err) => err.kind(),
        }
    }

    /// What to do about it, best first; may be empty.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::NotFound { near, missing, .. } => {
                let mut hints = Vec::new();
                if !near.is_empty() {
                    hints.push(format!("did you mean {}?", near.join(", ")));
                }
                if let Some(err) = missing {
                    hints.push(format!("not every instance could be seen: {err}"));
                }
                hints.push("the Name tag must match exactly; check also region and account".to_owned());
                hints
            }
            Self::Ambiguous { .. } => vec!["name one of them by its id".to_owned()],
            Self::Empty => Vec::new(),
            Self::Aws(err) => err.hints(),
        }
    }
}

fn list(matches: &[Target], total: usize) -> String {
    let mut list = matches.iter().map(Target::to_string).collect::<Vec<_>>().join(", ");
    if total > matches.len() {
        list.push_str(&format!(", and {} more", total - matches.len()));
    }
    list
}
