//! Every byte comes back as it went: all 256 values, and line feeds alone at the ends of the pieces on the way.

use std::fs;
use std::io::copy;
use std::net::Shutdown;

use super::lab::{Lab, server};
use crate::support::cloud::Cloud;
use crate::support::command::{run, run_with_input};
use crate::support::waiting::end_of;

/// Sizes of the pieces on the way: of messages of old and large ones, of reads, of the frames of multiplexers.
const PIECES: [usize; 6] = [1024, 4096, 8192, 16_384, 32_768, 65_536];

/// All values in turn.
fn all_values() -> Vec<u8> {
    (0..=255).cycle().take(300_000).collect()
}

/// A line feed alone on either side of every boundary.
fn lone_line_feeds() -> Vec<u8> {
    let mut bytes = vec![b'x'; 300_000];
    for size in PIECES {
        for at in (size..bytes.len()).step_by(size) {
            bytes[at - 1] = b'\n';
            bytes[at] = b'\n';
        }
    }
    bytes.push(b'\n');
    bytes
}

#[test]
fn through_proxy() {
    let cloud = Cloud::start();
    for bytes in [all_values(), lone_line_feeds(), b"\n".to_vec()] {
        let length = bytes.len() as u64;
        // Sends back as much as comes, and is the one who ends.
        let echo = server(move |mut stream| {
            let mut reader = std::io::Read::take(stream.try_clone().unwrap(), length);
            let _ = copy(&mut reader, &mut stream);
            let _ = stream.shutdown(Shutdown::Both);
        });
        let mut proxy = cloud.ssmx();
        proxy.args(["proxy", "web-1", &echo.to_string()]);
        let ran = run_open(&mut proxy, &bytes);
        assert!(ran == bytes, "{} of {} bytes", ran.len(), bytes.len());
    }
    cloud.wait_for_no_session();
}

/// Runs a program whose input does not end before it does.
fn run_open(command: &mut std::process::Command, input: &[u8]) -> Vec<u8> {
    use std::process::Stdio;
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        std::io::Write::write_all(&mut stdin, &input).unwrap();
        stdin
    });
    let mut output = Vec::new();
    std::io::Read::read_to_end(&mut stdout, &mut output).unwrap();
    drop(writer.join().unwrap());
    assert_eq!(end_of(&mut child).expect("it ends").code(), Some(0));
    output
}

#[test]
fn through_exec() {
    let cloud = Cloud::start();
    let folder = tempfile::tempdir().unwrap();
    for bytes in [all_values(), lone_line_feeds(), b"\n".to_vec()] {
        let file = folder.path().join("file");
        fs::write(&file, &bytes).unwrap();
        let mut exec = cloud.ssmx();
        let ran = run(exec.args(["exec", "--binary", "web-1", "--", "cat"]).arg(&file));
        assert!(ran.code() == 0 && ran.stdout == bytes, "{} of {} bytes", ran.stdout.len(), bytes.len());
    }
}

#[test]
fn through_ssh() {
    let lab = Lab::new();
    for bytes in [all_values(), lone_line_feeds(), b"\n".to_vec()] {
        let ran = run_with_input(&mut lab.ssmx(["ssh", "web-1", "cat"]), &bytes);
        assert!(ran.code() == 0 && ran.stdout == bytes, "{} of {} bytes", ran.stdout.len(), bytes.len());
    }
}
