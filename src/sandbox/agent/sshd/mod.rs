//! SSH servers of the instances: the system's sshd, on a port of 127.0.0.1 for each instance that is asked for.
//!
//! The sandbox listens itself and runs an sshd for each connection, as inetd did. So no port is guessed, nothing has to
//! be waited for, and an sshd ends with its connection, even when the sandbox is killed.
//!
//! An sshd that is not root's can log in nobody but the user who runs it, and nobody can log in who does not exist on
//! this machine. So there is one login on all instances: whoever runs the sandbox. It ends up in the instance's home
//! directory, not in the person's own. Keys that EC2 Instance Connect has pushed are good for it, and those in
//! `.ssh/authorized_keys` of the instance's home directory; the person's own `authorized_keys` are not read.
//!
//! Each instance has a host key of its own, made anew in every sandbox. All are written to one file, so that a client
//! can check them without asking anybody, and without a trace in the person's own `known_hosts`.

#[cfg(unix)]
mod config;

use std::collections::HashMap;
use std::io::Write;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::{env, fs, io};

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::sync::Mutex;
use tokio::task::{JoinHandle, JoinSet};

use super::environment::{Environment, Homes};
use crate::sandbox::{Error, Instance, PushedKeys};

/// Where sshd is beside the search path, which often lacks it.
const FOLDERS: [&str; 4] = ["/usr/sbin", "/usr/local/sbin", "/sbin", "/opt/homebrew/sbin"];

/// Connections of an instance at a time; a further one is closed at once.
const MOST_CONNECTIONS: usize = 256;

/// What sshd says when it lacks the empty directory that its unprivileged part is shut in. Only root's needs one.
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

