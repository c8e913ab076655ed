//! Services that are slow, broken, or not for everybody.

use std::time::Instant;

use ssmx::sandbox::ApiFault;

use super::{first_words, fleet, ls};
use crate::support::cloud::Cloud;
use crate::support::command::run;

pub(super) fn denied(actions: &[&str]) -> Cloud {
    Cloud::with(|options| {
        options.api_faults.extend(actions.iter().map(|action| ApiFault::Deny { action: (*action).to_owned() }));
    })
}

#[test]
fn without_ec2_there_is_less_and_it_says_so() {
    let ran = ls(&denied(&["ec2:DescribeInstances"]), &["--columns", "id,status,agent"]);
    assert_eq!(ran.code(), 0, "{ran:?}");
    // What is stopped, only EC2 knows.
    assert_eq!(ran.out().lines().count(), 1 + 8);
    assert!(ran.out().contains("i-0db0000000000004d  online   3.3.3050.0"), "{ran:?}");
    let said = ran.err();
    let warning =
        "warning: us-east-1: names, tags, addresses and stopped instances are missing: ec2:DescribeInstances failed: ";
    assert!(said.starts_with(warning) && said.contains("(UnauthorizedOperation, request id "), "{said}");
    assert!(said.contains("\nhint: ask for an IAM policy that allows ec2:DescribeInstances\n"), "{said}");
}

#[test]
fn without_systems_manager_there_is_less_and_it_says_so() {
    for query in [&[][..], &["Env=*"]] {
        let ran = ls(&denied(&["ssm:DescribeInstanceInformation"]), query);
        assert_eq!(ran.code(), 0, "{ran:?}");
        assert!(
            ran.out().contains("running") && ran.out().contains("stopped") && !ran.out().contains("online"),
            "{ran:?}"
        );
        let said = ran.err();
        assert!(said.starts_with("warning: us-east-1: whether agents are in touch is missing"), "{said}");
        assert!(said.contains("hint: ask for an IAM policy that allows ssm:DescribeInstanceInformation"), "{said}");
        assert!(said.ends_with("8 instances: 7 running, 1 stopped\n"), "{said}");
    }
}

#[test]
fn without_both_it_is_an_error() {
    let ran = ls(&denied(&["ec2:DescribeInstances", "ssm:DescribeInstanceInformation"]), &[]);
    assert_eq!((ran.code(), ran.out().as_str()), (5, ""));
    assert!(ran.err().starts_with("error: ec2:DescribeInstances failed: "), "{ran:?}");
    assert!(ran.err().contains("hint: ask for an IAM policy that allows ec2:DescribeInstances"), "{ran:?}");
}

#[test]
fn credentials_that_are_refused_are_an_error() {
    let cloud = Cloud::start();
    let ran = run(cloud.ssmx().args(["ls", "--no-cache"]).env("AWS_SECRET_ACCESS_KEY", "wrong"));
    assert_eq!((ran.code(), ran.out().as_str()), (5, ""));
    assert!(
        ran.err().starts_with("error: ec2:DescribeInstances failed: ") && ran.err().contains("\nhint: "),
        "{ran:?}"
    );
}

#[test]
fn throttling_is_waited_out() {
    let throttled = |action: &str| ApiFault::Throttle { action: action.to_owned(), calls: 3 };
    let cloud = Cloud::with(|options| {
        options.api_faults = vec![throttled("ec2:DescribeInstances"), throttled("ssm:DescribeInstanceInformation")];
    });
    let ran = ls(&cloud, &[]);
    assert_eq!((ran.code(), ran.err().as_str()), (0, "8 instances: 6 online, 1 offline, 1 stopped\n"));
}

#[test]
fn a_list_that_breaks_off_in_the_middle_says_so() {
    let broken = |action: &str, calls| {
        let fleet = fleet("generate = { count = 2_500 }");
        Cloud::with(|options| {
            options.fleet = fleet;
            options.api_faults = vec![ApiFault::BreakOff { action: action.to_owned(), calls }];
        })
    };
    let ran = ls(&broken("ec2:DescribeInstances", 2), &[]);
    let (out, said) = (ran.out(), ran.err());
    let names = first_words(&out);
    assert_eq!((ran.code(), names.len()), (1, 2_500), "{said}");
    assert_eq!(names.iter().filter(|name| **name == "-").count(), 500, "those that Systems Manager alone has told");
    let warning =
        "warning: us-east-1: the list breaks off: instances are missing, or their names, tags and addresses are: ";
    assert!(said.starts_with(&format!("{warning}ec2:DescribeInstances failed: ")), "{said}");

    let ran = ls(&broken("ssm:DescribeInstanceInformation", 10), &[]);
    assert_eq!((ran.code(), first_words(&ran.out()).len()), (1, 2_500), "{}", ran.err());
    assert!(ran.err().starts_with("warning: us-east-1: the list breaks off: the status of some"), "{}", ran.err());
    assert!(ran.err().contains(" running, "), "those without a status: {}", ran.err());
}

#[test]
fn a_profile_that_cannot_be_used_does_not_hide_the_others() {
    let cloud = Cloud::start();
    let file = tempfile::NamedTempFile::new().unwrap();
    let key = |name| cloud.var(name);
    let text = format!(
        "[profile good]\nregion = us-east-1\naws_access_key_id = {}\naws_secret_access_key = {}\naws_session_token = {}\n\
         [profile stranger]\nregion = us-east-1\naws_access_key_id = AKIAXXXXXXXXXXXXXXXX\naws_secret_access_key = x\n",
        key("AWS_ACCESS_KEY_ID"),
        key("AWS_SECRET_ACCESS_KEY"),
        key("AWS_SESSION_TOKEN")
    );
    std::fs::write(file.path(), text).unwrap();
    let list = |profiles: &str| {
        let args = ["ls", "--no-cache", "--profile", profiles];
        run(cloud.ssmx().args(args).env("AWS_CONFIG_FILE", file.path()).env_remove("AWS_REGION"))
    };
    let ran = list("good,missing,stranger");
    assert_eq!(ran.code(), 1, "{ran:?}");
    assert_eq!(first_words(&ran.out()).len(), 8);
    assert!(ran.out().lines().next().unwrap().contains("STATUS   PROFILE"), "{ran:?}");
    assert!(ran.err().contains("error: missing: the AWS profile `missing` does not exist"), "{ran:?}");
    assert!(ran.err().contains("warning: us-east-1 (stranger): names, tags, "), "{ran:?}");

    let ran = list("good");
    assert_eq!((ran.code(), ran.out().contains("PROFILE")), (0, false), "{ran:?}");
    assert_eq!(list("missing").code(), 2);
}

#[test]
fn a_service_that_hangs_up_is_told_in_time() {
    let cloud = Cloud::start();
    let start = Instant::now();
    let ran = run(cloud.ssmx().args(["ls", "--no-cache"]).env("AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:1"));
    assert!(ran.out().contains("running"), "what EC2 knows: {ran:?}");
    assert!(ran.err().starts_with("warning: us-east-1: whether agents are in touch is missing"), "{ran:?}");
    assert_eq!(ran.code(), 1);
    assert!(start.elapsed() < crate::support::DEADLINE);
}
