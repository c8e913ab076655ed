//! A sandbox, a server behind it, and an `ssmx fwd` that leads there.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use ssmx::sandbox::agent::Instances;
use ssmx::sandbox::{Options, Sandbox};

use crate::support::DEADLINE;
use crate::support::command::ssmx;

/// How often a state is asked for that nobody tells of.
const POLL: Duration = Duration::from_millis(5);

/// A sandbox with its own threads.
pub(super) struct Aws {
    runtime: tokio::runtime::Runtime,
    sandbox: Option<Sandbox>,
}

impl Aws {
    pub(super) fn new(change: impl FnOnce(&mut Options)) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let mut options = Options::new(Arc::new(Instances::new()));
        change(&mut options);
        let sandbox = runtime.block_on(Sandbox::start(options)).unwrap();
        Self { runtime, sandbox: Some(sandbox) }
    }

    /// `ssmx fwd` in the sandbox's environment.
    pub(super) fn fwd(&self, args: &[&str]) -> Command {
        let mut command = ssmx();
        command.envs(self.sandbox.as_ref().unwrap().environment()).arg("fwd").args(args);
        command
    }

    /// Opens tunnels, and waits until they carry data.
    pub(super) fn open(&self, args: &[&str]) -> Tunnel {
        let forwards = args.iter().skip(1).filter(|arg| !arg.starts_with('-')).count();
        let mut command = self.fwd(args);
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
                Err(_) => panic!("not ready: {}", tunnel.errors()),
            }
        }
        tunnel
    }
}

impl Drop for Aws {
    fn drop(&mut self) {
        if let Some(sandbox) = self.sandbox.take() {
            self.runtime.block_on(sandbox.shutdown());
        }
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
                Err(_) => panic!("no {text:?} in {:?}", self.said),
            }
        }
    }

    /// Sends Ctrl-C and returns the exit code and how long the end took.
    #[cfg(unix)]
    pub(super) fn interrupt(&mut self) -> (Option<i32>, Duration) {
        let began = Instant::now();
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), rustix::process::Signal::INT)
            .unwrap();
        (self.wait(), began.elapsed())
    }

    fn wait(&mut self) -> Option<i32> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < deadline, "it does not end: {}", self.errors());
            thread::sleep(POLL);
        }
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
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
