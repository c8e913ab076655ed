//! Tests of the resolver: against a service that answers as each test says.

use super::*;
use crate::aws::{ErrorKind, InstanceState, Platform};
use crate::fleet::inventory::list;
use crate::fleet::model::state::TargetState;
use crate::testing::{Answer, Fake};

/// What is meant, without a cache.
async fn resolve(aws: &Aws, target: &str) -> Result<Target, FleetError> {
    let options = Options { cache: CacheUse::Off, ..Options::default() };
    Ok(Resolver::new(aws, &options).one(&target.parse()?).await?.instance.target())
}

/// EC2 instances as (id, state); the name of all is `web`, unless asked without a filter.
fn ec2(instances: &[(&str, &str)], name: &str) -> Answer {
    let items = instances.iter().map(|(id, state)| {
        format!(
            "<item><instanceId>{id}</instanceId><instanceState><name>{state}</name></instanceState>\
             <tagSet><item><key>Name</key><value>{name}</value></item></tagSet></item>"
        )
    });
    let items: String = items.collect();
    Answer::xml(&format!(
        "<DescribeInstancesResponse><reservationSet><item><instancesSet>{items}</instancesSet></item>\
         </reservationSet></DescribeInstancesResponse>"
    ))
}

fn ssm(instances: &[(&str, &str)]) -> Answer {
    let list = instances
        .iter()
        .map(|(id, ping)| serde_json::json!({ "InstanceId": id, "PingStatus": ping, "PlatformType": "Linux" }));
    let list: Vec<_> = list.collect();
    Answer::json(&serde_json::json!({ "InstanceInformationList": list }).to_string())
}

type Known = &'static [(&'static str, &'static str)];

async fn fleet(in_ec2: Known, in_ssm: Known) -> Fake {
    Fake::start(move |seen| match seen.action.as_str() {
        "DescribeInstances" => ec2(in_ec2, "web"),
        _ => ssm(in_ssm),
    })
    .await
}

async fn find(in_ec2: Known, in_ssm: Known) -> Result<Target, FleetError> {
    resolve(&fleet(in_ec2, in_ssm).await.aws().await, "web").await
}

#[tokio::test]
async fn an_id_is_taken_as_it_is_without_a_request() {
    let fake = fleet(&[], &[]).await;
    let aws = fake.aws().await;
    for id in ["i-0123abcd", "i-0123456789abcdef0", "mi-0123456789abcdef0", "ecs:c_t_r"] {
        let target = resolve(&aws, id).await.unwrap();
        assert_eq!((target.id.as_str(), target.state), (id, TargetState::Unknown));
    }
    assert!(fake.seen().is_empty());
}

#[tokio::test]
async fn the_only_instance_is_found_with_what_both_services_know() {
    let target = find(&[("i-1", "running")], &[("i-1", "Online")]).await.unwrap();
    assert_eq!((target.id.as_str(), target.state), ("i-1", TargetState::Online));
    assert_eq!((target.name.as_deref(), target.platform), (Some("web"), Some(Platform::Linux)));

    assert_eq!(find(&[("i-1", "running")], &[]).await.unwrap().state, TargetState::Unmanaged);
    assert_eq!(find(&[], &[("mi-1", "ConnectionLost")]).await.unwrap().state, TargetState::Offline);
    let stopped = find(&[("i-1", "stopped")], &[("i-1", "Online")]).await.unwrap();
    assert_eq!(stopped.state, TargetState::Down(InstanceState::Stopped));
}

#[tokio::test]
async fn what_can_be_entered_stands_before_what_cannot_and_the_dead_do_not_count() {
    let target = find(&[("i-1", "stopped"), ("i-2", "running"), ("i-3", "terminated")], &[("i-2", "Online")]).await;
    assert_eq!(target.unwrap().id, "i-2");
    let target = find(&[("i-1", "terminated"), ("i-2", "stopped")], &[("i-1", "Online")]).await;
    assert_eq!(target.unwrap().id, "i-2");
}

