//! Tests of listings: against services that answer as each test says.

use std::sync::{Mutex, atomic::AtomicUsize, atomic::Ordering, mpsc as blocking};

use super::*;
use crate::aws::{ErrorKind, InstanceState};
use crate::fleet::model::state::TargetState;
use crate::fleet::trouble::Service;
use crate::testing::{Answer, Fake};

/// A page of EC2: ids with their states, each named after its id.
fn ec2(instances: &[(String, &str)], next: Option<&str>) -> Answer {
    let items = instances.iter().map(|(id, state)| {
        format!(
            "<item><instanceId>{id}</instanceId><instanceState><name>{state}</name></instanceState>\
             <tagSet><item><key>Name</key><value>name-of-{id}</value></item></tagSet></item>"
        )
    });
    let (items, next) = (items.collect::<String>(), next.map(|next| format!("<nextToken>{next}</nextToken>")));
    Answer::xml(&format!(
        "<DescribeInstancesResponse><reservationSet><item><instancesSet>{items}</instancesSet></item>\
         </reservationSet>{}</DescribeInstancesResponse>",
        next.unwrap_or_default()
    ))
}

/// A page of Systems Manager: ids with their ping status.
fn ssm(instances: &[(String, &str)]) -> Answer {
    let list = instances.iter().map(|(id, ping)| serde_json::json!({ "InstanceId": id, "PingStatus": ping }));
    Answer::json(&serde_json::json!({ "InstanceInformationList": list.collect::<Vec<_>>() }).to_string())
}

/// What is asked by ids is answered with `Online` for each; a list with what is given.
fn ssm_by_id(body: &str, list: &[(String, &str)]) -> Answer {
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    match body["Filters"][0]["Key"].as_str() {
        Some("InstanceIds") => {
            let ids = body["Filters"][0]["Values"].as_array().unwrap();
            ssm(&ids.iter().map(|id| (id.as_str().unwrap().to_owned(), "Online")).collect::<Vec<_>>())
        }
        _ => ssm(list),
    }
}

fn one(id: &str, word: &'static str) -> Vec<(String, &'static str)> {
    vec![(id.to_owned(), word)]
}

fn uncached() -> Options {
    Options { cache: CacheUse::Off, ..Options::default() }
}

async fn listed(fake: &Fake, query: &str) -> Inventory {
    list(vec![fake.aws().await], &query.parse().unwrap(), &uncached()).collect(|_| ()).await
}

