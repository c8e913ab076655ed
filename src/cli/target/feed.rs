//! The inventory of the fleet, as updates for the picker.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

use super::troubles;
use crate::aws::Aws;
use crate::cli::error::CliError;
use crate::fleet::{self, CacheUse, Options, Place, Query, Trouble};
use crate::picker::{Feed, Update};

/// Updates that wait to be shown.
const AHEAD: usize = 16;

/// Instances in one update. A cache brings all at once, and keys are to be heard and frames drawn between.
const AT_A_TIME: usize = 500;

/// Why nothing can be listed, once that is known.
#[derive(Clone, Default)]
pub(crate) struct Failure(Arc<Mutex<Option<CliError>>>);

impl Failure {
    fn put(&self, error: CliError) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    /// What was put there, once.
    pub(crate) fn take(&self) -> Option<CliError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The instances of all `places`: at once what the cache knows, then what there is. Terminated ones are left out. `notes`
/// are shown beside them. Where nothing can be listed at all, the reason is put into `failure`.
pub(crate) fn open(places: Vec<Aws>, options: Options, notes: Vec<String>, failure: &Failure) -> Feed {
    let (sender, updates) = mpsc::channel(AHEAD);
    let (refresh, mut refreshes) = mpsc::channel(1);
    let failure = failure.clone();
    tokio::spawn(async move {
        let mut options = Options { cache: CacheUse::AtOnce, ..options };
        while look(&places, &options, &notes, &sender, &failure).await.is_ok() {
            options.cache = CacheUse::Refresh;
            tokio::select! {
                () = sender.closed() => return,
                asked = refreshes.recv() => if asked.is_none() {
                    return;
                },
            }
        }
    });
    Feed { updates, refresh }
}

/// Looks around once.
async fn look(
    places: &[Aws],
    options: &Options,
    notes: &[String],
    sender: &mpsc::Sender<Update>,
    failure: &Failure,
) -> Result<(), mpsc::error::SendError<Update>> {
    sender.send(Update::Started).await?;
    for note in notes {
        sender.send(Update::Note(note.clone())).await?;
    }
    let mut waiting: BTreeSet<Place> = places.iter().map(Place::of).collect();
    sender.send(Update::Waiting(list(&waiting))).await?;
    let mut troubles: Vec<Trouble> = Vec::new();
    let mut found_any = false;
    let mut listing = fleet::list(places.to_vec(), &Query::default(), options);
    while let Some(update) = listing.next().await {
        match update {
            fleet::Update::Found(instances) => {
                let (gone, found): (Vec<_>, Vec<_>) = instances.into_iter().partition(fleet::Instance::is_gone);
                if !gone.is_empty() {
                    let gone = gone.into_iter().map(|instance| (instance.place, instance.id)).collect();
                    sender.send(Update::Gone(gone)).await?;
                }
                found_any |= !found.is_empty();
                let mut found = found.into_iter().peekable();
                while found.peek().is_some() {
                    sender.send(Update::Found(found.by_ref().take(AT_A_TIME).collect())).await?;
                }
            }
            fleet::Update::Gone(gone) => sender.send(Update::Gone(gone)).await?,
            fleet::Update::Trouble(trouble) => {
                sender.send(Update::Note(trouble.to_string())).await?;
                troubles.push(trouble);
            }
            fleet::Update::Finished { place, .. } => {
                waiting.remove(&place);
                sender.send(Update::Waiting(list(&waiting))).await?;
            }
        }
    }
    if !found_any && let Some(error) = troubles::nothing_answered(&troubles, places.len()) {
        failure.put(error);
        sender.send(Update::Failed).await?;
    }
    sender.send(Update::Done { whole: troubles.is_empty() && notes.is_empty() }).await
}

/// What is still being waited for, in a few words.
fn list(waiting: &BTreeSet<Place>) -> String {
    match waiting.iter().collect::<Vec<_>>().as_slice() {
        [] => String::new(),
        [place] => place.region.clone(),
        several => format!("{} places", several.len()),
    }
}
