//! Any bytes, as both roles would receive them.
#![no_main]

#[expect(dead_code, reason = "a target uses one part of the protocol")]
#[path = "../../../src/protocol/mod.rs"]
mod protocol;

#[path = "../../../src/protocol/smux/tests/check.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
