//! Instances: finding the one that is meant.

pub(crate) mod cache;
pub(crate) mod diagnose;
mod error;
mod inventory;
mod model;
pub(crate) mod probe;
pub(crate) mod query;
mod resolve;
mod trouble;

// Words of AWS that are words of the fleet too.
pub(crate) use crate::aws::{InstanceState, Platform};
pub(crate) use error::FleetError;
pub(crate) use inventory::update::Update;
pub use inventory::{CacheUse, Inventory, Options, cached, list};
pub(crate) use model::cell::Cell;
pub use model::instance::Instance;
pub use model::place::Place;
pub use model::state::TargetState;
pub(crate) use model::target::Target;
pub(crate) use query::spec::TargetSpec;
pub use query::terms::Query;
pub(crate) use query::terms::Tag;
pub(crate) use resolve::{Found, Resolved, Resolver};
#[cfg(test)]
pub(crate) use trouble::Service;
pub(crate) use trouble::Trouble;
