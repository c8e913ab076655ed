//! Any stream URL.
#![no_main]
#![allow(dead_code, unused_imports, reason = "a target uses one part of a room")]

#[path = "shim/aws.rs"]
mod aws;

#[path = "."]
mod channel {
    #[path = "../../../src/channel/stream_url.rs"]
    pub(crate) mod stream_url;

    #[path = "../../../src/channel/stream_url/check.rs"]
    pub(crate) mod check;
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| channel::check::check(bytes));
