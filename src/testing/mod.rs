//! Doubles and samples that the tests of several rooms use. What only one room uses stays in its `testing.rs`.

mod corpus;
mod fake;
mod instances;
mod written;

pub(crate) use corpus::every_seed_passes;
pub(crate) use fake::{Answer, Fake, keys};
pub(crate) use instances::{fleet, instance, many};
pub(crate) use written::Written;
