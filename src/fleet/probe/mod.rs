//! Gathers the facts of a diagnosis with as few requests as possible, side by side, and goes on without those that are
//! denied or late.

mod elsewhere;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use futures_util::{StreamExt, future::join_all, stream};
use tokio::time::timeout;

use super::diagnose::{AgentFacts, Answer, Ec2Facts, Facts, Purpose, Refusal};
use super::inventory::plan::IDS;
use super::model::place::Place;
use crate::aws::{self, Aws, ConnectionStatus, Ec2Instance, ErrorKind, HybridTier, ManagedInstance, Pace};

pub(crate) use elsewhere::look_elsewhere;

/// What is to be known.
#[derive(Clone, Debug)]
pub(crate) struct Probe {
    /// What sessions are to be for.
    pub purpose: Purpose,
    /// The key of the tag that names instances.
    pub name_tag: String,
    /// How long each answer may take. A request that is not answered by then is given up, and the rest goes on.
    pub timeout: Duration,
}

type Answers<T> = HashMap<String, Answer<Option<T>>>;

impl Probe {
    /// Asks about targets, which are given by their ids, in one account and region: EC2 and Systems Manager about 50 at a
    /// time, Session Manager about each. The facts are in the order of the ids.
    pub(crate) async fn run(&self, aws: &Aws, ids: &[String]) -> Vec<Facts> {
        let of_kind = |prefixes: &[&str]| -> Vec<String> {
            ids.iter().filter(|id| prefixes.iter().any(|prefix| id.starts_with(prefix))).cloned().collect()
        };
        let (instances, managed) = (of_kind(&["i-"]), of_kind(&["i-", "mi-"]));
        let hybrid = managed.len() > instances.len();
        let (mut ec2, mut agents, mut connected, tier) = tokio::join!(
            self.ec2(aws, &instances),
            self.agents(aws, &managed),
            self.connected(aws, ids),
            self.tier(aws, hybrid)
        );
        let now = SystemTime::now();
        let facts = ids.iter().map(|id| Facts {
            ec2: ec2.remove(id).unwrap_or(Answer::NotAsked),
            agent: agents.remove(id).unwrap_or(Answer::NotAsked),
            connected: connected.remove(id).unwrap_or(Answer::NotAsked),
            tier: if id.starts_with("mi-") { tier.clone() } else { Answer::NotAsked },
            ..Facts::none(id, Place::of(aws), self.purpose, now)
        });
        facts.collect()
    }

    async fn ec2(&self, aws: &Aws, ids: &[String]) -> Answers<Ec2Facts> {
        let chunks = ids.chunks(IDS).map(|ids| async move {
            let filter = [("instance-id".to_owned(), ids.to_vec())];
            let asked =
                self.in_time("ec2:DescribeInstances", aws.instances_page(&filter, None, &Pace::default())).await;
            let found = asked.map(|page| page.items.into_iter().map(|one| (one.id.clone(), one)).collect());
            answers(ids, found, |instance| ec2_facts(instance, &self.name_tag))
        });
        join_all(chunks).await.into_iter().flatten().collect()
    }

    async fn agents(&self, aws: &Aws, ids: &[String]) -> Answers<AgentFacts> {
        let chunks = ids.chunks(IDS).map(|ids| async move {
            let filter = [("InstanceIds".to_owned(), ids.to_vec())];
            let asked = self
                .in_time("ssm:DescribeInstanceInformation", aws.managed_page(&filter, None, &Pace::default()))
                .await;
            let found = match asked {
                // So the service may put it of one that it does not know.
                Err(refusal) if refusal.kind == ErrorKind::NotFound && ids.len() == 1 => Ok(HashMap::new()),
                Err(refusal) => Err(refusal),
                Ok(page) => Ok(page.items.into_iter().map(|one| (one.id.clone(), one)).collect()),
            };
            answers(ids, found, agent_facts)
        });
        join_all(chunks).await.into_iter().flatten().collect()
    }

    async fn connected(&self, aws: &Aws, ids: &[String]) -> HashMap<String, Answer<bool>> {
        let asked = stream::iter(ids.to_vec()).map(|id| async move {
            let answer = match self.in_time("ssm:GetConnectionStatus", aws.connection_status(&id)).await {
                Ok(status) => Answer::Given(status == ConnectionStatus::Connected),
                Err(refusal) => Answer::Refused(refusal),
            };
            (id, answer)
        });
        asked.buffer_unordered(SIDE_BY_SIDE).collect().await
    }

    async fn tier(&self, aws: &Aws, asked: bool) -> Answer<HybridTier> {
        if !asked {
            return Answer::NotAsked;
        }
        match self.in_time("ssm:GetServiceSetting", aws.hybrid_tier()).await {
            Ok(Some(tier)) => Answer::Given(tier),
            Ok(None) => Answer::NotAsked,
            Err(refusal) => Answer::Refused(refusal),
        }
    }

    async fn in_time<T>(&self, action: &str, asked: impl Future<Output = Result<T, aws::Error>>) -> Result<T, Refusal> {
        match timeout(self.timeout, asked).await {
            Ok(answer) => answer.map_err(|error| Refusal::from(&error)),
            Err(_) => Err(Refusal::late(action, self.timeout.as_secs())),
        }
    }
}

/// What an answer about several ids says of each.
fn answers<A, T>(
    ids: &[String],
    found: Result<HashMap<String, A>, Refusal>,
    facts: impl Fn(A) -> T,
) -> Vec<(String, Answer<Option<T>>)> {
    let mut found = found;
    let answer = |id: &String| match &mut found {
        Ok(found) => Answer::Given(found.remove(id).map(&facts)),
        Err(refusal) => Answer::Refused(refusal.clone()),
    };
    ids.iter().map(answer).collect::<Vec<_>>().into_iter().zip(ids).map(|(answer, id)| (id.clone(), answer)).collect()
}

fn ec2_facts(instance: Ec2Instance, name_tag: &str) -> Ec2Facts {
    Ec2Facts {
        state: instance.state,
        name: instance.tags.get(name_tag).filter(|name| !name.is_empty()).cloned(),
        platform: instance.platform,
        instance_profile: instance.instance_profile,
        has_public_ip: instance.public_ip.is_some(),
        launched: instance.launched,
    }
}

fn agent_facts(managed: ManagedInstance) -> AgentFacts {
    let words = [&managed.platform_name, &managed.platform_version].into_iter().flatten();
    let words = words.map(String::as_str).collect::<Vec<_>>().join(" ");
    AgentFacts {
        ping: managed.ping,
        last_ping: managed.last_ping,
        version: managed.agent_version,
        platform: managed.platform,
        platform_name: Some(words).filter(|words| !words.is_empty()),
        name: managed.name,
    }
}

/// Targets that Session Manager is asked about at the same time.
const SIDE_BY_SIDE: usize = 8;
