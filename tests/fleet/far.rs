//! Many instances and a service that is far away, or has too much: what it was asked, and that nothing is missing.

use std::collections::BTreeSet;
use std::time::Duration;

use rustix::process::Signal;
use ssmx::sandbox::{ApiCalls, ApiFault, Fleet, Options, Throttle};

use super::{fleet, ls};
use crate::support::cloud::Cloud;
use crate::support::command::{Finished, Running};
use crate::support::waiting::poll_until;

const INSTANCES: &str = "ec2:DescribeInstances";
const INFORMATION: &str = "ssm:DescribeInstanceInformation";

/// A sandbox to which a call takes a while, so that calls that are made side by side can be told from others.
fn far(fleet: Fleet, change: impl FnOnce(&mut Options)) -> Cloud {
    Cloud::with(|options| {
        options.fleet = fleet;
        options.api_latency = Duration::from_millis(20);
        change(options);
    })
}

/// Calls of an action that were not too many.
fn served(calls: &ApiCalls, action: &str) -> usize {
    calls.made.get(action).copied().unwrap_or_default() - calls.throttled.get(action).copied().unwrap_or_default()
}

/// What `ls -o ids` has written, each of which must be there once.
#[track_caller]
fn ids(ran: &Finished) -> BTreeSet<String> {
    let out = ran.out();
    let ids: BTreeSet<_> = out.lines().map(str::to_owned).collect();
    assert_eq!(ids.len(), out.lines().count(), "each is there once");
    ids
}

fn all(fleet: &Fleet) -> BTreeSet<String> {
    fleet.iter().map(|instance| instance.id.clone()).collect()
}

#[test]
fn ten_thousand_are_asked_about_side_by_side() {
    let fleet = fleet("generate = { count = 10_000, seed = 3 }");
    let cloud = far(fleet.clone(), |_| {});
    let ran = ls(&cloud, &["-o", "ids"]);
    assert_eq!((ran.code(), ids(&ran)), (0, all(&fleet)), "{}", ran.err());
    let calls = cloud.api_calls();
    assert_eq!((served(&calls, INSTANCES), calls.throttled.len()), (10, 0));
    // The first page, the hybrid nodes, and 50 at a time; what the first page tells makes some of these smaller.
    let information = served(&calls, INFORMATION);
    assert!((201..=212).contains(&information), "{calls:?}");
    assert!((8..=40).contains(&calls.most_at_once), "{calls:?}");
}

#[test]
fn with_one_call_in_five_too_many_all_are_there() {
    let fleet = fleet("generate = { count = 10_000, seed = 4 }");
    let cloud = far(fleet.clone(), |options| options.api_throttle = Throttle::Share(0.2));
    let ran = ls(&cloud, &["-o", "ids"]);
    assert_eq!((ran.code(), ids(&ran)), (0, all(&fleet)), "{}", ran.err());
    let calls = cloud.api_calls();
    assert!(calls.throttled[INFORMATION] > 10, "{calls:?}");
    assert_eq!(served(&calls, INSTANCES), 10);
    assert!((201..=212).contains(&served(&calls, INFORMATION)), "nothing is asked again that was answered: {calls:?}");
}

#[test]
fn buckets_as_in_aws_are_enough_for_all() {
    let regions = ["us-east-1", "eu-west-1"];
    let fleet = fleet(&format!("generate = {{ count = 4_400, regions = {regions:?} }}"));
    let cloud = far(fleet.clone(), |options| options.api_throttle = Throttle::Real);
    let ran = ls(&cloud, &["-o", "ids", "--region", &regions.join(",")]);
    assert_eq!((ran.code(), ids(&ran)), (0, all(&fleet)), "{}", ran.err());
    // Whether that of Systems Manager runs empty, of 40, depends on how fast this machine is.
    let calls = cloud.api_calls();
    assert!(!calls.throttled.contains_key(INSTANCES), "{calls:?}");
    assert!((90..=100).contains(&served(&calls, INFORMATION)), "{calls:?}");
}

/// Instances of all kinds, of each of which a list has several pages.
fn mixed() -> Fleet {
    let windows = (0..120).map(|n| format!("[[instance]]\nname = \"win-{n}\"\nplatform = \"Windows\"\n"));
    let hybrids = (0..120).map(|n| format!("[[instance]]\nname = \"hybrid-{n}\"\nid = \"mi-0{n:016x}\"\n"));
    let rest = "[generate]\ncount = 1_000\n".to_owned();
    fleet(&windows.chain(hybrids).chain([rest]).collect::<String>())
}

#[test]
fn without_ec2_the_parts_of_the_list_are_all_there() {
    let fleet = mixed();
    let denied = ApiFault::Deny { action: INSTANCES.to_owned() };
    let cloud = far(fleet.clone(), |options| options.api_faults.push(denied));
    let ran = ls(&cloud, &["-o", "ids"]);
    assert_eq!((ran.code(), ids(&ran)), (0, all(&fleet)), "{}", ran.err());
    // The first page, and the pages of Windows, of hybrid nodes, of Linux and of macOS, of which there is none.
    assert_eq!(served(&cloud.api_calls(), INFORMATION), 1 + 3 + 3 + 20 + 1);

    // With EC2, the hybrid nodes are as complete.
    let cloud = far(fleet.clone(), |_| {});
    let ran = ls(&cloud, &["-o", "ids"]);
    assert_eq!((ran.code(), ids(&ran)), (0, all(&fleet)), "{}", ran.err());
}

#[test]
fn a_listing_that_is_interrupted_makes_no_more_calls() {
    let fleet = fleet("generate = { count = 10_000 }");
    let cloud = far(fleet, |options| options.api_latency = Duration::from_millis(100));
    let running = Running::start(cloud.ssmx().args(["ls", "--no-cache"]));
    poll_until("some calls", || cloud.api_calls().made.get(INFORMATION).is_some_and(|made| *made >= 10));
    running.kill(Signal::INT);
    assert!(!running.finish().status.success());
    assert!(cloud.api_calls().made[INFORMATION] < 150, "{:?}", cloud.api_calls());
}
