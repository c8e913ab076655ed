//! Any frames, as both roles would receive them.
#![no_main]

#[expect(dead_code, unused_imports, reason = "a target uses one part of the protocol")]
#[path = "../../../src/protocol/mod.rs"]
mod protocol;

#[path = "../../../src/protocol/tests/check_message.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
