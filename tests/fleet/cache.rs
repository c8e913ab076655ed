//! Lists that are kept between runs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use insta::assert_snapshot;
use ssmx::sandbox::ApiFault;
use tempfile::TempDir;

use super::first_words;
use crate::support::cloud::Cloud;
use crate::support::command::{Running, run};
use crate::support::snapshot::{cases, settled};
use crate::support::trace::Between;

/// A sandbox whose calls are counted, and a cache.
struct Home {
    cloud: Cloud,
    between: Between,
    dir: TempDir,
}

impl Home {
    fn new(change: impl FnOnce(&mut ssmx::sandbox::Options)) -> Self {
        let cloud = Cloud::with(change);
        let between = Between::listen(cloud.address());
        Self { between, dir: TempDir::new().unwrap(), cloud }
    }

    fn ssmx(&self) -> Command {
        let mut command = self.cloud.ssmx();
        for service in ["EC2", "SSM"] {
            command.env(format!("AWS_ENDPOINT_URL_{service}"), self.between.url());
        }
        command.env("SSMX_CACHE_DIR", self.dir.path());
        command
    }

    /// The names that are listed, what is said, and how often AWS was asked for it.
    #[track_caller]
    fn ls(&self, words: &[&str], variables: &[(&str, &str)]) -> (Vec<String>, String, usize) {
        let before = self.between.calls().len();
        let ran = run(self.ssmx().arg("ls").args(words).envs(variables.iter().copied()));
        assert_eq!(ran.code(), 0, "{ran:?}");
        let names = first_words(&ran.out()).into_iter().map(str::to_owned).collect();
        (names, ran.err(), self.between.calls().len() - before)
    }

    fn lists(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(self.dir.path().join("fleet")).into_iter().flatten();
        let paths = files.map(|file| file.unwrap().path());
        paths.filter(|path| path.extension().is_some_and(|ending| ending == "list")).collect()
    }
}

#[test]
fn a_list_is_used_while_it_is_young() {
    let home = Home::new(|_| {});
    let (names, said, calls) = home.ls(&[], &[]);
    assert_eq!((names.len(), calls), (8, 2));
    assert_snapshot!(said, @"8 instances: 6 online, 1 offline, 1 stopped");
    let (again, said, calls) = home.ls(&[], &[]);
    assert_eq!((&again, calls), (&names, 0));
    assert_snapshot!(settled(&said), @"8 instances: 6 online, 1 offline, 1 stopped; listed just now (`--refresh` to update)");
    assert_eq!(home.ls(&["web", "Env=prod"], &[]).0, ["web-1", "web-2", "web-3"]);
    assert_eq!(home.ls(&["--refresh"], &[]).2, 2);
    assert_eq!(home.ls(&["--no-cache"], &[]).2, 2);
    assert_eq!(home.ls(&[], &[("SSMX_CACHE", "0s")]).2, 2, "too old at once");
    assert_eq!(home.ls(&["--region", "eu-west-1"], &[]).2, 2, "another region");
    assert_eq!(home.ls(&[], &[("SSMX_NAME_TAG", "Role")]).2, 2, "other names");
    assert_eq!(home.lists().len(), 3);
}

#[test]
fn it_is_its_owners_alone_and_holds_no_credentials() {
    let home = Home::new(|_| {});
    home.ls(&[], &[]);
    let [list] = &home.lists()[..] else { panic!("{:?}", home.lists()) };
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(list), mode(list.parent().unwrap())), (0o600, 0o700));
    let text = fs::read_to_string(list).unwrap();
    assert!(text.contains("bastion"));
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        assert!(!text.contains(home.cloud.var(name)), "{name}");
    }
}

#[test]
fn what_is_damaged_is_asked_for_and_written_anew() {
    let home = Home::new(|_| {});
    home.ls(&[], &[]);
    let list = home.lists().remove(0);
    let good = fs::read(&list).unwrap();
    for bad in [&b"garbage"[..], b"", &good[..good.len() / 2], b"\xff\xfe\x00\n"] {
        fs::write(&list, bad).unwrap();
        let (names, _, calls) = home.ls(&[], &[]);
        assert_eq!((names.len(), calls), (8, 2));
        assert_eq!(home.ls(&[], &[]).2, 0);
    }
    // A folder in its place cannot be replaced by a file; the list is shown nevertheless.
    fs::remove_file(&list).unwrap();
    fs::create_dir(&list).unwrap();
    assert_eq!(home.ls(&[], &[]).0.len(), 8);
    let unwritable = run(home.ssmx().arg("ls").env("SSMX_CACHE_DIR", "/dev/null/x"));
    assert_eq!((unwritable.code(), first_words(&unwritable.out()).len()), (0, 8));
}

#[test]
fn many_at_a_time_do_not_disturb_each_other() {
    let home = Home::new(|_| {});
    for _ in 0..3 {
        let running: Vec<_> = (0..6).map(|_| Running::start(home.ssmx().args(["ls", "--refresh"]))).collect();
        for one in running {
            let ran = one.finish();
            assert_eq!((ran.code(), first_words(&ran.out()).len()), (0, 8), "{ran:?}");
        }
        assert_eq!(home.ls(&[], &[]).2, 0);
    }
    let left = fs::read_dir(home.dir.path().join("fleet")).unwrap().count();
    assert_eq!(left, 2, "the list and its lock");
}

