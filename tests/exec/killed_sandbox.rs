//! What a sandbox leaves that was killed, and what the next one makes of it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, test_kill_process};
use tempfile::TempDir;

use crate::support::command::{Running, run, ssmx};
use crate::support::waiting::poll_until;

/// A sandbox that stays, with its folders in a place of the test's.
struct Staying {
    running: Running,
    variables: Vec<(String, String)>,
}

impl Staying {
    fn start(folder: &Path, flags: &[&str], limit: Option<u32>) -> Self {
        let mut command = Command::new("sh");
        let limit = limit.map(|limit| format!("ulimit -n {limit}; ")).unwrap_or_default();
        command.args(["-c", &format!(r#"{limit}exec "$@""#), "sh"]).arg(ssmx().get_program());
        for (name, value) in ssmx().get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        // Its own place for what is remembered is in its folder, too.
        command.env_remove("SSMX_CACHE_DIR").env("TMPDIR", folder).process_group(0);
        let running = Running::start(command.arg("sandbox").args(flags));
        running.wait_for_err("until you interrupt it.\n");
        running.wait_for_out("\nexport no_proxy=");
        let exports = running.out();
        let variables =
            exports.lines().filter_map(|line| line.strip_prefix("export ")?.split_once('=')).map(|(name, value)| {
                (name.to_owned(), shlex::split(value).map(|words| words.concat()).unwrap_or_default())
            });
        Self { variables: variables.collect(), running }
    }

    fn ssmx(&self) -> Command {
        let mut command = ssmx();
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    fn endpoint(&self) -> &str {
        let url = self.variables.iter().find(|(name, _)| name == "AWS_ENDPOINT_URL").unwrap();
        url.1.strip_prefix("http://").unwrap()
    }
}

fn count(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[test]
fn the_next_sandbox_clears_up_behind_one_that_was_killed() {
    let folder = TempDir::new().unwrap();
    let mut killed = Staying::start(folder.path(), &[], None);
    let script = "echo pid=$$; trap '' HUP; sleep 1000 & wait; sleep 1000";
    let command = Running::start(killed.ssmx().args(["exec", "web-1", "--", "sh", "-c", script]).process_group(0));
    command.wait_for_out("\n");
    let pid: i32 = command.out().trim().strip_prefix("pid=").unwrap().parse().unwrap();
    let program = Pid::from_raw(pid).unwrap();
    let living = Staying::start(folder.path(), &[], None);
    let others = count(folder.path());
    killed.running.kill(Signal::KILL);
    killed.running = Running::start(&mut Command::new("true"));
    assert!(test_kill_process(program).is_ok(), "what it was to run goes on without it");

    let next = run(ssmx().args(["sandbox", "--", "true"]).env("TMPDIR", folder.path()));
    assert_eq!((next.code(), next.err().as_str()), (0, ""), "{next:?}");
    poll_until("the end of its program", || test_kill_process(program).is_err());
    assert!(count(folder.path()) < others, "its folders are gone");
    let alive = run(living.ssmx().args(["exec", "web-1", "--", "pwd"]));
    assert_eq!(alive.code(), 0, "that of a sandbox that lives is left alone: {alive:?}");
    living.running.kill(Signal::TERM);
    assert_eq!(living.running.finish().code(), 0);
    assert_eq!(count(folder.path()), 0);
}

#[test]
fn folders_that_are_not_certainly_left_over_stay() {
    let folder = TempDir::new().unwrap();
    // As of another version, and of another program.
    for name in ["ssmx-sandbox-0123456789abcdef", "ssmx-sandbox-mine", "other"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
    }
    std::fs::write(folder.path().join("ssmx-sandbox-mine/file"), "").unwrap();
    let outside = TempDir::new().unwrap();
    std::fs::write(outside.path().join(".owner"), "").unwrap();
    std::os::unix::fs::symlink(outside.path(), folder.path().join("ssmx-sandbox-fedcba9876543210")).unwrap();
    let ran = run(ssmx().args(["sandbox", "--", "true"]).env("TMPDIR", folder.path()));
    assert_eq!((ran.code(), ran.err().as_str()), (0, ""), "{ran:?}");
    assert_eq!(count(folder.path()), 4);
    assert!(outside.path().join(".owner").exists());
}

/// The ports at which a process listens, by what the kernel says.
#[cfg(target_os = "linux")]
fn listening(process: u32) -> Vec<u16> {
    let links = std::fs::read_dir(format!("/proc/{process}/fd")).unwrap().flatten();
    let sockets: Vec<String> = links
        .filter_map(|link| std::fs::read_link(link.path()).ok())
        .filter_map(|link| Some(link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let ours = rows.filter(|row| row[3] == "0A" && sockets.iter().any(|socket| socket == row[9]));
    ours.map(|row| u16::from_str_radix(row[1].rsplit_once(':').unwrap().1, 16).unwrap()).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn its_ssh_servers_survive_a_time_without_descriptors() {
    let folder = TempDir::new().unwrap();
    let sandbox = Staying::start(folder.path(), &["--sshd", "-v"], Some(64));
    let greets = || {
        let mut proxy =
            sandbox.ssmx().args(["proxy", "web-1", "22"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut greeting = [0; 8];
        let read = proxy.stdout.take().unwrap().read_exact(&mut greeting);
        drop(proxy.kill());
        drop(proxy.wait());
        read.is_ok() && &greeting == b"SSH-2.0-"
    };
    assert!(greets());
    let api: u16 = sandbox.endpoint().rsplit_once(':').unwrap().1.parse().unwrap();
    let [server] = listening(sandbox.running.id()).into_iter().filter(|port| *port != api).collect::<Vec<_>>()[..]
    else {
        panic!("{:?}", listening(sandbox.running.id()))
    };
    let descriptors = || std::fs::read_dir(format!("/proc/{}/fd", sandbox.running.id())).unwrap().count();
    let mut idle = Vec::new();
    poll_until("no descriptor to be left", || {
        idle.push(TcpStream::connect(("127.0.0.1", api)).unwrap());
        descriptors() >= 64
    });
    // It is in the queue of the kernel, and cannot be accepted.
    let mut waiting = TcpStream::connect(("127.0.0.1", server)).unwrap();
    let _ = waiting.write_all(b"hello");
    let log = || sandbox.running.err();
    poll_until("the complaint", || {
        log().contains("SSH connection") || TcpStream::connect(("127.0.0.1", server)).is_err()
    });
    drop((idle, waiting));
    assert!(greets(), "{}", log());
}
