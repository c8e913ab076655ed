//! Starts the sessions of a tunnel.

use std::sync::{Mutex, PoisonError};

use crate::aws::Aws;
use crate::channel::Channel;
use crate::cli::context::TargetRequest;
use crate::cli::error::CliError;
use crate::cli::session::start;
use crate::cli::target::lookup::{self, Ambiguity};
use crate::cli::ui::Ui;
use crate::config::Key;
use crate::fleet::Resolved;
use crate::session::SessionRequest;
use crate::session::forward::{Destination, Limits, Opener};

/// Starts sessions to one destination.
pub(crate) struct TunnelOpener {
    pub(crate) ui: Ui,
    aws: Aws,
    target: TargetRequest,
    session: SessionRequest,
    limits: Limits,
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
        Self { ui: ui.clone(), aws: aws.clone(), target: target.clone(), session, limits, found: Mutex::new(found) }
    }
}

impl Opener for TunnelOpener {
    type Error = CliError;

    async fn open(&self) -> Result<Channel, CliError> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(target) = found {
            return start::open(&self.ui, &self.aws, &target, &self.session).await;
        }
        let target = lookup::target(&self.ui, &self.aws, &self.target, Ambiguity::Refuse).await?;
        start::open_again(&self.ui, &self.aws, &target, &self.session).await
    }

    fn limits(&self) -> Limits {
        self.limits
    }
}
