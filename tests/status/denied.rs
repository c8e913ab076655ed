//! What is told when not everybody may be asked.

use insta::assert_snapshot;

use super::{denying, each, status};
use crate::support::command::run;
use crate::support::snapshot::cases;

const EC2: &str = "ec2:DescribeInstances";
const AGENT: &str = "ssm:DescribeInstanceInformation";
const CONNECTED: &str = "ssm:GetConnectionStatus";

#[test]
fn one_answer_is_enough_to_be_reachable() {
    let denials = [&[EC2][..], &[AGENT], &[CONNECTED], &[EC2, AGENT], &[EC2, CONNECTED]];
    let told = denials.map(|denied| {
        let ran = status(&denying(denied), &["i-00000000000000001"]);
        assert_eq!(ran.code(), 0, "{ran:?}");
        (format!("without {}", denied.join(" and ")), ran.shown())
    });
    assert_snapshot!(cases(told), @"
    === without ec2:DescribeInstances
    exit code: 0
    --- stdout
    i-00000000000000001 can be reached: agent 3.3.3050.0 online, Amazon Linux 2023
      note: you may not call ec2:DescribeInstances
            seen: ec2:DescribeInstances failed: You are not authorized to perform this operation. User: arn:aws:sts::123456789012:assumed-role/ssmx-sandbox/sandbox is not authorized to perform: ec2:DescribeInstances because no identity-based policy allows the ec2:DescribeInstances action (UnauthorizedOperation, request id REQUEST-ID)
            fix:  ask for an IAM policy that allows ec2:DescribeInstances

    === without ssm:DescribeInstanceInformation
    exit code: 0
    --- stdout
    fine (i-00000000000000001) can be reached
      note: you may not call ssm:DescribeInstanceInformation
            seen: ssm:DescribeInstanceInformation failed: User: arn:aws:sts::123456789012:assumed-role/ssmx-sandbox/sandbox is not authorized to perform: ssm:DescribeInstanceInformation on resource: arn:aws:ssm:us-east-1:123456789012:* because no identity-based policy allows the ssm:DescribeInstanceInformation action (AccessDeniedException, request id REQUEST-ID)
            fix:  ask for an IAM policy that allows ssm:DescribeInstanceInformation on arn:aws:ssm:us-east-1:123456789012:*

    === without ssm:GetConnectionStatus
    exit code: 0
    --- stdout
    fine (i-00000000000000001) can be reached: agent 3.3.3050.0 online, Amazon Linux 2023
      note: you may not call ssm:GetConnectionStatus on i-00000000000000001
            seen: ssm:GetConnectionStatus failed for i-00000000000000001: User: arn:aws:sts::123456789012:assumed-role/ssmx-sandbox/sandbox is not authorized to perform: ssm:GetConnectionStatus on resource: arn:aws:ec2:us-east-1:123456789012:instance/i-00000000000000001 because no identity-based policy allows the ssm:GetConnectionStatus action (AccessDeniedException, request id REQUEST-ID)
            fix:  ask for an IAM policy that allows ssm:GetConnectionStatus on arn:aws:ec2:us-east-1:123456789012:instance/i-00000000000000001

    === without ec2:DescribeInstances and ssm:DescribeInstanceInformation
    exit code: 0
    --- stdout
    i-00000000000000001 can be reached
      note: you may not call ec2:DescribeInstances
            seen: ec2:DescribeInstances failed: You are not authorized to perform this operation. User: arn:aws:sts::123456789012:assumed-role/ssmx-sandbox/sandbox is not authorized to perform: ec2:DescribeInstances because no identity-based policy allows the ec2:DescribeInstances action (UnauthorizedOperation, request id REQUEST-ID)
            fix:  ask for an IAM policy that allows ec2:DescribeInstances
      note: you may not call ssm:DescribeInstanceInformation
            seen: ssm:DescribeInstanceInformation failed: User: arn:aws:sts::123456789012:assumed-role/ssmx-sandbox/sandbox is not authorized to perform: ssm:DescribeInstanceInformation on resource: arn:aws:ssm:us-east-1:123456789012:* because no identity-based policy allows the ssm:DescribeInstanceInformation action (AccessDeniedException, request id REQUEST-ID)
            fix:  ask for an IAM policy that allows ssm:DescribeInstanceInformation on arn:aws:ssm:us-east-1:123456789012:*

    === without ec2:DescribeInstances and ssm:GetConnectionStatus
    exit code: 0
    --- stdout
    i-00000000000000001 can be reached: agent 3.3.3050.0 online, Amazon Linux 2023
      note: you may not call ssm:GetConnectionStatus on i-00000000000000001
            seen: ssm:GetConnectionStatus failed for i-00000000000000001: User: arn:aws:sts::123456789012:assumed-role/ssmx-sandbox/sandbox is not authorized to perform: ssm:GetConnectionStatus on resource: arn:aws:ec2:us-east-1:123456789012:instance/i-00000000000000001 because no identity-based policy allows the ssm:GetConnectionStatus action (AccessDeniedException, request id REQUEST-ID)
            fix:  ask for an IAM policy that allows ssm:GetConnectionStatus on arn:aws:ec2:us-east-1:123456789012:instance/i-00000000000000001
      note: you may not call ec2:DescribeInstances
            seen: ec2:DescribeInstances failed: You are not authorized to perform this operation. User: arn:aws:sts::123456789012:assumed-role/ssmx-sandbox/sandbox is not authorized to perform: ec2:DescribeInstances because no identity-based policy allows the ec2:DescribeInstances action (UnauthorizedOperation, request id REQUEST-ID)
            fix:  ask for an IAM policy that allows ec2:DescribeInstances
    ");
}

#[test]
fn without_ec2_systems_manager_says_what_it_knows() {
    let cloud = denying(&[EC2]);
    let targets = ["i-00000000000000005", "i-00000000000000002", "i-00000000000000003"];
    assert_snapshot!(each(&cloud, &targets), @"
    === i-00000000000000005
    exit code: 4
    --- stdout
    i-00000000000000005 cannot be reached: its agent was last heard from N days ago
      1. its agent was last heard from N days ago
         seen: Systems Manager reports its ping status as ConnectionLost, the last ping at 2026-01-31T23:59:59Z
         fix:  restart the agent (`sudo systemctl restart amazon-ssm-agent`, on Ubuntu `sudo snap restart amazon-ssm-agent`), or the machine
               if you cannot log in: `aws ec2 reboot-instances --instance-ids i-00000000000000005 --region us-east-1`
               check what has changed since then: its access to ssm.us-east-1.amazonaws.com, ssmmessages.us-east-1.amazonaws.com and ec2messages.us-east-1.amazonaws.com, its role, a full disk
      2. you may not call ec2:DescribeInstances
         seen: ec2:DescribeInstances failed: You are not authorized to perform this operation. User: arn:aws:sts::123456789012:assumed-role/ssmx-sandbox/sandbox is not authorized to perform: ec2:DescribeInstances because no identity-based policy allows the ec2:DescribeInstances action (UnauthorizedOperation, request id REQUEST-ID)
         fix:  ask for an IAM policy that allows ec2:DescribeInstances

    === i-00000000000000002
    exit code: 4
    --- stdout
    i-00000000000000002 cannot be reached: its agent was last heard from 2 hours ago
      1. its agent was last heard from 2 hours ago
         seen: Systems Manager reports its ping status as ConnectionLost, the last ping at TIMESTAMP
         fix:  restart the agent (`sudo systemctl restart amazon-ssm-agent`, on Ubuntu `sudo snap restart amazon-ssm-agent`), or the machine
               if you cannot log in: `aws ec2 reboot-instances --instance-ids i-00000000000000002 --region us-east-1`
               check what has changed since then: its access to ssm.us-east-1.amazonaws.com, ssmmessages.us-east-1.amazonaws.com and ec2messages.us-east-1.amazonaws.com, its role, a full disk
      2. you may not call ec2:DescribeInstances
         seen: ec2:DescribeInstances failed: You are not authorized to perform this operation. User: arn:aws:sts::123456789012:assumed-role/ssmx-sandbox/sandbox is not authorized to perform: ec2:DescribeInstances because no identity-based policy allows the ec2:DescribeInstances action (UnauthorizedOperation, request id REQUEST-ID)
         fix:  ask for an IAM policy that allows ec2:DescribeInstances

    === i-00000000000000003
    exit code: 4
    --- stdout
    i-00000000000000003 cannot be reached: Systems Manager does not know it
      1. it may be stopped, terminated, or in another region or account
         seen: EC2 did not say
         fix:  with permission for EC2, `aws ec2 describe-instances --instance-ids i-00000000000000003 --region us-east-1` shows it
      2. it may have no instance profile, or one whose role lacks AmazonSSMManagedInstanceCore
         seen: EC2 did not say
         fix:  give it an instance profile whose role has AmazonSSMManagedInstanceCore
               or turn on Default Host Management Configuration for the account and region (agent 3.2.582.0 or newer)
      3. its agent may be missing, or not running
         seen: ssm:DescribeInstanceInformation does not list it
         fix:  on the instance, through the EC2 serial console or SSH, `systemctl status amazon-ssm-agent` (on Ubuntu `snap services amazon-ssm-agent`) shows its state: install or start it, and check its log
      4. it may be unable to reach ssm.us-east-1.amazonaws.com, ssmmessages.us-east-1.amazonaws.com and ec2messages.us-east-1.amazonaws.com on port 443
         seen: EC2 did not say whether it has a public address
         fix:  it needs a NAT gateway, or an internet gateway and a public address, or VPC endpoints for the three whose security group lets it in; its own security group must let it out
      5. you may not call ec2:DescribeInstances
         seen: ec2:DescribeInstances failed: You are not authorized to perform this operation. User: arn:aws:sts::123456789012:assumed-role/ssmx-sandbox/sandbox is not authorized to perform: ec2:DescribeInstances because no identity-based policy allows the ec2:DescribeInstances action (UnauthorizedOperation, request id REQUEST-ID)
         fix:  ask for an IAM policy that allows ec2:DescribeInstances
    ");
}

#[test]
fn without_systems_manager_ec2_says_what_it_knows() {
    let cloud = denying(&[AGENT]);
    assert_snapshot!(each(&cloud, &["stopped", "bare"]), @"
    === stopped
    exit code: 4
    --- stdout
    stopped (i-00000000000000002) cannot be reached: it is stopped
      1. it is stopped
         seen: EC2 reports its state as stopped
         fix:  start it first: `aws ec2 start-instances --instance-ids i-00000000000000002 --region us-east-1`
      2. you may not call ssm:DescribeInstanceInformation
         seen: ssm:DescribeInstanceInformation failed: User: arn:aws:sts::123456789012:assumed-role/ssmx-sandbox/sandbox is not authorized to perform: ssm:DescribeInstanceInformation on resource: arn:aws:ssm:us-east-1:123456789012:* because no identity-based policy allows the ssm:DescribeInstanceInformation action (AccessDeniedException, request id REQUEST-ID)
         fix:  ask for an IAM policy that allows ssm:DescribeInstanceInformation on arn:aws:ssm:us-east-1:123456789012:*

    === bare
    exit code: 4
    --- stdout
    bare (i-00000000000000003) cannot be reached: its agent is not connected to Session Manager
      1. it has no instance profile
         seen: EC2 lists none for it
         fix:  give it one whose role has AmazonSSMManagedInstanceCore: `aws ec2 associate-iam-instance-profile --instance-id i-00000000000000003 --iam-instance-profile Name=PROFILE --region us-east-1`
               or turn on Default Host Management Configuration for the account and region (agent 3.2.582.0 or newer)
      2. its agent may be missing, or not running
         seen: Systems Manager did not say whether it has registered
         fix:  on the instance, through the EC2 serial console or SSH, `systemctl status amazon-ssm-agent` (on Ubuntu `snap services amazon-ssm-agent`) shows its state: install or start it, and check its log
      3. it may be unable to reach ssm.us-east-1.amazonaws.com, ssmmessages.us-east-1.amazonaws.com and ec2messages.us-east-1.amazonaws.com on port 443
         seen: it has no public IPv4 address
         fix:  it needs a NAT gateway, or an internet gateway and a public address, or VPC endpoints for the three whose security group lets it in; its own security group must let it out
      4. you may not call ssm:DescribeInstanceInformation
         seen: ssm:DescribeInstanceInformation failed: User: arn:aws:sts::123456789012:assumed-role/ssmx-sandbox/sandbox is not authorized to perform: ssm:DescribeInstanceInformation on resource: arn:aws:ssm:us-east-1:123456789012:* because no identity-based policy allows the ssm:DescribeInstanceInformation action (AccessDeniedException, request id REQUEST-ID)
         fix:  ask for an IAM policy that allows ssm:DescribeInstanceInformation on arn:aws:ssm:us-east-1:123456789012:*
    ");
}

#[test]
fn what_nobody_may_be_asked_about_is_left_open() {
    assert_snapshot!(status(&denying(&[EC2, AGENT, CONNECTED]), &["i-00000000000000001"]).shown(), @"
    exit code: 5
    --- stdout
    i-00000000000000001 may or may not be reachable: you may not call ssm:GetConnectionStatus on i-00000000000000001
      1. you may not call ssm:GetConnectionStatus on i-00000000000000001
         seen: ssm:GetConnectionStatus failed for i-00000000000000001: User: arn:aws:sts::123456789012:assumed-role/ssmx-sandbox/sandbox is not authorized to perform: ssm:GetConnectionStatus on resource: arn:aws:ec2:us-east-1:123456789012:instance/i-00000000000000001 because no identity-based policy allows the ssm:GetConnectionStatus action (AccessDeniedException, request id REQUEST-ID)
         fix:  ask for an IAM policy that allows ssm:GetConnectionStatus on arn:aws:ec2:us-east-1:123456789012:instance/i-00000000000000001
      2. you may not call ec2:DescribeInstances
         seen: ec2:DescribeInstances failed: You are not authorized to perform this operation. User: arn:aws:sts::123456789012:assumed-role/ssmx-sandbox/sandbox is not authorized to perform: ec2:DescribeInstances because no identity-based policy allows the ec2:DescribeInstances action (UnauthorizedOperation, request id REQUEST-ID)
         fix:  ask for an IAM policy that allows ec2:DescribeInstances
      3. you may not call ssm:DescribeInstanceInformation
         seen: ssm:DescribeInstanceInformation failed: User: arn:aws:sts::123456789012:assumed-role/ssmx-sandbox/sandbox is not authorized to perform: ssm:DescribeInstanceInformation on resource: arn:aws:ssm:us-east-1:123456789012:* because no identity-based policy allows the ssm:DescribeInstanceInformation action (AccessDeniedException, request id REQUEST-ID)
         fix:  ask for an IAM policy that allows ssm:DescribeInstanceInformation on arn:aws:ssm:us-east-1:123456789012:*
    ");
    // That the agent reports may not be known either.
    assert_snapshot!(status(&denying(&[AGENT, CONNECTED]), &["i-00000000000000001"]).shown(), @"
    exit code: 5
    --- stdout
    fine (i-00000000000000001) may or may not be reachable: you may not call ssm:GetConnectionStatus on i-00000000000000001
      1. you may not call ssm:GetConnectionStatus on i-00000000000000001
         seen: ssm:GetConnectionStatus failed for i-00000000000000001: User: arn:aws:sts::123456789012:assumed-role/ssmx-sandbox/sandbox is not authorized to perform: ssm:GetConnectionStatus on resource: arn:aws:ec2:us-east-1:123456789012:instance/i-00000000000000001 because no identity-based policy allows the ssm:GetConnectionStatus action (AccessDeniedException, request id REQUEST-ID)
         fix:  ask for an IAM policy that allows ssm:GetConnectionStatus on arn:aws:ec2:us-east-1:123456789012:instance/i-00000000000000001
      2. you may not call ssm:DescribeInstanceInformation
         seen: ssm:DescribeInstanceInformation failed: User: arn:aws:sts::123456789012:assumed-role/ssmx-sandbox/sandbox is not authorized to perform: ssm:DescribeInstanceInformation on resource: arn:aws:ssm:us-east-1:123456789012:* because no identity-based policy allows the ssm:DescribeInstanceInformation action (AccessDeniedException, request id REQUEST-ID)
         fix:  ask for an IAM policy that allows ssm:DescribeInstanceInformation on arn:aws:ssm:us-east-1:123456789012:*
    ");
}

#[test]
fn credentials_that_are_refused_are_told_of_once() {
    let cloud = denying(&[]);
    let ran = run(cloud.ssmx().env("AWS_SESSION_TOKEN", "bad").args(["status", "i-00000000000000001"]));
    assert_snapshot!(ran.shown(), @"
    exit code: 5
    --- stdout
    i-00000000000000001 may or may not be reachable: AWS rejects the credentials
      seen: ssm:GetConnectionStatus failed for i-00000000000000001: The security token included in the request is invalid (UnrecognizedClientException, request id REQUEST-ID)
      fix:  AWS does not know these credentials: check that they belong to this partition and are still active
            log in again: `aws sso login`, or renew the keys in the environment
    ");
}
