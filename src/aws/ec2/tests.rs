use super::*;
use crate::aws::ErrorKind;
use crate::testing::{Answer, Fake};

fn named(name: &str) -> Vec<Filter> {
    vec![("tag:Name".to_owned(), vec![ec2_literal(name)])]
}

#[tokio::test]
async fn instances_come_in_pages_with_all_that_is_known_of_them() {
    let fake = Fake::start(|seen| {
        let more = !seen.body.contains("NextToken=2");
        let (id, token) = if more { ("i-1", "<nextToken>2</nextToken>") } else { ("i-2", "") };
        Answer::xml(&format!(
            "<DescribeInstancesResponse><reservationSet><item><instancesSet><item><instanceId>{id}</instanceId>\
                 <instanceState><code>16</code><name>running</name></instanceState><instanceType>t3.nano</instanceType>\
                 <platform>windows</platform><placement><availabilityZone>eu-west-1a</availabilityZone></placement>\
                 <launchTime>2026-01-31T23:59:59.000Z</launchTime><dnsName></dnsName>\
                 <iamInstanceProfile><arn>arn:aws:iam::123456789012:instance-profile/ssm</arn></iamInstanceProfile>\
                 <tagSet><item><key>Name</key><value>web*</value></item></tagSet></item></instancesSet></item>\
                 </reservationSet>{token}</DescribeInstancesResponse>"
        ))
    })
    .await;
    let aws = fake.aws().await;
    let page = aws.instances_page(&named("web*"), None, &Pace::default()).await.unwrap();
    assert_eq!(page.next.as_deref(), Some("2"));
    let [found] = page.items.as_slice() else { panic!("{page:?}") };
    assert_eq!((found.state, found.platform), (InstanceState::Running, Some(Platform::Windows)));
    assert_eq!((found.instance_type.as_deref(), found.zone.as_deref()), (Some("t3.nano"), Some("eu-west-1a")));
    assert_eq!((found.public_dns.as_deref(), found.tags["Name"].as_str()), (None, "web*"));
    assert!(found.instance_profile.as_ref().unwrap().ends_with("/ssm") && found.launched.is_some());
    let body = &fake.seen()[0].body;
    assert!(body.contains("Filter.1.Value.1=web%5C%2A") && body.contains("MaxResults=1000"), "{body}");

    let page = aws.instances_page(&named("web*"), page.next.as_deref(), &Pace::default()).await.unwrap();
    assert_eq!((page.items[0].id.as_str(), page.next), ("i-2", None));
}

#[tokio::test]
async fn a_refusal_of_ec2_is_read_too() {
    let message = "You are not authorized to perform this operation. Encoded authorization failure message: xYz";
    let fake = Fake::start(move |_| Answer::ec2_error(403, "UnauthorizedOperation", message)).await;
    let err = fake.aws().await.instances_page(&[], None, &Pace::default()).await.unwrap_err();
    assert_eq!((err.kind(), err.code()), (ErrorKind::Permission, Some("UnauthorizedOperation")));
    assert_eq!(err.message(), "You are not authorized to perform this operation.");
    assert_eq!(err.hints(), ["ask for an IAM policy that allows ec2:DescribeInstances"]);
    assert_eq!(err.request_id(), Some("fake-request-id"));
}

#[tokio::test]
async fn throttling_is_waited_out() {
    let calls = std::sync::atomic::AtomicU32::new(0);
    let fake = Fake::start(move |_| match calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
        0..6 => Answer::ec2_error(503, "RequestLimitExceeded", "Request limit exceeded."),
        _ => Answer::xml("<DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>"),
    })
    .await;
    assert!(fake.aws().await.instances_page(&[], None, &Pace::default()).await.unwrap().items.is_empty());
    assert_eq!(fake.seen().len(), 7);
}

#[tokio::test]
async fn regions_are_sorted() {
    let fake = Fake::start(|_| {
        Answer::xml(
            "<DescribeRegionsResponse><regionInfo><item><regionName>us-east-1</regionName></item>\
                 <item><regionName>eu-west-1</regionName></item></regionInfo></DescribeRegionsResponse>",
        )
    })
    .await;
    assert_eq!(fake.aws().await.regions().await.unwrap(), ["eu-west-1", "us-east-1"]);
}
