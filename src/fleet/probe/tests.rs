//! How many requests it takes, and what becomes of those that are denied or late.

use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::Instant;

use super::{Probe, look_elsewhere};
use crate::aws::{Aws, ErrorKind, HybridTier, InstanceState, PingStatus};
use crate::fleet::diagnose::{Answer, Purpose};
use crate::fleet::model::place::Place;
use crate::fleet::query::spec::TargetSpec;
use crate::testing::{Answer as Reply, Fake, keys};

const ONE: &str = "i-00000000000000001";
const TWO: &str = "i-00000000000000002";
const HYBRID: &str = "mi-00000000000000003";

fn probe() -> Probe {
    Probe { purpose: Purpose::Shell, name_tag: "Name".to_owned(), timeout: Duration::from_secs(20) }
}

fn ids(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

fn ec2() -> Reply {
    Reply::xml(&format!(
        "<DescribeInstancesResponse><reservationSet><item><instancesSet><item><instanceId>{ONE}</instanceId>\
         <instanceState><name>running</name></instanceState><iamInstanceProfile><arn>arn:x/app</arn>\
         </iamInstanceProfile><tagSet><item><key>Name</key><value>web</value></item></tagSet></item></instancesSet>\
         </item></reservationSet></DescribeInstancesResponse>"
    ))
}

fn agents() -> Reply {
    Reply::json(&format!(
        r#"{{"InstanceInformationList":[
            {{"InstanceId":"{ONE}","PingStatus":"Online","AgentVersion":"3.3.0.0","LastPingDateTime":1.0}},
            {{"InstanceId":"{HYBRID}","PingStatus":"ConnectionLost","Name":"rack"}}]}}"#
    ))
}

fn service(action: &str) -> Reply {
    match action {
        "DescribeInstances" => ec2(),
        "DescribeInstanceInformation" => agents(),
        "GetConnectionStatus" => Reply::json(r#"{"Status":"connected"}"#),
        _ => Reply::json(r#"{"ServiceSetting":{"SettingValue":"standard"}}"#),
    }
}

#[tokio::test]
async fn several_targets_are_asked_about_together() {
    let fake = Fake::start(|seen| service(&seen.action)).await;
    let facts = probe().run(&fake.aws().await, &ids(&[ONE, TWO, HYBRID])).await;
    let mut seen: Vec<_> = fake.seen().into_iter().map(|seen| seen.action).collect();
    seen.sort_unstable();
    let expected = [
        "DescribeInstanceInformation",
        "DescribeInstances",
        "GetConnectionStatus",
        "GetConnectionStatus",
        "GetConnectionStatus",
        "GetServiceSetting",
    ];
    assert_eq!(seen, expected);

    let [one, two, hybrid] = &facts[..] else { panic!("{facts:?}") };
    let instance = one.instance().unwrap();
    assert_eq!((one.name(), instance.state), (Some("web"), InstanceState::Running));
    assert_eq!(instance.instance_profile.as_deref(), Some("arn:x/app"));
    let agent = one.known_agent().unwrap();
    assert_eq!((agent.ping, agent.version.as_deref()), (PingStatus::Online, Some("3.3.0.0")));
    assert!(agent.last_ping.is_some() && one.connected == Answer::Given(true) && one.tier == Answer::NotAsked);
    assert_eq!((&two.ec2, &two.agent), (&Answer::Given(None), &Answer::Given(None)));
    assert_eq!((&hybrid.ec2, hybrid.name()), (&Answer::NotAsked, Some("rack")));
    assert_eq!(hybrid.tier, Answer::Given(HybridTier::Standard));
}

#[tokio::test]
async fn a_denial_leaves_the_other_answers() {
    let fake = Fake::start(|seen| match seen.action.as_str() {
        "DescribeInstances" => Reply::ec2_error(403, "UnauthorizedOperation", "no"),
        // So the service may put it of an instance that it does not know.
        "DescribeInstanceInformation" => Reply::json_error(400, "InvalidInstanceId", ""),
        action => service(action),
    })
    .await;
    let facts = probe().run(&fake.aws().await, &ids(&[ONE])).await.remove(0);
    let refusal = facts.ec2.refusal().unwrap();
    assert_eq!((refusal.kind, refusal.action.as_str()), (ErrorKind::Permission, "ec2:DescribeInstances"));
    assert_eq!(
        (refusal.code.as_deref(), refusal.request_id.as_deref()),
        (Some("UnauthorizedOperation"), Some("fake-request-id"))
    );
    assert_eq!((facts.agent, facts.connected), (Answer::Given(None), Answer::Given(true)));
}

/// A service that takes requests and never answers.
async fn silent() -> (TcpListener, Aws) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let aws = Aws::for_tests(&format!("http://{}", listener.local_addr().unwrap()), vec![keys("AKIDTEST")]).await;
    (listener, aws)
}

#[tokio::test]
async fn who_does_not_answer_is_not_waited_for() {
    let (_listener, aws) = silent().await;
    let start = Instant::now();
    let impatient = Probe { timeout: Duration::from_millis(50), ..probe() };
    let facts = impatient.run(&aws, &ids(&[ONE])).await.remove(0);
    let late: Vec<_> = facts.refusals().map(|refusal| (refusal.kind, refusal.action.as_str())).collect();
    let actions = ["ssm:GetConnectionStatus", "ec2:DescribeInstances", "ssm:DescribeInstanceInformation"];
    assert_eq!(late, actions.map(|action| (ErrorKind::Network, action)));

    let places = [Place { profile: None, region: "us-east-1".to_owned() }];
    let spec = TargetSpec::Id(ONE.to_owned());
    let elsewhere = look_elsewhere(&aws, &spec, &places, Duration::from_millis(50)).await;
    assert_eq!((elsewhere.asked.len(), elsewhere.unanswered), (0, places.to_vec()));
    // One request alone would have 10 s.
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
}

#[tokio::test]
async fn no_more_places_are_asked_than_is_decent() {
    let fake = Fake::start(|seen| service(&seen.action)).await;
    let places: Vec<_> = (0..40).map(|n| Place { profile: None, region: format!("xx-test-{n}") }).collect();
    let spec = TargetSpec::Id(ONE.to_owned());
    let elsewhere = look_elsewhere(&fake.aws().await, &spec, &places, Duration::from_secs(20)).await;
    assert_eq!((fake.seen().len(), elsewhere.asked.len(), elsewhere.unanswered.len()), (24, 24, 16));
    assert_eq!(elsewhere.asked, places[..24]);
    assert!(elsewhere.known.iter().map(|seen| &seen.place).eq(&places[..24]));
}
