//! The life of sessions from outside: whatever way ssmx goes, none is left open on the service, and what a killed ssmx
//! has left is found.

mod leaving;
mod orphans;

use std::net::TcpListener;

use crate::support::cloud::Cloud;

/// Whether the service has ended all sessions, or was asked to.
fn all_ended(cloud: &Cloud) -> bool {
    cloud.active().iter().all(|session| session.status.as_ref().is_some_and(|status| status.as_str() == "Terminating"))
}

/// A place at which connections are taken and never answered.
fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}
