//! Any file in the cache.
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
    pub(crate) mod cache {
        #[path = "../../../src/fleet/cache/check.rs"]
        pub(crate) mod check;
        #[path = "../../../src/fleet/cache/format.rs"]
        pub(crate) mod format;
    }
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fleet::cache::check::check(bytes));
