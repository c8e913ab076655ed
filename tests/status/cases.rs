//! What is told of each kind of instance.

use super::{assert_told, cloud, cloud_with, status};
use crate::support::command::run;
use crate::support::pty::Pty;

#[test]
fn each_kind_of_instance_has_its_headline_its_fix_and_its_code() {
    let cloud = cloud();
    let cases: &[(&str, i32, &[&str])] = &[
        ("fine", 0, &["fine (i-00000000000000001) can be reached: agent 3.3.3050.0 online, Amazon Linux 2023\n"]),
        ("i-00000000000000001", 0, &["fine (i-00000000000000001) can be reached"]),
        (
            "stopped",
            4,
            &[
                "stopped (i-00000000000000002) cannot be reached: it is stopped\n",
                "  seen: EC2 gives its state as stopped\n",
                "  fix:  start it first: `aws ec2 start-instances --instance-ids i-00000000000000002 --region us-east-1`",
            ],
        ),
        (
            "bare",
            4,
            &[
                "cannot be reached: Systems Manager does not know it\n",
                "  1. it has no instance profile\n",
                "AmazonSSMManagedInstanceCore",
                "Default Host Management Configuration",
                "  2. its agent may be missing, or not running\n",
                "seen: ssm:DescribeInstanceInformation does not list it",
                "  3. it may have no way to ssm.us-east-1.amazonaws.com, ssmmessages.us-east-1.amazonaws.com and ec2messages.",
                "VPC endpoints",
            ],
        ),
        (
            "unregistered",
            4,
            &[
                "cannot be reached: Systems Manager does not know it\n",
                "  1. the role of its instance profile `app` may lack AmazonSSMManagedInstanceCore\n",
                "`aws iam get-instance-profile --instance-profile-name app`",
                "  2. ",
                "  3. ",
            ],
        ),
        (
            "lost",
            4,
            &[
                "cannot be reached: its agent was last heard of ",
                " days ago\n",
                "seen: Systems Manager gives its ping status as ConnectionLost, the last at 2026-01-31T23:59:59Z",
                "fix:  restart the agent (`sudo systemctl restart amazon-ssm-agent`",
            ],
        ),
        ("pc", 4, &["fix:  restart the agent (`Restart-Service AmazonSSMAgent`)"]),
        (
            "ancient",
            4,
            &[
                "cannot be reached: its agent 2.3.50.0 is too old for a shell, which takes 2.3.68.0",
                "AWS-UpdateSSMAgent",
            ],
        ),
        ("old", 0, &["can be reached", "note: its agent 2.3.672.0 is too old for a command without a terminal"]),
        ("rack", 0, &["rack (mi-00000000000000008) can be reached"]),
        ("i-00000000000000009", 4, &["cannot be reached: it is terminated\n", "`ssmx ls`"]),
        ("i-00000000000000fff", 3, &["cannot be reached: there is no such instance in us-east-1\n", "--region"]),
        ("mi-00000000000000fff", 3, &["cannot be reached: there is no such node in us-east-1\n", "activated anew"]),
    ];
    for (target, code, told) in cases {
        let ran = status(&cloud, &[target]);
        assert_told(&ran.out(), *code, &ran, told);
        assert_eq!(ran.err(), "", "{target}");
    }
}

#[test]
fn what_it_is_to_be_reached_for_decides_how_old_its_agent_may_be() {
    let cloud = cloud();
    for (purpose, code) in [("shell", 0), ("kms", 0), ("port", 0), ("command", 4), ("remote-port", 4), ("exit-code", 4)]
    {
        let ran = status(&cloud, &["old", "--for", purpose]);
        assert_eq!(ran.code(), code, "{purpose}: {ran:?}");
    }
    let ran = status(&cloud, &["old", "--for", "remote-port"]);
    assert_told(&ran.out(), 4, &ran, &["2.3.672.0 is too old for tunnels to other hosts, which takes 3.1.1188.0"]);
    assert_eq!(status(&cloud, &["old", "--for", "nothing"]).code(), 2);
}

#[test]
fn a_hybrid_node_of_the_standard_tier() {
    let cloud = cloud_with(|options| options.standard_tier = true);
    let ran = status(&cloud, &["rack"]);
    let told = [
        "cannot be reached: sessions on hybrid nodes take the advanced-instances tier\n",
        "/ssm/managed-instance/activation-tier is `standard`",
        "`aws ssm update-service-setting --setting-id /ssm/managed-instance/activation-tier --setting-value advanced",
    ];
    assert_told(&ran.out(), 4, &ran, &told);
}

#[test]
fn of_several_targets_the_worst_decides() {
    let cloud = cloud();
    let ran = status(&cloud, &["fine", "stopped", "fine"]);
    assert_told(&ran.out(), 4, &ran, &["fine (", "can be", "stopped (", "cannot be", "fine (", "can be"]);
    let ran = status(&cloud, &["nobody", "fine"]);
    assert_told(&ran.out(), 3, &ran, &["fine (i-00000000000000001) can be reached"]);
    assert!(ran.err().starts_with("error: no instance is named `nobody` in us-east-1\nhint: "), "{ran:?}");
}

#[test]
fn several_matches_are_an_error_unless_all_or_the_first_is_asked_for() {
    let cloud = cloud();
    let ran = status(&cloud, &["twin"]);
    assert_told(&ran.err(), 3, &ran, &["error: 2 instances are named `twin`", "`--all` tells of all of them"]);
    assert_eq!(ran.out(), "");
    let ran = status(&cloud, &["twin", "--all"]);
    assert_told(&ran.out(), 0, &ran, &["twin (i-0000000000000000b) can", "twin (i-0000000000000000c) can"]);
    let ran = status(&cloud, &["twin", "--first"]);
    assert_eq!((ran.code(), ran.out().lines().count()), (0, 1), "{ran:?}");
    assert_eq!(status(&cloud, &["twin", "--first", "--all"]).code(), 2);
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
    let said = |args: &[&str]| run(cloud.ssmx().args(args).args(["status", "fine", "lost"])).out();
    assert!(!said(&[]).contains('\x1b'));
    let colored = said(&["--color", "always"]);
    assert!(colored.contains("\x1b[32mcan be reached") && colored.contains("\x1b[31mcannot be reached"), "{colored:?}");
}

#[test]
fn on_a_terminal_the_person_chooses_which_one_is_meant() {
    let cloud = cloud();
    for (args, chosen) in [(&["status", "twin"][..], "twin"), (&["status"], "lost")] {
        let mut command = cloud.ssmx();
        command.args(args).env("TERM", "dumb");
        let mut pty = Pty::spawn(command, 160, 40);
        pty.wait_for_text("nothing to leave:");
        let list = pty.contents();
        let row = list.lines().find(|line| line.contains(chosen) && line.contains("i-0000000")).unwrap();
        pty.send(format!("{}\n", row.split_whitespace().next().unwrap()));
        let code = pty.wait().code();
        let id = row.split_whitespace().find(|word| word.starts_with("i-")).unwrap();
        let reached = if chosen == "lost" { "cannot be reached" } else { "can be reached" };
        assert!(pty.contents().contains(&format!("{chosen} ({id}) {reached}")), "{pty:?}");
        assert_eq!(code, Some(if chosen == "lost" { 4 } else { 0 }), "{pty:?}");
    }
}
