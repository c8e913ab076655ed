//! Which instance is meant: looked up, chosen by the person, and explained when it cannot be reached.

pub(crate) mod choose;
pub(crate) mod explain;
mod feed;
pub(crate) mod lookup;
pub(crate) mod places;
pub(crate) mod reason;
pub(crate) mod troubles;
