//! Any target, and any query.
#![no_main]
#![allow(dead_code, unused_imports, reason = "a target uses one part of a room")]

#[path = "shim/aws.rs"]
mod aws;
#[path = "../../../src/config/mod.rs"]
mod config;
#[path = "../../../src/environment.rs"]
mod environment;
#[path = "../../../src/nearest.rs"]
mod nearest;
#[path = "../../../src/syntax.rs"]
mod syntax;
#[path = "../../../src/text.rs"]
mod text;

#[path = "."]
mod fleet {
    #[path = "../../../src/fleet/error.rs"]
    pub(crate) mod error;
    #[path = "../../../src/fleet/model/mod.rs"]
    pub(crate) mod model;
    #[path = "../../../src/fleet/trouble.rs"]
    pub(crate) mod trouble;

    #[path = "."]
    pub(crate) mod query {
        #[path = "../../../src/fleet/query/check.rs"]
        pub(crate) mod check;
        #[path = "../../../src/fleet/query/glob.rs"]
        pub(crate) mod glob;
        #[path = "../../../src/fleet/query/spec.rs"]
        pub(crate) mod spec;
        #[path = "../../../src/fleet/query/terms.rs"]
        pub(crate) mod terms;
    }
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fleet::query::check::check(bytes));
