//! What is known of the instances of one account and region while the two services are being heard.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use super::plan::{IDS, Managed, Plan};
use crate::aws::{Ec2Instance, Error, ManagedInstance};
use crate::fleet::model::instance::Instance;
use crate::fleet::model::place::Place;
use crate::fleet::query::terms::Tag;
use crate::fleet::trouble::{Service, Trouble};

/// Which instances are of interest.
pub(crate) type Wanted = Arc<dyn Fn(&Instance) -> bool + Send + Sync>;

/// What both services said of an account and region.
#[derive(Debug)]
pub(crate) struct Surveyed {
    /// All instances that were found, wanted or not, in no order.
    pub(crate) instances: Vec<Instance>,
    /// What did not answer, or not to the end.
    pub(crate) troubles: Vec<Trouble>,
}

/// Joins what comes in any order.
pub(crate) struct Joiner {
    place: Place,
    name_tag: Arc<str>,
    wanted: Wanted,
    implied: Vec<Tag>,
    by_id: ById,
    asks_ec2: bool,
    pub(crate) ec2: Progress,
    /// The lists of Systems Manager.
    managed: Progress,
    /// The requests by id.
    statuses: Progress,
    without_status: VecDeque<Vec<String>>,
    known: HashMap<String, Known>,
}

/// Who of those that EC2 tells of is asked about by ids.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ById {
    Nobody,
    Wanted,
    /// All but those that are gone.
    All,
}

/// How far a service has been heard.
#[derive(Default)]
pub(crate) struct Progress {
    is_over: bool,
    pages: usize,
    error: Option<Error>,
}

#[derive(Default)]
struct Known {
    ec2: Option<Ec2Instance>,
    managed: Option<ManagedInstance>,
    /// Systems Manager was asked about this one by its id.
    asked: bool,
}

impl Joiner {
    pub(crate) fn new(place: Place, name_tag: &Arc<str>, plan: &Plan, wanted: Wanted) -> Self {
        Self {
            place,
            name_tag: Arc::clone(name_tag),
            wanted,
            implied: plan.implied.clone(),
            by_id: if plan.managed == Managed::ById { ById::Wanted } else { ById::Nobody },
            asks_ec2: !plan.ec2.is_empty(),
            ec2: Progress::default(),
            managed: Progress::default(),
            statuses: Progress::default(),
            without_status: VecDeque::new(),
            known: HashMap::new(),
        }
    }

    /// Hears a page of EC2, or its end. Returns the ids of those of which more can be told now.
    pub(crate) fn hear_ec2(&mut self, heard: Result<Option<Vec<Ec2Instance>>, Error>) -> Vec<String> {
        let Some(page) = self.ec2.hear(heard) else {
            // Those that had to wait for what EC2 says.
            return self.ids(|known| known.ec2.is_none());
        };
        let ids: Vec<_> = page.iter().map(|ec2| ec2.id.clone()).collect();
        for ec2 in page {
            let known = self.known.entry(ec2.id.clone()).or_default();
            known.ec2 = Some(ec2);
        }
        self.queue(&ids);
        ids
    }

    /// Hears a page of any list of Systems Manager, or the end of the last one. Returns the same.
    pub(crate) fn hear_list(&mut self, heard: Result<Option<Vec<ManagedInstance>>, Error>) -> Vec<String> {
        match self.managed.hear(heard) {
            Some(page) => self.keep(page),
            // Now it is known that these are in no page.
            None if self.by_id == ById::Nobody => self.ids(|known| known.managed.is_none()),
            None => Vec::new(),
        }
    }

    /// From now on, all are asked about by ids of whom no list has told before.
    pub(crate) fn ask_by_id(&mut self) {
        self.by_id = ById::All;
        self.queue(&self.ids(|known| known.ec2.is_some()));
    }

    /// From now on, nobody is asked about by ids any more: the lists tell of all.
    pub(crate) fn ask_nobody(&mut self) {
        self.by_id = ById::Nobody;
        self.managed.is_over = false;
        self.without_status.clear();
    }

    pub(crate) fn asks_by_id(&self) -> bool {
        self.by_id != ById::Nobody
    }

    /// Whether EC2 tells of ids.
    pub(crate) fn can_ask_by_id(&self) -> bool {
        self.asks_ec2 && self.ec2.error.is_none()
    }

    /// Whether an agent does not say what it runs on. Systems Manager documents no such thing.
    pub(crate) fn has_unknown_platforms(&self) -> bool {
        self.known.values().filter_map(|known| known.managed.as_ref()).any(|managed| managed.platform.is_none())
    }

