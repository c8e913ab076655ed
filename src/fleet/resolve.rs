//! From what a person typed to the one instance that is meant.

#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc};

use super::cache::Cached;
use super::error::FleetError;
use super::inventory::joiner::{Surveyed, Wanted};
use super::inventory::plan::{IDS, Plan};
use super::inventory::survey::Survey;
use super::inventory::{CacheUse, Options};
use super::model::instance::Instance;
use super::model::place::Place;
use super::model::target::Target;
use super::query::spec::TargetSpec;
use super::trouble::{Service, Trouble};
use crate::aws::{Aws, Pace};
use crate::nearest;

/// Finds the instances that targets mean, in one account and region.
///
/// An id is taken as it is, without a request. For all else EC2 and Systems Manager are asked side by side, and one
/// is enough if the other refuses: many people may use only one of them, and hybrid nodes are known to Systems Manager
/// alone. Terminated instances are left out. What was typed is first looked for as a Name, whatever it looks like; then as
/// what it looks like, or as the name of a host; and then, be it in upper or lower case, as a part of a Name. Of several
/// matches the one that is online is meant, or else the one that runs, as long as there is only one.
///
/// What is in the cache and young enough is taken for what is. Something older is not: the machine that had a name
/// yesterday need not have it now. It only spares the list of a large fleet, and what it says is asked about then.
#[derive(Clone, Debug)]
pub(crate) struct Resolver {
    aws: Aws,
    options: Options,
    pace: Pace,
}

/// An instance that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub instance: Instance,
    /// Whether this is out of the cache: then it may be gone, and [`Resolver::again`] looks for its successor.
    pub cached: bool,
}

/// What a session is to be started on, and how it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resolved {
    pub target: Target,
    /// How it was found, if that was in the cache: then it may be gone, and have a successor.
    origin: Option<Arc<Origin>>,
}

/// What has to be asked again to find a successor.
#[derive(Debug, PartialEq, Eq)]
struct Origin {
    spec: TargetSpec,
    options: Options,
    found: Found,
}

impl Resolver {
    /// Looks for targets in the account and region of `aws`.
    pub(crate) fn new(aws: &Aws, options: &Options) -> Self {
        Self { aws: aws.clone(), options: options.clone(), pace: Pace::default() }
    }

    /// The one instance that is meant.
    ///
    /// # Errors
    ///
    /// If there is none, several equally good ones, or neither service answered.
    pub(crate) async fn one(&self, spec: &TargetSpec) -> Result<Found, FleetError> {
        let Matches { mut instances, in_part, cached } = self.matches(spec, is_decided).await?;
        if is_decided(&instances) {
            return Ok(Found { instance: instances.swap_remove(0), cached });
        }
        let described = if in_part { format!("have `{spec}` in their names") } else { spec.in_common() };
        Err(FleetError::Ambiguous { described, matches: instances })
    }

    /// The best of the instances that may be meant: one that is online before one that is not.
    ///
    /// # Errors
    ///
    /// If there is none, or neither service answered.
    pub(crate) async fn first(&self, spec: &TargetSpec) -> Result<Found, FleetError> {
        let Matches { mut instances, cached, .. } = self.matches(spec, |found| !found.is_empty()).await?;
        Ok(Found { instance: instances.swap_remove(0), cached })
    }

    /// All instances that may be meant, at least one, in the order in which they are shown; also those that cannot be
    /// reached now. The cache is not used: what is missing from it would not be missed.
    ///
    /// # Errors
    ///
    /// If there is none, or neither service answered.
    pub(crate) async fn all(&self, spec: &TargetSpec) -> Result<Vec<Instance>, FleetError> {
        Ok(self.uncached().matches(spec, |found| !found.is_empty()).await?.instances)
    }

    /// Looks again for what a target means, now that a session cannot be had on what was found for it: the instance that
    /// took its place, if that is another one. None for what was not out of the cache.
    ///
    /// # Errors
    ///
    /// As those of [`Resolver::one`].
    pub(crate) async fn again(&self, spec: &TargetSpec, found: &Found) -> Result<Option<Found>, FleetError> {
        if !found.cached {
            return Ok(None);
        }
        tracing::debug!(target = %spec, id = found.instance.id, "what the cache says is gone, looking again");
        let now = self.uncached().one(spec).await?;
        // What was meant exactly is not replaced by what is only called alike.
        let is_as_exact = spec.is_exactly(&now.instance) || !spec.is_exactly(&found.instance);
        Ok(Some(now).filter(|now| is_as_exact && now.instance.id != found.instance.id))
    }

