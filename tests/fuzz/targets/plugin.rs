//! Any call of the plugin.
#![no_main]
#![allow(dead_code, unused_imports, reason = "a target uses one part of a room")]

#[path = "shim/aws.rs"]
mod aws;

#[path = "."]
mod cli {
    #[path = "../../../src/cli/descriptors.rs"]
    pub(crate) mod descriptors;
    #[path = "../../../src/cli/program.rs"]
    pub(crate) mod program;

    #[path = "."]
    pub(crate) mod commands {
        #[path = "."]
        pub(crate) mod plugin {
            pub(crate) const NAME: &str = "session-manager-plugin";

            #[path = "../../../src/cli/commands/plugin/answer.rs"]
            pub(crate) mod answer;
            #[path = "../../../src/cli/commands/plugin/call.rs"]
            pub(crate) mod call;
            #[path = "../../../src/cli/commands/plugin/check.rs"]
            pub(crate) mod check;
            #[path = "../../../src/cli/commands/plugin/fields.rs"]
            pub(crate) mod fields;
            #[path = "../../../src/cli/commands/plugin/mistake.rs"]
            pub(crate) mod mistake;
        }
    }
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cli::commands::plugin::check::check(bytes));
