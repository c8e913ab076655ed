//! Instances: finding the one that is meant.

mod error;
mod near;
mod resolve;
mod target;

pub use error::FleetError;
pub use resolve::resolve;
pub use target::{Target, TargetState};
