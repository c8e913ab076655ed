//! The instances of several accounts and regions, reported as they become known.

pub(crate) mod joiner;
mod pages;
pub(crate) mod plan;
pub(crate) mod survey;
#[cfg(test)]
mod tests;
pub(crate) mod update;

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{
    sync::{Semaphore, mpsc},
    task::{self, JoinSet},
};

use super::cache::{self, Cache, Cached};
use super::model::instance::Instance;
use super::model::place::Place;
use super::query::terms::Query;
use super::trouble::Trouble;
use crate::aws::{Aws, Pace};
use crate::config::settings;
use plan::Plan;
use survey::Survey;
use update::Update;

/// How instances are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The key of the tag that names instances.
    pub name_tag: String,
    /// What the cache is used for.
    pub cache: CacheUse,
    /// The folder of the cache; without one there is no cache.
    pub cache_dir: Option<PathBuf>,
    /// How old what is in the cache may be to be taken for what is.
    pub age: Duration,
}

/// What the cache is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheUse {
    /// It is neither read nor written.
    Off,
    /// It is written only.
    Refresh,
    /// It stands for the services while it is young enough.
    WhileFresh,
    /// It is reported at once, whatever its age, and then corrected if it is not young enough.
    AtOnce,
}

/// A listing under way. It stops when dropped.
#[derive(Debug)]
pub struct Listing {
    updates: mpsc::Receiver<Update>,
    _tasks: JoinSet<()>,
}

/// What a listing came to.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    /// The instances, in the order in which they are shown.
    pub instances: Vec<Instance>,
    /// What keeps them from being complete.
    pub troubles: Vec<Trouble>,
    /// When the oldest part of it was asked for, if that is out of the cache.
    pub cached: Option<SystemTime>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            name_tag: settings::NAME_TAG.to_owned(),
            cache: CacheUse::WhileFresh,
            cache_dir: cache::default_dir(),
            age: settings::CACHE,
        }
    }
}

impl Options {
    /// The cache of an account and region, unless it is not to be used at all.
    pub(crate) fn cache(&self, aws: &Aws) -> Option<Cache> {
        let dir = self.cache_dir.as_deref().filter(|_| self.cache != CacheUse::Off)?;
        Some(Cache::of(dir, aws, &self.name_tag))
    }

    /// What is in it, read on a thread that may wait for a disk; nothing if it is not to be read.
    pub(crate) async fn cached(&self, aws: &Aws) -> Option<Cached> {
        if self.cache == CacheUse::Refresh {
            return None;
        }
        let cache = self.cache(aws)?;
        task::spawn_blocking(move || cache.read()).await.ok().flatten()
    }
}

/// Lists the instances of all `places` that fulfil `query`, terminated ones included: at most 8 places at a time, and
/// 100,000 instances of each. Must be called in a tokio runtime.
pub fn list(places: Vec<Aws>, query: &Query, options: &Options) -> Listing {
    let (sender, updates) = mpsc::channel(UPDATES);
    let at_once = Arc::new(Semaphore::new(PLACES_SIDE_BY_SIDE));
    let mut tasks = JoinSet::new();
    let (query, pace) = (Arc::new(query.clone()), Pace::default());
    for aws in places {
        let (query, options) = (Arc::clone(&query), options.clone());
        let job = Job { aws, query, options, listener: sender.clone(), pace: pace.clone() };
        let at_once = Arc::clone(&at_once);
        tasks.spawn(async move {
            // It is never closed.
            if let Ok(_permit) = at_once.acquire().await {
                job.run().await;
            }
        });
    }
    Listing { updates, _tasks: tasks }
}

impl Listing {
    /// The next thing that becomes known; none when everything is. Cancel safe.
    pub async fn next(&mut self) -> Option<Update> {
        self.updates.recv().await
    }

    /// Waits for everything, and tells `seen` how many instances are known each time that changes.
    pub async fn collect(mut self, mut seen: impl FnMut(usize)) -> Inventory {
        let mut known: HashMap<(Place, String), Instance> = HashMap::new();
        let mut inventory = Inventory::default();
        while let Some(update) = self.next().await {
            match update {
                Update::Found(instances) => {
                    let keyed = instances.into_iter();
                    known.extend(keyed.map(|instance| ((instance.place.clone(), instance.id.clone()), instance)));
                    seen(known.len());
                }
                Update::Gone(gone) => gone.iter().for_each(|key| drop(known.remove(key))),
                Update::Trouble(trouble) => inventory.troubles.push(trouble),
                Update::Finished { as_of, cached: true, .. } => inventory.is_as_of(as_of),
                Update::Finished { cached: false, .. } => {}
            }
        }
        inventory.instances = known.into_values().collect();
        inventory.instances.sort_by(Instance::order);
        inventory
    }
}