    /// What a session needs to know of what was found for `spec`, so that it finds a successor too.
    pub(crate) fn target(&self, spec: &TargetSpec, found: Found) -> Resolved {
        let target = found.instance.target();
        let origin = |found| Arc::new(Origin { spec: spec.clone(), options: self.options.clone(), found });
        Resolved { target, origin: found.cached.then(|| origin(found)) }
    }

    fn uncached(&self) -> Self {
        Self { options: Options { cache: CacheUse::Refresh, ..self.options.clone() }, ..self.clone() }
    }

    /// All that may be meant, at least one, in order. `suffices` says which matches in the cache are as good as live ones.
    async fn matches(&self, spec: &TargetSpec, suffices: fn(&[Instance]) -> bool) -> Result<Matches, FleetError> {
        if let TargetSpec::Id(id) = spec {
            let instance = Instance::unknown(id, Place::of(&self.aws));
            return Ok(Matches { instances: vec![instance], in_part: false, cached: false });
        }
        let cached = self.options.cached(&self.aws).await;
        if let Some(cached) = &cached
            && cached.is_fresh(self.options.age)
            && let Some(matches) = Matches::among(spec, &cached.instances).filter(|found| suffices(&found.instances))
        {
            return Ok(Matches { cached: true, ..matches });
        }

        if let TargetSpec::Typed(name, _) = spec {
            return self.typed(spec, name).await;
        }
        let exactly = spec.clone();
        let plan = Plan::of_spec(spec, &self.options.name_tag);
        let mut surveyed = self.survey(plan, Arc::new(move |instance| exactly.is_exactly(instance))).await?;
        if let Some(matches) = Matches::exactly(spec, &surveyed.instances) {
            return Ok(matches);
        }
        if matches!(spec, TargetSpec::Name(_)) {
            if let Some(matches) = self.part_of_large(spec, cached.as_ref()).await {
                return Ok(matches);
            }
            let either = spec.clone();
            let wanted = move |instance: &Instance| either.is_exactly(instance) || either.is_part_of(instance);
            surveyed = self.survey(Plan::of_parts(), Arc::new(wanted)).await?;
            if let Some(matches) = Matches::among(spec, &surveyed.instances) {
                return match broken_off(surveyed.troubles) {
                    // There may be another one.
                    Some(trouble) if matches.in_part => Err(FleetError::Unanswered(Box::new(trouble))),
                    _ => Ok(matches),
                };
            }
            if let Some(matches) = self.computers(spec, &surveyed).await {
                return Ok(matches);
            }
        }
        Err(self.not_found(spec, surveyed))
    }

    /// All that may be meant by what looks like something else than a Name. Both are looked for side by side.
    async fn typed(&self, spec: &TargetSpec, name: &str) -> Result<Matches, FleetError> {
        let (named, exactly) = (spec.clone(), spec.clone());
        let by_name = Plan::of_name(name, &self.options.name_tag);
        let by_looks = Plan::of_spec(spec, &self.options.name_tag);
        let (named, surveyed) = tokio::join!(
            self.survey(by_name, Arc::new(move |instance| named.is_named(instance))),
            self.survey(by_looks, Arc::new(move |instance| exactly.is_exactly(instance))),
        );
        // Where it is not known whether there is such a Name, another instance may be the wrong one.
        if let Some(matches) = Matches::named(spec, &named?.instances) {
            return Ok(matches);
        }
        let surveyed = surveyed?;
        Matches::exactly(spec, &surveyed.instances).ok_or_else(|| self.not_found(spec, surveyed))
    }

    /// The instances whose agents report a host name, which can only be found among all that Systems Manager knows. In a
    /// large fleet that takes too long to be worth it.
    async fn computers(&self, spec: &TargetSpec, surveyed: &Surveyed) -> Option<Matches> {
        if surveyed.instances.len() > LARGE || !surveyed.troubles.is_empty() {
            return None;
        }
        let all = self.survey(Plan::all(), Arc::new(|_| true)).await.ok()?;
        Matches::of_computers(spec, &all.instances)
    }

    fn not_found(&self, spec: &TargetSpec, surveyed: Surveyed) -> FleetError {
        let living = surveyed.instances.iter().filter(|instance| !instance.is_gone());
        FleetError::NotFound {
            described: spec.of_none(),
            region: self.aws.region().to_owned(),
            near: nearest::similar(&spec.to_string(), living.filter_map(|instance| instance.name.as_deref())),
            missing: surveyed.troubles,
        }
    }

