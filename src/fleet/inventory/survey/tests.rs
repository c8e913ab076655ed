//! Tests of surveys of many instances, against services that throttle, refuse and break off by a seed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use super::*;
use crate::aws::InstanceState;
use crate::fleet::inventory::plan::IDS;
use crate::fleet::model::state::TargetState;
use crate::fleet::query::terms::Query;
use crate::testing::{Answer, Fake};

/// What the two services know.
#[derive(Clone, Default)]
struct Estate {
    /// By id: the state.
    ec2: BTreeMap<String, &'static str>,
    /// By id: whether the agent is online.
    managed: BTreeMap<String, bool>,
    /// Of every list of EC2, so many pages are given and the next is refused.
    ec2_pages: Option<usize>,
    /// Whether to ask about an id that has no agent is an error.
    is_strict: bool,
    /// Every so-manieth call is throttled, on average.
    throttled: Option<u64>,
    seed: u64,
}

/// A number that follows from others (SplitMix64).
fn mixed(seed: u64, n: u64) -> u64 {
    let mixed = seed.wrapping_mul(0x2545_f491_4f6c_dd1d).wrapping_add(n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

impl Estate {
    /// So many instances of EC2, of which a few have no agent, are stopped or gone, and so many hybrid nodes.
    fn new(seed: u64, instances: u64, hybrids: u64) -> Self {
        let mut estate = Self { seed, ..Self::default() };
        for n in 0..instances {
            let id = format!("i-{:017x}", u128::from(mixed(seed, n)));
            let state = ["running", "stopped", "terminated", "running", "running"][mixed(seed + 1, n) as usize % 5];
            estate.ec2.insert(id.clone(), state);
            if !mixed(seed + 2, n).is_multiple_of(8) && state != "terminated" {
                estate.managed.insert(id, state == "running" && !mixed(seed + 3, n).is_multiple_of(10));
            }
        }
        // Systems Manager remembers some for a while that EC2 has forgotten.
        estate.managed.extend((0..20).map(|n| (format!("i-{:017x}", u128::from(mixed(seed + 4, n))), true)));
        estate.managed.extend((0..hybrids).map(|n| (format!("mi-{:017x}", u128::from(mixed(seed + 5, n))), true)));
        estate
    }

    async fn fake(&self) -> Fake {
        let (estate, calls) = (self.clone(), AtomicU64::new(0));
        Fake::start(move |seen| {
            let call = calls.fetch_add(1, Ordering::Relaxed);
            let is_ec2 = seen.action == "DescribeInstances";
            match estate.throttled {
                Some(every) if mixed(estate.seed + 6, call).is_multiple_of(every) => throttled(is_ec2),
                _ if is_ec2 => estate.instances(&seen.body),
                _ => estate.information(&seen.body),
            }
        })
        .await
    }

    /// A page of EC2, of 1 to 400.
    fn instances(&self, body: &str) -> Answer {
        let at = body.split('&').find_map(|pair| pair.strip_prefix("NextToken=")).map_or(0, |at| at.parse().unwrap());
        if self.ec2_pages.is_some_and(|pages| at >= pages * 400 || pages == 0) {
            return Answer::ec2_error(403, "UnauthorizedOperation", "no");
        }
        let size = if self.ec2_pages.is_some() { 400 } else { 1 + mixed(self.seed, at as u64) as usize % 400 };
        let items = self.ec2.iter().skip(at).take(size).map(|(id, state)| {
            format!("<item><instanceId>{id}</instanceId><instanceState><name>{state}</name></instanceState></item>")
        });
        let items: String = items.collect();
        let more = at + size < self.ec2.len();
        let next = if more { format!("<nextToken>{}</nextToken>", at + size) } else { String::new() };
        Answer::xml(&format!(
            "<DescribeInstancesResponse><reservationSet><item><instancesSet>{items}</instancesSet></item>\
             </reservationSet>{next}</DescribeInstancesResponse>"
        ))
    }

    /// A page of Systems Manager, of up to 50.
    fn information(&self, body: &str) -> Answer {
        let body: Value = serde_json::from_str(body).unwrap();
        let filters = filters(&body);
        let is_meant = |id: &str| {
            filters.iter().all(|(key, values)| match key.as_str() {
                "InstanceIds" => values.iter().any(|wanted| wanted == id),
                "ResourceType" => values[0] == if id.starts_with("mi-") { "ManagedInstance" } else { "EC2Instance" },
                "PlatformTypes" => values[0] == platform(id),
                // All have the same tags.
                key => key.starts_with("tag:"),
            })
        };
        let is_known = |id: &String| self.managed.contains_key(id);
        if self.is_strict && filters.iter().any(|(key, ids)| key == "InstanceIds" && !ids.iter().all(is_known)) {
            return Answer::json_error(400, "InvalidInstanceId", "");
        }
        let from = body["NextToken"].as_str().unwrap_or_default();
        let mut rest = self.managed.iter().filter(|(id, _)| is_meant(id) && id.as_str() > from);
        let page: Vec<_> = rest.by_ref().take(50).collect();
        let list = page.iter().map(|(id, online)| {
            let ping = if **online { "Online" } else { "ConnectionLost" };
            json!({ "InstanceId": id, "PingStatus": ping, "PlatformType": platform(id) })
        });
        let mut answer = json!({ "InstanceInformationList": list.collect::<Vec<_>>() });
        if rest.next().is_some() {
            answer["NextToken"] = json!(page.last().unwrap().0);
        }
        Answer::json(&answer.to_string())
    }

    /// What a survey has to find, by id.
    fn expected(&self) -> BTreeMap<String, TargetState> {
        let managed = |id: &str| match self.managed.get(id) {
            Some(true) => TargetState::Online,
            Some(false) => TargetState::Offline,
            None => TargetState::Unmanaged,
        };
        let of_ec2 = self.ec2.iter().map(|(id, state)| {
            let state = match *state {
                "stopped" => TargetState::Down(InstanceState::Stopped),
                "terminated" => TargetState::Down(InstanceState::Terminated),
                _ => managed(id),
            };
            (id.clone(), state)
        });
        let hybrids = self.managed.keys().filter(|id| id.starts_with("mi-")).map(|id| (id.clone(), managed(id)));
        of_ec2.chain(hybrids).collect()
    }
}

fn platform(id: &str) -> &'static str {
    ["Linux", "Linux", "Windows", "MacOS"][id.bytes().map(usize::from).sum::<usize>() % 4]
}

fn throttled(is_ec2: bool) -> Answer {
    match is_ec2 {
        true => Answer::ec2_error(503, "RequestLimitExceeded", "Request limit exceeded."),
        false => Answer::json_error(400, "ThrottlingException", "Rate exceeded"),
    }
}

fn filters(body: &Value) -> Vec<(String, Vec<String>)> {
    serde_json::from_value::<Option<Vec<BTreeMap<String, Value>>>>(body["Filters"].clone())
        .unwrap()
        .unwrap_or_default()
        .into_iter()
        .map(|one| (one["Key"].as_str().unwrap().to_owned(), serde_json::from_value(one["Values"].clone()).unwrap()))
        .collect()
}

/// Surveys all that fulfils a query. Returns what was found, by id, and what was not.
async fn survey(fake: &Fake, query: &str) -> (BTreeMap<String, TargetState>, Vec<String>) {
    let query: Query = query.parse().unwrap();
    let survey = Survey {
        aws: fake.aws().await,
        plan: Plan::of_query(&query),
        name_tag: "Name".into(),
        wanted: Arc::new(|_| true),
        listener: None,
        pace: Pace::default(),
    };
    let Surveyed { instances, troubles } = survey.run().await;
    let (found, known) = (instances.len(), instances.into_iter().map(|instance| (instance.id, instance.status)));
    let known: BTreeMap<_, _> = known.collect();
    assert_eq!(known.len(), found, "nothing is there twice");
    (known, troubles.iter().map(|trouble| trouble.missing().to_owned()).collect())
}

/// What Systems Manager was asked: the keys of the filters, or for how many ids; `+` for a page that is not the first.
fn asked(fake: &Fake) -> Vec<String> {
    let seen = fake.seen().into_iter().filter(|seen| seen.action == "DescribeInstanceInformation");
    let words = seen.map(|seen| {
        let body: Value = serde_json::from_str(&seen.body).unwrap();
        let words = filters(&body).into_iter().map(|(key, values)| match key.as_str() {
            "InstanceIds" => format!("{} ids", values.len()),
            "ResourceType" | "PlatformTypes" => values[0].clone(),
            _ => key,
        });
        let more = if body["NextToken"].is_string() { "+" } else { "" };
        format!("{}{more}", words.collect::<Vec<_>>().join(" "))
    });
    words.collect()
}

#[tokio::test]
async fn nothing_is_missing_and_nothing_is_there_twice() {
    for seed in 0..12 {
        let throttled = [None, Some(5), Some(3)][seed as usize % 3];
        let estate = Estate { throttled, ..Estate::new(seed, 100 * seed, 60 * (seed % 4)) };
        let fake = estate.fake().await;
        let (found, troubles) = survey(&fake, "").await;
        let expected = estate.expected();
        let differing: Vec<_> = expected.iter().filter(|(id, state)| found.get(*id) != Some(state)).take(3).collect();
        assert!(found.len() == expected.len() && differing.is_empty(), "seed {seed}: {} {differing:?}", found.len());
        assert!(troubles.is_empty(), "seed {seed}: {troubles:?}");
    }
}

#[tokio::test]
async fn a_long_list_is_left_for_the_ids_that_ec2_tells_of() {
    let estate = Estate::new(7, 2_000, 60);
    let fake = estate.fake().await;
    assert_eq!(survey(&fake, "").await, (estate.expected(), Vec::new()));
    let mut asked = asked(&fake);
    let (by_id, lists): (Vec<_>, Vec<_>) = asked.drain(..).partition(|words| words.ends_with(" ids"));
    assert_eq!(lists, ["", "ManagedInstance", "ManagedInstance+"]);
    let ids: usize = by_id.iter().map(|words| words.trim_end_matches(" ids").parse::<usize>().unwrap()).sum();
    let open = estate.ec2.values().filter(|state| **state != "terminated").count();
    assert!((open - IDS..open).contains(&ids), "each once, but for those of the first page: {ids} of {open}");
}

#[tokio::test]
async fn a_service_that_wants_no_unknown_ids_lists_all() {
    let estate = Estate { is_strict: true, throttled: Some(5), ..Estate::new(8, 1_000, 60) };
    let fake = estate.fake().await;
    assert_eq!(survey(&fake, "").await, (estate.expected(), Vec::new()));
    assert!(asked(&fake).contains(&"+".to_owned()));
}

#[tokio::test]
async fn a_short_list_is_read_side_by_side_with_ec2() {
    let estate = Estate::new(1, 30, 0);
    let fake = estate.fake().await;
    assert_eq!(survey(&fake, "").await, (estate.expected(), Vec::new()));
    assert_eq!(asked(&fake), [""]);
}

#[tokio::test]
async fn without_ec2_the_list_is_read_in_parts_side_by_side() {
    for ec2_pages in [0, 2] {
        let estate = Estate { ec2_pages: Some(ec2_pages), throttled: Some(7), ..Estate::new(3, 1_500, 70) };
        let fake = estate.fake().await;
        let (found, troubles) = survey(&fake, "").await;
        assert_eq!(troubles.len(), 1, "{troubles:?}");
        let missing: Vec<_> = estate.managed.keys().filter(|id| !found.contains_key(*id)).collect();
        assert!(missing.is_empty(), "{ec2_pages} pages: {missing:?}");
        let heard: BTreeSet<_> = estate.ec2.keys().take(ec2_pages * 400).collect();
        let known = |id: &&String| estate.managed.contains_key(*id) || heard.contains(id);
        assert_eq!(found.keys().filter(|id| !known(id)).count(), 0);
        assert_eq!(
            found.len(),
            estate.managed.len() + heard.iter().filter(|id| !estate.managed.contains_key(**id)).count()
        );
        let lists: BTreeSet<_> = asked(&fake).into_iter().filter(|words| !words.ends_with(" ids")).collect();
        let parts = ["Linux", "Windows", "MacOS"].map(|platform| format!("EC2Instance {platform}"));
        let parts: BTreeSet<_> = parts.into_iter().chain([String::new(), "ManagedInstance".to_owned()]).collect();
        let first: BTreeSet<_> = lists.iter().filter(|words| !words.ends_with('+')).cloned().collect();
        assert_eq!(first, parts);
        assert!(!lists.contains("+"), "the list of all is not followed: {lists:?}");
    }
}

#[tokio::test]
async fn a_long_list_by_tags_is_followed_only_where_there_are_hybrid_nodes() {
    for (hybrids, is_followed) in [(0, false), (1, true)] {
        let estate = Estate { throttled: Some(6), ..Estate::new(9, 600, hybrids) };
        let fake = estate.fake().await;
        assert_eq!(survey(&fake, "Env=prod").await, (estate.expected(), Vec::new()), "{hybrids} hybrid nodes");
        let asked = asked(&fake);
        assert!(asked.contains(&"ManagedInstance".to_owned()), "{asked:?}");
        assert_eq!(asked.contains(&"tag:Env+".to_owned()), is_followed, "{asked:?}");
        assert_eq!(asked.iter().any(|words| words.ends_with(" ids")), !is_followed, "{asked:?}");
    }
    // Without EC2, there is nothing else.
    let estate = Estate { ec2_pages: Some(0), ..Estate::new(9, 600, 0) };
    let fake = estate.fake().await;
    let (found, troubles) = survey(&fake, "Env=prod").await;
    assert_eq!((found.len(), troubles.len()), (estate.managed.len(), 1));
    assert!(asked(&fake).contains(&"tag:Env+".to_owned()));
}
