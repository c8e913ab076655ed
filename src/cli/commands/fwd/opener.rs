//! Starts the sessions of a tunnel.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::aws::Aws;
use crate::channel::Channel;
use crate::cli::context::TargetRequest;
use crate::cli::error::CliError;
use crate::cli::session::start;
use crate::cli::target::lookup::{self, Ambiguity};
use crate::cli::ui::Ui;
use crate::config::{self, Key};
use crate::fleet::Resolved;
use crate::session::SessionRequest;
use crate::session::forward::{Destination, Lanes, Limits, Opener};

/// Starts sessions to one destination.
pub(crate) struct TunnelOpener {
    pub(crate) ui: Ui,
    aws: Aws,
    target: TargetRequest,
    session: SessionRequest,
    limits: Limits,
    lanes: Lanes,
    /// The target of the last session, to which those beside it lead as well.
    last: Mutex<Option<Resolved>>,
    /// The target as it was found for the first session. Later ones look again: behind a Name may be another instance.
    found: Mutex<Option<Resolved>>,
}

impl TunnelOpener {
    /// Starts sessions to `destination` through `target`, the first one through the instance that was found, if it is
    /// given.
    pub(crate) fn new(
        ui: &Ui,
        aws: &Aws,
        target: &TargetRequest,
        reason: Option<&str>,
        destination: &Destination,
        found: Option<Resolved>,
    ) -> Self {
        let key = if destination.host.is_some() { Key::RemoteForwardDocument } else { Key::ForwardDocument };
        let session = SessionRequest::port(destination.host.as_deref(), destination.port)
            .with_document(target.settings.text(key))
            .with_reason(reason.map(str::to_owned));
        let limits = Limits { stall: Some(target.settings.forward_stall()).filter(|stall| !stall.is_zero()) };
        Self {
            ui: ui.clone(),
            aws: aws.clone(),
            target: target.clone(),
            session,
            limits,
            lanes: Lanes::AUTO,
            last: Mutex::default(),
            found: Mutex::new(found),
        }
    }

    /// So many sessions at a time.
    pub(crate) fn with_lanes(self, lanes: config::Lanes) -> Self {
        let lanes = match lanes {
            config::Lanes::Auto => Lanes::AUTO,
            config::Lanes::Fixed(count) => Lanes::fixed(count.into()),
        };
        Self { lanes, ..self }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic under the lock was reported; it holds a target or none.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Opener for TunnelOpener {
    type Error = CliError;

    async fn open(&self) -> Result<Channel, CliError> {
        let found = lock(&self.found).take();
        let is_first = found.is_some();
        let target = match found {
            Some(target) => target,
            None => lookup::target(&self.ui, &self.aws, &self.target, Ambiguity::Refuse).await?,
        };
        *lock(&self.last) = Some(target.clone());
        match is_first {
            true => start::open(&self.ui, &self.aws, &target, &self.session).await,
            false => start::open_again(&self.ui, &self.aws, &target, &self.session).await,
        }
    }

    async fn open_beside(&self) -> Result<Channel, CliError> {
        let last = lock(&self.last).clone();
        match last {
            Some(target) => start::open_beside(&self.aws, &target, &self.session).await,
            None => self.open().await,
        }
    }

    fn lanes(&self) -> Lanes {
        self.lanes
    }

    fn limits(&self) -> Limits {
        self.limits
    }
}
