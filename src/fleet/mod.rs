//! Instances: finding the one that is meant.

pub mod cache;
mod cache_format;
pub mod diagnose;
mod error;
pub mod glob;
mod instance;
mod inventory;
mod joiner;
mod near;
mod pages;
mod plan;
pub mod probe;
mod probe_elsewhere;
#[cfg(test)]
mod probe_tests;
mod query;
mod resolve;
mod spec;
mod survey;
mod target;
mod trouble;

pub use error::FleetError;
pub use instance::{Instance, Place};
pub use inventory::{CacheUse, Inventory, Listing, Options, Update, cached, list, refresh};
pub use query::{Query, Tag, Term};
pub use resolve::{Found, Resolver};
pub use spec::TargetSpec;
pub use target::{Target, TargetState};
pub use trouble::{Service, Trouble};
