//! Any handshake, as both roles would receive it.
#![no_main]

#[expect(dead_code, unused_imports, reason = "a target uses one part of the protocol")]
#[path = "../../../src/protocol/mod.rs"]
mod protocol;

#[path = "../../../src/protocol/tests/check_handshake.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
