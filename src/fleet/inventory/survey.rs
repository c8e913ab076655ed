//! Asks EC2 and Systems Manager of one account and region side by side, and reports the answers as they come.

use std::{pin::pin, sync::Arc};

use futures_util::{
    Stream, StreamExt, future,
    stream::{self, BoxStream, FuturesUnordered},
};
use tokio::sync::mpsc;

use super::joiner::{Joiner, Surveyed, Wanted};
use super::pages::pages;
use super::plan::{Managed, Plan};
use super::update::Update;
use crate::aws::{Aws, Ec2Instance, Error, Filter, ManagedInstance};
use crate::fleet::model::place::Place;

/// What is to be asked, and what of the answers is wanted.
pub(crate) struct Survey {
    pub(crate) aws: Aws,
    pub(crate) plan: Plan,
    /// The key of the tag that names instances.
    pub(crate) name_tag: Arc<str>,
    /// Which instances are reported, and asked about by their ids.
    pub(crate) wanted: Wanted,
    /// Gets instances as they are found and become better known.
    pub(crate) listener: Option<mpsc::Sender<Update>>,
}

/// A page, or the end.
type Heard<T> = Result<Option<Vec<T>>, Error>;

impl Survey {
    pub(crate) async fn run(self) -> Surveyed {
        let mut ec2 = pin!(self.ec2());
        let hybrid = || vec![("ResourceType".to_owned(), vec!["ManagedInstance".to_owned()])];
        let mut managed = match &self.plan.managed {
            Managed::List(filters) => managed_pages(&self.aws, filters.clone()),
            Managed::ById => managed_pages(&self.aws, hybrid()),
        };
        let mut statuses = FuturesUnordered::new();
        let mut joiner = Joiner::new(Place::of(&self.aws), &self.name_tag, &self.plan, Arc::clone(&self.wanted));
        loop {
            while statuses.len() < STATUSES_SIDE_BY_SIDE
                && let Some(ids) = joiner.next_without_status()
            {
                let filter = ("InstanceIds".to_owned(), ids.clone());
                let pages = managed_pages(&self.aws, vec![filter]);
                statuses.push(async move { (ids, all(pages).await) });
            }
            let changed = tokio::select! {
                Some(heard) = ec2.next(), if !joiner.ec2.is_over => {
                    // Then Systems Manager has to tell of everything.
                    if heard.is_err() && self.plan.managed == Managed::ById {
                        managed = managed_pages(&self.aws, Vec::new());
                        joiner.managed.is_over = false;
                    }
                    joiner.hear_ec2(heard)
                }
                Some(heard) = managed.next(), if !joiner.managed.is_over => joiner.hear_managed(heard),
                Some((ids, status)) = statuses.next() => joiner.hear_status(ids, status),
                else => return joiner.finish(),
            };
            if let Some(listener) = &self.listener {
                let instances = joiner.wanted(&changed);
                if !instances.is_empty() {
                    // A listener that is gone drops this task soon.
                    let _ = listener.send(Update::Found(instances)).await;
                }
            }
        }
    }

    fn ec2(&self) -> impl Stream<Item = Heard<Ec2Instance>> {
        let alternatives = stream::iter(self.plan.ec2.clone()).flat_map(|filters| {
            let (aws, filters) = (self.aws.clone(), Arc::new(filters));
            pages("ec2:DescribeInstances", EC2_PAGES, move |token| {
                let (aws, filters) = (aws.clone(), Arc::clone(&filters));
                async move { aws.instances_page(&filters, token.as_deref()).await }
            })
        });
        with_end(alternatives)
    }
}

fn managed_pages(aws: &Aws, filters: Vec<Filter>) -> BoxStream<'static, Heard<ManagedInstance>> {
    let (aws, filters) = (aws.clone(), Arc::new(filters));
    let pages = pages("ssm:DescribeInstanceInformation", MANAGED_PAGES, move |token| {
        let (aws, filters) = (aws.clone(), Arc::clone(&filters));
        async move { aws.managed_page(&filters, token.as_deref()).await }
    });
    with_end(pages).boxed()
}

fn with_end<T>(pages: impl Stream<Item = Result<Vec<T>, Error>>) -> impl Stream<Item = Heard<T>> {
    pages.map(|page| page.map(Some)).chain(stream::once(future::ready(Ok(None))))
}

async fn all<T>(mut pages: BoxStream<'static, Heard<T>>) -> Result<Vec<T>, Error> {
    let mut all = Vec::new();
    while let Some(page) = pages.next().await {
        all.extend(page?.into_iter().flatten());
    }
    Ok(all)
}

/// Requests for the status of instances by their ids, at the same time. The service allows some ten in a second.
const STATUSES_SIDE_BY_SIDE: usize = 4;

/// Pages that are read at most: 100,000 instances of an account and region.
const EC2_PAGES: usize = 100;

const MANAGED_PAGES: usize = 2_000;
