//! Every form of a target.

use insta::assert_snapshot;

use super::with;
use crate::support::cloud::Cloud;
use crate::support::command::run;
use crate::support::snapshot::cases;

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
        ("IP-10-0-0-5.ec2.internal.", bastion),
        ("ip-10-0-0-5", bastion),
        ("ec2-198-51-100-5", bastion),
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
fn names_that_look_like_something_else_are_found_as_typed() {
    let cloud = with(
        r#"
        [[instance]]
        id = "i-00000000000000001"
        name = "10.0.0.99"
        private_ip = "10.1.0.1"
        [[instance]]
        id = "i-00000000000000002"
        name = "other"
        private_ip = "10.0.0.99"
        tags = { Role = "web" }
        [[instance]]
        id = "i-00000000000000003"
        name = "Role=web"
        [[instance]]
        id = "i-00000000000000004"
        name = "eu-west-1"
        [[instance]]
        id = "i-00000000000000005"
        name = "db.prod"
        [[instance]]
        id = "i-00000000000000006"
        name = "ip-10-0-0-99"
        [[instance]]
        id = "i-00000000000000007"
        name = "i-0000000000000000f"
        [[instance]]
        id = "i-00000000000000008"
        name = "mi-1,a=b"
        "#,
    );
    for (target, last) in [
        ("10.0.0.99", '1'),
        ("Role=web", '3'),
        ("Role=w*", '2'),
        ("eu-west-1", '4'),
        ("db.prod", '5'),
        ("ip-10-0-0-99", '6'),
        ("ip-10-0-0-99.ec2.internal", '2'),
        ("Name=i-0000000000000000f", '7'),
        ("Name=10.0.0.99", '1'),
        ("mi-1,a=b", '8'),
    ] {
        assert!(meant_by(&cloud, target).ends_with(last), "{target}");
    }
    let id = run(cloud.ssmx().args(["shell", "i-0000000000000000f"]));
    assert!(
        id.err().contains("hint: `i-0000000000000000f` is the Name of i-00000000000000007: write `Name="),
        "{id:?}"
    );
}

#[test]
fn what_nothing_or_too_much_is_meant_by() {
    let cloud = Cloud::start();
    let shell = |target| (target, run(cloud.ssmx().args(["shell", target])).shown());
    assert_snapshot!(cases(["web", "Role=web", "Role=nope", "10.9.9.9", "wbe-1"].map(shell)), @"
    === web
    exit code: 3
    --- stderr
    error: 3 instances have `web` in their names: i-0a11ce0000000001a web-1 (online), i-0a11ce0000000002b web-2 (online), i-0a11ce0000000003c web-3 (online)
    hint: give the id of one of them

    === Role=web
    exit code: 3
    --- stderr
    error: 3 instances have the tags `Role=web`: i-0a11ce0000000001a web-1 (online), i-0a11ce0000000002b web-2 (online), i-0a11ce0000000003c web-3 (online)
    hint: give the id of one of them

    === Role=nope
    exit code: 3
    --- stderr
    error: no instance has the tags `Role=nope` in us-east-1
    hint: `ssmx ls` lists all instances; also check the region and the account

    === 10.9.9.9
    exit code: 3
    --- stderr
    error: no instance has the address `10.9.9.9` in us-east-1
    hint: `ssmx ls` lists all instances; also check the region and the account

    === wbe-1
    exit code: 3
    --- stderr
    error: no instance is named `wbe-1` in us-east-1
    hint: did you mean web-1?
    hint: `ssmx ls` lists all instances; also check the region and the account
    ");
}

#[test]
fn a_long_list_of_matches_is_cut_and_counted() {
    let cloud = with("generate = { count = 30 }");
    let ran = run(cloud.ssmx().args(["shell", "node"]));
    assert_snapshot!(ran.shown(), @"
    exit code: 3
    --- stderr
    error: 30 instances have `node` in their names: i-77f522b0345cb56eb node-01 (online), i-b0e401e03d5f9cf5b node-02 (online), i-9de27fe5885090533 node-03 (online), i-868570c55f44cc0c1 node-04 (online), i-0fa4008fd50822e3f node-05 (online), i-711253f0ac76c0707 node-06 (online), i-3f119a8766176f028 node-07 (online), i-ce36ac5eb7dd3d945 node-09 (online), i-aa24f69877e2a7007 node-10 (online), i-3ebe74c0c1d4d1da4 node-11 (online), i-203e9b8d1478620e7 node-12 (online), i-a5b90a728f03824b3 node-13 (online), i-85ba38a3b047d3d38 node-14 (online), i-ca9e77ad787ce8ebb node-15 (online), i-5db63d6e29caf431b node-16 (online), i-cbcf517b9ea3bd161 node-17 (online), i-d2c949d55ac0bb7d8 node-18 (online), i-07cfa8ac402965ddd node-19 (online), i-deb196b8420e946d7 node-20 (online), i-b9bf3d97de52d4005 node-21 (online), and 10 more
    hint: give the id of one of them
    ");
}

#[test]
fn an_id_needs_no_list() {
    let cloud = super::faults::denied(&["ec2:DescribeInstances", "ssm:DescribeInstanceInformation"]);
    assert_eq!(meant_by(&cloud, "i-0db0000000000004d"), "i-0db0000000000004d");
}
