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

pub(crate) use error::FleetError;
pub(crate) use inventory::Update;
pub use inventory::{CacheUse, Inventory, Options, cached, list};
pub(crate) use model::cell::Cell;
pub use model::instance::{Instance, Place};
pub(crate) use model::target::Target;
pub use model::target::TargetState;
pub(crate) use query::spec::TargetSpec;
pub use query::terms::Query;
pub(crate) use query::terms::Tag;
pub(crate) use resolve::{Found, Resolver};
#[cfg(test)]
pub(crate) use trouble::Service;
pub(crate) use trouble::Trouble;
