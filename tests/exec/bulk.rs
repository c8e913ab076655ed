//! Much output, and readers that are slow or leave.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::time::Instant;

use aws_lc_rs::digest::{Context, SHA256};

use crate::support::DEADLINE;
use crate::support::cloud::Cloud;
use crate::support::snapshot::settled;
use crate::support::waiting::end_of;

const LINE: &[u8; 16] = b"0123456789abcde\n";
const MUCH: usize = 64 * 1024 * 1024;

fn much() -> [String; 3] {
    ["sh".to_owned(), "-c".to_owned(), format!("yes 0123456789abcde | head -c {MUCH}")]
}

fn expected() -> Vec<u8> {
    let mut context = Context::new(&SHA256);
    let block = LINE.repeat(4096);
    for _ in 0..MUCH / block.len() {
        context.update(&block);
    }
    context.finish().as_ref().to_vec()
}

#[test]
fn sixty_four_mebibytes_arrive_whole_within_bounds() {
    let cloud = Cloud::start();
    let mut child = cloud.ssmx().args(["exec", "web-1", "--"]).args(much()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut first = vec![0; LINE.len()];
    stdout.read_exact(&mut first).unwrap();
    // Nobody reads on until the memory of ssmx has come to rest: all else has to wait at the other end.
    let mut seen = (0, Instant::now());
    let begun = Instant::now();
    while seen.1.elapsed().as_millis() < 500 && begun.elapsed() < DEADLINE / 3 {
        let now = resident(child.id(), "VmRSS:");
        if now != seen.0 {
            seen = (now, Instant::now());
        }
        std::thread::yield_now();
    }
    let mut context = Context::new(&SHA256);
    context.update(&first);
    let (mut buffer, mut total, mut peak) = (vec![0; 256 * 1024], first.len(), 0);
    loop {
        let length = stdout.read(&mut buffer).unwrap();
        if length == 0 {
            break;
        }
        context.update(&buffer[..length]);
        total += length;
        peak = peak.max(resident(child.id(), "VmHWM:"));
    }
    assert_eq!((end_of(&mut child).expect("it ends").code(), total), (Some(0), MUCH));
    assert_eq!(context.finish().as_ref(), expected());
    // Some 30 MiB are the program itself.
    assert!(peak < 150 * 1024, "ssmx took {peak} KiB");
}

/// A figure of `/proc/PID/status` in KiB; 0 where there is none.
fn resident(id: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[test]
fn a_reader_that_leaves_ends_it_quietly_here_and_on_the_service() {
    let cloud = Cloud::start();
    let words = ["exec", "web-1", "--", "yes"];
    let mut child = cloud.ssmx().args(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "y\n");
    // Here the reader was dropped, as when `head -1` exits.
    let status = end_of(&mut child).expect("it ends");
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((status.code(), said.as_str()), (Some(0), ""));
    cloud.wait_for_no_session();
}

#[test]
fn a_full_disk_is_an_error() {
    if !std::path::Path::new("/dev/full").exists() {
        // Only Linux has it.
        return;
    }
    let cloud = Cloud::start();
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let mut child =
        cloud.ssmx().args(["exec", "web-1", "--", "echo", "hi"]).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(end_of(&mut child).expect("it ends").code(), Some(255));
    insta::assert_snapshot!(settled(&said), @"
    error: cannot write to standard output
    caused by: No space left on device (os error NUMBER)
    ");
    cloud.wait_for_no_session();
}
