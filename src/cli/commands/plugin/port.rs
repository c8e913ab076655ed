//! Port sessions of the plugin: a listener, and the lines that scripts wait for.

use std::sync::Arc;

use super::Running;
use super::fields::property;
use crate::channel::{Channel, ConnectionEvent};
use crate::cli::advice;
use crate::cli::commands::fwd::observer::full;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::session::observer::UiObserver;
use crate::cli::ui::Ui;
use crate::protocol::Handshake;
use crate::session::Observer;
use crate::session::forward::{self, Bind, Listen, Listener, LocalPort, Served, TunnelEvent, TunnelObserver};
use crate::terminal::{Suspensions, Termination, Terminations, signals};

impl Running<'_> {
    /// A listener here, whose connections go to the other side. Ctrl-C, Ctrl-\ and Ctrl-Z end it, and that is how one
    /// ends it: the exit code is 0.
    pub(crate) async fn port(
        &self,
        channel: Channel,
        handshake: Option<&Handshake>,
        terminations: &mut Terminations,
    ) -> Result<Exit, CliError> {
        self.announce();
        let opened = listen(handshake)
            .and_then(|listen| Listener::open(&listen).map_err(|error| CliError::failed(error.to_string())))
            .and_then(|listener| Ok((listener, Suspensions::listen()?)));
        let (listener, mut suspensions) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                channel.terminate().await;
                return Err(error);
            }
        };
        self.print(&format!(
            "{} opened for sessionId {}.\nWaiting for connections...\n",
            name(&listener),
            self.session_id
        ));
        let observer = Arc::new(LineObserver { ui: self.ui.clone(), session: UiObserver::new(self.ui, None) });
        let session = forward::begin(channel, &observer);
        let mut first = true;
        let connected = || {
            if std::mem::take(&mut first) {
                self.print(&format!("\nConnection accepted for session [{}]\n", self.session_id));
            }
        };
        // Ending takes a moment, which a second signal cuts short.
        let served = {
            let (sender, stopped) = tokio::sync::oneshot::channel();
            let stop = async { stopped.await.unwrap_or(Some(Termination::Terminate)) };
            let serving = forward::serve_one(listener, session, &*observer, connected, stop);
            let listening = async {
                let signal = tokio::select! {
                    signal = terminations.next() => Some(signal),
                    () = suspensions.next() => None,
                };
                self.print("Terminate signal received, exiting.\n");
                let _ = sender.send(signal);
                loop {
                    match terminations.next().await {
                        // Shells pass it on to their jobs, so that it often comes twice.
                        Termination::Hangup => {}
                        second => signals::exit_now(second),
                    }
                }
            };
            tokio::select! {
                served = serving => served,
                never = listening => never,
            }
        };
        self.farewell();
        match served {
            Served::Ended(end, complete) => {
                let done = if complete { Exit::FINE } else { Exit::FAILED };
                advice::failure(end).map_or(Ok(done), Err)
            }
            Served::Stopped(None | Some(Termination::Interrupt | Termination::Quit)) => Ok(Exit::FINE),
            Served::Stopped(Some(signal)) => Ok(Exit::of_signal(signal)),
        }
    }

    fn print(&self, text: &str) {
        print(self.ui, text);
    }
}

/// The port is of use also without a reader of these lines.
fn print(ui: &Ui, text: &str) {
    let _ = ui.data(text);
}

/// Where the document, with its parameters filled in, wants connections to come in.
fn listen(handshake: Option<&Handshake>) -> Result<Listen, CliError> {
    let property =
        |name: &str| handshake.and_then(|handshake| property(&handshake.properties, name)).unwrap_or_default();
    match (property("localUnixSocket"), property("localPortNumber")) {
        ("", "" | "0") => Ok(Listen::Tcp { bind: Bind::Loopback, port: LocalPort::Any }),
        ("", port) => match port.parse() {
            Ok(port) => Ok(Listen::Tcp { bind: Bind::Loopback, port: LocalPort::Named(port) }),
            Err(_) => Err(CliError::usage(format!("the local port `{port}` is not a number from 0 to 65535"))),
        },
        (path, _) => Ok(Listen::Unix(path.into())),
    }
}