    /// Matches in part that an old cache of a large fleet has, as they are now. A fleet of which the whole list is one
    /// request is listed anew.
    async fn part_of_large(&self, spec: &TargetSpec, cached: Option<&Cached>) -> Option<Matches> {
        let cached = cached.filter(|cached| cached.instances.len() > LARGE)?;
        let before = Matches::among(spec, &cached.instances)?;
        let ids: Vec<_> = before.instances.into_iter().map(|instance| instance.id).collect();
        if ids.len() > IDS {
            return None;
        }
        let surveyed = self.survey(Plan::of_ids(&ids), Arc::new(|_| true)).await.ok()?;
        Matches::among(spec, &surveyed.instances).filter(|_| surveyed.troubles.is_empty())
    }

    async fn survey(&self, plan: Plan, wanted: Wanted) -> Result<Surveyed, FleetError> {
        let (aws, name_tag) = (self.aws.clone(), self.options.name_tag.as_str().into());
        let mut surveyed = Survey { aws, plan, name_tag, wanted, listener: None, pace: self.pace.clone() }.run().await;
        let silent =
            |service| surveyed.troubles.iter().position(|trouble| trouble.service == service && !trouble.partial);
        match (silent(Service::Ec2), silent(Service::SystemsManager)) {
            (Some(ec2), Some(_)) => Err(FleetError::Unanswered(Box::new(surveyed.troubles.swap_remove(ec2)))),
            _ => Ok(surveyed),
        }
    }
}

impl Resolved {
    /// The instance that took the place of this one, now that no session can be had on it: looked for without the cache.
    /// None if there is none, or this one was not out of the cache.
    ///
    /// # Errors
    ///
    /// As those of [`Resolver::one`].
    pub(crate) async fn successor(&self, aws: &Aws) -> Result<Option<Target>, FleetError> {
        let Some(origin) = &self.origin else { return Ok(None) };
        let now = Resolver::new(aws, &origin.options).again(&origin.spec, &origin.found).await?;
        Ok(now.map(|now| now.instance.target()))
    }
}

impl From<Target> for Resolved {
    /// A target that was just seen, or chosen by the person, and needs no successor.
    fn from(target: Target) -> Self {
        Self { target, origin: None }
    }
}

impl fmt::Display for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.target.fmt(f)
    }
}

/// Instances that may be meant.
struct Matches {
    /// In the order in which they are shown.
    instances: Vec<Instance>,
    /// By a part of the name only.
    in_part: bool,
    cached: bool,
}

impl Matches {
    /// Those that are meant exactly, or else in part.
    fn among(spec: &TargetSpec, instances: &[Instance]) -> Option<Self> {
        let in_part = || {
            let matches = Self::new(instances, true, |instance| spec.is_part_of(instance))?;
            let name = spec.to_string();
            let is_whole = |instance: &Instance| {
                instance.name.as_deref().is_some_and(|known| known.to_lowercase() == name.to_lowercase())
            };
            Self::new(&matches.instances, true, is_whole).or(Some(matches))
        };
        Self::exactly(spec, instances).or_else(in_part).or_else(|| Self::of_computers(spec, instances))
    }

    fn of_computers(spec: &TargetSpec, instances: &[Instance]) -> Option<Self> {
        Self::new(instances, false, |instance| spec.is_computer(instance))
    }

    /// Those that are named so, or else meant exactly in another way.
    fn exactly(spec: &TargetSpec, instances: &[Instance]) -> Option<Self> {
        Self::named(spec, instances).or_else(|| Self::new(instances, false, |instance| spec.is_exactly(instance)))
    }

    fn named(spec: &TargetSpec, instances: &[Instance]) -> Option<Self> {
        Self::new(instances, false, |instance| spec.is_named(instance))
    }

    fn new(instances: &[Instance], in_part: bool, is: impl Fn(&Instance) -> bool) -> Option<Self> {
        let mut instances: Vec<_> = instances.iter().filter(|one| !one.is_gone() && is(one)).cloned().collect();
        instances.sort_by(Instance::order);
        Some(Self { instances, in_part, cached: false }).filter(|matches| !matches.instances.is_empty())
    }
}

/// Whether the first of some instances, which are in order, is the one that is meant.
fn is_decided(instances: &[Instance]) -> bool {
    match instances {
        [] => false,
        [_] => true,
        [first, second, ..] => first.status.rank() < second.status.rank() && first.status.is_up(),
    }
}

fn broken_off(troubles: Vec<Trouble>) -> Option<Trouble> {
    troubles.into_iter().find(|trouble| trouble.service == Service::Ec2 && trouble.partial)
}

/// Instances from which on a fleet is large: more than EC2 lists in one request.
const LARGE: usize = 1_000;