#[tokio::test]
async fn several_equals_are_an_error_that_lists_them() {
    let err = find(&[("i-2", "running"), ("i-1", "running")], &[("i-1", "Online"), ("i-2", "Online")]).await;
    let err = err.unwrap_err();
    assert_eq!(err.to_string(), "2 instances are named `web`: i-1 web (online), i-2 web (online)");
    assert_eq!((err.kind(), err.hints().len()), (ErrorKind::NotFound, 1));

    // Nothing is to be entered: neither is better.
    assert!(find(&[("i-1", "stopped"), ("i-2", "running")], &[]).await.is_err());
}

#[tokio::test]
async fn a_long_list_is_cut_and_says_so() {
    let ids: Vec<String> = (0..25).map(|n| format!("i-{n:02}")).collect();
    let fake = Fake::start(move |seen| match seen.action.as_str() {
        "DescribeInstances" => ec2(&ids.iter().map(|id| (id.as_str(), "running")).collect::<Vec<_>>(), "web"),
        _ => ssm(&[]),
    })
    .await;
    let err = resolve(&fake.aws().await, "web").await.unwrap_err();
    assert!(err.to_string().ends_with("and 5 more"), "{err}");
    assert!(matches!(err, FleetError::Ambiguous { matches, .. } if matches.len() == 25));
}

#[tokio::test]
async fn one_service_is_enough() {
    let denied_ec2 = Fake::start(|seen| match seen.action.as_str() {
        "DescribeInstances" => Answer::ec2_error(403, "UnauthorizedOperation", "no"),
        _ => ssm(&[("i-1", "Online")]),
    })
    .await;
    let aws = denied_ec2.aws().await;
    assert_eq!(resolve(&aws, "web").await.unwrap().state, TargetState::Online);

    let denied_ssm = Fake::start(|seen| match seen.action.as_str() {
        "DescribeInstances" => ec2(&[("i-1", "running")], "web"),
        _ => Answer::json_error(400, "AccessDeniedException", "no"),
    })
    .await;
    let aws = denied_ssm.aws().await;
    assert_eq!(resolve(&aws, "web").await.unwrap().state, TargetState::Running);
    let err = resolve(&aws, "other").await.unwrap_err();
    assert!(err.hints().iter().any(|hint| hint.contains("ssm:DescribeInstanceInformation")), "{:?}", err.hints());

    let denied_both = Fake::start(|seen| match seen.action.as_str() {
        "DescribeInstances" => Answer::ec2_error(403, "UnauthorizedOperation", "no"),
        _ => Answer::json_error(400, "AccessDeniedException", "no"),
    })
    .await;
    let err = resolve(&denied_both.aws().await, "web").await.unwrap_err();
    assert_eq!(err.kind(), ErrorKind::Permission);
}

#[tokio::test]
async fn a_name_that_does_not_exist_gets_those_that_are_near() {
    let fake = Fake::start(|seen| match seen.action.as_str() {
        "DescribeInstances" if seen.body.contains("Filter") => ec2(&[], ""),
        "DescribeInstances" => ec2(&[("i-1", "running")], "web-1"),
        _ => ssm(&[]),
    })
    .await;
    let err = resolve(&fake.aws().await, "wbe-1").await.unwrap_err();
    assert_eq!(err.to_string(), "no instance is named `wbe-1` in eu-west-1");
    assert_eq!(err.hints()[0], "did you mean web-1?");
    // By the exact name, among all, and among all that agents report.
    assert_eq!(fake.seen().len(), 6);
    assert!(matches!(resolve(&fake.aws().await, "").await, Err(FleetError::Empty)));
}

