//! An interactive shell: the person's terminal on one side, the session on the other, every byte as it is.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::event::{OutputEvent, next_output};
use super::observer::Observer;
use crate::channel::{self, Channel, End};
use crate::protocol;
use crate::terminal::signals::exit_at_next;
use crate::terminal::{self, Changes, EscapeKeys, Output, RawMode, Termination, Terminations, Typed};

/// Typed bytes that wait while the session takes none, for example while it reconnects: 1 MiB. Beyond it nothing more
/// is read from the terminal until there is room.
const TYPE_AHEAD: usize = 1 << 20;

/// How long a terminal may take for the last output, and anything else when a signal has asked us to stop. Whoever reads
/// a pipe may take as long as they like.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// What a terminal sends for Ctrl-D. A shell whose input is a file or a pipe gets it at the end of that. It is heard
/// only at the start of a line.
const END_OF_FILE: &[u8] = &[0x04];

/// The size of a terminal that is not there, as the official client has it.
const NO_TERMINAL: protocol::Size = protocol::Size { cols: 300, rows: 100 };

/// How the person left.
#[derive(Debug)]
pub(crate) enum Left {
    /// The session has ended.
    Ended(End),
    /// With the escape key.
    Disconnected,
    /// A signal asked us to stop.
    Stopped(Termination),
    /// Our terminal is gone.
    Terminal(io::Error),
}

/// Runs a shell in an open session until it ends or the person leaves. The terminal is restored, and unless the session
/// has ended by itself it begins to be ended on the service.
///
/// # Errors
/// The terminal cannot be used; the session begins to be ended on the service.
pub(crate) async fn shell(
    channel: Channel,
    escape: Option<u8>,
    terminations: &mut Terminations,
    observer: &dyn Observer,
) -> io::Result<Left> {
    let raw = if terminal::is_terminal() { Some(RawMode::enter()?) } else { None };
    let ends = Ends { raw, input: terminal::Input::open()?, output: Output::stdout()?, changes: Changes::listen()? };
    // The guard of the raw mode goes with it: later messages meet a terminal that is restored.
    run(channel, ends, escape, terminations.next(), observer).await
}

/// The person's end.
struct Ends {
    /// None where standard input is no terminal.
    raw: Option<RawMode>,
    input: terminal::Input,
    output: Output,
    changes: Changes,
}

async fn run(
    mut channel: Channel,
    ends: Ends,
    escape: Option<u8>,
    stop: impl Future<Output = Termination>,
    observer: &dyn Observer,
) -> io::Result<Left> {
    let Ends { mut raw, input: terminal, mut output, mut changes } = ends;
    let is_raw = raw.is_some();
    let mut stop = std::pin::pin!(stop);
    let input = channel.input();
    input.resize(changes.current().map_or(NO_TERMINAL, size));
    // Escape keys are for people.
    let keyboard = Keyboard {
        keys: EscapeKeys::new(escape.filter(|_| is_raw)),
        terminal,
        waiting: BytesMut::new(),
        in_line: false,
        raw: raw.as_mut(),
        input: input.clone(),
    };
    let left = {
        let typing = keyboard.run();
        let showing = show(&mut channel, &mut output, observer);
        let resizing = async {
            loop {
                input.resize(size(changes.next().await));
            }
        };
        tokio::select! {
            end = showing => end,
            typed = typing => typed,
            signal = &mut stop => Ok(Left::Stopped(signal)),
            () = resizing => unreachable!("an endless loop"),
        }
    };
    if matches!(left, Ok(Left::Stopped(_))) {
        exit_at_next();
    }
    // It ends on the service meanwhile.
    drop(channel);
    let ended_well = matches!(&left, Ok(Left::Ended(End::Closed(reason))) if reason.is_empty());
    if is_raw && !ended_well {
        // The cursor may stand anywhere in a line, and a message of ssmx begins a new one.
        let _ = tokio::time::timeout(FLUSH_TIMEOUT, output.write_all(b"\r\n")).await;
    }
    if matches!(left, Ok(Left::Ended(_))) && !output.is_terminal() {
        // The reader may take long, and Ctrl-C has to be a signal meanwhile.
        drop(raw);
        return tokio::select! {
            flushed = output.flush() => flushed.map_or_else(|error| Ok(Left::Terminal(error)), |()| left),
            signal = &mut stop => Ok(Left::Stopped(signal)),
        };
    }
    // A terminal that is gone or stuck takes nothing more, and that is not worth a message.
    if tokio::time::timeout(FLUSH_TIMEOUT, output.flush()).await.is_err() {
        output.abandon();
    }
    // Only now is the terminal restored: what is shown last was meant for it as the remote side had it.
    drop(raw);
    left
}

/// Shows what arrives, until the session ends.
async fn show(channel: &mut Channel, output: &mut Output, observer: &dyn Observer) -> io::Result<Left> {
    loop {
        match next_output(channel, observer).await {
            OutputEvent::Stdout(bytes) | OutputEvent::Stderr(bytes) => {
                if let Err(error) = output.write_all(&bytes).await {
                    return Ok(Left::Terminal(error));
                }
            }
            OutputEvent::ExitCode(_) => {}
            OutputEvent::Ended(end) => return Ok(Left::Ended(end)),
        }
    }
}

/// The way from the terminal into the session.
struct Keyboard<'a> {
    keys: EscapeKeys,
    terminal: terminal::Input,
    /// Typed, and not yet taken by the session.
    waiting: BytesMut,
    in_line: bool,
    raw: Option<&'a mut RawMode>,
    input: channel::Input,
}

impl Keyboard<'_> {
    /// Reads and sends until the person leaves. Reading goes on while the session takes nothing, so that the escape
    /// keys work when nothing else does.
    async fn run(mut self) -> io::Result<Left> {
        loop {
            let typed = tokio::select! {
                permit = self.input.reserve(), if !self.waiting.is_empty() => match permit {
                    Ok(permit) => {
                        permit.write(&mut self.waiting);
                        continue;
                    }
                    Err(_) => return std::future::pending().await,
                },
                typed = self.terminal.read(), if self.waiting.len() < TYPE_AHEAD => typed?,
            };
            if typed.is_empty() {
                return self.end_of_input().await;
            }
            for typed in self.keys.read(typed) {
                match typed {
                    Typed::Data(bytes) => {
                        self.in_line = !bytes.ends_with(b"\n");
                        self.waiting.extend_from_slice(&bytes);
                    }
                    Typed::Disconnect => return Ok(Left::Disconnected),
                    Typed::Help => {
                        let help = self.keys.help();
                        Output::stdout()?.write_all(help.as_bytes()).await?;
                    }
                    Typed::Suspend => {
                        if let Some(raw) = &mut self.raw
                            && let Some(now) = raw.suspend().await?
                        {
                            self.input.resize(size(now));
                        }
                    }
                }
            }
        }
    }

    /// The terminal is gone, or the pipe is at its end.
    async fn end_of_input(mut self) -> io::Result<Left> {
        if self.raw.is_some() {
            return Ok(Left::Terminal(io::ErrorKind::UnexpectedEof.into()));
        }
        if self.in_line {
            self.waiting.extend_from_slice(b"\n");
        }
        self.waiting.extend_from_slice(END_OF_FILE);
        let rest: Bytes = self.waiting.freeze();
        // The shell leaves in its own time, and the session with it.
        let _ = self.input.write(rest).await;
        std::future::pending().await
    }
}

fn size(size: terminal::Size) -> protocol::Size {
    protocol::Size { cols: size.cols.into(), rows: size.rows.into() }
}

#[cfg(all(test, unix))]
mod tests;
