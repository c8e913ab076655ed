//! Any configuration file, and any change of it.
#![no_main]
#![allow(dead_code, unused_imports, reason = "a target uses one part of a room")]

#[path = "../../../src/config/mod.rs"]
mod config;
#[path = "../../../src/environment.rs"]
mod environment;
#[path = "../../../src/nearest.rs"]
mod nearest;
#[path = "../../../src/syntax.rs"]
mod syntax;

#[path = "../../../src/config/check.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
