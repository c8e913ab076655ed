//! [`Update`]: what a listing reports.

use std::time::SystemTime;

use crate::fleet::model::instance::Instance;
use crate::fleet::model::place::Place;
use crate::fleet::trouble::Trouble;

/// A part of a listing, as soon as it is known.
#[derive(Clone, Debug)]
pub enum Update {
    /// Instances that are new, or of which more or something else is known: id and place say which.
    Found(Vec<Instance>),
    /// Instances that were in the cache, and are not any more.
    Gone(Vec<(Place, String)>),
    /// A place will not be known completely.
    Trouble(Trouble),
    /// A place is known as far as it can be.
    Finished {
        place: Place,
        /// When it was asked.
        as_of: SystemTime,
        /// Whether that is out of the cache.
        cached: bool,
    },
}
