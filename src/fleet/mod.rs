//! Instances: finding the one that is meant.

mod error;
mod instance;
mod near;
mod resolve;
mod target;

pub use error::FleetError;
pub use instance::{Instance, Place};
pub use resolve::resolve;
pub use target::{Target, TargetState};
