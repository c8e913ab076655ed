//! One session of a route, as the route keeps it.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::together::Ear;
use crate::session::forward::meter::Load;
use crate::session::forward::observer::TunnelObserver;
use crate::session::forward::session::Session;

/// A lane beside the first is closed when it has carried nothing for so long.
pub(super) const IDLE: Duration = Duration::from_mins(1);

/// The right to have one more session, given back when dropped.
pub(in crate::session::forward) type Permit = Box<dyn Any + Send + Sync>;

/// A session that takes new connections.
pub(super) struct Lane<V: TunnelObserver> {
    pub(super) session: Session,
    pub(super) ear: Arc<Ear<V>>,
    /// Of a lane beside the first.
    pub(super) permit: Option<Permit>,
}

impl<V: TunnelObserver> Lane<V> {
    pub(super) fn new(session: Session, ear: Arc<Ear<V>>, permit: Option<Permit>) -> Self {
        ear.in_use(true);
        Self { session, ear, permit }
    }

    pub(super) fn load(&self) -> Load {
        Load { cut: self.ear.is_cut(), ..self.session.load() }
    }

    /// When it has carried nothing for long enough to be closed, if it carries nothing.
    pub(super) fn expires_at(&self) -> Option<Instant> {
        self.session.tally().idle_since().map(|since| Instant::from_std(since) + IDLE)
    }
}
