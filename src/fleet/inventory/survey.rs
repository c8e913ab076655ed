//! Asks EC2 and Systems Manager of one account and region side by side, and reports the answers as they come.
//!
//! Systems Manager lists 50 instances at a time, and each page has to be waited for before the next can be asked for. So
//! its list is read to the end only where it is short. Where it goes on, the pages of EC2, of 1,000, say whom to ask
//! about, by their ids and many side by side; hybrid nodes, of which EC2 knows nothing, are listed by themselves. Where
//! EC2 does not answer, the list is split by what an instance keeps for life.

use std::sync::Arc;

use futures_util::{
    Stream, StreamExt, future,
    stream::{self, BoxStream, SelectAll},
};
use tokio::sync::mpsc;

use super::joiner::{Joiner, Surveyed, Wanted};
use super::pages::pages;
use super::plan::{Managed, Plan};
use super::update::Update;
use crate::aws::{Aws, Ec2Instance, Error, ErrorKind, Filter, MOST_REQUESTS, ManagedInstance, Pace, Page};
use crate::fleet::model::place::Place;

/// What is to be asked, and what of the answers is wanted.
pub(crate) struct Survey {
    pub(crate) aws: Aws,
    pub(crate) plan: Plan,
    /// The key of the tag that names instances.
    pub(crate) name_tag: Arc<str>,
    /// Which instances are reported.
    pub(crate) wanted: Wanted,
    /// Gets instances as they are found and become better known.
    pub(crate) listener: Option<mpsc::Sender<Update>>,
    /// How many requests are under way at a time.
    pub(crate) pace: Pace,
}

/// A page, or the end.
pub(crate) type Heard<T> = Result<Option<Vec<T>>, Error>;

/// An answer.
enum Event {
    Ec2(Heard<Ec2Instance>),
    /// The first page of the list that the plan has for Systems Manager.
    First(Result<Page<ManagedInstance>, Error>),
    /// The first page of the hybrid nodes, where there are tags that an instance must have.
    Hybrids(Result<Page<ManagedInstance>, Error>),
    /// Of one of the lists of Systems Manager.
    List(Heard<ManagedInstance>),
    /// About instances with these ids.
    Status(Vec<String>, Result<Vec<ManagedInstance>, Error>),
}

impl Survey {
    pub(crate) async fn run(self) -> Surveyed {
        let joiner = Joiner::new(Place::of(&self.aws), &self.name_tag, &self.plan, Arc::clone(&self.wanted));
        let mut course = Course { survey: &self, joiner, events: SelectAll::new(), statuses: 0, lists: 0, rest: None };
        course.begin();
        while let Some(event) = course.events.next().await {
            let changed = course.hear(event);
            course.ask_about_some();
            if let Some(listener) = &self.listener {
                let instances = course.joiner.wanted(&changed);
                if !instances.is_empty() {
                    // A listener that is gone drops this task soon.
                    let _ = listener.send(Update::Found(instances)).await;
                }
            }
        }
        course.joiner.finish()
    }
}

/// A survey under way.
struct Course<'a> {
    survey: &'a Survey,
    joiner: Joiner,
    /// What was asked and has not been answered to the end.
    events: SelectAll<BoxStream<'static, Event>>,
    /// Requests by id among these.
    statuses: usize,
    /// Lists of Systems Manager among these.
    lists: usize,
    /// Where the list of the plan goes on that was left for requests by id.
    rest: Option<String>,
}