/// Instances with their names, of which a filter by `Name` finds those named exactly so.
async fn named(instances: &'static [(&'static str, &'static str)]) -> Fake {
    Fake::start(move |seen| {
        if seen.action != "DescribeInstances" {
            return ssm(&[]);
        }
        let wanted = seen.body.split('&').find_map(|pair| pair.strip_prefix("Filter.1.Value.1="));
        let is = |name: &str, id: &str| wanted.is_none_or(|wanted| wanted == name || wanted == id);
        let found = instances.iter().filter(|(id, name)| is(name, id)).map(|(id, name)| {
            format!(
                "<item><instanceId>{id}</instanceId><instanceState><name>running</name></instanceState>\
                 <tagSet><item><key>Name</key><value>{name}</value></item></tagSet></item>"
            )
        });
        Answer::xml(&format!(
            "<DescribeInstancesResponse><reservationSet><item><instancesSet>{}</instancesSet></item>\
             </reservationSet></DescribeInstancesResponse>",
            found.collect::<String>()
        ))
    })
    .await
}

#[tokio::test]
async fn a_name_is_meant_exactly_and_then_in_part() {
    let fake =
        named(&[("i-1", "web"), ("i-2", "web-old"), ("i-3", "Orders"), ("i-4", "orders-db"), ("i-5", "db-x")]).await;
    let aws = fake.aws().await;
    for (text, id) in [("web", "i-1"), ("OLD", "i-2"), ("orders", "i-3"), ("ders-d", "i-4"), ("b-x", "i-5")] {
        assert_eq!(resolve(&aws, text).await.unwrap().id, id, "{text}");
    }
    let err = resolve(&aws, "db").await.unwrap_err();
    assert!(err.to_string().starts_with("2 instances have `db` in their names: i-5 db-x ("), "{err}");
    let resolver = Resolver::new(&aws, &Options { cache: CacheUse::Off, ..Options::default() });
    let spec = "db".parse().unwrap();
    assert_eq!(resolver.first(&spec).await.unwrap().instance.id, "i-5");
    assert_eq!(resolver.all(&spec).await.unwrap().len(), 2);
    assert!(resolver.all(&"nope".parse().unwrap()).await.is_err());
}

#[tokio::test]
async fn a_part_of_a_list_that_breaks_off_decides_nothing() {
    let fake = Fake::start(|seen| match seen.action.as_str() {
        "DescribeInstances" if seen.body.contains("Filter") => ec2(&[], ""),
        "DescribeInstances" if seen.body.contains("NextToken") => {
            Answer::ec2_error(400, "InvalidParameterValue", "Unable to parse pagination token")
        }
        "DescribeInstances" => Answer::xml(
            "<DescribeInstancesResponse><reservationSet><item><instancesSet><item><instanceId>i-1</instanceId>\
             <tagSet><item><key>Name</key><value>web-1</value></item></tagSet></item></instancesSet></item>\
             </reservationSet><nextToken>2</nextToken></DescribeInstancesResponse>",
        ),
        _ => ssm(&[]),
    })
    .await;
    let err = resolve(&fake.aws().await, "web").await.unwrap_err();
    assert!(matches!(&err, FleetError::Unanswered(trouble) if trouble.partial), "{err}");
}

