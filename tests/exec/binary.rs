//! `--binary`, and what becomes of binary output without it.

use std::io::Write;

use crate::support::cloud::Cloud;
use crate::support::command::{Finished, run};
use crate::support::snapshot::from_error;

fn binary(cloud: &Cloud, words: &[&str]) -> Finished {
    run(cloud.ssmx().args(["exec", "--binary", "web-1", "--"]).args(words))
}

/// A file with these bytes, for the remote side, which is this machine.
fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..length).map(|_| next()).collect()
}

#[test]
fn every_byte_survives() {
    let bytes: Vec<u8> = (0..=255).chain((0..=255).rev()).collect();
    let file = file(&bytes);
    let ran = binary(&Cloud::start(), &["cat", file.path().to_str().unwrap()]);
    assert_eq!((ran.code(), ran.err().as_str()), (0, ""));
    assert_eq!(ran.stdout, bytes);
}

#[test]
fn five_megabytes_survive() {
    let bytes = noise(5_000_000);
    let file = file(&bytes);
    let ran = binary(&Cloud::start(), &["cat", file.path().to_str().unwrap()]);
    assert_eq!(ran.code(), 0, "{}", ran.err());
    assert!(ran.stdout == bytes, "{} bytes came", ran.stdout.len());
}

#[test]
fn code_and_standard_error_are_those_of_the_command() {
    let ran = binary(&Cloud::start(), &["sh", "-c", "printf '\\377'; echo err >&2; exit 7"]);
    assert_eq!((ran.code(), ran.stdout.as_slice(), ran.err().as_str()), (7, &b"\xff"[..], "err\n"));
}

#[test]
fn arguments_stay_as_they_are() {
    let ran = binary(&Cloud::start(), &["printf", "%s|", "a b", "$x", "'", "\"", "\\", "", "\n"]);
    assert_eq!(ran.out(), "a b|$x|'|\"|\\||\n|");
}

#[test]
fn no_output_is_no_output() {
    let ran = binary(&Cloud::start(), &["true"]);
    assert_eq!((ran.code(), ran.out().as_str(), ran.err().as_str()), (0, "", ""));
}

#[test]
fn without_it_the_agent_damages_what_is_not_utf_8() {
    // The last bytes begin a sequence of four; of the genuine U+FFFD before them one byte arrives, the lone 0xff as it is.
    let file = file(b"\xff-\xef\xbf\xbd-\xf0\x9f");
    let cloud = Cloud::start();
    let plain = cloud.exec("web-1", ["cat", file.path().to_str().unwrap()]);
    assert_eq!(plain.stdout, b"\xff-\xef-", "{plain:?}");
    let whole = binary(&cloud, &["cat", file.path().to_str().unwrap()]);
    assert_eq!(whole.stdout, b"\xff-\xef\xbf\xbd-\xf0\x9f");
}

#[test]
fn an_instance_without_base64_is_a_clear_error() {
    let bin = tempfile::tempdir().unwrap();
    let sh = std::fs::canonicalize("/bin/sh").unwrap();
    std::os::unix::fs::symlink(sh, bin.path().join("sh")).unwrap();
    let mut sandbox = crate::support::command::ssmx();
    sandbox.args(["sandbox", "--", "ssmx", "exec", "--binary", "web-1", "--", "echo", "lost"]).env("PATH", bin.path());
    let ran = run(&mut sandbox);
    assert_eq!((ran.code(), ran.out().as_str()), (255, ""), "{ran:?}");
    // Before it stands what the shell of the instance says.
    insta::assert_snapshot!(from_error(&ran.err()), @"
    error: cannot decode the output
    caused by: the remote side sent invalid base64: it is cut short
    hint: `--binary` needs `sh` and `base64` on the instance
    ");
}
