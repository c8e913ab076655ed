//! Files: scp, sftp and rsync.

use std::fs;
use std::process::Command;

use super::lab::{Lab, assert_same, noise};
use crate::support::command::run;

/// As the size in the promise: 64 MiB.
const SIZE: usize = 64 << 20;

/// Runs a program that must succeed, and returns what it says on standard output and standard error.
#[track_caller]
fn fine(command: &mut Command) -> (String, String) {
    let ran = run(command);
    assert_eq!(ran.code(), 0, "{command:?}: {}", ran.err());
    (ran.out(), ran.err())
}

#[test]
fn ssmx_scp_copies_64_mib_both_ways() {
    let lab = Lab::new();
    fs::write(lab.file("there"), noise(1, SIZE)).unwrap();
    let (_, said) = fine(&mut lab.ssmx(["scp", "there", "web-1:file"]));
    assert_eq!(said, "");
    fine(&mut lab.ssmx(["scp", "web-1:file", "back"]));
    assert_same(&lab.file("there"), &lab.home_of("web-1").join("file"));
    assert_same(&lab.file("there"), &lab.file("back"));
    lab.cloud.wait_for_no_session();
    assert_eq!(lab.left_keys(), 0);
}

#[test]
fn ssmx_scp_copies_between_two_instances() {
    let lab = Lab::new();
    fs::write(lab.home_of("web-1").join("file"), noise(2, 1 << 20)).unwrap();
    fine(&mut lab.ssmx(["scp", "web-1:file", "web-2:copy"]));
    assert_same(&lab.home_of("web-1").join("file"), &lab.home_of("web-2").join("copy"));
}

#[test]
fn plain_scp_copies_64_mib_both_ways() {
    let lab = Lab::new();
    lab.configure(&["web-1"]);
    fs::write(lab.file("there"), noise(3, SIZE)).unwrap();
    let (_, said) = fine(&mut lab.openssh("scp", ["there", "web-1.ssmx:file"]));
    assert_eq!(said, "");
    // The protocol of scp of old, which is no sftp.
    fine(&mut lab.openssh("scp", ["-O", "web-1.ssmx:file", "back"]));
    assert_same(&lab.file("there"), &lab.home_of("web-1").join("file"));
    assert_same(&lab.file("there"), &lab.file("back"));
}

#[test]
fn sftp_runs_a_batch() {
    let lab = Lab::new();
    lab.configure(&["web-1"]);
    fs::write(lab.file("there"), noise(4, 5 << 20)).unwrap();
    let batch = "mkdir folder\nput there folder/file\nrename folder/file folder/moved\nls -l folder\n\
                 get folder/moved back\nrm folder/moved\nrmdir folder\n";
    fs::write(lab.file("batch"), batch).unwrap();
    let (said, _) = fine(&mut lab.openssh("sftp", ["-b", "batch", "web-1.ssmx"]));
    assert!(said.contains("5242880"), "{said}");
    assert_same(&lab.file("there"), &lab.file("back"));
    assert!(!lab.home_of("web-1").join("folder").exists());
}

#[test]
fn rsync_brings_a_tree_there_and_back() {
    let lab = Lab::new();
    let config = lab.configure(&["web-1"]);
    let names = ["plain", "with space", "sub/ä", "sub/$HOME '\" \\", "sub/empty"];
    fs::create_dir_all(lab.file("tree/sub")).unwrap();
    for (number, name) in names.iter().enumerate() {
        let length = if *name == "sub/empty" { 0 } else { number * 700_000 + 1 };
        fs::write(lab.file("tree").join(name), noise(number as u64, length)).unwrap();
    }
    let rsync = |from: &str, to: &str| {
        let mut rsync = lab.program("rsync");
        rsync.arg("-e").arg(format!("ssh -F '{}'", config.display())).args(["-a", "--delete", "-i", from, to]);
        fine(&mut rsync).0
    };
    let home = lab.home_of("web-1");
    rsync("tree/", "web-1.ssmx:tree/");
    for name in names {
        assert_same(&lab.file("tree").join(name), &home.join("tree").join(name));
    }
    assert_eq!(rsync("tree/", "web-1.ssmx:tree/"), "", "nothing is left to do");
    fs::write(home.join("tree/plain"), "changed").unwrap();
    fs::remove_file(home.join("tree/with space")).unwrap();
    rsync("web-1.ssmx:tree/", "tree/");
    assert_eq!(fs::read(lab.file("tree/plain")).unwrap(), b"changed");
    assert!(!lab.file("tree/with space").exists());
    lab.cloud.wait_for_no_session();
}
