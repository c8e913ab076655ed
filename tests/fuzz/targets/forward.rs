//! Any forward.
#![no_main]
#![allow(dead_code, unused_imports, reason = "a target uses one part of a room")]

#[path = "."]
mod session {
    #[path = "."]
    pub(crate) mod forward {
        #[path = "../../../src/session/forward/endpoint.rs"]
        mod endpoint;

        pub(crate) use endpoint::*;
    }
}

#[path = "."]
mod cli {
    #[path = "."]
    pub(crate) mod commands {
        #[path = "."]
        pub(crate) mod fwd {
            #[path = "../../../src/cli/commands/fwd/spec/check.rs"]
            pub(crate) mod check;
            #[path = "../../../src/cli/commands/fwd/spec.rs"]
            pub(crate) mod spec;
        }
    }
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cli::commands::fwd::check::check(bytes));
