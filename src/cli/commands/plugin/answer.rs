//! The answer of StartSession, of which the token opens the session: where it comes from, and what must not see it.
//!
//! The AWS CLI hands it over in an environment variable. That would go on to every program that ssmx runs, such as a
//! `credential_process`, and it stands in `/proc/PID/environ` for as long as this process lives. A variable can only be
//! taken out of our own environment by code that is unsafe in Rust, since other threads may be reading it; so the
//! process starts itself again without the variable, with the answer in a pipe. Windows cannot do that, and there the
//! variable stays.

use std::ffi::OsString;

use zeroize::Zeroizing;

use super::mistake::{MOST_BYTES, Mistake};
use crate::aws::{START_SESSION_RESPONSE, start_session_response};

/// Answers in a pipe are named like this.
const PIPE: &str = "/dev/fd/";

/// Reads the answer that the first argument of a call means: the JSON itself, a variable, or a pipe.
pub(crate) fn read(argument: &str) -> Result<Zeroizing<String>, Mistake> {
    let text = if argument.starts_with(START_SESSION_RESPONSE) {
        Zeroizing::new(start_session_response(argument).ok_or(Mistake::Variable)?)
    } else if argument.starts_with(PIPE) {
        read_pipe(argument)?
    } else {
        Zeroizing::new(argument.to_owned())
    };
    if text.len() > MOST_BYTES { Err(Mistake::TooLong) } else { Ok(text) }
}

fn read_pipe(path: &str) -> Result<Zeroizing<String>, Mistake> {
    use std::io::Read;
    let mut text = Zeroizing::new(String::with_capacity(MOST_BYTES + 1));
    let pipe = std::fs::File::open(path).map_err(|_| Mistake::Unreadable)?;
    pipe.take(MOST_BYTES as u64 + 1).read_to_string(&mut text).map_err(|_| Mistake::Unreadable)?;
    Ok(text)
}

/// If the answer is in the environment, starts this program again with the answer in a pipe, and does not return. Where
/// that cannot be done, or need not be, it returns, and the answer is where it was.
#[cfg(unix)]
pub(crate) fn take_out_of_environment(args: &[OsString]) {
    use std::io::Write;
    use std::os::fd::AsRawFd;
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    use crate::cli::descriptors::as_at_start;
    use crate::cli::program::this_program;

    let Some((variable, rest)) = args.split_first().filter(|_| args.len() > 2) else { return };
    let Some(name) = variable.to_str().filter(|name| name.starts_with(START_SESSION_RESPONSE)) else { return };
    let Ok(answer) = read(name) else { return };
    let again = || -> std::io::Result<()> {
        let program = this_program()?;
        let (reader, mut writer) = std::io::pipe()?;
        let path = format!("{PIPE}{}", reader.as_raw_fd());
        // Somewhere without /proc the other end would not find it.
        std::fs::metadata(&path)?;
        writer.write_all(answer.as_bytes())?;
        rustix::io::fcntl_setfd(&reader, rustix::io::FdFlags::empty())?;
        Err(as_at_start(|| Command::new(program).arg0(super::NAME).arg(path).args(rest).env_remove(name).exec()))
    };
    if let Err(error) = again() {
        tracing::debug!(%error, "the answer of StartSession stays in the environment");
    }
}

#[cfg(not(unix))]
pub(crate) fn take_out_of_environment(_args: &[OsString]) {}
