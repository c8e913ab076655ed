//! Aliases.

use crate::support::command::run;
use crate::support::snapshot::case;

use super::lab::Lab;

const CONFIG: &str = "\
[targets.db]
name = 'orders'
profile = 'prod'
region = 'us-east-1'

[targets.front]
name = 'web'
reason = 'on call'

[targets.gone]
name = 'nothing'
";

#[test]
fn an_alias_has_its_own_profile_and_region() {
    let lab = Lab::in_two_regions(CONFIG);
    lab.give_credentials(&["prod"]);
    let found = lab.run(&["exec", "db", "--", "echo", "hello"]);
    assert_eq!((found.code(), found.out().as_str()), (0, "hello\n"), "{found:?}");
    // Its profile also stands before credentials in the environment.
    let found = run(lab.ssmx().env("AWS_SECRET_ACCESS_KEY", "wrong").args(["exec", "db", "--", "echo", "hello"]));
    assert_eq!((found.code(), found.out().as_str()), (0, "hello\n"), "{found:?}");
    let denied = run(lab.ssmx().env("AWS_SECRET_ACCESS_KEY", "wrong").args(["exec", "web", "--", "true"]));
    assert_eq!(denied.code(), 255, "{denied:?}");
}

#[test]
fn flags_stand_before_what_an_alias_says() {
    let lab = Lab::in_two_regions(CONFIG);
    lab.give_credentials(&["prod", "other"]);
    let elsewhere = lab.run(&["--region", "eu-west-1", "shell", "db"]);
    insta::assert_snapshot!(elsewhere.shown(), @"
    exit code: 3
    --- stderr
    error: db: no instance is named `orders` in eu-west-1
    hint: `ssmx ls` lists all instances; also check the region and the account
    ");
    let unknown = lab.run(&["--profile", "nobody", "shell", "db"]);
    insta::assert_snapshot!(unknown.shown(), @"
    exit code: 2
    --- stderr
    error: the AWS profile `nobody` does not exist: expected one of other, prod
    hint: `aws configure list-profiles` lists the available profiles
    ");
    let by_variable = run(lab.ssmx().env("SSMX_REGION", "eu-west-1").args(["shell", "db"]));
    assert_eq!(by_variable.code(), 3, "{by_variable:?}");
}

#[test]
fn targets_in_several_regions_run_side_by_side() {
    let lab = Lab::in_two_regions(CONFIG);
    lab.give_credentials(&["prod"]);
    let both = lab.run(&["exec", "db", "front", "--", "echo", "hello"]);
    let out = both.out();
    let mut lines: Vec<_> = out.lines().collect();
    lines.sort_unstable();
    assert_eq!((both.code(), lines.len()), (0, 2), "{both:?}");
    assert!(lines[0].starts_with("db") && lines[1].starts_with("front"), "{both:?}");
    assert_eq!(lab.reasons(), [Some("on call".to_owned())], "those of eu-west-1");
}

#[test]
fn an_alias_can_be_an_id_and_nobody_is_asked_for_it() {
    let lab = Lab::new("[targets.x]\nid = 'i-0a11ce0000000001a'\n[targets.web-2]\nid = 'i-0a11ce0000000003c'\n");
    for (alias, id) in [("x", "i-0a11ce0000000001a"), ("web-2", "i-0a11ce0000000003c")] {
        let found = lab.run(&["exec", alias, "--", "true"]);
        assert_eq!(found.code(), 0, "{found:?}");
        lab.cloud.wait_for_no_session();
        let of_it = |session: &aws_sdk_ssm::types::Session| session.target() == Some(id);
        assert!(lab.cloud.history().iter().any(of_it), "an alias stands before a Name");
    }
}

#[test]
fn an_alias_finds_its_instance_by_tags_address_or_whole_name() {
    let lab = Lab::new(
        "[targets.tags]\ntags = { Role = 'postgres', Env = 'pr*' }\n[targets.address]\naddress = '10.0.0.20'\n\
         [targets.dns]\naddress = 'ip-10-0-0-20.ec2.internal'\n[targets.name]\nname = 'db'\n\
         [targets.none]\ntags = { Role = 'postgres', Env = 'dev' }\n[targets.part]\nname = 'bas'\n\
         [targets.parts]\nname = 'web-'\n",
    );
    for alias in ["tags", "address", "dns", "name"] {
        let found = lab.run(&["exec", alias, "--", "true"]);
        assert_eq!(found.code(), 0, "{alias}: {found:?}");
    }
    lab.cloud.wait_for_no_session();
    let history = lab.cloud.history();
    assert!(history.len() == 4 && history.iter().all(|one| one.target() == Some("i-0db0000000000004d")), "{history:?}");

    let shown: String =
        ["none", "part", "parts"].map(|alias| case(alias, &lab.run(&["shell", alias]).shown())).concat();
    insta::assert_snapshot!(shown, @"
    === none
    exit code: 3
    --- stderr
    error: none: no instance has the tags `Env=dev,Role=postgres` in us-east-1
    hint: `ssmx ls` lists all instances; also check the region and the account

    === part
    exit code: 3
    --- stderr
    error: part: no instance is named `bas` in us-east-1
    hint: did you mean bastion?
    hint: `ssmx ls` lists all instances; also check the region and the account

    === parts
    exit code: 3
    --- stderr
    error: parts: no instance is named `web-` in us-east-1
    hint: did you mean web-1, web-2, web-3?
    hint: `ssmx ls` lists all instances; also check the region and the account
    ");
    // Typed by a person, a part is enough.
    assert_eq!(lab.run(&["exec", "bas", "--", "true"]).code(), 0);
}

#[test]
fn an_alias_means_a_whole_name_for_several_instances_too() {
    let lab = Lab::new("[targets.parts]\nname = 'web-'\n[targets.part]\nname = 'bas'\n");
    for args in [&["exec", "--all", "parts"][..], &["exec", "--first", "parts"]] {
        let missed = lab.run(&[args, &["--", "true"]].concat());
        assert_eq!(missed.code(), 255, "{missed:?}");
        assert!(missed.err().starts_with("error: parts: no instance is named `web-` in us-east-1\n"), "{missed:?}");
    }
    for args in [&["status", "part"][..], &["status", "--all", "parts"], &["status", "--first", "parts"]] {
        let missed = lab.run(args);
        assert_eq!(missed.code(), 3, "{missed:?}");
        assert!(missed.err().contains(" no instance is named `"), "{missed:?}");
    }
    assert_eq!(lab.cloud.history().len(), 0);
}

#[test]
fn another_tag_may_hold_the_name() {
    let lab = Lab::new("[defaults]\nname_tag = 'Role'\n");
    let found = lab.run(&["exec", "postgres", "--", "true"]);
    assert_eq!(found.code(), 0, "{found:?}");
    assert_eq!(lab.run(&["shell", "bastion"]).code(), 3);
}