fn shown(inventory: &Inventory) -> Vec<(&str, TargetState)> {
    inventory.instances.iter().map(|instance| (instance.id.as_str(), instance.status)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_are_reported_before_their_status_is_known() {
    let (go_on, wait) = blocking::channel::<()>();
    let wait = Mutex::new(wait);
    let fake = Fake::start(move |seen| match seen.action.as_str() {
        "DescribeInstances" => ec2(&one("i-1", "running"), None),
        _ => {
            wait.lock().unwrap().recv().unwrap();
            ssm(&one("i-1", "Online"))
        }
    })
    .await;
    let mut listing = list(vec![fake.aws().await], &Query::default(), &uncached());
    let found = |update| match update {
        Some(Update::Found(found)) => found,
        other => panic!("{other:?}"),
    };
    let first = found(listing.next().await);
    assert_eq!((first[0].name.as_deref(), first[0].status), (Some("name-of-i-1"), TargetState::Running));
    go_on.send(()).unwrap();
    assert_eq!(found(listing.next().await)[0].status, TargetState::Online);
    assert!(matches!(listing.next().await, Some(Update::Finished { cached: false, .. })));
    assert!(listing.next().await.is_none());
}

#[tokio::test]
async fn a_listing_that_is_dropped_asks_no_more() {
    let names: Vec<_> = (0..1_000).map(|n| (format!("i-{n:03}"), "running")).collect();
    let fake = Fake::start(move |seen| match seen.action.as_str() {
        "DescribeInstances" => ec2(&names, Some("more")),
        _ => ssm_by_id(&seen.body, &[]),
    })
    .await;
    let aws = fake.aws().await;
    let mut listing = list(vec![aws.clone()], &"i-".parse().unwrap(), &uncached());
    assert!(matches!(listing.next().await, Some(Update::Found(_))));
    drop(listing);
    let asked = fake.seen().len();
    // As long as this takes, EC2 would have told of thousands.
    for _ in 0..20 {
        aws.instances_page(&[], None, &Pace::default()).await.unwrap();
    }
    let others = fake.seen().len() - asked - 20;
    assert!(others <= 2 * crate::aws::MOST_REQUESTS, "{others} requests that were under way");
}

#[tokio::test]
async fn both_services_are_joined_and_what_only_one_knows_is_there_too() {
    let fake = Fake::start(|seen| match seen.action.as_str() {
        "DescribeInstances" => ec2(
            &[("i-1", "running"), ("i-2", "running"), ("i-3", "stopped"), ("i-4", "terminated")]
                .map(|(id, state)| (id.to_owned(), state)),
            None,
        ),
        // Of the last two, EC2 knows nothing any more.
        _ => ssm(&[
            ("i-1", "Online"),
            ("i-3", "Online"),
            ("mi-5", "ConnectionLost"),
            ("i-6", "ConnectionLost"),
            ("i-7", "Online"),
        ]
        .map(|(id, ping)| (id.to_owned(), ping))),
    })
    .await;
    let inventory = listed(&fake, "").await;
    assert_eq!(
        shown(&inventory),
        [
            ("i-1", TargetState::Online),
            ("i-2", TargetState::Unmanaged),
            ("mi-5", TargetState::Offline),
            ("i-3", TargetState::Down(InstanceState::Stopped)),
            ("i-4", TargetState::Down(InstanceState::Terminated)),
        ]
    );
    assert!(inventory.troubles.is_empty() && inventory.cached.is_none());
}

#[tokio::test]
async fn where_a_query_finds_few_only_they_are_asked_about() {
    let names: Vec<_> = (0..1_000).map(|n| (format!("i-{n:03}"), "running")).collect();
    let fake = Fake::start(move |seen| match seen.action.as_str() {
        "DescribeInstances" => ec2(&names, None),
        _ => ssm_by_id(&seen.body, &[("mi-12".to_owned(), "Online"), ("mi-34".to_owned(), "Online")]),
    })
    .await;
    // One in ten, and of those 100 by ids; and a hybrid node.
    let inventory = listed(&fake, "i-12").await;
    assert_eq!(inventory.instances.len(), 10 + 1);
    assert!(inventory.instances.iter().all(|instance| instance.status == TargetState::Online), "{inventory:?}");
    let bodies: Vec<_> = fake.seen().into_iter().filter(|seen| seen.action != "DescribeInstances").collect();
    assert_eq!(bodies.len(), 2, "the hybrid nodes, and ten ids");

    let inventory = listed(&fake, "i-").await;
    assert_eq!(inventory.instances.len(), 1_002);
    let seen = fake.seen();
    let asked: Vec<usize> = seen[bodies.len() + 1..]
        .iter()
        .filter(|seen| seen.body.contains("InstanceIds"))
        .map(|seen| serde_json::from_str::<serde_json::Value>(&seen.body).unwrap())
        .map(|body| body["Filters"][0]["Values"].as_array().unwrap().len())
        .collect();
    assert_eq!(asked, [50; 20]);
}

#[tokio::test]
async fn one_service_is_enough_and_what_is_missing_is_reported() {
    let fake = Fake::start(|seen| match seen.action.as_str() {
        "DescribeInstances" => Answer::ec2_error(403, "UnauthorizedOperation", "no"),
        _ => ssm_by_id(&seen.body, &one("i-1", "Online")),
    })
    .await;
    for query in ["", "i-1"] {
        let inventory = listed(&fake, query).await;
        assert_eq!(shown(&inventory), [("i-1", TargetState::Online)], "{query}");
        let [trouble] = inventory.troubles.as_slice() else { panic!("{inventory:?}") };
        assert_eq!((trouble.service, trouble.partial, trouble.kind), (Service::Ec2, false, ErrorKind::Permission));
        assert!(trouble.hints[0].contains("ec2:DescribeInstances") && trouble.is_lasting());
    }

    let fake = Fake::start(|seen| match seen.action.as_str() {
        "DescribeInstances" => ec2(&[("i-1".to_owned(), "running"), ("i-2".to_owned(), "stopped")], None),
        _ => Answer::json_error(400, "AccessDeniedException", "no"),
    })
    .await;
    for query in ["", "name"] {
        let inventory = listed(&fake, query).await;
        let expected = [("i-1", TargetState::Running), ("i-2", TargetState::Down(InstanceState::Stopped))];
        assert_eq!(shown(&inventory), expected, "{query}");
        let [trouble] = inventory.troubles.as_slice() else { panic!("{inventory:?}") };
        assert_eq!(trouble.service, Service::SystemsManager);
        assert!(trouble.hints[0].contains("ssm:DescribeInstanceInformation"), "{trouble}");
    }
}

#[tokio::test]
async fn a_list_that_breaks_off_says_so_and_keeps_what_it_has() {
    let fake = Fake::start(|seen| match seen.action.as_str() {
        "DescribeInstances" if seen.body.contains("NextToken") => {
            Answer::ec2_error(400, "InvalidParameterValue", "Unable to parse pagination token")
        }
        "DescribeInstances" => ec2(&one("i-1", "running"), Some("2")),
        _ => ssm(&one("i-1", "Online")),
    })
    .await;
    let inventory = listed(&fake, "").await;
    assert_eq!(shown(&inventory), [("i-1", TargetState::Online)]);
    assert!(inventory.troubles[0].partial && !inventory.troubles[0].is_lasting(), "{inventory:?}");
    assert!(inventory.troubles[0].to_string().starts_with("eu-west-1: the list is incomplete: instances are missing"));
}

#[tokio::test]
async fn a_region_that_fails_does_not_hide_the_others() {
    let fake = Fake::start(|seen| {
        let scope = seen.headers["authorization"].to_str().unwrap().to_owned();
        match seen.action.as_str() {
            _ if scope.contains("/us-east-1/") => Answer::ec2_error(403, "UnauthorizedOperation", "not here"),
            "DescribeInstances" => ec2(&one("i-1", "running"), None),
            _ => ssm(&one("i-1", "Online")),
        }
    })
    .await;
    let aws = fake.aws().await;
    let regions = ["eu-west-1", "us-east-1", "ap-south-1"].map(|region| aws.in_region(region).unwrap());
    let mut seen = Vec::new();
    let inventory = list(regions.into(), &Query::default(), &uncached()).collect(|count| seen.push(count)).await;
    let places: Vec<_> = inventory.instances.iter().map(|instance| instance.place.region.as_str()).collect();
    assert_eq!(places, ["ap-south-1", "eu-west-1"], "the same id in two places is two instances");
    assert!(inventory.troubles.iter().all(|trouble| trouble.place.region == "us-east-1"));
    assert_eq!((inventory.troubles.len(), seen.last()), (2, Some(&2)));
}

/// A fleet of one that is replaced by another each time it is asked for.
async fn changing() -> Fake {
    let asked = AtomicUsize::new(0);
    Fake::start(move |seen| match seen.action.as_str() {
        "DescribeInstances" => ec2(&one(&format!("i-{}", asked.fetch_add(1, Ordering::SeqCst)), "running"), None),
        _ => ssm(&[]),
    })
    .await
}

#[tokio::test]
async fn what_is_fresh_is_not_asked_for_again() {
    let (dir, fake) = (tempfile::tempdir().unwrap(), changing().await);
    let aws = fake.aws().await;
    let options = Options { cache_dir: Some(dir.path().to_owned()), ..Options::default() };
    let ids = async |options: &Options, query: &str| {
        let inventory = list(vec![aws.clone()], &query.parse().unwrap(), options).collect(|_| ()).await;
        let cached = inventory.cached.is_some();
        (inventory.instances.into_iter().map(|instance| instance.id).collect::<Vec<_>>().join(" "), cached)
    };
    assert_eq!(ids(&options, "").await, ("i-0".to_owned(), false));
    assert_eq!(ids(&options, "").await, ("i-0".to_owned(), true));
    assert_eq!(ids(&options, "name").await, ("i-0".to_owned(), true));
    assert_eq!(ids(&options, "other").await, (String::new(), true));
    assert_eq!(fake.seen().len(), 2);
    let with = |cache| Options { cache, ..options.clone() };
    assert_eq!(ids(&with(CacheUse::Off), "").await, ("i-1".to_owned(), false));
    assert_eq!(ids(&options, "").await, ("i-0".to_owned(), true), "it was not written");
    assert_eq!(ids(&with(CacheUse::Refresh), "").await, ("i-2".to_owned(), false));
    assert_eq!(ids(&options, "").await, ("i-2".to_owned(), true));
    let old = Options { age: Duration::ZERO, ..options.clone() };
    assert_eq!(ids(&old, "").await, ("i-3".to_owned(), false));
    // A part of the fleet is not kept for the whole.
    assert_eq!(ids(&old, "name").await, ("i-4".to_owned(), false));
    assert_eq!(ids(&options, "").await, ("i-3".to_owned(), true));

    let known = cached(std::slice::from_ref(&aws), &Query::default(), &old).await.unwrap();
    assert_eq!((known.0.instances[0].id.as_str(), known.1), ("i-3", false));
    let elsewhere = [aws.clone(), aws.in_region("us-east-1").unwrap()];
    assert!(cached(&elsewhere, &Query::default(), &old).await.is_none());
}

#[tokio::test]
async fn what_is_old_is_reported_at_once_and_corrected() {
    let (dir, fake) = (tempfile::tempdir().unwrap(), changing().await);
    let aws = fake.aws().await;
    let options = Options { cache_dir: Some(dir.path().to_owned()), age: Duration::ZERO, ..Options::default() };
    list(vec![aws.clone()], &Query::default(), &options).collect(|_| ()).await;

    let at_once = Options { cache: CacheUse::AtOnce, ..options.clone() };
    let mut listing = list(vec![aws.clone()], &Query::default(), &at_once);
    let mut updates = Vec::new();
    while let Some(update) = listing.next().await {
        updates.push(match update {
            Update::Found(found) => format!("+{}", found[0].id),
            Update::Gone(gone) => format!("-{}", gone[0].1),
            other => format!("{other:?}"),
        });
    }
    assert_eq!(updates[..2], ["+i-0", "+i-1"]);
    assert_eq!(updates[updates.len() - 2], "-i-0", "{updates:?}");
    let inventory = list(vec![aws.clone()], &Query::default(), &at_once).collect(|_| ()).await;
    assert_eq!(inventory.instances.iter().map(|instance| instance.id.as_str()).collect::<Vec<_>>(), ["i-2"]);
}
