use std::collections::HashSet;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use super::super::Instances;
use super::*;
use crate::protocol::CLIENT_VERSION;
use crate::sandbox::agent::testing::{session_on, ssh};
use crate::sandbox::fleet::Fleet;

const DEADLINE: Duration = Duration::from_mins(1);

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
    let (out, error, code) = shown(&person.run("ssh", &second, &["127.0.0.1", "pwd"]).await);
    assert!(out.is_empty() && error.contains("Permission denied (publickey)"), "{out}{error}");
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
