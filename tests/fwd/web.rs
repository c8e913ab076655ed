//! Web servers behind a tunnel, and the programs that people use with them.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Stdio};
use std::sync::{Arc, Barrier};

use super::tunnel::{Aws, noise, program, server};
use crate::support::command::{run, run_with_input};

/// The web server of Python, in a folder of its own.
struct Python {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Python {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut python = program("python3");
        python.args(["-u", "-m", "http.server", "--bind", "127.0.0.1", "0", "-d"]).arg(folder.path());
        let mut child = python.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("python3 is needed");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.split_whitespace().find_map(|word| word.parse().ok());
        Self { child, port: port.unwrap_or_else(|| panic!("no port in {line:?}")), folder }
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server whose answers begin when so many requests are there.
fn all_at_once(count: usize) -> u16 {
    let barrier = Arc::new(Barrier::new(count));
    server(move |stream| {
        let mut lines = BufReader::new(&stream).lines();
        let request = lines.next().unwrap().unwrap();
        while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
        barrier.wait();
        let number: u64 = request.split(['/', ' ']).find_map(|word| word.parse().ok()).unwrap();
        let body = noise(number, 100_000);
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        (&stream).write_all(&[head.as_bytes(), &body].concat()).unwrap();
    })
}

#[test]
fn curl_gets_fifty_answers_over_fifty_connections_at_once() {
    let aws = Aws::new(|_| {});
    let tunnel = aws.open(&["db", &format!("0:orders.sandbox.internal:{}", all_at_once(50))]);
    let folder = tempfile::tempdir().unwrap();
    let mut curl = program("curl");
    curl.args(["-sS", "--fail", "--parallel", "--parallel-immediate", "--parallel-max", "50", "-o"]);
    curl.arg(folder.path().join("#1")).arg(format!("http://{}/[1-50]", tunnel.addresses(0)[0]));
    let done = run(&mut curl);
    assert_eq!(done.code(), 0, "{done:?}");
    for number in 1..=50 {
        let body = std::fs::read(folder.path().join(number.to_string())).unwrap();
        assert!(body == noise(number, 100_000), "answer {number} has {} bytes", body.len());
    }
}

#[test]
fn a_request_of_http_1_0_that_nc_ends_gets_its_whole_answer() {
    let aws = Aws::new(|_| {});
    let python = Python::start();
    let body = noise(3, 3_000_000);
    std::fs::write(python.folder.path().join("big"), &body).unwrap();
    let tunnel = aws.open(&["db", &format!("0:{}", python.port)]);
    let address = tunnel.addresses(0)[0];
    let mut nc = program("nc");
    nc.args(["-N", &address.ip().to_string(), &address.port().to_string()]);
    let done = run_with_input(&mut nc, b"GET /big HTTP/1.0\r\n\r\n");
    assert_eq!(done.code(), 0, "{done:?}");
    let end_of_head = done.stdout.windows(4).position(|end| end == b"\r\n\r\n").expect("an answer") + 4;
    assert!(done.stdout.starts_with(b"HTTP/1.0 200"));
    assert!(done.stdout[end_of_head..] == body, "{} bytes", done.stdout.len() - end_of_head);
}

#[test]
fn many_small_files_of_a_real_server_arrive() {
    let aws = Aws::new(|_| {});
    let python = Python::start();
    for number in 1..=60_u64 {
        std::fs::write(python.folder.path().join(number.to_string()), noise(number, 3_000)).unwrap();
    }
    let tunnel = aws.open(&["db", &format!("0:{}", python.port)]);
    let mut curl = program("curl");
    curl.args(["-sS", "--fail", "--parallel", "--parallel-max", "8"]);
    let folder = tempfile::tempdir().unwrap();
    curl.arg("-o").arg(folder.path().join("#1")).arg(format!("http://{}/[1-60]", tunnel.addresses(0)[0]));
    let done = run(&mut curl);
    assert_eq!(done.code(), 0, "{done:?}");
    for number in 1..=60_u64 {
        let mut body = Vec::new();
        std::fs::File::open(folder.path().join(number.to_string())).unwrap().read_to_end(&mut body).unwrap();
        assert!(body == noise(number, 3_000), "file {number}");
    }
}
