//! SSH servers of the instances: the system's sshd, on a port of 127.0.0.1 for each instance that is asked for.
//!
//! The sandbox listens itself and runs an sshd for each connection, as inetd did. So no port is guessed, nothing has to
//! be waited for, and an sshd ends with its connection, even when the sandbox is killed.
//!
//! An sshd that does not run as root can log in only the user who runs it, and only users of this machine can log in.
//! So there is one login on all instances: the user who runs the sandbox. It ends up in the instance's home directory,
//! not in the person's own. Keys that EC2 Instance Connect has pushed are good for it, and those in
//! `.ssh/authorized_keys` of the instance's home directory; the person's own `authorized_keys` are not read.
//!
//! Each instance has a host key of its own, made anew in every sandbox. All are written to one file, so that a client
//! can check them without a question, and without a trace in the person's own `known_hosts`.

#[cfg(unix)]
mod config;

use std::collections::HashMap;
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs};

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::sync::Mutex;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

use super::environment::{Environment, Homes};
use super::signals;
use crate::environment::PATH;
use crate::files;
use crate::sandbox::error::Error;
use crate::sandbox::fleet::Instance;
use crate::sandbox::services::pushed_keys::PushedKeys;

/// Where sshd is beside the search path, which often lacks it.
const FOLDERS: [&str; 4] = ["/usr/sbin", "/usr/local/sbin", "/sbin", "/opt/homebrew/sbin"];

/// Connections of an instance at a time; a further one is closed at once.
const MOST_CONNECTIONS: usize = 256;

/// The pause before the next attempt to accept a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The complaint of an sshd that lacks the empty directory that its unprivileged part is shut in. Only root's needs one.
const NO_DIRECTORY: &str = "Missing privilege separation directory: ";

/// The SSH servers of a fleet. Dropping it ends them all.
#[derive(Debug)]
pub(crate) struct SshServers {
    program: PathBuf,
    key_generator: PathBuf,
    user: String,
    homes: Arc<Homes>,
    known_hosts: PathBuf,
    by_instance: Mutex<HashMap<String, Running>>,
}

