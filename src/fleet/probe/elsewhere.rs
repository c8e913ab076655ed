//! Looks for an instance in other regions and accounts: within bounds, and without asking a person for anything.

use std::{collections::HashSet, time::Duration};

use futures_util::{StreamExt, stream};
use tokio::time::{Instant, timeout_at};

use crate::aws::{Aws, ErrorKind, Pace};
use crate::fleet::diagnose::{Elsewhere, Sighting};
use crate::fleet::error::FleetError;
use crate::fleet::inventory::{CacheUse, Options};
use crate::fleet::model::place::Place;
use crate::fleet::query::spec::TargetSpec;
use crate::fleet::resolve::Resolver;

/// Looks for what `spec` means in `places`, of which the first 24 are asked, 8 at a time. Those that have not answered
/// when `timeout` is over, or refuse, are named as unanswered.
pub(crate) async fn look_elsewhere(aws: &Aws, spec: &TargetSpec, places: &[Place], timeout: Duration) -> Elsewhere {
    let deadline = Instant::now() + timeout;
    let mut asked = stream::iter(places.iter().take(PLACES).cloned())
        .map(|place| async move { (look(aws, spec, &place).await, place) })
        .buffer_unordered(SIDE_BY_SIDE);
    let mut elsewhere = Elsewhere::default();
    while let Ok(Some((ids, place))) = timeout_at(deadline, asked.next()).await {
        let Some(ids) = ids else { continue };
        elsewhere.known.extend(ids.into_iter().map(|id| Sighting { place: place.clone(), id }));
        elsewhere.asked.push(place);
    }
    let answered: HashSet<_> = elsewhere.asked.iter().cloned().collect();
    elsewhere.unanswered = places.iter().filter(|place| !answered.contains(place)).cloned().collect();
    // Answers come in any order; reports must not.
    let rank = |place: &Place| places.iter().position(|known| known == place);
    elsewhere.known.sort_by_key(|sighting| rank(&sighting.place));
    elsewhere.asked.sort_by_key(rank);
    elsewhere
}

/// The ids of what is meant in a place; none if it could not be asked.
async fn look(aws: &Aws, spec: &TargetSpec, place: &Place) -> Option<Vec<String>> {
    let there = match &place.profile {
        Some(profile) if aws.profile() != Some(profile) => aws.with_profile(profile, &place.region).await,
        _ => aws.in_region(&place.region),
    };
    let there = there.inspect_err(|error| tracing::debug!(%place, %error, "cannot look there")).ok()?;
    match spec {
        TargetSpec::Id(id) => knows(&there, id).await.map(|known| known.then(|| id.clone()).into_iter().collect()),
        spec => {
            let options = Options { cache: CacheUse::Off, ..Options::default() };
            match Resolver::new(&there, &options).all(spec).await {
                Ok(found) => Some(found.into_iter().map(|instance| instance.id).collect()),
                Err(FleetError::NotFound { missing, .. }) => missing.is_empty().then(Vec::new),
                Err(_) => None,
            }
        }
    }
}

/// Whether EC2, or for hybrid nodes Systems Manager, knows an id. None if it could not be asked.
async fn knows(aws: &Aws, id: &str) -> Option<bool> {
    let ids = vec![id.to_owned()];
    if id.starts_with("i-")
        && let Ok(page) = aws.instances_page(&[("instance-id".to_owned(), ids.clone())], None, &Pace::default()).await
    {
        return Some(!page.items.is_empty());
    }
    match aws.managed_page(&[("InstanceIds".to_owned(), ids)], None, &Pace::default()).await {
        // Not being listed proves nothing for an EC2 instance: it need not have registered.
        Ok(page) if page.items.is_empty() && id.starts_with("i-") => None,
        Ok(page) => Some(!page.items.is_empty()),
        Err(error) if error.kind() == ErrorKind::NotFound => Some(false),
        Err(_) => None,
    }
}

/// Places that are asked at most.
const PLACES: usize = 24;

/// Of these at the same time.
const SIDE_BY_SIDE: usize = 8;
