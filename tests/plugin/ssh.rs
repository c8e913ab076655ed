//! ssh over the real AWS CLI, with ssmx as its plugin: the ProxyCommand of AWS's own documentation.

use std::fs;
use std::process::Command;

use ssmx::sandbox::agent::Instances;
use tempfile::TempDir;

use super::play::Play;
use crate::aws_cli::program;
use crate::support::command::{run, run_with_input};

#[test]
fn ssh_logs_in_through_the_cli() {
    let instances = Instances::new().with_ssh_servers().expect("the package openssh-server is installed");
    let known_hosts = instances.ssh_known_hosts().unwrap().to_owned();
    let user = instances.ssh_user().unwrap().to_owned();
    let play = Play::with(move |options| options.agent = std::sync::Arc::new(instances));
    let folder = TempDir::new().unwrap();
    let key = folder.path().join("key");
    let made = run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key));
    assert_eq!(made.code(), 0, "{made:?}");
    let aws = program();
    let public = format!("file://{}.pub", key.display());
    let mut push = play.command(&aws);
    push.args(["ec2-instance-connect", "send-ssh-public-key", "--instance-id", &play.target]);
    let pushed = run(push.args(["--instance-os-user", &user, "--ssh-public-key", &public]));
    assert_eq!(pushed.code(), 0, "{pushed:?}");

    let proxy = format!(
        "ProxyCommand={} ssm start-session --target %h --document-name AWS-StartSSHSession --parameters portNumber=%p",
        aws.display()
    );
    let ssh = |program: &str, args: &[&str]| {
        let mut ssh = play.command(program);
        ssh.args(["-F", "/dev/null", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR", "-o", &proxy]).arg("-i").arg(&key);
        ssh.arg("-o").arg(format!("UserKnownHostsFile={}", known_hosts.display()));
        ssh.args(["-o", &format!("User={user}")]).args(args).env_remove("SSH_AUTH_SOCK").current_dir(folder.path());
        ssh
    };
    let ran = run_with_input(&mut ssh("ssh", &[&play.target, "cat; echo err >&2; exit 3"]), b"\n\r\n\xff");
    assert_eq!((ran.code(), ran.stdout.as_slice(), ran.err().as_str()), (3, &b"\n\r\n\xff"[..], "err\n"));

    let data: Vec<u8> = (0..=255).cycle().take(5_000_000).collect();
    fs::write(folder.path().join("there"), &data).unwrap();
    let there = run(&mut ssh("scp", &["there", &format!("{}:file", play.target)]));
    assert_eq!(there.code(), 0, "{there:?}");
    let back = run(&mut ssh("scp", &[&format!("{}:file", play.target), "back"]));
    assert_eq!(back.code(), 0, "{back:?}");
    assert!(fs::read(folder.path().join("back")).unwrap() == data);
}
