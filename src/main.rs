//! The command: parse, run, exit code.

use std::process::ExitCode;

use ssmx::cli::{self, Cli};

fn main() -> ExitCode {
    // A shell waits with every key press.
    if let Some(exit) = cli::answer_completion() {
        return exit.into();
    }
    match Cli::from_args(std::env::args_os()) {
        Ok(cli) => cli::run(cli).into(),
        Err(error) => {
            // Help into a pipe that closed early is no failure worth a word.
            let _ = error.print();
            ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
        }
    }
}
