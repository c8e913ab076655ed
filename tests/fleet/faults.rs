//! Services that are slow, broken, or not for everybody.

use std::time::Instant;

use insta::assert_snapshot;
use ssmx::sandbox::ApiFault;

use super::{first_words, fleet, ls};
use crate::support::cloud::Cloud;
use crate::support::command::run;
use crate::support::snapshot::settled;

pub(super) fn denied(actions: &[&str]) -> Cloud {
    Cloud::with(|options| {
        options.api_faults.extend(actions.iter().map(|action| ApiFault::Deny { action: (*action).to_owned() }));
    })
}

#[test]
fn without_ec2_there_is_less_and_it_says_so() {
    let ran = ls(&denied(&["ec2:DescribeInstances"]), &["--columns", "id,status,agent"]);
    assert_snapshot!(ran.shown(), @"
    exit code: 0
    --- stdout
    ID                   STATUS   AGENT
    i-0317d0000000008a1  online   3.3.3050.0
    i-0a11ce0000000001a  online   3.3.3050.0
    i-0a11ce0000000002b  online   3.3.3050.0
    i-0a11ce0000000003c  online   3.3.3050.0
    i-0ba5710000000005e  online   3.3.3050.0
    i-0db0000000000004d  online   3.3.3050.0
    i-01e9ac00000000070  offline  2.3.672.0
    i-0ba7c40000000006f  offline  3.3.3050.0
    --- stderr
    warning: us-east-1: names, tags, addresses and stopped instances are missing: ec2:DescribeInstances failed: You are not authorized to perform this operation. User: arn:aws:sts::123456789012:assumed-role/ssmx-sandbox/sandbox is not authorized to perform: ec2:DescribeInstances because no identity-based policy allows the ec2:DescribeInstances action (UnauthorizedOperation, request id REQUEST-ID)
    hint: ask for an IAM policy that allows ec2:DescribeInstances
    8 instances: 6 online, 2 offline
    ");
}

#[test]
fn without_systems_manager_there_is_less_and_it_says_so() {
    let cloud = denied(&["ssm:DescribeInstanceInformation"]);
    let all = ls(&cloud, &[]).shown();
    assert_snapshot!(all, @"
    exit code: 0
    --- stdout
    NAME     ID                   STATUS   PLATFORM  ZONE        IP
    bastion  i-0ba5710000000005e  running  -         us-east-1a  10.0.0.5
    db       i-0db0000000000004d  running  -         us-east-1a  10.0.0.20
    legacy   i-01e9ac00000000070  running  -         us-east-1c  10.0.2.40
    web-1    i-0a11ce0000000001a  running  -         us-east-1a  10.0.0.11
    web-2    i-0a11ce0000000002b  running  -         us-east-1b  10.0.1.12
    web-3    i-0a11ce0000000003c  running  -         us-east-1c  10.0.2.13
    win      i-0317d0000000008a1  running  Windows   us-east-1b  10.0.1.50
    batch    i-0ba7c40000000006f  stopped  -         us-east-1b  10.0.1.30
    --- stderr
    warning: us-east-1: agent status and hybrid nodes are missing: ssm:DescribeInstanceInformation failed: User: arn:aws:sts::123456789012:assumed-role/ssmx-sandbox/sandbox is not authorized to perform: ssm:DescribeInstanceInformation on resource: arn:aws:ssm:us-east-1:123456789012:* because no identity-based policy allows the ssm:DescribeInstanceInformation action (AccessDeniedException, request id REQUEST-ID)
    hint: ask for an IAM policy that allows ssm:DescribeInstanceInformation on arn:aws:ssm:us-east-1:123456789012:*
    8 instances: 7 running, 1 stopped
    ");
    assert_eq!(ls(&cloud, &["Env=*"]).shown(), all);
}

#[test]
fn without_both_it_is_an_error() {
    let ran = ls(&denied(&["ec2:DescribeInstances", "ssm:DescribeInstanceInformation"]), &[]);
    assert_snapshot!(ran.shown(), @"
    exit code: 5
    --- stderr
    error: ec2:DescribeInstances failed: You are not authorized to perform this operation. User: arn:aws:sts::123456789012:assumed-role/ssmx-sandbox/sandbox is not authorized to perform: ec2:DescribeInstances because no identity-based policy allows the ec2:DescribeInstances action (UnauthorizedOperation, request id REQUEST-ID)
    hint: ask for an IAM policy that allows ec2:DescribeInstances
    ");
}

#[test]
fn credentials_that_are_refused_are_an_error() {
    let cloud = Cloud::start();
    let ran = run(cloud.ssmx().args(["ls", "--no-cache"]).env("AWS_SECRET_ACCESS_KEY", "wrong"));
    assert_snapshot!(ran.shown(), @"
    exit code: 5
    --- stderr
    error: ec2:DescribeInstances failed: AWS was not able to validate the provided access credentials (AuthFailure, request id REQUEST-ID)
    hint: AWS does not know these credentials: check that they belong to this partition and are still active
    hint: log in again: `aws sso login`, or renew the keys in the environment
    ");
}

#[test]
fn throttling_is_waited_out() {
    let throttled = |action: &str| ApiFault::Throttle { action: action.to_owned(), calls: 3 };
    let cloud = Cloud::with(|options| {
        options.api_faults = vec![throttled("ec2:DescribeInstances"), throttled("ssm:DescribeInstanceInformation")];
    });
    let ran = ls(&cloud, &[]);
    assert_eq!(ran.code(), 0);
    assert_snapshot!(ran.err(), @"8 instances: 6 online, 1 offline, 1 stopped");
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
    assert_snapshot!(settled(&said), @"
    warning: us-east-1: the list is incomplete: instances are missing, or lack their names, tags and addresses: ec2:DescribeInstances failed: Unable to parse pagination token (InvalidParameterValue, request id REQUEST-ID)
    2500 instances: 2260 online, 147 offline, 93 stopped
    ");

    let ran = ls(&broken("ssm:DescribeInstanceInformation", 10), &[]);
    assert_eq!((ran.code(), first_words(&ran.out()).len()), (1, 2_500), "{}", ran.err());
    // Those without a status run. Which they are is up to chance: they are asked about side by side.
    let (warning, counts) = ran.err().trim_end().rsplit_once('\n').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    assert_snapshot!(settled(&warning), @"warning: us-east-1: the list is incomplete: some instances lack their status, and hybrid nodes may be missing: ssm:DescribeInstanceInformation failed: The specified token is not valid. (InvalidNextToken, request id REQUEST-ID)");
    let count = |word: &str| {
        let counted = counts.split([' ', ',']).filter(|word| !word.is_empty()).collect::<Vec<_>>();
        counted.windows(2).find(|pair| pair[1] == word).map_or(0, |pair| pair[0].parse().unwrap())
    };
    assert!((300..500).contains(&count("online")) && count("running") > 1_800, "{counts}");
}

#[test]
fn a_profile_that_cannot_be_used_does_not_hide_the_others() {
    let cloud = Cloud::start();
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = format!(
        "[profile good]\nregion = us-east-1\n{}\
         [profile stranger]\nregion = us-east-1\naws_access_key_id = AKIAXXXXXXXXXXXXXXXX\naws_secret_access_key = x\n",
        cloud.keys()
    );
    std::fs::write(file.path(), text).unwrap();
    let list = |profiles: &str| {
        let args = ["ls", "--no-cache", "--profile", profiles];
        run(cloud.ssmx().args(args).env("AWS_CONFIG_FILE", file.path()).env_remove("AWS_REGION"))
    };
    assert_snapshot!(list("good,missing,stranger").shown(), @"
    exit code: 1
    --- stdout
    NAME     ID                   STATUS   PROFILE  PLATFORM                                  ZONE        IP
    bastion  i-0ba5710000000005e  online   good     Amazon Linux 2023                         us-east-1a  10.0.0.5
    db       i-0db0000000000004d  online   good     Amazon Linux 2023                         us-east-1a  10.0.0.20
    web-1    i-0a11ce0000000001a  online   good     Amazon Linux 2023                         us-east-1a  10.0.0.11
    web-2    i-0a11ce0000000002b  online   good     Amazon Linux 2023                         us-east-1b  10.0.1.12
    web-3    i-0a11ce0000000003c  online   good     Amazon Linux 2023                         us-east-1c  10.0.2.13
    win      i-0317d0000000008a1  online   good     Microsoft Windows Server 2022 Datacenter  us-east-1b  10.0.1.50
    legacy   i-01e9ac00000000070  offline  good     Ubuntu 18.04                              us-east-1c  10.0.2.40
    batch    i-0ba7c40000000006f  stopped  good     Amazon Linux 2023                         us-east-1b  10.0.1.30
    --- stderr
    error: missing: the AWS profile `missing` does not exist: expected one of good, stranger
    hint: `aws configure list-profiles` lists the available profiles
    warning: us-east-1 (stranger): names, tags, addresses and stopped instances are missing: ec2:DescribeInstances failed: AWS was not able to validate the provided access credentials (AuthFailure, request id REQUEST-ID)
    hint: AWS does not know these credentials: check that they belong to this partition and are still active
    hint: log in again: `aws sso login --profile stranger`, or renew the keys of that profile
    warning: us-east-1 (stranger): agent status and hybrid nodes are missing: ssm:DescribeInstanceInformation failed: The security token included in the request is invalid (UnrecognizedClientException, request id REQUEST-ID)
    hint: AWS does not know these credentials: check that they belong to this partition and are still active
    hint: log in again: `aws sso login --profile stranger`, or renew the keys of that profile
    8 instances: 6 online, 1 offline, 1 stopped
    ");
    assert_snapshot!(list("good").shown(), @"
    exit code: 0
    --- stdout
    NAME     ID                   STATUS   PLATFORM                                  ZONE        IP
    bastion  i-0ba5710000000005e  online   Amazon Linux 2023                         us-east-1a  10.0.0.5
    db       i-0db0000000000004d  online   Amazon Linux 2023                         us-east-1a  10.0.0.20
    web-1    i-0a11ce0000000001a  online   Amazon Linux 2023                         us-east-1a  10.0.0.11
    web-2    i-0a11ce0000000002b  online   Amazon Linux 2023                         us-east-1b  10.0.1.12
    web-3    i-0a11ce0000000003c  online   Amazon Linux 2023                         us-east-1c  10.0.2.13
    win      i-0317d0000000008a1  online   Microsoft Windows Server 2022 Datacenter  us-east-1b  10.0.1.50
    legacy   i-01e9ac00000000070  offline  Ubuntu 18.04                              us-east-1c  10.0.2.40
    batch    i-0ba7c40000000006f  stopped  Amazon Linux 2023                         us-east-1b  10.0.1.30
    --- stderr
    8 instances: 6 online, 1 offline, 1 stopped
    ");
    assert_snapshot!(list("missing").shown(), @"
    exit code: 2
    --- stderr
    error: the AWS profile `missing` does not exist: expected one of good, stranger
    hint: `aws configure list-profiles` lists the available profiles
    ");
}

#[test]
fn a_service_that_hangs_up_is_told_in_time() {
    let cloud = Cloud::start();
    let start = Instant::now();
    let ran = run(cloud.ssmx().args(["ls", "--no-cache"]).env("AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:1"));
    assert_snapshot!(ran.shown(), @"
    exit code: 1
    --- stdout
    NAME     ID                   STATUS   PLATFORM  ZONE        IP
    bastion  i-0ba5710000000005e  running  -         us-east-1a  10.0.0.5
    db       i-0db0000000000004d  running  -         us-east-1a  10.0.0.20
    legacy   i-01e9ac00000000070  running  -         us-east-1c  10.0.2.40
    web-1    i-0a11ce0000000001a  running  -         us-east-1a  10.0.0.11
    web-2    i-0a11ce0000000002b  running  -         us-east-1b  10.0.1.12
    web-3    i-0a11ce0000000003c  running  -         us-east-1c  10.0.2.13
    win      i-0317d0000000008a1  running  Windows   us-east-1b  10.0.1.50
    batch    i-0ba7c40000000006f  stopped  -         us-east-1b  10.0.1.30
    --- stderr
    warning: us-east-1: agent status and hybrid nodes are missing: cannot call ssm:DescribeInstanceInformation: cannot connect to 127.0.0.1:1: Connection refused (os error NUMBER)
    hint: nothing is listening there: check the endpoint URL, or that the sandbox is still running
    8 instances: 7 running, 1 stopped
    ");
    assert!(start.elapsed() < crate::support::DEADLINE);
}