impl Inventory {
    fn is_as_of(&mut self, time: SystemTime) {
        self.cached = Some(self.cached.map_or(time, |oldest| oldest.min(time)));
    }
}

/// The listing of one place.
struct Job {
    aws: Aws,
    query: Arc<Query>,
    options: Options,
    listener: mpsc::Sender<Update>,
    /// That of all places.
    pace: Pace,
}

impl Job {
    async fn run(self) {
        let place = Place::of(&self.aws);
        let cached = self.options.cached(&self.aws).await;
        let at_once = self.options.cache == CacheUse::AtOnce;
        let mut before = HashSet::new();
        if let Some(cached) = cached {
            let fresh = cached.is_fresh(self.options.age);
            if fresh || at_once {
                before = cached.instances.iter().map(|instance| instance.id.clone()).collect();
                let Cached { as_of, instances, troubles } = cached;
                self.found(instances).await;
                if fresh {
                    self.finish(place, troubles, as_of, true).await;
                    return;
                }
            }
        }
        // Only a whole listing can correct the cache.
        let plan = if at_once { Plan::all() } else { Plan::of_query(&self.query) };
        let (whole, query) = (plan == Plan::all(), Arc::clone(&self.query));
        let survey = Survey {
            aws: self.aws.clone(),
            plan,
            name_tag: self.options.name_tag.as_str().into(),
            wanted: Arc::new(move |instance| query.matches(instance)),
            listener: Some(self.listener.clone()),
            pace: self.pace.clone(),
        };
        let as_of = SystemTime::now();
        let surveyed = survey.run().await;
        let (instances, troubles) = (surveyed.instances, surveyed.troubles);
        if !before.is_empty() && troubles.is_empty() {
            for instance in &instances {
                before.remove(&instance.id);
            }
            let gone = before.into_iter().map(|id| (place.clone(), id)).collect();
            let _ = self.listener.send(Update::Gone(gone)).await;
        }
        if whole && let Some(cache) = self.options.cache(&self.aws) {
            let cached = Cached { as_of, instances, troubles: troubles.clone() };
            // Waited for, so that who ends with the listing leaves a cache behind.
            let _ = task::spawn_blocking(move || cache.keep(&cached)).await;
        }
        self.finish(place, troubles, as_of, false).await;
    }

    async fn found(&self, mut instances: Vec<Instance>) {
        instances.retain(|instance| self.query.matches(instance));
        if !instances.is_empty() {
            let _ = self.listener.send(Update::Found(instances)).await;
        }
    }

    async fn finish(&self, place: Place, troubles: Vec<Trouble>, as_of: SystemTime, cached: bool) {
        // A listener that is gone has dropped this task, or will soon.
        for trouble in troubles {
            let _ = self.listener.send(Update::Trouble(trouble)).await;
        }
        let _ = self.listener.send(Update::Finished { place, as_of, cached }).await;
    }
}

/// What the cache has of all `places`, whatever its age, and whether all of it is young enough; none if it lacks one of
/// them, or is not to be read.
pub async fn cached(places: &[Aws], query: &Query, options: &Options) -> Option<(Inventory, bool)> {
    let (mut inventory, mut is_fresh) = (Inventory::default(), true);
    for aws in places {
        let Cached { as_of, instances, troubles } = options.cached(aws).await.inspect(|cached| {
            is_fresh &= cached.is_fresh(options.age);
        })?;
        inventory.instances.extend(instances.into_iter().filter(|instance| query.matches(instance)));
        inventory.troubles.extend(troubles);
        inventory.is_as_of(as_of);
    }
    inventory.instances.sort_by(Instance::order);
    Some((inventory, is_fresh))
}

/// Updates that may wait for the listener. While as many wait, the services are asked for no more.
const UPDATES: usize = 16;

/// Places that are asked at the same time.
const PLACES_SIDE_BY_SIDE: usize = 8;
