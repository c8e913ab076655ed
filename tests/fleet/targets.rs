//! Every form of a target.

use super::with;
use crate::support::cloud::Cloud;
use crate::support::command::run;

/// The instance on which a command ran that was sent to a target.
#[track_caller]
fn meant_by(cloud: &Cloud, target: &str) -> String {
    let ran = cloud.exec(target, ["echo", "hi"]);
    assert_eq!((ran.code(), ran.out().as_str()), (0, "hi\n"), "{target}: {ran:?}");
    cloud.wait_for_no_session();
    cloud.history().remove(0).target.unwrap()
}

#[test]
fn every_form_finds_its_instance() {
    let cloud = Cloud::start();
    let (bastion, db) = ("i-0ba5710000000005e", "i-0db0000000000004d");
    for (target, id) in [
        (bastion, bastion),
        ("bastion", bastion),
        ("Bast", bastion),
        ("ASTI", bastion),
        ("Env=ops", bastion),
        ("Name=b*,Env=o*", bastion),
        ("10.0.0.5", bastion),
        ("198.51.100.5", bastion),
        ("ip-10-0-0-5.ec2.internal", bastion),
        ("ec2-198-51-100-5.compute-1.amazonaws.com", bastion),
        ("Role=postgres", db),
        ("Role=post*,Env=prod", db),
        ("10.0.0.20", db),
    ] {
        assert_eq!(meant_by(&cloud, target), id, "{target}");
    }
}

#[test]
fn exactly_stands_before_in_part_and_what_can_be_reached_before_what_cannot() {
    let cloud = with(
        r#"
        [[instance]]
        id = "i-00000000000000001"
        name = "web"
        [[instance]]
        id = "i-00000000000000002"
        name = "web-2"
        [[instance]]
        id = "i-00000000000000003"
        name = "API"
        [[instance]]
        id = "i-00000000000000004"
        name = "api-old"
        [[instance]]
        id = "i-00000000000000005"
        name = "db"
        state = "stopped"
        [[instance]]
        id = "i-00000000000000006"
        name = "db"
        [[instance]]
        id = "i-00000000000000007"
        name = "db"
        state = "terminated"
        [[instance]]
        id = "mi-00000000000000008"
        name = "rack-8"
        private_ip = "192.168.7.7"
        "#,
    );
    for (target, last) in
        [("web", '1'), ("EB-", '2'), ("api", '3'), ("db", '6'), ("rack-8", '8'), ("rack", '8'), ("192.168.7.7", '8')]
    {
        assert!(meant_by(&cloud, target).ends_with(last), "{target}");
    }
}

#[test]
fn what_nothing_or_too_much_is_meant_by() {
    let cloud = Cloud::start();
    for (target, error, hint) in [
        ("web", "3 instances have `web` in their names: i-0a11ce0000000001a web-1 (online), ", "by its id"),
        ("Role=web", "3 instances have the tags `Role=web`: i-0a11ce0000000001a web-1 (online), ", "by its id"),
        ("Role=nope", "no instance has the tags `Role=nope` in us-east-1", "ssmx ls"),
        ("10.9.9.9", "no instance has the address `10.9.9.9` in us-east-1", "ssmx ls"),
        ("wbe-1", "no instance is named `wbe-1` in us-east-1", "did you mean web-1"),
    ] {
        let ran = run(cloud.ssmx().args(["shell", target]));
        assert_eq!(ran.code(), 3, "{ran:?}");
        assert!(ran.err().starts_with(&format!("error: {error}")), "{ran:?}");
        assert!(ran.err().lines().any(|line| line.starts_with("hint: ") && line.contains(hint)), "{ran:?}");
    }
}

#[test]
fn a_long_list_of_matches_is_cut_and_counted() {
    let cloud = with("generate = { count = 30 }");
    let ran = run(cloud.ssmx().args(["shell", "node"]));
    assert_eq!(ran.code(), 3);
    let said = ran.err();
    assert!(
        said.starts_with("error: 30 instances have `node` in their names: ") && said.contains(", and 10 more\n"),
        "{said}"
    );
    assert_eq!(said.matches("i-").count(), 20);
}

#[test]
fn an_id_needs_no_list() {
    let cloud = super::faults::denied(&["ec2:DescribeInstances", "ssm:DescribeInstanceInformation"]);
    assert_eq!(meant_by(&cloud, "i-0db0000000000004d"), "i-0db0000000000004d");
}
