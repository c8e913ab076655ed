//! The command that runs while a tunnel is open.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::process::Command;

use crate::cli::descriptors::as_at_start;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::environment::{HOST, PORT, SOCKS_HOST, SOCKS_PORT, Variable};
use crate::session::forward::Listener;
use crate::terminal::{self, Termination};

/// The local end of a forward, as a command sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// An address and a port.
    Port(String, u16),
    /// A unix socket, which stands for both.
    Socket(PathBuf),
}

impl Place {
    pub(crate) fn of(listener: &Listener) -> Self {
        match (listener.path(), listener.addresses().first()) {
            (Some(path), _) => Self::Socket(path),
            (None, Some(address)) => {
                // What listens everywhere is reached here.
                let host = match address.ip() {
                    ip if !ip.is_unspecified() => ip.to_string(),
                    ip if ip.is_ipv4() => "127.0.0.1".to_owned(),
                    _ => "::1".to_owned(),
                };
                Self::Port(host, address.port())
            }
            (None, None) => Self::Socket(PathBuf::new()),
        }
    }

    /// Both in one: `HOST:PORT`, with brackets around an IPv6 address, or the path.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Port(host, port) if host.contains(':') => format!("[{host}]:{port}"),
            Self::Port(host, port) => format!("{host}:{port}"),
            Self::Socket(path) => path.display().to_string(),
        }
    }

    fn host(&self) -> OsString {
        match self {
            Self::Port(host, _) => host.into(),
            Self::Socket(path) => path.into(),
        }
    }

    fn port(&self) -> OsString {
        match self {
            Self::Port(_, port) => port.to_string().into(),
            Self::Socket(path) => path.into(),
        }
    }
}

/// The command that runs; 0 while there is none.
static RUNNING: AtomicU32 = AtomicU32::new(0);

/// Passes a signal on to the command. False when none runs.
pub(crate) fn pass_on(signal: Termination) -> bool {
    let id = RUNNING.load(Ordering::Relaxed);
    if id != 0 {
        terminal::share(id, signal);
    }
    id != 0
}

/// Runs the command to its end. Its environment has the forwards as they were typed, and the SOCKS5 port.
///
/// # Errors
/// It cannot be run.
pub(crate) async fn run(command: &[OsString], places: &[Place], socks: Option<&Place>) -> Result<Exit, CliError> {
    let replaced: Vec<OsString> = command.iter().map(|word| replace(word, places.first(), socks)).collect();
    let (program, arguments) = replaced.split_first().expect("it is called with a command");
    let mut child = Command::new(program);
    child.args(arguments).kill_on_drop(true);
    if let Some(first) = places.first() {
        child.env(HOST.name, first.host()).env(PORT.name, first.port());
    }
    if places.len() > 1 {
        for (number, place) in (1..).zip(places) {
            let numbered = |variable: &Variable| format!("{}_{number}", variable.name);
            child.env(numbered(&HOST), place.host()).env(numbered(&PORT), place.port());
        }
    }
    if let Some(socks) = socks {
        child.env(SOCKS_HOST.name, socks.host()).env(SOCKS_PORT.name, socks.port());
    }
    let failed = |what: &str, error: std::io::Error| {
        CliError::failed(format!("cannot {what} `{}`", program.to_string_lossy())).caused_by(&error)
    };
    let mut child = as_at_start(|| child.spawn()).map_err(|error| failed("run", error))?;
    RUNNING.store(child.id().unwrap_or(0), Ordering::Relaxed);
    let status = child.wait().await;
    RUNNING.store(0, Ordering::Relaxed);
    Ok(Exit::of_status(status.map_err(|error| failed("wait for", error))?))
}

/// Puts places in for `{host}`, `{port}` and `{socks}`, where there are such. Words that are not text stay as they are.
fn replace(word: &OsStr, first: Option<&Place>, socks: Option<&Place>) -> OsString {
    let Some(text) = word.to_str().filter(|text| text.contains('{')) else { return word.to_owned() };
    let mut text = text.to_owned();
    if let Some(first) = first {
        text = text.replace("{host}", &first.host().to_string_lossy());
        text = text.replace("{port}", &first.port().to_string_lossy());
    }
    if let Some(socks) = socks {
        text = text.replace("{socks}", &socks.text());
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_put_in() {
        let place = Place::Port("127.0.0.1".to_owned(), 5433);
        let socks = Place::Port("::1".to_owned(), 1080);
        let replaced = |word: &str| replace(OsStr::new(word), Some(&place), Some(&socks));
        assert_eq!(replaced("socks5h://{socks}"), "socks5h://[::1]:1080");
        assert_eq!(replace(OsStr::new("{port} {socks}"), None, None), "{port} {socks}");
        assert_eq!(replaced("postgres://{host}:{port}/db?p={port}"), "postgres://127.0.0.1:5433/db?p=5433");
        assert_eq!(replaced("{hosts} {} {PORT}"), "{hosts} {} {PORT}");
        assert_eq!(
            replace(OsStr::new("--socket={host}"), Some(&Place::Socket("/tmp/s".into())), None),
            "--socket=/tmp/s"
        );
    }
}
