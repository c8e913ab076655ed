//! A sandbox, a server behind it, and an `ssmx fwd` that leads there.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use ssmx::sandbox::Options;

use crate::support::DEADLINE;
use crate::support::sandbox::TestSandbox;
use crate::support::snapshot::settled;
use crate::support::waiting::end_of;

/// A sandbox, and how to lead there.
pub(super) struct Aws(TestSandbox);

impl Aws {
    pub(super) fn new(change: impl FnOnce(&mut Options)) -> Self {
        Self(TestSandbox::with(change))
    }

    /// The service's side.
    pub(super) fn service(&mut self) -> &mut TestSandbox {
        &mut self.0
    }

    /// `ssmx fwd` in the sandbox's environment.
    pub(super) fn fwd(&self, args: &[&str]) -> Command {
        let mut command = self.0.ssmx();
        command.arg("fwd").args(args);
        command
    }

    /// Opens tunnels, and waits until they carry data.
    pub(super) fn open(&self, args: &[&str]) -> Tunnel {
        Self::open_as(&mut self.fwd(args), args.iter().skip(1).filter(|arg| !arg.starts_with('-')).count())
    }

    /// The same with a variable of the environment.
    pub(super) fn open_with(&self, (name, value): (&str, &str), args: &[&str]) -> Tunnel {
        Self::open_as(self.fwd(args).env(name, value), 1)
    }

    /// Opens a SOCKS5 port.
    pub(super) fn socks(&self, args: &[&str]) -> Tunnel {
        Self::open_as(self.fwd(&["db", "--socks", "0"]).args(args), 1)
    }

    /// Runs a command that says so many times that something is ready.
    pub(super) fn open_as(command: &mut Command, forwards: usize) -> Tunnel {
        command.args(["-o", "json"]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut stderr = child.stderr.take().unwrap();
        let (said, errors) = mpsc::channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = stderr.read(&mut buffer) {
                let _ = said.send(String::from_utf8_lossy(&buffer[..count]).into_owned());
            }
        });
        let (line, lines) = mpsc::channel();
        thread::spawn(move || stdout.lines().map_while(Result::ok).for_each(|text| drop(line.send(text))));
        let mut tunnel = Tunnel { child, ready: Vec::new(), errors, said: String::new() };
        for _ in 0..forwards {
            match lines.recv_timeout(DEADLINE) {
                Ok(text) => tunnel.ready.push(serde_json::from_str(&text).unwrap()),
                Err(error) => panic!("{error}, and not ready: {}", tunnel.errors()),
            }
        }
        tunnel
    }
}

/// A running `ssmx fwd`, killed when dropped.
pub(super) struct Tunnel {
    pub(super) child: Child,
    /// What it said when it was ready.
    pub(super) ready: Vec<Value>,
    errors: mpsc::Receiver<String>,
    said: String,
}

impl Tunnel {
    /// The addresses of a forward.
    pub(super) fn addresses(&self, forward: usize) -> Vec<SocketAddr> {
        let listen = self.ready[forward]["listen"].as_array().unwrap();
        listen.iter().map(|address| address.as_str().unwrap().parse().unwrap()).collect()
    }

    /// A connection through the first forward.
    pub(super) fn connect(&self) -> TcpStream {
        connect(self.addresses(0)[0])
    }

    /// What it said on standard error so far.
    pub(super) fn errors(&mut self) -> String {
        self.said.extend(self.errors.try_iter());
        self.said.clone()
    }

    /// Waits until it has said something on standard error.
    pub(super) fn wait_for(&mut self, text: &str) {
        let deadline = Instant::now() + DEADLINE;
        while !self.errors().contains(text) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.errors.recv_timeout(left) {
                Ok(more) => self.said.push_str(&more),
                Err(error) => panic!("{error}, and no {text:?} in {:?}", self.said),
            }
        }
    }

    /// Waits until it has said something on standard error, and returns the first line with it, for a snapshot.
    pub(super) fn line_with(&mut self, text: &str) -> String {
        self.wait_for(text);
        let at = self.said.find(text).expect("it was waited for");
        let begin = self.said[..at].rfind('\n').map_or(0, |end| end + 1);
        // A line is written at once, but may be read in pieces.
        while !self.said[at..].contains('\n') {
            match self.errors.recv_timeout(DEADLINE) {
                Ok(more) => self.said.push_str(&more),
                Err(error) => panic!("{error}, and no end of the line in {:?}", self.said),
            }
        }
        settled(self.said[begin..].lines().next().unwrap_or_default())
    }

    /// Sends Ctrl-C and returns the exit code and how long the end took.
    #[cfg(unix)]
    pub(super) fn interrupt(&mut self) -> (Option<i32>, Duration) {
        let began = Instant::now();
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), rustix::process::Signal::INT)
            .unwrap();
        (self.wait(), began.elapsed())
    }

    /// How many sockets the process has open.
    #[cfg(target_os = "linux")]
    pub(super) fn sockets(&self) -> usize {
        let files = std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap();
        let links = files.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
        links.filter(|link| link.to_string_lossy().starts_with("socket:")).count()
    }

    fn wait(&mut self) -> Option<i32> {
        let ended = end_of(&mut self.child);
        ended.unwrap_or_else(|| panic!("it does not end: {}", self.errors())).code()
    }
}

impl Drop for Tunnel {
    #[expect(clippy::print_stdout, reason = "it stands with the output of the test that failed")]
    fn drop(&mut self) {
        if thread::panicking() {
            println!("ssmx ({:?}) said:\n{}", self.child.try_wait(), self.errors());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(super) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.set_write_timeout(Some(DEADLINE)).unwrap();
    stream
}

/// A server on 127.0.0.1 that does the same with every connection; its port.
pub(super) fn server(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let serve = Arc::clone(&serve);
            thread::spawn(move || serve(stream));
        }
    });
    port
}

/// A server that sends back what comes.
pub(super) fn echo() -> u16 {
    server(|stream| {
        let mut reader = stream.try_clone().unwrap();
        let _ = std::io::copy(&mut reader, &mut &stream);
        let _ = stream.shutdown(Shutdown::Both);
    })
}

/// Sends data in pieces while reading it back, and compares.
pub(super) fn exchange(stream: &TcpStream, data: &[u8], piece: usize) {
    thread::scope(|scope| {
        scope.spawn(|| {
            for piece in data.chunks(piece.max(1)) {
                (&*stream).write_all(piece).unwrap();
            }
        });
        let mut back = vec![0; data.len()];
        (&*stream).read_exact(&mut back).unwrap();
        let differs = back.iter().zip(data).position(|(came, went)| came != went);
        assert_eq!(differs, None, "of {} bytes in pieces of {piece}", data.len());
    });
}

/// A program of this machine, which is led past no proxy but ours.
#[track_caller]
pub(super) fn program(name: &str) -> Command {
    let mut command = Command::new(name);
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().to_lowercase().ends_with("_proxy") {
            command.env_remove(variable);
        }
    }
    command
}

/// Bytes that repeat themselves nowhere soon.
pub(super) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}
