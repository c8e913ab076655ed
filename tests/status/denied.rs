//! What is told when not everybody may be asked.

use super::{assert_told, denying, status};

const EC2: &str = "ec2:DescribeInstances";
const AGENT: &str = "ssm:DescribeInstanceInformation";
const CONNECTED: &str = "ssm:GetConnectionStatus";

#[test]
fn one_answer_is_enough_to_be_reachable() {
    for denied in [&[EC2][..], &[AGENT], &[CONNECTED], &[EC2, AGENT], &[EC2, CONNECTED]] {
        let ran = status(&denying(denied), &["i-00000000000000001"]);
        assert_told(&ran.out(), 0, &ran, &["(i-00000000000000001) can be reached"].map(|text| &text[1..20]));
        for action in denied {
            let told = ran.out();
            assert!(told.contains(&format!("note: you may not call {action}")), "{told}");
            assert!(told.contains(&format!("fix:  ask for an IAM policy that allows {action}")), "{told}");
        }
    }
}

#[test]
fn without_ec2_systems_manager_says_what_it_knows() {
    let cloud = denying(&[EC2]);
    let ran = status(&cloud, &["i-00000000000000005"]);
    let told = [
        "cannot be reached: its agent was last heard of",
        "1. its agent was",
        "2. you may not call ec2:DescribeInstances",
    ];
    assert_told(&ran.out(), 4, &ran, &told);
    let ran = status(&cloud, &["i-00000000000000002"]);
    assert_told(&ran.out(), 4, &ran, &["cannot be reached: its agent was last heard of 2 hours ago"]);
    let ran = status(&cloud, &["i-00000000000000003"]);
    let told = [
        "cannot be reached: Systems Manager does not know it",
        "1. it may be stopped, terminated, or in another region or account",
        "2. it may have no instance profile",
        "3. its agent may be missing",
        "4. it may have no way",
        "5. you may not call ec2:DescribeInstances",
        "fix:  ask for an IAM policy that allows ec2:DescribeInstances",
    ];
    assert_told(&ran.out(), 4, &ran, &told);
}

#[test]
fn without_systems_manager_ec2_says_what_it_knows() {
    let cloud = denying(&[AGENT]);
    let ran = status(&cloud, &["stopped"]);
    let told =
        ["cannot be reached: it is stopped", "1. it is stopped", "2. you may not call ssm:DescribeInstanceInformation"];
    assert_told(&ran.out(), 4, &ran, &told);
    let ran = status(&cloud, &["bare"]);
    let told = [
        "cannot be reached: its agent is not connected to Session Manager",
        "1. it has no instance profile",
        "4. you may not call ssm:DescribeInstanceInformation",
    ];
    assert_told(&ran.out(), 4, &ran, &told);
}

#[test]
fn what_nobody_may_be_asked_about_is_left_open() {
    let ran = status(&denying(&[EC2, AGENT, CONNECTED]), &["i-00000000000000001"]);
    let told = [
        "i-00000000000000001 may or may not be reached: you may not call ssm:GetConnectionStatus on ",
        "1. you may not call ssm:GetConnectionStatus",
        "AccessDeniedException, request id ",
        "2. you may not call ec2:DescribeInstances",
        "3. you may not call ssm:DescribeInstanceInformation",
    ];
    assert_told(&ran.out(), 5, &ran, &told);

    // That the agent reports may not be known either.
    let ran = status(&denying(&[AGENT, CONNECTED]), &["i-00000000000000001"]);
    assert_told(&ran.out(), 5, &ran, &["fine (i-00000000000000001) may or may not be reached: you may not call"]);
}

#[test]
fn credentials_that_are_refused_are_told_of_once() {
    let cloud = denying(&[]);
    let ran = crate::support::command::run(
        cloud.ssmx().env("AWS_SESSION_TOKEN", "bad").args(["status", "i-00000000000000001"]),
    );
    assert_told(&ran.out(), 5, &ran, &["may or may not be reached: AWS does not take the credentials\n", "  fix:  "]);
    assert_eq!(ran.out().matches("AWS does not take").count(), 1, "{ran:?}");
}