/// One instance's server.
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
        fs::create_dir(&self.folder)?;
        fs::set_permissions(&self.folder, fs::Permissions::from_mode(0o700))?;
        let mut generate = Command::new(key_generator);
        generate.args(["-q", "-t", "ed25519", "-N", "", "-C", "sandbox", "-f"]).arg(self.folder.join("host_key"));
        succeeded(&run(&mut generate).await?)?;
        fs::write(self.folder.join("login"), config::login_script(environment))?;
        let configuration = config::configuration(&self.folder, &self.user, environment)?;
        fs::write(self.folder.join("config"), configuration)?;
        self.check().await
    }

    /// Has sshd read its configuration.
    async fn check(&self) -> io::Result<()> {
        let check = || self.command(["-t"]);
        let output = run(&mut check()).await?;
        let said = String::from_utf8_lossy(&output.stderr);
        // The service makes it when it starts, which it may never have.
        let Some(directory) = said.lines().find_map(|line| line.strip_prefix(NO_DIRECTORY)) else {
            return succeeded(&output);
        };
        fs::create_dir_all(directory.trim())?;
        fs::set_permissions(directory.trim(), fs::Permissions::from_mode(0o755))?;
        succeeded(&run(&mut check()).await?)
    }

    fn command<const N: usize>(&self, arguments: [&str; N]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).arg("-f").arg(self.folder.join("config"));
        command.env_clear().env("PATH", env::var_os("PATH").unwrap_or_default());
        command
    }

    async fn serve(self, listener: TcpListener) {
        let server = Arc::new(self);
        let mut connections = JoinSet::new();
        for number in 0_u64.. {
            let socket = match listener.accept().await {
                Ok((socket, _)) => socket,
                Err(error) => {
                    tracing::warn!(%error, "no more connections by SSH");
                    return;
                }
            };
            while connections.try_join_next().is_some() {}
            if connections.len() == MOST_CONNECTIONS {
                continue;
            }
            let server = Arc::clone(&server);
            connections.spawn(async move {
                if let Err(error) = server.connection(number, socket).await {
                    tracing::warn!(%error, "no SSH server for a connection");
                }
            });
        }
    }

    /// Runs an sshd for a connection. Dropping the future kills it.
    async fn connection(&self, number: u64, socket: TcpStream) -> io::Result<()> {
        let keys = KeyFile::new(self.folder.join(format!("keys-{number}")));
        fs::write(&keys.path, self.pushed_keys.valid(&self.instance, &self.user).join("\n") + "\n")?;
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
        if let Some(said) = process.stderr.take() {
            let mut lines = BufReader::new(said).lines();
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
    let path = env::var_os("PATH").unwrap_or_default();
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
mod tests {
    use std::collections::HashSet;
    use std::time::Duration;

    use tempfile::TempDir;
    use tokio::io::AsyncReadExt;
    use tokio::time::timeout;

    use super::super::Instances;
    use super::*;
    use crate::protocol::CLIENT_VERSION;
    use crate::sandbox::Fleet;
    use crate::sandbox::agent::tests::{session_on, ssh};

    const DEADLINE: Duration = Duration::from_secs(60);

    /// A person with a key.
    struct Person {
        folder: TempDir,
        servers: SshServers,
        pushed_keys: Arc<PushedKeys>,
        fleet: Fleet,
    }

    impl Person {
        async fn new() -> Self {
            let servers = SshServers::find(Arc::default()).expect("the package openssh-server is installed");
            let folder = tempfile::tempdir().unwrap();
            let mut generate = Command::new(&servers.key_generator);
            generate.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(folder.path().join("key"));
            succeeded(&run(&mut generate).await.unwrap()).unwrap();
            let fleet = Fleet::builtin("us-east-1");
            Self { folder, servers, pushed_keys: Arc::default(), fleet }
        }

        fn instance(&self, index: usize) -> Arc<Instance> {
            Arc::clone(self.fleet.iter().nth(index).unwrap())
        }

        fn push_key(&self, instance: &Instance) {
            let key = fs::read_to_string(self.folder.path().join("key.pub")).unwrap();
            assert!(self.pushed_keys.push(&instance.id, self.servers.user(), key.trim()));
        }

        /// Runs a program of OpenSSH with a connection to an instance.
        async fn run(&self, program: &str, instance: &Instance, arguments: &[&str]) -> Output {
            let port = self.servers.port(instance, &self.pushed_keys).await.unwrap();
            let mut command = Command::new(program);
            command.args(["-F", "/dev/null", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes"]);
            command.args(["-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR"]);
            command.arg("-o").arg(format!("UserKnownHostsFile={}", self.folder.path().join("known_hosts").display()));
            command.arg("-o").arg(format!("User={}", self.servers.user()));
            command.arg("-o").arg(format!("Port={port}"));
            command.arg("-i").arg(self.folder.path().join("key")).args(arguments).env_remove("SSH_AUTH_SOCK");
            timeout(DEADLINE, run(&mut command)).await.expect("in time").unwrap()
        }
    }

    fn shown(output: &Output) -> (String, String, Option<i32>) {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        (text(&output.stdout), text(&output.stderr), output.status.code())
    }

    #[tokio::test]
    async fn a_pushed_key_logs_in_to_its_instance_only() {
        let person = Person::new().await;
        let (first, second) = (person.instance(0), person.instance(1));
        person.push_key(&first);
        let output = person.run("ssh", &first, &["127.0.0.1", "pwd; echo $HOME; cat; env | grep ^AWS_; exit 7"]).await;
        let home = person.servers.homes.of(&first).unwrap().display().to_string();
        assert_eq!(shown(&output), (format!("{home}\n{home}\n"), String::new(), Some(7)));
        let (said, error, code) = shown(&person.run("ssh", &second, &["127.0.0.1", "pwd"]).await);
        assert!(said.is_empty() && error.contains("Permission denied (publickey)"), "{said}{error}");
        assert_eq!(code, Some(255));
        let known = fs::read_to_string(person.folder.path().join("known_hosts")).unwrap();
        let host_keys: HashSet<_> = known.lines().filter_map(|line| line.split(' ').nth(2)).collect();
        assert_eq!(host_keys.len(), 2, "each has a host key of its own: {known}");
    }

    #[tokio::test]
    async fn files_go_both_ways_into_the_instances_home() {
        let person = Person::new().await;
        let instance = person.instance(0);
        person.push_key(&instance);
        let bytes: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
        let (there, back) = (person.folder.path().join("there"), person.folder.path().join("back"));
        fs::write(&there, &bytes).unwrap();
        let output = person.run("scp", &instance, &[there.to_str().unwrap(), "127.0.0.1:file"]).await;
        assert_eq!(shown(&output), (String::new(), String::new(), Some(0)));
        assert!(fs::read(person.servers.homes.of(&instance).unwrap().join("file")).unwrap() == bytes);
        let output = person.run("scp", &instance, &["127.0.0.1:file", back.to_str().unwrap()]).await;
        assert_eq!(shown(&output), (String::new(), String::new(), Some(0)));
        assert!(fs::read(back).unwrap() == bytes);
    }

    #[tokio::test]
    async fn the_end_of_the_servers_ends_their_connections() {
        let person = Person::new().await;
        let port = person.servers.port(&person.instance(0), &person.pushed_keys).await.unwrap();
        let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
        let mut greeting = [0; 8];
        timeout(DEADLINE, socket.read_exact(&mut greeting)).await.expect("in time").unwrap();
        assert_eq!(&greeting, b"SSH-2.0-");
        drop(person);
        let mut rest = Vec::new();
        // Its end may be a reset as well.
        let _ = timeout(DEADLINE, socket.read_to_end(&mut rest)).await.expect("the end");
        let refused = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[tokio::test]
    async fn sessions_to_port_22_reach_it() {
        let instances = Instances::new().with_ssh_servers().expect("the package openssh-server is installed");
        let mut client = session_on(instances, CLIENT_VERSION, ssh(22), |_| {});
        client.shows("SSH-2.0-").await;
        client.send("nonsense\r\n");
        client.outcome().await;
    }
}