#[derive(Debug)]
struct Running {
    port: u16,
    listener: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl SshServers {
    /// Servers that run the system's sshd, and log in to these home directories.
    ///
    /// # Errors
    /// [`Error::NoSshServer`] where there is none; [`Error::Directory`] where there is no place for its files.
    pub(crate) fn find(homes: Arc<Homes>) -> Result<Self, Error> {
        let program = find("sshd").ok_or(Error::NoSshServer)?;
        let key_generator = find("ssh-keygen").ok_or(Error::NoSshServer)?;
        let user = std::process::Command::new("id").arg("-un").output().map_err(Error::User)?;
        let user = String::from_utf8_lossy(&user.stdout).trim().to_owned();
        let known_hosts = homes.root().map_err(Error::Directory)?.join("known_hosts");
        Ok(Self { program, key_generator, user, homes, known_hosts, by_instance: Mutex::default() })
    }

    /// The only user that can log in.
    pub(crate) fn user(&self) -> &str {
        &self.user
    }

    /// The file with the host keys of the servers that were set up.
    pub(crate) fn known_hosts(&self) -> &Path {
        &self.known_hosts
    }

    /// The port of an instance's server, which is set up when it is first asked for.
    ///
    /// # Errors
    /// Why there is none: sshd or ssh-keygen cannot be run, or do not take what they are given.
    pub(crate) async fn port(&self, instance: &Instance, pushed_keys: &Arc<PushedKeys>) -> io::Result<u16> {
        let mut by_instance = self.by_instance.lock().await;
        if let Some(running) = by_instance.get(&instance.id) {
            return Ok(running.port);
        }
        let environment = Environment::new(instance, self.homes.of(instance)?, None);
        let server = Server {
            program: self.program.clone(),
            user: self.user.clone(),
            instance: instance.id.clone(),
            folder: environment.home.with_extension("sshd"),
            home: environment.home.clone(),
            pushed_keys: Arc::clone(pushed_keys),
        };
        server.set_up(&self.key_generator, &environment).await?;
        let key = fs::read_to_string(server.folder.join("host_key.pub"))?;
        let mut known_hosts = fs::OpenOptions::new().create(true).append(true).open(&self.known_hosts)?;
        known_hosts.write_all(config::known_host(instance, &key).as_bytes())?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let listener = tokio::spawn(server.serve(listener));
        by_instance.insert(instance.id.clone(), Running { port, listener });
        Ok(port)
    }
}

/// The server of one instance, with a folder for its files.
#[derive(Debug)]
struct Server {
    program: PathBuf,
    user: String,
    instance: String,
    /// Configuration and keys, outside the home directory.
    folder: PathBuf,
    home: PathBuf,
    pushed_keys: Arc<PushedKeys>,
}

impl Server {
    async fn set_up(&self, key_generator: &Path, environment: &Environment) -> io::Result<()> {
        // What an attempt that failed has left.
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder)?;
        }
        files::create_new_folder(&self.folder)?;
        let mut generate = Command::new(key_generator);
        generate.args(["-q", "-t", "ed25519", "-N", "", "-C", "sandbox", "-f"]).arg(self.folder.join("host_key"));
        succeeded(&run(&mut generate).await?)?;
        files::write(&self.folder.join("login"), config::login_script(environment).as_bytes())?;
        let configuration = config::configuration(&self.folder, &self.user, environment)?;
        files::write(&self.folder.join("config"), configuration.as_bytes())?;
        self.check().await
    }

    /// Has sshd read its configuration.
    async fn check(&self) -> io::Result<()> {
        let check = || self.command(["-t"]);
        let output = run(&mut check()).await?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        // The service makes it when it starts, which it may never have.
        let Some(directory) = complaint.lines().find_map(|line| line.strip_prefix(NO_DIRECTORY)) else {
            return succeeded(&output);
        };
        fs::create_dir_all(directory.trim())?;
        fs::set_permissions(directory.trim(), fs::Permissions::from_mode(0o755))?;
        succeeded(&run(&mut check()).await?)
    }

    fn command<const N: usize>(&self, arguments: [&str; N]) -> Command {
        // What sshd ignores, its logins ignore too.
        signals::reset_ignored();
        let mut command = Command::new(&self.program);
        command.args(arguments).arg("-f").arg(self.folder.join("config"));
        command.env_clear().env("PATH", PATH.value().unwrap_or_default());
        command
    }

    async fn serve(self, listener: TcpListener) {
        let server = Arc::new(self);
        let mut connections = JoinSet::new();
        for number in 0_u64.. {
            let socket = match listener.accept().await {
                Ok((socket, _)) => socket,
                Err(error) => {
                    // Out of descriptors, most likely: existing connections have to end first.
                    tracing::warn!(%error, "cannot accept an SSH connection");
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            while connections.try_join_next().is_some() {}
            if connections.len() == MOST_CONNECTIONS {
                continue;
            }
            let server = Arc::clone(&server);
            connections.spawn(async move {
                if let Err(error) = server.connection(number, socket).await {
                    tracing::warn!(%error, "cannot start an SSH server for a connection");
                }
            });
        }
    }

    /// Runs an sshd for a connection. Dropping the future kills it.
    async fn connection(&self, number: u64, socket: TcpStream) -> io::Result<()> {
        let keys = KeyFile::new(self.folder.join(format!("keys-{number}")));
        let valid = self.pushed_keys.valid(&self.instance, &self.user).join("\n") + "\n";
        files::write(&keys.path, valid.as_bytes())?;
        let socket = socket.into_std()?;
        socket.set_nonblocking(false)?;
        let socket = OwnedFd::from(socket);
        let mut command = self.command(["-i", "-e"]);
        let both = format!(
            "AuthorizedKeysFile=\"{}\" \"{}/.ssh/authorized_keys\"",
            config::text(&keys.path)?,
            config::text(&self.home)?
        );
        command.arg("-o").arg(both);
        command.stdin(Stdio::from(socket.try_clone()?)).stdout(Stdio::from(socket)).stderr(Stdio::piped());
        let mut process = command.kill_on_drop(true).spawn()?;
        // Its copies of the socket would keep the connection open.
        drop(command);
        if let Some(stderr) = process.stderr.take() {
            let mut lines = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                tracing::debug!(instance = self.instance, "sshd: {line}");
            }
        }
        process.wait().await.map(|_| ())
    }
}

/// The keys of one connection; removed when it is over.
struct KeyFile {
    path: PathBuf,
}

impl KeyFile {
    fn new(path: PathBuf) -> Self {
        Self { path }
    }
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        // Where all is removed already, there is nothing to do.
        let _ = fs::remove_file(&self.path);
    }
}

fn find(name: &str) -> Option<PathBuf> {
    let path = PATH.value().unwrap_or_default();
    let folders = env::split_paths(&path).chain(FOLDERS.map(PathBuf::from));
    folders.map(|folder| folder.join(name)).find(|path| path.is_absolute() && path.is_file())
}

async fn run(command: &mut Command) -> io::Result<Output> {
    command.stdin(Stdio::null()).kill_on_drop(true).output().await
}

fn succeeded(output: &Output) -> io::Result<()> {
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}

#[cfg(test)]
mod tests;