#[test]
fn what_may_not_be_seen_is_told_again_and_what_broke_off_is_not_kept() {
    let deny = ApiFault::Deny { action: "ssm:DescribeInstanceInformation".to_owned() };
    let home = Home::new(|options| options.api_faults.push(deny));
    let first = home.ls(&[], &[]);
    let second = home.ls(&[], &[]);
    assert_eq!((first.2, second.2), (2, 0));
    assert_snapshot!(settled(&second.1), @"
    warning: us-east-1: agent status and hybrid nodes are missing: ssm:DescribeInstanceInformation failed: User: arn:aws:sts::123456789012:assumed-role/ssmx-sandbox/sandbox is not authorized to perform: ssm:DescribeInstanceInformation on resource: arn:aws:ssm:us-east-1:123456789012:* because no identity-based policy allows the ssm:DescribeInstanceInformation action (AccessDeniedException, request id REQUEST-ID)
    hint: ask for an IAM policy that allows ssm:DescribeInstanceInformation on arn:aws:ssm:us-east-1:123456789012:*
    8 instances: 7 running, 1 stopped; listed just now (`--refresh` to update)
    ");

    let fleet = super::fleet("generate = { count = 1_500 }");
    let home = Home::new(|options| {
        options.fleet = fleet;
        options.api_faults.push(ApiFault::BreakOff { action: "ec2:DescribeInstances".to_owned(), calls: 1 });
    });
    assert_eq!(run(home.ssmx().arg("ls")).code(), 1);
    assert!(home.lists().is_empty());
}

#[test]
fn another_profile_has_another_list() {
    let home = Home::new(|_| {});
    home.ls(&[], &[]);
    let ran = run(home.ssmx().arg("ls").env("AWS_ACCESS_KEY_ID", "ASIAWRONG"));
    // Not what somebody else may see.
    assert_snapshot!(ran.shown(), @"
    exit code: 5
    --- stderr
    error: ec2:DescribeInstances failed: AWS was not able to validate the provided access credentials (AuthFailure, request id REQUEST-ID)
    hint: AWS does not know these credentials: check that they belong to this partition and are still active
    hint: log in again: `aws sso login`, or renew the keys in the environment
    ");
}

#[test]
fn a_target_that_is_gone_is_looked_for_again() {
    let home = Home::new(|_| {});
    home.ls(&[], &[]);
    let list = home.lists().remove(0);
    let good = fs::read_to_string(&list).unwrap();
    // As if web-1 had been another instance then, and ghost had been there.
    let old = good.replace("i-0a11ce0000000001a", "i-0a11ce00000000bad").replace("batch", "ghost");
    fs::write(&list, &old).unwrap();
    let exec = |target: &str| run(home.ssmx().args(["exec", target, "--", "echo", "hi"]));

    let targets = ["web-1", "10.0.0.11", "Name=web-1", "ghost", "legacy"];
    assert_snapshot!(cases(targets.map(|target| (target, exec(target).shown()))), @"
    === web-1
    exit code: 0
    --- stdout
    hi
    --- stderr
    ssmx: i-0a11ce00000000bad is gone; switching to i-0a11ce0000000001a web-1 (online)

    === 10.0.0.11
    exit code: 0
    --- stdout
    hi
    --- stderr
    ssmx: i-0a11ce00000000bad is gone; switching to i-0a11ce0000000001a web-1 (online)

    === Name=web-1
    exit code: 0
    --- stdout
    hi
    --- stderr
    ssmx: i-0a11ce00000000bad is gone; switching to i-0a11ce0000000001a web-1 (online)

    === ghost
    exit code: 255
    --- stderr
    error: no instance is named `ghost` in us-east-1
    hint: `ssmx ls` lists all instances; also check the region and the account

    === legacy
    exit code: 255
    --- stderr
    error: ssm:StartSession failed for i-01e9ac00000000070: i-01e9ac00000000070 is not connected. (TargetNotConnected, request id REQUEST-ID)
    caused by: its agent was last heard from 2 hours ago (Systems Manager reports its ping status as ConnectionLost, the last ping at TIMESTAMP)
    caused by: its agent 2.3.672.0 is too old for a command without a terminal, which needs 3.0.1124.0 (Systems Manager reports the version)
    hint: restart the agent (`sudo systemctl restart amazon-ssm-agent`, on Ubuntu `sudo snap restart amazon-ssm-agent`), or the machine
    hint: if you cannot log in: `aws ec2 reboot-instances --instance-ids i-01e9ac00000000070 --region us-east-1`
    hint: check what has changed since then: its access to ssm.us-east-1.amazonaws.com, ssmmessages.us-east-1.amazonaws.com and ec2messages.us-east-1.amazonaws.com, its role, a full disk
    hint: update the agent on the machine itself
    ");
    let shell = run(home.ssmx().args(["shell", "ghost"]));
    assert_eq!(shell.code(), 3, "{shell:?}");

    // What is right is not looked for at all.
    let calls = home.between.calls().len();
    assert_eq!(exec("db").out(), "hi\n");
    let asked = home.between.calls().split_off(calls);
    assert!(asked.iter().all(|call| !call.request.contains("DescribeInstance")), "{asked:?}");
}
