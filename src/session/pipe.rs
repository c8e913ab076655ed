//! The input of a command without a terminal.
//!
//! Agents give such a command none. So a second session, on a terminal, carries it into a named pipe on the instance,
//! from which the command reads: line by line as base64, which a terminal leaves alone. None of it is in a parameter of
//! a session, where it would be in the account's audit trail and in the instance's list of processes.

use std::io;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use tokio::sync::oneshot;

use super::event::{OutputEvent, next_output};
use super::observer::Observer;
use crate::channel::{self, Channel, End};
use crate::terminal::Input;

/// What the instance prints once it takes input.
const READY: &str = "ssmx-takes-input";

/// What it prints when it cannot take what was sent.
const FAILED: &str = "ssmx-lost-input";

/// The line behind the last one. It is not base64.
const LAST: &[u8] = b".\n";

/// Bytes of input in one line: whole groups of base64, and few enough that a shell reads the line at once.
const LINE: usize = 3 * 1024;

/// How much of what the instance prints instead is kept for the error: 4 KiB.
const MOST_TEXT: usize = 4 * 1024;

/// How long the instance may take to make the pipe.
const READY_TIMEOUT: Duration = Duration::from_secs(30);

/// A named pipe on an instance, in a folder of its own that only its maker can enter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pipe {
    folder: String,
}

impl Pipe {
    /// One with a name that nobody knows.
    pub(crate) fn new() -> Self {
        Self { folder: format!("/tmp/.ssmx-{:032x}", u128::from_ne_bytes(channel::random())) }
    }

    /// The line for a shell on a terminal that makes the pipe and fills it. It leaves when the command reads no more, which it tells from a decoder that fails by decoding once more.
    pub(super) fn filling(&self) -> String {
        let folder = &self.folder;
        format!(
            "d={folder}; trap 'rm -rf \"$d\"' EXIT; trap 'exit 1' HUP INT TERM; \
             umask 077; mkdir \"$d\" && mkfifo \"$d/in\" && stty raw -echo && echo {READY} && exec 3>&1 && \
             while IFS= read -r l && [ \"$l\" != . ]; do printf %s \"$l\" | base64 -d || \
             {{ printf %s \"$l\" | base64 -d >/dev/null && exit 0; echo {FAILED} >&3; exit 1; }}; done >\"$d/in\""
        )
    }

    /// The words before those of the command that reads from it. The pipe needs no name once both ends are open.
    pub(super) fn reading(&self) -> [String; 4] {
        let script = r#"exec <"$0/in"; rm -rf "$0"; exec "$@""#;
        ["sh", "-c", script, &self.folder].map(str::to_owned)
    }
}

/// Why the input does not reach the command.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    /// The session did not come so far.
    #[error("the session for the input ended before it took any")]
    Ended(End),
    /// It made no pipe.
    #[error("the instance could not prepare for the input")]
    Unprepared(String),
    /// It said nothing in time.
    #[error("the instance did not prepare for the input within {} s", READY_TIMEOUT.as_secs())]
    TimedOut,
    /// Our own input.
    #[error("cannot read standard input")]
    Input(#[source] io::Error),
    /// The instance could not decode what was sent; the command has met an end of file.
    #[error("the instance could not take all of the input")]
    Undecoded,
    /// The session that carries the input is gone before all of it was there; the command has met an end of file.
    #[error("the session that carried the input was lost before all of it had arrived")]
    Lost(End),
}

/// Carries standard input into a pipe.
#[derive(Debug)]
pub(crate) struct Carrier(Channel);

impl Carrier {
    /// Waits until the instance takes input. If it does not, the session is ended on the service.
    ///
    /// # Errors
    /// [`InputError`]
    pub(crate) async fn prepared(mut channel: Channel, observer: &dyn Observer) -> Result<Self, InputError> {
        let prepared = match tokio::time::timeout(READY_TIMEOUT, prepare(&mut channel, observer)).await {
            Ok(prepared) => prepared,
            Err(_) => Err(InputError::TimedOut),
        };
        match prepared {
            Ok(()) => Ok(Self(channel)),
            Err(error) => {
                channel.terminate().await;
                Err(error)
            }
        }
    }

    /// Carries all of standard input, or as much as the command reads, or until `stop` is dropped. Then the session has
    /// ended on the service.
    ///
    /// # Errors
    /// [`InputError`]
    pub(crate) async fn carry(
        mut self,
        stop: oneshot::Receiver<()>,
        observer: &dyn Observer,
    ) -> Result<(), InputError> {
        let input = self.0.input();
        let carried = {
            let ended = async |channel: &mut Channel| {
                let mut text = Vec::new();
                loop {
                    match next_output(channel, observer).await {
                        OutputEvent::Stdout(bytes) | OutputEvent::Stderr(bytes) => keep_last(&mut text, &bytes),
                        OutputEvent::ExitCode(_) => {}
                        OutputEvent::Ended(_) if String::from_utf8_lossy(&text).contains(FAILED) => {
                            return Err(InputError::Undecoded);
                        }
                        OutputEvent::Ended(end) => return over(end),
                    }
                }
            };
            tokio::select! {
                Err(error) = send(input) => Err(error),
                ended = ended(&mut self.0) => ended,
                _ = stop => Ok(()),
            }
        };
        self.0.terminate().await;
        carried
    }

    /// Ends the session on the service.
    pub(crate) async fn terminate(self) {
        self.0.terminate().await;
    }
}

/// Sends all of standard input.
async fn send(input: channel::Input) -> Result<(), InputError> {
    let mut stdin = Input::open().map_err(InputError::Input)?;
    loop {
        let bytes = stdin.read().await.map_err(InputError::Input)?;
        if bytes.is_empty() {
            break;
        }
        for piece in bytes.chunks(LINE) {
            let line = Bytes::from(STANDARD.encode(piece) + "\n");
            if input.write(line).await.is_err() {
                return Ok(());
            }
        }
    }
    // A session that is over says itself how it ended.
    let _ = input.write(Bytes::from_static(LAST)).await;
    Ok(())
}

/// A session that ends by itself has taken everything, or its command read no more.
fn over(end: End) -> Result<(), InputError> {
    match end {
        End::Closed(reason) if reason.trim().is_empty() => Ok(()),
        end => Err(InputError::Lost(end)),
    }
}

/// Keeps the last of what the instance prints, as its words may come in pieces.
fn keep_last(text: &mut Vec<u8>, bytes: &[u8]) {
    text.extend_from_slice(bytes);
    text.drain(..text.len().saturating_sub(MOST_TEXT));
}

async fn prepare(channel: &mut Channel, observer: &dyn Observer) -> Result<(), InputError> {
    let mut text = Vec::new();
    loop {
        match next_output(channel, observer).await {
            OutputEvent::Stdout(bytes) | OutputEvent::Stderr(bytes) => {
                keep_last(&mut text, &bytes);
                if String::from_utf8_lossy(&text).contains(READY) {
                    return Ok(());
                }
            }
            OutputEvent::ExitCode(_) => {}
            OutputEvent::Ended(End::Closed(reason)) if reason.trim().is_empty() => {
                let text = String::from_utf8_lossy(&text).replace('\r', "");
                return Err(InputError::Unprepared(text.trim().to_owned()));
            }
            OutputEvent::Ended(end) => return Err(InputError::Ended(end)),
        }
    }
}
