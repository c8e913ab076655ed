//! `ssmx fwd --socks`.

use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::watch;

use super::Format;
use super::child::Place;
use super::observer::UiTunnelObserver;
use super::opener::TunnelOpener;
use super::plan::Plan;
use super::spec::bind;
use crate::aws::Aws;
use crate::cli::commands::fwd;
use crate::cli::context::TargetRequest;
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::ui::Ui;
use crate::config::Lanes;
use crate::fleet::Resolved;
use crate::session::forward::{
    Bind, Destination, Listen, Listener, LocalPort, Refusal, SocksOptions, SocksRoutes, Stop, serve_socks,
};

/// Most sessions that can be asked for: as many are started within seconds, and StartSession is throttled.
const MOST_SESSIONS: i64 = 64;

/// How long a connection waits when all sessions are in use.
const SLOT_TIMEOUT: Duration = Duration::from_secs(10);

/// For so long the target is not looked for again.
const FOUND_LASTS: Duration = Duration::from_mins(1);

/// Whether there is a SOCKS5 port, and how it works.
#[derive(Debug, clap::Args)]
pub(crate) struct Flags {
    /// Listen on this port for programs that speak SOCKS5, which name the destination of each connection; 0 for any
    /// free port
    #[arg(long, value_name = "[BIND:]PORT")]
    pub socks: Option<SocksSpec>,

    /// Maximum concurrent sessions, one per destination; a connection to one more destination waits up to 10 s
    #[arg(
        long, value_name = "N", default_value_t = 8, requires = "socks",
        value_parser = clap::value_parser!(u8).range(1..=MOST_SESSIONS)
    )]
    pub socks_sessions: u8,

    /// Close a session after this much idle time
    #[arg(long, value_name = "TIME", default_value = "2m", requires = "socks", value_parser = humantime::parse_duration)]
    pub socks_idle: Duration,
}

/// Where a SOCKS5 port listens, as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SocksSpec {
    /// The address and the port, which is a named one or any.
    pub listen: Listen,
    /// What was typed.
    pub text: String,
}

impl FromStr for SocksSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, port) = match text.rsplit_once(':') {
            Some((address, port)) => (bind(address)?, port),
            None => (Bind::Loopback, text),
        };
        let number = Some(port).filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
        let number = number.and_then(|port| port.parse().ok());
        let port = match number.ok_or_else(|| format!("`{port}` is not a local port: expected [BIND:]PORT"))? {
            0 => LocalPort::Any,
            port => LocalPort::Named(port),
        };
        Ok(Self { listen: Listen::Tcp { bind: address, port }, text: text.to_owned() })
    }
}

/// Opens the port, if one was asked for.
///
/// # Errors
/// It cannot be opened.
pub(crate) fn listen(ui: &Ui, args: &fwd::Args) -> Result<Option<Listener>, CliError> {
    let Some(spec) = &args.socks.socks else { return Ok(None) };
    let mut listen = spec.listen.clone();
    if let (Listen::Tcp { bind: bind @ Bind::Loopback, .. }, Some(address)) = (&mut listen, args.bind) {
        *bind = address;
    }
    let listener = Listener::open(&listen).map_err(|error| {
        let failed = CliError::failed("cannot listen for SOCKS5").caused_by(&error);
        if error.is_about_the_port() { failed.hint("let ssmx choose the port with `--socks 0`") } else { failed }
    })?;
    if listener.addresses().iter().any(|address| !address.ip().is_loopback()) {
        ui.warning(format!(
            "other machines can reach {listener}, and through it everything that {} can reach",
            args.target
        ));
    }
    Ok(Some(listener))
}

/// Reports that programs may come.
///
/// # Errors
/// Standard output cannot be written to.
pub(crate) fn ready(ui: &Ui, args: &fwd::Args, listener: &Listener) -> Result<(), CliError> {
    if args.output == Format::Table {
        ui.status(format!("SOCKS5 on {listener} → anything {} can reach", args.target));
        return Ok(());
    }
    let addresses: Vec<String> = listener.addresses().iter().map(ToString::to_string).collect();
    let first = listener.addresses().first().copied();
    let object = json!({
        "socks": Place::of(listener).text(),
        "target": args.target,
        "listen": addresses,
        "host": first.map(|address| address.ip().to_string()),
        "port": first.map(|address| address.port()),
        "sessions": args.socks.socks_sessions,
    });
    ui.json(format!("{object}\n"))
}

/// Carries what comes in until `stop` says otherwise. False when something was lost by the end.
pub(crate) fn serve(
    ui: &Ui,
    aws: &Aws,
    args: &fwd::Args,
    plan: &Plan,
    target: Resolved,
    listener: Listener,
    stop: watch::Receiver<Stop>,
) -> impl Future<Output = bool> + Send + use<> {
    let routes = Routes {
        ui: ui.clone(),
        aws: aws.clone(),
        target: plan.target.clone(),
        reason: plan.reason.clone(),
        lanes: plan.lanes,
        found: (target, Instant::now()),
    };
    let options = SocksOptions {
        sessions: usize::from(args.socks.socks_sessions),
        idle: args.socks.socks_idle,
        slot_timeout: SLOT_TIMEOUT,
    };
    let observer = Arc::new(UiTunnelObserver::new(ui, "SOCKS5".to_owned()));
    serve_socks(listener, routes, observer, options, stop)
}

/// Leads through the target to whatever it can reach.
struct Routes {
    ui: Ui,
    aws: Aws,
    target: TargetRequest,
    reason: Option<String>,
    lanes: Lanes,
    /// The target as it was found, and when.
    found: (Resolved, Instant),
}

impl SocksRoutes for Routes {
    type Opener = TunnelOpener;
    type Observer = UiTunnelObserver;

    fn to(&self, destination: &Destination) -> (TunnelOpener, Arc<UiTunnelObserver>) {
        let (target, at) = &self.found;
        let found = (at.elapsed() < FOUND_LASTS).then(|| target.clone());
        let opener = TunnelOpener::new(&self.ui, &self.aws, &self.target, self.reason.as_deref(), destination, found);
        let opener = opener.with_lanes(self.lanes);
        (opener, Arc::new(UiTunnelObserver::new(&self.ui, destination.through(&self.target.text))))
    }

    fn refusal(error: &CliError) -> Refusal {
        match error.kind() {
            ErrorKind::Denied => Refusal::NotAllowed,
            ErrorKind::NoTarget | ErrorKind::NotConnected => Refusal::HostUnreachable,
            _ => Refusal::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_with_or_without_an_address() {
        let listen = |text: &str| text.parse::<SocksSpec>().map(|spec| spec.listen);
        let tcp = |bind, port| Ok(Listen::Tcp { bind, port });
        assert_eq!(listen("1080"), tcp(Bind::Loopback, LocalPort::Named(1080)));
        assert_eq!(listen("0"), tcp(Bind::Loopback, LocalPort::Any));
        assert_eq!(listen("localhost:1080"), tcp(Bind::Loopback, LocalPort::Named(1080)));
        let address = |text: &str| Bind::Address(text.parse().unwrap());
        assert_eq!(listen("127.0.0.2:1080"), tcp(address("127.0.0.2"), LocalPort::Named(1080)));
        assert_eq!(listen("[::1]:0"), tcp(address("::1"), LocalPort::Any));
        for bad in ["", "x", "+1", "65536", "db:1080", ":1080", "1080:", "127.0.0.1:x"] {
            assert!(listen(bad).is_err(), "{bad}");
        }
    }
}
