//! Instances: finding the one that is meant.

pub mod cache;
pub mod diagnose;
mod error;
mod inventory;
mod model;
pub mod probe;
pub(crate) mod query;
mod resolve;
mod trouble;

pub use error::FleetError;
pub use inventory::{CacheUse, Inventory, Listing, Options, Update, cached, list, refresh};
pub use model::instance::{Instance, Place};
pub use model::target::{Target, TargetState};
pub use query::spec::TargetSpec;
pub use query::terms::{Query, Tag, Term};
pub use resolve::{Found, Resolver};
pub use trouble::{Service, Trouble};
