//! Instances with SSH servers, and a person with a key and an OpenSSH configuration in a home of their own.

use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use ssmx::sandbox::Options;
use tempfile::TempDir;

use crate::support::cloud::Cloud;
use crate::support::command::run;

/// A sandbox with sshd, and the person's home.
pub(super) struct Lab {
    pub(super) cloud: Cloud,
    home: TempDir,
}

impl Lab {
    pub(super) fn new() -> Self {
        Self::with(|_| {})
    }

    /// With other options of the sandbox.
    pub(super) fn with(change: impl FnOnce(&mut Options)) -> Self {
        let lab = Self { cloud: Cloud::with_ssh_servers(change), home: TempDir::new().unwrap() };
        fs::create_dir(lab.file("run")).unwrap();
        lab
    }

    /// A path in the person's home.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// A program of the person's, in the sandbox.
    pub(super) fn program(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        for (name, _) in Self::ssmx_environment() {
            command.env_remove(name);
        }
        command
            .envs(self.cloud.environment().iter().cloned())
            .env("HOME", self.home.path())
            .env("XDG_RUNTIME_DIR", self.file("run"))
            .env_remove("SSH_AUTH_SOCK")
            .current_dir(self.home.path());
        command
    }

    /// Variables of whoever runs the test that could mean AWS.
    fn ssmx_environment() -> Vec<(String, String)> {
        let is_foreign = |name: &str| name.starts_with("AWS_") || name.starts_with("SSMX_");
        std::env::vars().filter(|(name, _)| is_foreign(name)).collect()
    }

    /// `ssmx` with these arguments.
    pub(super) fn ssmx<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = self.program(env!("CARGO_BIN_EXE_ssmx"));
        command.args(args);
        command
    }

    /// Writes the person's OpenSSH configuration, which includes what `ssmx ssh-config` prints, and puts the person's
    /// key on these instances. OpenSSH does not look for the configuration in `HOME`: it has to be named.
    pub(super) fn configure(&self, targets: &[&str]) -> PathBuf {
        let printed = run(&mut self.ssmx(["ssh-config"]));
        assert_eq!(printed.code(), 0, "{printed:?}");
        let ours = self.file(".ssh/ssmx_config");
        fs::create_dir_all(ours.parent().unwrap()).unwrap();
        fs::write(&ours, printed.out()).unwrap();
        let (key, config) = (self.file("key"), self.file("config"));
        let made = run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key));
        assert_eq!(made.code(), 0, "{made:?}");
        let text = format!("Include \"{}\"\nBatchMode yes\nIdentityFile \"{}\"\n", ours.display(), key.display());
        fs::write(&config, text).unwrap();
        let public = fs::read_to_string(self.file("key.pub")).unwrap();
        for target in targets {
            let script = r#"mkdir -p .ssh && printf '%s\n' "$1" >> .ssh/authorized_keys"#;
            let put = self.cloud.exec(target, ["sh", "-c", script, "sh", &public]);
            assert_eq!(put.code(), 0, "{put:?}");
        }
        config
    }

    /// A program of OpenSSH with the person's configuration.
    pub(super) fn openssh<S: AsRef<OsStr>>(&self, program: &str, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = self.program(program);
        command.arg("-F").arg(self.file("config")).args(args);
        command
    }

    /// The home directory of an instance, which is on this machine.
    pub(super) fn home_of(&self, target: &str) -> PathBuf {
        let asked = self.cloud.exec(target, ["pwd"]);
        assert_eq!(asked.code(), 0, "{asked:?}");
        PathBuf::from(asked.out().trim())
    }

    /// The throw-away keys that were left behind.
    pub(super) fn left_keys(&self) -> usize {
        fs::read_dir(self.file("run")).unwrap().count()
    }
}

/// Bytes without a pattern, the same for the same seed.
pub(super) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut bytes: Vec<u8> = (0..length.div_ceil(8)).flat_map(|_| next()).collect();
    bytes.truncate(length);
    bytes
}

/// Panics unless both files have the same content.
#[track_caller]
pub(super) fn assert_same(one: &Path, other: &Path) {
    let (here, there) = (fs::read(one).unwrap(), fs::read(other).unwrap());
    let (one, other) = (one.display(), other.display());
    assert!(here == there, "{one} ({} bytes) and {other} ({} bytes) differ", here.len(), there.len());
}

/// A server on 127.0.0.1 that does the same with every connection; its port. It goes with the test program.
pub(crate) fn server(serve: impl Fn(TcpStream) + Clone + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let serve = serve.clone();
            thread::spawn(move || serve(stream));
        }
    });
    port
}

/// A web server that says the same to everybody.
pub(super) fn web_server(text: &'static str) -> u16 {
    server(move |mut stream| {
        let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
        while !request.windows(4).any(|end| end == b"\r\n\r\n") {
            match stream.read(&mut buffer) {
                Ok(read @ 1..) => request.extend_from_slice(&buffer[..read]),
                _ => return,
            }
        }
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", text.len());
        let _ = stream.write_all(format!("{head}{text}").as_bytes());
    })
}