#[tokio::test]
async fn the_cache_answers_while_it_is_fresh_and_a_successor_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let fake = Fake::start(|seen| match (seen.action.as_str(), seen.body.contains("Filter")) {
        // Since it was listed it was replaced.
        ("DescribeInstances", true) => ec2(&[("i-2", "running")], "web"),
        ("DescribeInstances", false) => ec2(&[("i-1", "running")], "web"),
        _ => ssm(&[("i-1", "Online"), ("i-2", "Online")]),
    })
    .await;
    let aws = fake.aws().await;
    let options = Options { cache_dir: Some(dir.path().to_owned()), ..Options::default() };
    list(vec![aws.clone()], &Default::default(), &options).collect(|_| ()).await;
    let asked = fake.seen().len();

    let resolver = Resolver::new(&aws, &options);
    let spec = "web".parse().unwrap();
    let found = resolver.one(&spec).await.unwrap();
    assert_eq!((found.instance.id.as_str(), found.cached, fake.seen().len()), ("i-1", true, asked));
    let successor = resolver.again(&spec, &found).await.unwrap().unwrap();
    assert_eq!((successor.instance.id.as_str(), successor.cached), ("i-2", false));
    assert_eq!(resolver.again(&spec, &successor).await.unwrap(), None);
    let target = resolver.target(&spec, found);
    let successor = target.successor(&aws).await.unwrap().unwrap();
    assert_eq!((target.target.id.as_str(), successor.id.as_str()), ("i-1", "i-2"));
    assert_eq!(Resolved::from(successor).successor(&aws).await.unwrap(), None, "it is not out of the cache");

    let old = Resolver::new(&aws, &Options { age: std::time::Duration::ZERO, ..options });
    assert_eq!(old.one(&spec).await.unwrap().instance.id, "i-2", "what is old is not relied on");
}

#[tokio::test]
async fn a_large_fleet_is_not_listed_for_a_part_of_a_name_that_the_cache_knows() {
    let dir = tempfile::tempdir().unwrap();
    let fake = named(&[("i-0a11ce00000000042", "node-00042")]).await;
    let aws = fake.aws().await;
    let options =
        Options { cache_dir: Some(dir.path().to_owned()), age: std::time::Duration::ZERO, ..Options::default() };
    let instances = crate::testing::many(2_000);
    let as_of = std::time::SystemTime::now();
    options.cache(&aws).unwrap().keep(&Cached { as_of, instances, troubles: Vec::new() });
    let found = Resolver::new(&aws, &options).one(&"DE-00042".parse().unwrap()).await.unwrap();
    assert_eq!((found.instance.id.as_str(), found.cached), ("i-0a11ce00000000042", false));
    // The name, and then the id.
    assert_eq!(fake.seen().len(), 4);
    assert!(
        fake.seen().iter().filter(|seen| seen.action == "DescribeInstances").all(|seen| seen.body.contains("Filter"))
    );
}

/// EC2 with one instance whose Name is what is looked for, and another one by its looks.
async fn lookalike(name: &'static str) -> Fake {
    Fake::start(move |seen| match seen.action.as_str() {
        "DescribeInstances" if seen.body.contains("tag%3AName") => ec2(&[("i-1", "running")], name),
        "DescribeInstances" => ec2(&[("i-2", "running")], "other"),
        _ => ssm(&[("i-1", "Online"), ("i-2", "Online")]),
    })
    .await
}

#[tokio::test]
async fn a_name_that_looks_like_something_else_is_found_as_typed() {
    for name in ["10.0.0.5", "Role=web", "eu-west-1", "db.prod", "web-1.example.com"] {
        let fake = lookalike(name).await;
        assert_eq!(resolve(&fake.aws().await, name).await.unwrap().id, "i-1", "{name}");
    }
}

#[tokio::test]
async fn a_machine_is_found_by_what_its_agent_calls_it() {
    let fake = Fake::start(|seen| match seen.action.as_str() {
        "DescribeInstances" if seen.body.contains("Filter") => ec2(&[], ""),
        "DescribeInstances" => ec2(&[("i-1", "running"), ("i-2", "running")], "web"),
        _ => Answer::json(
            r#"{"InstanceInformationList":[{"InstanceId":"i-2","PingStatus":"Online","ComputerName":"EC2AMAZ-1.corp"}]}"#,
        ),
    })
    .await;
    let aws = fake.aws().await;
    for name in ["ec2amaz-1", "EC2AMAZ-1.corp", "ec2amaz-1.corp."] {
        assert_eq!(resolve(&aws, name).await.unwrap().id, "i-2", "{name}");
    }
    assert!(resolve(&aws, "ec2amaz-2").await.is_err());
}
