//! What is told of each kind of instance.

use insta::assert_snapshot;

use super::{cloud, cloud_with, each, status};
use crate::support::command::run;
use crate::support::pty::Pty;
use crate::support::snapshot::cases;

#[test]
fn each_kind_of_instance_has_its_headline_its_fix_and_its_code() {
    let cloud = cloud();
    let targets = [
        "fine",
        "i-00000000000000001",
        "stopped",
        "bare",
        "unregistered",
        "lost",
        "pc",
        "ancient",
        "old",
        "rack",
        "i-00000000000000009",
        "i-00000000000000fff",
        "mi-00000000000000fff",
    ];
    assert_snapshot!(each(&cloud, &targets), @"
    === fine
    exit code: 0
    --- stdout
    fine (i-00000000000000001) can be reached: agent 3.3.3050.0 online, Amazon Linux 2023

    === i-00000000000000001
    exit code: 0
    --- stdout
    fine (i-00000000000000001) can be reached: agent 3.3.3050.0 online, Amazon Linux 2023

    === stopped
    exit code: 4
    --- stdout
    stopped (i-00000000000000002) cannot be reached: it is stopped
      seen: EC2 reports its state as stopped
      fix:  start it first: `aws ec2 start-instances --instance-ids i-00000000000000002 --region us-east-1`

    === bare
    exit code: 4
    --- stdout
    bare (i-00000000000000003) cannot be reached: Systems Manager does not know it
      1. it has no instance profile
         seen: EC2 lists none for it
         fix:  give it one whose role has AmazonSSMManagedInstanceCore: `aws ec2 associate-iam-instance-profile --instance-id i-00000000000000003 --iam-instance-profile Name=PROFILE --region us-east-1`
               or turn on Default Host Management Configuration for the account and region (agent 3.2.582.0 or newer)
      2. its agent may be missing, or not running
         seen: ssm:DescribeInstanceInformation does not list it
         fix:  on the instance, through the EC2 serial console or SSH, `systemctl status amazon-ssm-agent` (on Ubuntu `snap services amazon-ssm-agent`) shows its state: install or start it, and check its log
      3. it may be unable to reach ssm.us-east-1.amazonaws.com, ssmmessages.us-east-1.amazonaws.com and ec2messages.us-east-1.amazonaws.com on port 443
         seen: it has no public IPv4 address
         fix:  it needs a NAT gateway, or an internet gateway and a public address, or VPC endpoints for the three whose security group lets it in; its own security group must let it out

    === unregistered
    exit code: 4
    --- stdout
    unregistered (i-00000000000000004) cannot be reached: Systems Manager does not know it
      1. the role of its instance profile `app` may lack AmazonSSMManagedInstanceCore
         seen: EC2 reports the profile; ssmx does not read policies
         fix:  `aws iam get-instance-profile --instance-profile-name app` names the role, and `aws iam list-attached-role-policies --role-name ROLE` lists its policies: attach AmazonSSMManagedInstanceCore if it is not there
      2. its agent may be missing, or not running
         seen: ssm:DescribeInstanceInformation does not list it
         fix:  on the instance, through the EC2 serial console or SSH, `systemctl status amazon-ssm-agent` (on Ubuntu `snap services amazon-ssm-agent`) shows its state: install or start it, and check its log
      3. it may be unable to reach ssm.us-east-1.amazonaws.com, ssmmessages.us-east-1.amazonaws.com and ec2messages.us-east-1.amazonaws.com on port 443
         seen: it has no public IPv4 address
         fix:  it needs a NAT gateway, or an internet gateway and a public address, or VPC endpoints for the three whose security group lets it in; its own security group must let it out

    === lost
    exit code: 4
    --- stdout
    lost (i-00000000000000005) cannot be reached: its agent was last heard from N days ago
      seen: Systems Manager reports its ping status as ConnectionLost, the last ping at 2026-01-31T23:59:59Z
      fix:  restart the agent (`sudo systemctl restart amazon-ssm-agent`, on Ubuntu `sudo snap restart amazon-ssm-agent`), or the machine
            if you cannot log in: `aws ec2 reboot-instances --instance-ids i-00000000000000005 --region us-east-1`
            check what has changed since then: its access to ssm.us-east-1.amazonaws.com, ssmmessages.us-east-1.amazonaws.com and ec2messages.us-east-1.amazonaws.com, its role, a full disk

    === pc
    exit code: 4
    --- stdout
    pc (i-0000000000000000d) cannot be reached: its agent was last heard from 2 hours ago
      seen: Systems Manager reports its ping status as ConnectionLost, the last ping at TIMESTAMP
      fix:  restart the agent (`Restart-Service AmazonSSMAgent`), or the machine
            if you cannot log in: `aws ec2 reboot-instances --instance-ids i-0000000000000000d --region us-east-1`
            check what has changed since then: its access to ssm.us-east-1.amazonaws.com, ssmmessages.us-east-1.amazonaws.com and ec2messages.us-east-1.amazonaws.com, its role, a full disk

    === ancient
    exit code: 4
    --- stdout
    ancient (i-00000000000000006) cannot be reached: its agent 2.3.50.0 is too old for a shell, which needs 2.3.68.0
      seen: Systems Manager reports the version
      fix:  update the agent: `aws ssm send-command --document-name AWS-UpdateSSMAgent --targets Key=InstanceIds,Values=i-00000000000000006 --region us-east-1`

    === old
    exit code: 0
    --- stdout
    old (i-00000000000000007) can be reached: agent 2.3.672.0 online, Amazon Linux 2023
      note: its agent 2.3.672.0 is too old for a command without a terminal, which needs 3.0.1124.0
            seen: Systems Manager reports the version
            fix:  update the agent: `aws ssm send-command --document-name AWS-UpdateSSMAgent --targets Key=InstanceIds,Values=i-00000000000000007 --region us-east-1`

    === rack
    exit code: 0
    --- stdout
    rack (mi-00000000000000008) can be reached: agent 3.3.3050.0 online, Amazon Linux 2023

    === i-00000000000000009
    exit code: 4
    --- stdout
    i-00000000000000009 cannot be reached: it is terminated
      seen: EC2 reports its state as terminated
      fix:  it cannot be brought back: look for its replacement with `ssmx ls`

    === i-00000000000000fff
    exit code: 3
    --- stdout
    i-00000000000000fff cannot be reached: there is no such instance in us-east-1
      seen: EC2 in us-east-1 does not list it
      fix:  check the id, the region (`--region`) and the account (`--profile`)
            a terminated instance disappears after an hour: look for its replacement with `ssmx ls`

    === mi-00000000000000fff
    exit code: 3
    --- stdout
    mi-00000000000000fff cannot be reached: there is no such node in us-east-1
      seen: Systems Manager in us-east-1 does not list it
      fix:  check the id, the region (`--region`) and the account (`--profile`)
            a deregistered node must be activated again, and gets a new id
    ");
}

#[test]
fn what_it_is_to_be_reached_for_decides_how_old_its_agent_may_be() {
    let cloud = cloud();
    for (purpose, code) in [("shell", 0), ("kms", 0), ("port", 0), ("command", 4), ("remote-port", 4), ("exit-code", 4)]
    {
        let ran = status(&cloud, &["old", "--for", purpose]);
        assert_eq!(ran.code(), code, "{purpose}: {ran:?}");
    }
    assert_snapshot!(status(&cloud, &["old", "--for", "remote-port"]).shown(), @"
    exit code: 4
    --- stdout
    old (i-00000000000000007) cannot be reached: its agent 2.3.672.0 is too old for tunnels to other hosts, which needs 3.1.1188.0
      seen: Systems Manager reports the version
      fix:  update the agent: `aws ssm send-command --document-name AWS-UpdateSSMAgent --targets Key=InstanceIds,Values=i-00000000000000007 --region us-east-1`
    ");
    assert_snapshot!(status(&cloud, &["old", "--for", "nothing"]).shown(), @"
    exit code: 2
    --- stderr
    error: invalid value 'nothing' for '--for <WHAT>'
      [possible values: shell, kms, interactive-command, port, command, remote-port, exit-code]

    For more information, try '--help'.
    ");
}

#[test]
fn a_hybrid_node_of_the_standard_tier() {
    let cloud = cloud_with(|options| options.standard_tier = true);
    assert_snapshot!(status(&cloud, &["rack"]).shown(), @"
    exit code: 4
    --- stdout
    rack (mi-00000000000000008) cannot be reached: sessions on hybrid nodes need the advanced-instances tier
      1. sessions on hybrid nodes need the advanced-instances tier
         seen: the setting /ssm/managed-instance/activation-tier is `standard`, which since June 2026 should not matter
         fix:  turn it on for the account and region (it may cost): `aws ssm update-service-setting --setting-id /ssm/managed-instance/activation-tier --setting-value advanced --region us-east-1`
      2. its agent reports, but has no connection to Session Manager
         seen: Systems Manager reports the agent as online, but ssm:GetConnectionStatus as not connected
         fix:  check its access to ssmmessages.us-east-1.amazonaws.com on port 443: a VPC endpoint for ssmmessages, security groups, a proxy
               check that its role allows ssmmessages:CreateControlChannel and OpenControlChannel, as AmazonSSMManagedInstanceCore does
               restart the agent: `sudo systemctl restart amazon-ssm-agent`, on Ubuntu `sudo snap restart amazon-ssm-agent`
    ");
}

#[test]
fn of_several_targets_the_worst_decides() {
    let cloud = cloud();
    assert_snapshot!(status(&cloud, &["fine", "stopped", "fine"]).shown(), @"
    exit code: 4
    --- stdout
    fine (i-00000000000000001) can be reached: agent 3.3.3050.0 online, Amazon Linux 2023
    stopped (i-00000000000000002) cannot be reached: it is stopped
      seen: EC2 reports its state as stopped
      fix:  start it first: `aws ec2 start-instances --instance-ids i-00000000000000002 --region us-east-1`
    fine (i-00000000000000001) can be reached: agent 3.3.3050.0 online, Amazon Linux 2023
    ");
    assert_snapshot!(status(&cloud, &["nobody", "fine"]).shown(), @"
    exit code: 3
    --- stdout
    fine (i-00000000000000001) can be reached: agent 3.3.3050.0 online, Amazon Linux 2023
    --- stderr
    error: no instance is named `nobody` in us-east-1
    hint: `ssmx ls` lists all instances; also check the region and the account
    ");
}

#[test]
fn several_matches_are_an_error_unless_all_or_the_first_is_asked_for() {
    let cloud = cloud();
    let words = [&["twin"][..], &["twin", "--all"], &["twin", "--first"], &["twin", "--first", "--all"]];
    assert_snapshot!(cases(words.map(|words| (words.join(" "), status(&cloud, words).shown()))), @"
    === twin
    exit code: 3
    --- stderr
    error: 2 instances are named `twin`: i-0000000000000000b twin (online), i-0000000000000000c twin (online)
    hint: `--all` checks all of them, `--first` the best match
    hint: give the id of one of them

    === twin --all
    exit code: 0
    --- stdout
    twin (i-0000000000000000b) can be reached: agent 3.3.3050.0 online, Amazon Linux 2023
    twin (i-0000000000000000c) can be reached: agent 3.3.3050.0 online, Amazon Linux 2023

    === twin --first
    exit code: 0
    --- stdout
    twin (i-0000000000000000b) can be reached: agent 3.3.3050.0 online, Amazon Linux 2023

    === twin --first --all
    exit code: 2
    --- stderr
    error: the argument '--first' cannot be used with '--all'

    Usage: ssmx status --first <TARGET>...

    For more information, try '--help'.
    ");
}

#[test]
fn quiet_is_the_exit_code_alone() {
    let cloud = cloud();
    for (target, code) in [("fine", 0), ("lost", 4), ("i-00000000000000fff", 3)] {
        let ran = status(&cloud, &["-q", target]);
        assert_eq!((ran.code(), ran.out().as_str(), ran.err().as_str()), (code, "", ""), "{target}");
    }
}

#[test]
fn colours_only_where_they_are_wanted() {
    let cloud = cloud();
    let said = |args: &[&str]| run(cloud.ssmx().args(args).args(["status", "fine", "lost"]));
    assert!(!said(&[]).out().contains('\x1b'));
    assert_snapshot!(said(&["--color", "always"]).shown().replace('\x1b', "ESC"), @"
    exit code: 4
    --- stdout
    fine (i-00000000000000001) ESC[1mESC[32mcan be reachedESC[0m: agent 3.3.3050.0 online, Amazon Linux 2023
    lost (i-00000000000000005) ESC[1mESC[31mcannot be reachedESC[0m: its agent was last heard from N days ago
      ESC[2mseen:ESC[0m Systems Manager reports its ping status as ConnectionLost, the last ping at 2026-01-31T23:59:59Z
      ESC[2mfix: ESC[0m restart the agent (`sudo systemctl restart amazon-ssm-agent`, on Ubuntu `sudo snap restart amazon-ssm-agent`), or the machine
      ESC[2m     ESC[0m if you cannot log in: `aws ec2 reboot-instances --instance-ids i-00000000000000005 --region us-east-1`
      ESC[2m     ESC[0m check what has changed since then: its access to ssm.us-east-1.amazonaws.com, ssmmessages.us-east-1.amazonaws.com and ec2messages.us-east-1.amazonaws.com, its role, a full disk
    ");
}

#[test]
fn on_a_terminal_the_person_chooses_which_one_is_meant() {
    let cloud = cloud();
    let asked = [(&["status", "twin"][..], "twin"), (&["status"], "lost")].map(|(args, chosen)| {
        let mut command = cloud.ssmx();
        command.args(args).env("TERM", "dumb");
        let mut pty = Pty::spawn(command, 160, 40);
        pty.wait_for_text("Enter to cancel:");
        let list = pty.contents();
        let row = list.lines().find(|line| line.contains(chosen) && line.contains("i-0000000")).unwrap();
        pty.send(format!("{}\n", row.split_whitespace().next().unwrap()));
        assert_eq!(pty.wait().code(), Some(if chosen == "lost" { 4 } else { 0 }), "{pty:?}");
        (args.join(" "), pty.rows())
    });
    assert_snapshot!(cases(asked), @"
    === status twin

    2 instances are named `twin`
         NAME  ID                   STATUS  PLATFORM           ZONE        IP
      1  twin  i-0000000000000000b  online  Amazon Linux 2023  us-east-1a  10.1.0.20
      2  twin  i-0000000000000000c  online  Amazon Linux 2023  us-east-1a  10.1.0.21
    Number, or text to filter, Enter to cancel: 1
    i-0000000000000000b twin (online)
    twin (i-0000000000000000b) can be reached: agent 3.3.3050.0 online, Amazon Linux 2023
    === status

         NAME          ID                    STATUS     PLATFORM                                  ZONE        IP
      1  ancient       i-00000000000000006   online     Amazon Linux 2023                         us-east-1a  10.1.0.15
      2  fine          i-00000000000000001   online     Amazon Linux 2023                         us-east-1a  10.1.0.10
      3  old           i-00000000000000007   online     Amazon Linux 2023                         us-east-1a  10.1.0.16
      4  rack          mi-00000000000000008  online     Amazon Linux 2023                         us-east-1   10.1.0.17
      5  twin          i-0000000000000000b   online     Amazon Linux 2023                         us-east-1a  10.1.0.20
      6  twin          i-0000000000000000c   online     Amazon Linux 2023                         us-east-1a  10.1.0.21
      7  bare          i-00000000000000003   unmanaged                                            us-east-1a  10.1.0.12
      8  lost          i-00000000000000005   offline    Amazon Linux 2023                         us-east-1a  10.1.0.14
      9  pc            i-0000000000000000d   offline    Microsoft Windows Server 2022 Datacenter  us-east-1a  10.1.0.22
     10  unregistered  i-00000000000000004   unmanaged                                            us-east-1a  10.1.0.13
     11  stopped       i-00000000000000002   stopped    Amazon Linux 2023                         us-east-1a  10.1.0.11
    Numbers, or text to filter, Enter to cancel: 8
    i-00000000000000005 lost (agent offline)
    lost (i-00000000000000005) cannot be reached: its agent was last heard from N days ago
      seen: Systems Manager reports its ping status as ConnectionLost, the last ping at 2026-01-31T23:59:59Z
      fix:  restart the agent (`sudo systemctl restart amazon-ssm-agent`, on Ubuntu `sudo snap restart amazon-ssm-agent`), or the machine
            if you cannot log in: `aws ec2 reboot-instances --instance-ids i-00000000000000005 --region us-east-1`
            check what has changed since then: its access to ssm.us-east-1.amazonaws.com, ssmmessages.us-east-1.amazonaws.com and
            ec2messages.us-east-1.amazonaws.com, its role, a full disk
    ");
}