    /// Hears what was asked by ids. Returns these.
    pub(crate) fn hear_status(&mut self, ids: Vec<String>, heard: Result<Vec<ManagedInstance>, Error>) -> Vec<String> {
        let Some(found) = self.statuses.hear(heard.map(Some)) else {
            // A service that refuses one request refuses all.
            self.without_status.clear();
            return Vec::new();
        };
        self.keep(found);
        for id in &ids {
            if let Some(known) = self.known.get_mut(id) {
                known.asked = true;
            }
        }
        ids
    }

    /// Ids to ask Systems Manager about, in one request.
    pub(crate) fn next_without_status(&mut self) -> Option<Vec<String>> {
        self.without_status.pop_front()
    }

    /// What is known of those of these instances that are wanted, as far as they can be told of yet.
    pub(crate) fn wanted(&self, ids: &[String]) -> Vec<Instance> {
        let known = ids.iter().filter_map(|id| self.known.get(id));
        known.filter_map(|known| self.instance(known)).filter(|instance| (self.wanted)(instance)).collect()
    }

    /// Everything, when both services have been heard.
    pub(crate) fn finish(self) -> Surveyed {
        let mut troubles = Vec::new();
        if let Some(err) = &self.ec2.error {
            troubles.push(Trouble::new(&self.place, Service::Ec2, self.ec2.pages > 0, err));
        }
        if let Some(err) = self.managed.error.as_ref().or(self.statuses.error.as_ref()) {
            let partial = self.managed.pages + self.statuses.pages > 0;
            troubles.push(Trouble::new(&self.place, Service::SystemsManager, partial, err));
        }
        let instances = self.known.values().filter_map(|known| self.instance(known)).collect();
        Surveyed { instances, troubles }
    }

    /// Queues those of these ids that are asked about.
    fn queue(&mut self, ids: &[String]) {
        let is_open = |id: &&String| {
            self.known.get(*id).is_some_and(|known| {
                known.managed.is_none() && known.ec2.as_ref().is_some_and(|ec2| !ec2.state.is_gone())
            })
        };
        let ids: Vec<_> = match self.by_id {
            // A service that refuses one request refuses all.
            _ if self.statuses.error.is_some() => return,
            ById::Nobody => return,
            ById::Wanted => {
                let wanted = self.wanted(ids).into_iter().filter(|instance| !instance.is_gone());
                wanted.map(|instance| instance.id).collect()
            }
            ById::All => ids.iter().filter(is_open).cloned().collect(),
        };
        self.without_status.extend(ids.chunks(IDS).map(<[String]>::to_vec));
    }

    fn keep(&mut self, page: Vec<ManagedInstance>) -> Vec<String> {
        let ids = page.iter().map(|managed| managed.id.clone()).collect();
        for managed in page {
            let known = self.known.entry(managed.id.clone()).or_default();
            known.managed = Some(managed);
        }
        ids
    }

    fn ids(&self, are: impl Fn(&Known) -> bool) -> Vec<String> {
        self.known.iter().filter(|(_, known)| are(known)).map(|(id, _)| id.clone()).collect()
    }

    /// `None` for one that cannot be told of: EC2 has not mentioned it, or not yet.
    fn instance(&self, known: &Known) -> Option<Instance> {
        let is_hybrid = known.managed.as_ref().is_some_and(|managed| managed.id.starts_with("mi-"));
        // What EC2 does not mention was terminated, even if Systems Manager remembers it for some time, as online at first.
        if known.ec2.is_none() && !is_hybrid && self.asks_ec2 && self.ec2.error.is_none() {
            return None;
        }
        let listed = self.by_id == ById::Nobody && self.managed.is_over && self.managed.error.is_none();
        let (ec2, managed) = (known.ec2.as_ref(), known.managed.as_ref());
        let mut instance = Instance::join(&self.place, &self.name_tag, ec2, managed, listed || known.asked)?;
        if ec2.is_none() {
            instance.tags.extend(self.implied.iter().map(|tag| (tag.key.clone(), tag.value.clone())));
            let tagged = instance.tags.get(&*self.name_tag);
            instance.name = tagged.cloned().or(instance.name);
        }
        Some(instance)
    }
}

impl Progress {
    pub(crate) fn failed(&self) -> bool {
        self.error.is_some()
    }

    /// A page; or nothing, if that was the end.
    fn hear<T>(&mut self, heard: Result<Option<Vec<T>>, Error>) -> Option<Vec<T>> {
        match heard {
            Ok(Some(page)) => {
                self.pages += 1;
                return Some(page);
            }
            Ok(None) => {}
            Err(err) => self.error = Some(err),
        }
        self.is_over = true;
        None
    }
}
