//! Where the instances come from.

use tokio::sync::mpsc;

use crate::fleet::{Instance, Place};

/// What the search for instances reports.
#[derive(Debug)]
pub enum Update {
    /// A look around begins, of which [`Self::Done`] is the end. What is listed stays until then.
    Started,
    /// What is still being waited for, in a few words.
    Waiting(String),
    /// Instances. One with the id and the place of one that came before takes its place.
    Found(Vec<Instance>),
    /// These do not exist any more.
    Gone(Vec<(Place, String)>),
    /// Something that a person should know, for instance a region that did not answer.
    Note(String),
    /// Nothing can be found at all; there is nothing to choose, and the picker ends.
    Failed,
    /// The look around is over.
    Done {
        /// All was seen: what did not come since [`Self::Started`] is gone.
        whole: bool,
    },
}

/// Where instances come from.
#[derive(Debug)]
pub(crate) struct Feed {
    /// What comes. Its end is the end of whatever look around was under way.
    pub updates: mpsc::Receiver<Update>,
    /// Where a look around from the beginning is asked for. Room for one is enough.
    pub refresh: mpsc::Sender<()>,
}

impl Feed {
    /// A feed of instances that are known already.
    pub(crate) fn of(instances: Vec<Instance>) -> Self {
        let (sender, updates) = mpsc::channel(1);
        // There is room for it.
        let _ = sender.try_send(Update::Found(instances));
        let (refresh, _) = mpsc::channel(1);
        Self { updates, refresh }
    }
}
