//! Runs a program of OpenSSH.

use std::ffi::OsStr;
use std::io;

use tokio::process::Command;

use crate::cli::descriptors::as_at_start;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::terminal::{self, SuspendedChild, Terminations};

/// Runs a program with our standard streams to its end, and passes its exit code on.
///
/// # Errors
/// It cannot be run.
pub(crate) async fn run(
    program: &str,
    args: &[impl AsRef<OsStr>],
    terminations: &mut Terminations,
) -> Result<Exit, CliError> {
    let mut suspended = SuspendedChild::listen()?;
    let mut child =
        as_at_start(|| Command::new(program).args(args).spawn()).map_err(|error| cannot_run(program, &error))?;
    let id = child.id();
    loop {
        tokio::select! {
            status = child.wait() => {
                let failed = |error| CliError::failed(format!("cannot wait for `{program}`")).caused_by(&error);
                return Ok(Exit::of_status(status.map_err(failed)?));
            }
            // A key in the terminal reaches the program too, and a second signal does no harm; others reach only us.
            signal = terminations.next() => {
                if let Some(id) = child.id() {
                    terminal::forward(id, signal);
                }
            }
            // ssh suspends itself at `~^Z`, and unless we are suspended with it the shell does not come back.
            () = suspended.next(id.unwrap_or_default()) => {
                if let Err(error) = terminal::suspend() {
                    tracing::debug!(%error, "cannot suspend");
                }
            }
        }
    }
}

/// A program of OpenSSH is not there, or cannot be run.
pub(crate) fn cannot_run(program: &str, error: &io::Error) -> CliError {
    let failed = CliError::failed(format!("cannot run `{program}`")).caused_by(error);
    if error.kind() != io::ErrorKind::NotFound {
        return failed;
    }
    failed.hint("install the OpenSSH client: the package `openssh-client` (Debian, Ubuntu) or `openssh-clients` (Fedora, Amazon Linux)")
}