impl Course<'_> {
    fn begin(&mut self) {
        self.events.push(self.ec2());
        match &self.survey.plan.managed {
            Managed::List(filters) => self.ask_once(filters.clone(), Event::First),
            Managed::ById => self.list(hybrids(), None),
        }
    }

    /// Hears an answer, and asks what follows from it. Returns the ids of those of which more can be told now.
    fn hear(&mut self, event: Event) -> Vec<String> {
        match event {
            Event::Ec2(heard) => {
                let failed = heard.is_err();
                let changed = self.joiner.hear_ec2(heard);
                if failed {
                    self.go_on_without_ec2();
                }
                changed
            }
            Event::First(Ok(Page { items, next })) => {
                let mut changed = self.joiner.hear_list(Ok(Some(items)));
                if next.is_none() {
                    changed.extend(self.joiner.hear_list(Ok(None)));
                    return changed;
                }
                self.rest = next;
                match self.tags() {
                    Some(tags) if !self.joiner.can_ask_by_id() => self.go_on(tags),
                    // Tags cannot be combined with the type. Without any hybrid node, that does not matter.
                    Some(_) => self.ask_once(hybrids(), Event::Hybrids),
                    None => {
                        self.joiner.ask_by_id();
                        self.list(hybrids(), None);
                        if self.joiner.ec2.failed() {
                            self.list_platforms();
                        }
                    }
                }
                changed
            }
            Event::Hybrids(Ok(Page { items, next: None })) if items.is_empty() && self.joiner.can_ask_by_id() => {
                self.joiner.ask_by_id();
                Vec::new()
            }
            // What the page says is of no use: it does not say which of them have the tags.
            Event::Hybrids(_) => {
                let tags = self.tags().unwrap_or_default();
                self.go_on(tags);
                Vec::new()
            }
            Event::First(Err(err)) => self.joiner.hear_list(Err(err)),
            Event::List(Ok(Some(page))) => self.joiner.hear_list(Ok(Some(page))),
            Event::List(end) => {
                self.lists -= 1;
                match end {
                    Ok(_) if self.lists > 0 => Vec::new(),
                    end => self.joiner.hear_list(end),
                }
            }
            Event::Status(ids, heard) => {
                self.statuses -= 1;
                // As far as was seen, an instance that is not known is only missing from the answer. The API reference
                // can be read as if it made all of the request fail: then the list has to be followed.
                let is_unknown = heard.as_ref().is_err_and(|err| err.kind() == ErrorKind::NotFound);
                if is_unknown && let Managed::List(filters) = &self.survey.plan.managed {
                    if self.rest.is_some() {
                        self.joiner.ask_nobody();
                        self.go_on(filters.clone());
                    }
                    return Vec::new();
                }
                self.joiner.hear_status(ids, heard)
            }
        }
    }

    /// Lets Systems Manager tell of all that it was to be asked about by ids.
    fn go_on_without_ec2(&mut self) {
        match (&self.survey.plan.managed, self.tags()) {
            (Managed::ById, _) => self.list_platforms(),
            // The first page has not come yet, or was the last, or is being followed.
            (Managed::List(_), _) if !self.joiner.asks_by_id() => {}
            (Managed::List(_), Some(tags)) => self.go_on(tags),
            (Managed::List(_), None) => self.list_platforms(),
        }
    }

    /// Lists what EC2 would have told of, in parts that are read side by side. No other property will do: an instance
    /// that changes it meanwhile could be missing from all parts.
    fn list_platforms(&mut self) {
        let of_ec2 = ("ResourceType".to_owned(), vec!["EC2Instance".to_owned()]);
        if self.joiner.has_unknown_platforms() {
            return self.list(vec![of_ec2], None);
        }
        for platform in ["Linux", "Windows", "MacOS"] {
            self.list(vec![of_ec2.clone(), ("PlatformTypes".to_owned(), vec![platform.to_owned()])], None);
        }
    }

    /// Follows the list of the plan from its second page on.
    fn go_on(&mut self, filters: Vec<Filter>) {
        if let Some(rest) = self.rest.take() {
            self.list(filters, Some(rest));
        }
    }

    /// The filters of the plan for Systems Manager, if it has any.
    fn tags(&self) -> Option<Vec<Filter>> {
        match &self.survey.plan.managed {
            Managed::List(filters) => Some(filters.clone()).filter(|filters| !filters.is_empty()),
            Managed::ById => None,
        }
    }

    fn ask_about_some(&mut self) {
        while self.statuses < MOST_REQUESTS
            && let Some(ids) = self.joiner.next_without_status()
        {
            let pages = self.managed(vec![("InstanceIds".to_owned(), ids.clone())], None);
            self.statuses += 1;
            self.events.push(stream::once(async move { Event::Status(ids, all(pages).await) }).boxed());
        }
    }

    fn ask_once(&mut self, filters: Vec<Filter>, event: fn(Result<Page<ManagedInstance>, Error>) -> Event) {
        let (aws, pace) = (self.survey.aws.clone(), self.survey.pace.clone());
        let page = async move { event(aws.managed_page(&filters, None, &pace).await) };
        self.events.push(stream::once(page).boxed());
    }

    fn list(&mut self, filters: Vec<Filter>, from: Option<String>) {
        self.lists += 1;
        let pages = with_end(self.managed(filters, from)).map(Event::List);
        self.events.push(pages.boxed());
    }

    fn managed(
        &self,
        filters: Vec<Filter>,
        from: Option<String>,
    ) -> impl Stream<Item = Result<Vec<ManagedInstance>, Error>> + Send + use<> {
        let (aws, pace, filters) = (self.survey.aws.clone(), self.survey.pace.clone(), Arc::new(filters));
        pages("ssm:DescribeInstanceInformation", MANAGED_PAGES, from, move |token| {
            let (aws, pace, filters) = (aws.clone(), pace.clone(), Arc::clone(&filters));
            async move { aws.managed_page(&filters, token.as_deref(), &pace).await }
        })
    }

    fn ec2(&self) -> BoxStream<'static, Event> {
        let (aws, pace) = (self.survey.aws.clone(), self.survey.pace.clone());
        let alternatives = stream::iter(self.survey.plan.ec2.clone()).flat_map(move |filters| {
            let (aws, pace, filters) = (aws.clone(), pace.clone(), Arc::new(filters));
            pages("ec2:DescribeInstances", EC2_PAGES, None, move |token| {
                let (aws, pace, filters) = (aws.clone(), pace.clone(), Arc::clone(&filters));
                async move { aws.instances_page(&filters, token.as_deref(), &pace).await }
            })
        });
        with_end(alternatives).map(Event::Ec2).boxed()
    }
}

fn hybrids() -> Vec<Filter> {
    vec![("ResourceType".to_owned(), vec!["ManagedInstance".to_owned()])]
}

/// With the end as an item, which is that or an error.
fn with_end<T>(pages: impl Stream<Item = Result<Vec<T>, Error>>) -> impl Stream<Item = Heard<T>> {
    let all = pages.map(|page| page.map(Some)).chain(stream::once(future::ready(Ok(None))));
    all.scan(false, |is_over, heard| {
        let was_over = std::mem::replace(is_over, heard.is_err());
        future::ready(Some(heard).filter(|_| !was_over))
    })
}

async fn all<T>(pages: impl Stream<Item = Result<Vec<T>, Error>>) -> Result<Vec<T>, Error> {
    let mut pages = std::pin::pin!(pages);
    let mut all = Vec::new();
    while let Some(page) = pages.next().await {
        all.extend(page?);
    }
    Ok(all)
}

/// Pages that are read at most: 100,000 instances of an account and region.
const EC2_PAGES: usize = 100;

const MANAGED_PAGES: usize = 2_000;

#[cfg(test)]
mod tests;
