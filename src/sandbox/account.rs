//! The account that a sandbox plays: all that its services share.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use super::api_faults::ApiFaults;
use super::credentials::Credentials;
use super::documents::Documents;
use super::kms::Kms;
use super::options::Options;
use super::pushed_keys::PushedKeys;
use super::sessions::Sessions;

/// The number of the account, one that AWS uses in examples.
pub(super) const ACCOUNT: &str = "123456789012";

/// The name of the person, as the first part of session ids shows it.
pub(super) const USER: &str = "sandbox";

/// The state of a sandbox.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) options: Options,
    pub(super) address: SocketAddr,
    pub(super) credentials: Credentials,
    pub(super) documents: Documents,
    pub(super) sessions: Sessions,
    pub(super) kms: Arc<Kms>,
    pub(super) pushed_keys: Arc<PushedKeys>,
    pub(super) api_faults: Mutex<ApiFaults>,
    stage: watch::Sender<Stage>,
    /// Counts the cuts that were asked for.
    cut: watch::Sender<u64>,
}

/// How far the sandbox is in stopping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Running,
    /// Sessions are told to end.
    Stopping,
    /// Connections are dropped.
    Stopped,
}

impl Account {
    pub(super) fn new(mut options: Options, address: SocketAddr, documents: Documents) -> Self {
        Self {
            address,
            credentials: Credentials::random(options.credentials_lifetime),
            documents,
            sessions: Sessions::default(),
            kms: Arc::new(Kms::new(ACCOUNT)),
            pushed_keys: Arc::default(),
            api_faults: Mutex::new(ApiFaults::new(std::mem::take(&mut options.api_faults))),
            options,
            stage: watch::Sender::new(Stage::Running),
            cut: watch::Sender::new(0),
        }
    }

    /// Who the credentials belong to.
    pub(super) fn caller_arn(&self) -> String {
        format!("arn:aws:sts::{ACCOUNT}:assumed-role/ssmx-sandbox/{USER}")
    }

    /// Where the sandbox listens.
    pub(super) fn endpoint(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.address)
    }

    pub(super) fn stop_sessions(&self) {
        self.stage.send_modify(|stage| *stage = (*stage).max(Stage::Stopping));
    }

    pub(super) fn stop(&self) {
        self.stage.send_modify(|stage| *stage = Stage::Stopped);
    }

    /// Waits until sessions have to end.
    pub(super) async fn stopping(&self) {
        self.reaches(Stage::Stopping).await;
    }

    /// Waits until connections have to go.
    pub(super) async fn stopped(&self) {
        self.reaches(Stage::Stopped).await;
    }

    /// Cuts the connections of all clients.
    pub(super) fn cut_clients(&self) {
        self.cut.send_modify(|cuts| *cuts += 1);
    }

    /// Tells of each [`Self::cut_clients`] from now on.
    pub(super) fn cuts(&self) -> watch::Receiver<u64> {
        self.cut.subscribe()
    }

    async fn reaches(&self, stage: Stage) {
        // The sender is a field of self: it cannot be gone.
        let _ = self.stage.subscribe().wait_for(|now| *now >= stage).await;
    }
}