fn name(listener: &Listener) -> String {
    match (listener.path(), listener.addresses().first()) {
        (Some(path), _) => format!("Unix socket {}", path.display()),
        (None, Some(address)) => format!("Port {}", address.port()),
        (None, None) => "Nothing".to_owned(),
    }
}

/// Reports what happens in a port session, in the lines of the official plugin where it has any.
struct LineObserver {
    ui: Ui,
    session: UiObserver,
}

impl Observer for LineObserver {
    fn connection(&self, event: &ConnectionEvent) {
        self.session.connection(event);
    }

    fn agent_message(&self, text: &str) {
        self.session.agent_message(text);
    }
}

impl TunnelObserver for LineObserver {
    fn tunnel(&self, event: &TunnelEvent) {
        match event {
            TunnelEvent::Refused => print(&self.ui, "\nConnection to destination port failed, check SSM Agent logs.\n"),
            TunnelEvent::Accept(error) => self.ui.warning(format!("cannot accept connections: {error}")),
            TunnelEvent::Full(limit) => full(*limit).into_iter().for_each(|text| self.ui.warning(text)),
            // There is no other session, and the end of this one is reported elsewhere.
            TunnelEvent::Ended(_) | TunnelEvent::LanesEnded(..) | TunnelEvent::Waiting(_) => {}
            TunnelEvent::Replaced(_) | TunnelEvent::GaveUp(_) => {}
            TunnelEvent::NoSession(_) | TunnelEvent::NoRoom | TunnelEvent::Rejected(_) => {}
            TunnelEvent::Stalled(stall) => {
                self.ui.warning(format!("{} does not move and holds up the others", stall.connection));
            }
            TunnelEvent::Cut(stall) => self.ui.warning(format!("{} did not move and was cut", stall.connection)),
            TunnelEvent::Finishing(_) => self.ui.warning("waiting for programs to read what has arrived".to_owned()),
            TunnelEvent::Unfinished { lost: true, .. } => {
                self.ui.warning("nothing has moved for a minute; what programs have not read is lost".to_owned());
            }
            TunnelEvent::Lost(_) => {
                self.ui.warning("the session ended before all that was sent had arrived".to_owned());
            }
            TunnelEvent::Unfinished { lost: false, .. } | TunnelEvent::Left => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_local_end_is_what_the_document_says() {
        let of = |properties: serde_json::Value| {
            listen(Some(&Handshake {
                agent_version: String::new(),
                session_type: None,
                properties,
                customer_message: String::new(),
                encrypted: false,
            }))
            .ok()
        };
        let tcp = |port| Some(Listen::Tcp { bind: Bind::Loopback, port });
        assert_eq!(of(serde_json::json!({"localPortNumber": "0"})), tcp(LocalPort::Any));
        assert_eq!(of(serde_json::json!({"portNumber": "80"})), tcp(LocalPort::Any));
        assert_eq!(of(serde_json::json!({"localPortNumber": "5432"})), tcp(LocalPort::Named(5432)));
        assert_eq!(of(serde_json::json!({"LOCALPORTNUMBER": "5432"})), tcp(LocalPort::Named(5432)));
        assert_eq!(of(serde_json::json!({"localPortNumber": null})), tcp(LocalPort::Any));
        let socket = serde_json::json!({"localUnixSocket": "/tmp/x.sock", "localConnectionType": "Socket"});
        assert_eq!(of(socket), Some(Listen::Unix("/tmp/x.sock".into())));
        assert_eq!(of(serde_json::json!({"localPortNumber": "65536"})), None);
        assert_eq!(of(serde_json::Value::Null), tcp(LocalPort::Any));
    }
}
