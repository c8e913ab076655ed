//! One start of a program, to its first byte.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::Result;
use super::server::Server;

/// How long a first byte may take: a start beyond that is one that hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is started.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A program that only starts.
    Version,
    /// A plain connection through the path, and a byte there and back.
    Connection,
    Fwd,
    Exec,
    /// What the ssh program talks through: the first byte of the server's banner.
    Ssh,
    Shell,
}

/// The baselines, then the others.
pub(crate) const KINDS: [Kind; 6] = [Kind::Version, Kind::Connection, Kind::Fwd, Kind::Exec, Kind::Ssh, Kind::Shell];

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Version => "ssmx --version",
            Self::Connection => "a connection, a byte",
            Self::Fwd => "fwd, a byte",
            Self::Exec => "exec -- echo",
            Self::Ssh => "ssh (proxy), the banner",
            Self::Shell => "shell, the prompt",
        }
    }
}

/// How programs are started.
pub(crate) struct Starts {
    environment: Vec<(String, String)>,
    home: tempfile::TempDir,
    /// Where the path to the echo begins.
    path: u16,
    echo: u16,
    banner: u16,
}

impl Starts {
    /// Programs that are led to the sandbox through a path.
    pub(crate) fn new(environment: &[(String, String)], sandbox: u16, path: u16, server: &Server) -> Result<Self> {
        let endpoint = |name: &str| name.starts_with("AWS_ENDPOINT_URL");
        let mut environment = environment.to_vec();
        for (_, value) in environment.iter_mut().filter(|(name, _)| endpoint(name)) {
            *value = format!("http://127.0.0.1:{sandbox}");
        }
        Ok(Self { environment, home: tempfile::tempdir()?, path, echo: server.echo, banner: server.banner })
    }

    /// From the start to the first byte.
    pub(crate) fn once(&self, kind: Kind) -> Result<Duration> {
        match kind {
            Kind::Version => self.output(&["--version"]),
            Kind::Connection => connection(self.path, Instant::now()),
            Kind::Fwd => {
                let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
                let began = Instant::now();
                let _running = Running(self.ssmx(&["-q", "fwd", "db", &format!("{port}:{}", self.echo)]).spawn()?);
                connection(port, began)
            }
            Kind::Exec => self.output(&["exec", "db", "--", "echo", "x"]),
            Kind::Ssh => self.output(&["proxy", "db", &self.banner.to_string()]),
            Kind::Shell => self.shell(),
        }
    }

    fn ssmx(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ssmx"));
        command.args(args).env_clear().envs(self.environment.iter().cloned()).env("HOME", self.home.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// The first byte on standard output.
    fn output(&self, args: &[&str]) -> Result<Duration> {
        let began = Instant::now();
        let mut command = self.ssmx(args);
        // An end of input would be one of the session too.
        let mut running = Running(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?);
        let output = running.0.stdout.take().ok_or("no output")?;
        first(output, began, |_| true)
    }

    /// The prompt on a terminal.
    #[cfg(unix)]
    fn shell(&self) -> Result<Duration> {
        let began = Instant::now();
        let (control, terminal) = pty_process::blocking::open()?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_ssmx"));
        command.args(["-q", "shell", "db"]).env_clear().envs(self.environment.iter().cloned());
        command.env("HOME", self.home.path());
        let _running = Running(pty_process::blocking::Command::from(command).spawn(terminal)?);
        first(control, began, |byte| matches!(byte, b'$' | b'#'))
    }

    #[cfg(not(unix))]
    fn shell(&self) -> Result<Duration> {
        Err("it takes a Unix terminal".into())
    }
}

/// A program, killed when it is not needed any more.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        #[cfg(unix)]
        {
            // It ends its session on the service.
            let pid = rustix::process::Pid::from_child(&self.0);
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        #[cfg(not(unix))]
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The time until a byte has come back, of a program that may not listen yet.
fn connection(port: u16, began: Instant) -> Result<Duration> {
    let mut stream = loop {
        match TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
            Ok(stream) => break stream,
            Err(_) if began.elapsed() < PATIENCE => std::thread::sleep(Duration::from_micros(200)),
            Err(error) => return Err(error.into()),
        }
    };
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"x")?;
    stream.read_exact(&mut [0])?;
    Ok(began.elapsed())
}

/// The time until such a byte has come.
fn first(mut from: impl Read + Send + 'static, began: Instant, is: fn(u8) -> bool) -> Result<Duration> {
    let (sender, come) = mpsc::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 1024];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            if buffer[..read].iter().any(|byte| is(*byte)) {
                // Who does not wait any more need not know.
                let _ = sender.send(began.elapsed());
                return;
            }
        }
    });
    come.recv_timeout(PATIENCE).map_err(|_| "no first byte has come".into())
}
