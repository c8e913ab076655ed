//! The account that a sandbox plays: all that its services share.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use super::calls::ApiCalls;
use super::documents::Documents;
use super::faults::api::ApiFaults;
use super::faults::throttle::Throttled;
use super::ids::{ACCOUNT, USER};
use super::options::Options;
use super::services::credentials::Credentials;
use super::services::kms::Kms;
use super::services::pushed_keys::PushedKeys;
use super::sessions::Sessions;

/// The state of a sandbox.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) options: Options,
    pub(crate) address: SocketAddr,
    pub(crate) credentials: Credentials,
    pub(crate) documents: Documents,
    pub(crate) sessions: Sessions,
    pub(crate) kms: Arc<Kms>,
    pub(crate) pushed_keys: Arc<PushedKeys>,
    pub(crate) api_faults: Mutex<ApiFaults>,
    pub(crate) api_throttle: Mutex<Throttled>,
    pub(crate) api_calls: Mutex<ApiCalls>,
    stage: watch::Sender<Stage>,
    /// Counts the cuts that were asked for.
    cut: watch::Sender<u64>,
}

/// How far the sandbox is in stopping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Running,
    /// Sessions have to end.
    Stopping,
    /// All connections are dropped, agents' and clients'.
    Stopped,
}

impl Account {
    pub(crate) fn new(mut options: Options, address: SocketAddr, documents: Documents) -> Self {
        Self {
            address,
            credentials: Credentials::random(options.credentials_lifetime),
            documents,
            sessions: Sessions::default(),
            kms: Arc::new(Kms::new(ACCOUNT)),
            pushed_keys: Arc::default(),
            api_faults: Mutex::new(ApiFaults::new(std::mem::take(&mut options.api_faults))),
            api_throttle: Mutex::new(Throttled::new(options.api_throttle, options.seed)),
            api_calls: Mutex::default(),
            options,
            stage: watch::Sender::new(Stage::Running),
            cut: watch::Sender::new(0),
        }
    }

    /// Who the credentials belong to.
    pub(crate) fn caller_arn(&self) -> String {
        format!("arn:aws:sts::{ACCOUNT}:assumed-role/ssmx-sandbox/{USER}")
    }

    /// Where the sandbox listens.
    pub(crate) fn endpoint(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.address)
    }

    pub(crate) fn stop_sessions(&self) {
        self.stage.send_modify(|stage| *stage = (*stage).max(Stage::Stopping));
    }

    pub(crate) fn stop(&self) {
        self.stage.send_modify(|stage| *stage = Stage::Stopped);
    }

    /// Waits until sessions have to end.
    pub(crate) async fn stopping(&self) {
        self.reaches(Stage::Stopping).await;
    }

    /// Waits until connections have to go.
    pub(crate) async fn stopped(&self) {
        self.reaches(Stage::Stopped).await;
    }

    /// Cuts the connections of all clients.
    pub(crate) fn cut_clients(&self) {
        self.cut.send_modify(|cuts| *cuts += 1);
    }

    /// Changes with each [`Self::cut_clients`] from now on.
    pub(crate) fn cuts(&self) -> watch::Receiver<u64> {
        self.cut.subscribe()
    }

    async fn reaches(&self, stage: Stage) {
        // The sender is a field of self: it cannot be gone.
        let _ = self.stage.subscribe().wait_for(|now| *now >= stage).await;
    }
}
