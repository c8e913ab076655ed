//! SSH user and port, and aliases behind ssh, scp, the proxy and plain ssh.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::lab::Lab;
use crate::support::command::{Finished, run};

const CONFIG: &str = "\
[defaults]
ssh_user = 'me'
[targets.db]
name = 'orders'
region = 'us-east-1'
ssh_user = 'postgres'
ssh_port = 2222
[targets.near]
name = 'web'
reason = 'for the web'
[targets.front]
id = 'i-0123456789abcdef0'
";

/// Runs ssmx with programs in place of ssh and scp that say how they were called.
fn with_stand_ins(lab: &Lab, args: &[&str]) -> Finished {
    let bin = lab.home.file("bin");
    fs::create_dir_all(&bin).unwrap();
    for program in ["ssh", "scp"] {
        let path = bin.join(program);
        let script = "#!/bin/sh\ncase \"$1\" in -G) exit 1 ;; esac\nprintf '%s\\n' \"$@\"\n";
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let finished = run(lab.ssmx().env("PATH", path).env("XDG_RUNTIME_DIR", &bin).args(args));
    assert_eq!(finished.code(), 0, "{finished:?}");
    finished
}

fn has(out: &str, words: &[&str]) -> bool {
    let lines: Vec<_> = out.lines().collect();
    lines.windows(words.len()).any(|window| window == words)
}

#[test]
fn ssh_gets_user_and_port_unless_they_are_typed() {
    let lab = Lab::in_two_regions(CONFIG);
    let out = with_stand_ins(&lab, &["ssh", "--no-push-key", "db", "uptime"]).out();
    assert!(has(&out, &["-l", "postgres", "-p", "2222"]) && out.ends_with("db\nuptime\n"), "{out}");
    assert!(out.contains(" proxy '--alias=i-") && out.contains("=db' i-"), "{out}");
    let out = with_stand_ins(&lab, &["ssh", "--no-push-key", "web"]).out();
    assert!(has(&out, &["-l", "me"]) && !out.contains("-p\n") && !out.contains("--alias"), "{out}");
    for typed in [
        &["ssh", "--no-push-key", "-p", "22", "-l", "root", "db"][..],
        &["ssh", "--no-push-key", "root@db", "-p", "22"],
    ] {
        let out = with_stand_ins(&lab, typed).out();
        assert!(!out.contains("2222") && !out.contains("postgres"), "{out}");
    }
}

#[test]
fn scp_gets_user_and_port_of_its_hosts() {
    let lab = Lab::in_two_regions(CONFIG);
    let out = with_stand_ins(&lab, &["scp", "--no-push-key", "x", "db:/y"]).out();
    assert!(has(&out, &["-P", "2222"]) && out.ends_with("x\npostgres@db:/y\n"), "{out}");
    let both = lab.run(&["scp", "--no-push-key", "db:/x", "web:/y"]);
    insta::assert_snapshot!(both.shown(), @"
    exit code: 255
    --- stderr
    error: the hosts use different SSH ports, but scp takes only one
    hint: copy to this machine first, or name one port with `-P`
    ");
    let out = with_stand_ins(&lab, &["scp", "--no-push-key", "-P", "22", "db:/x", "web:/y"]).out();
    assert!(out.contains("=db' ") && out.contains(" '%h' %p"), "{out}");
}

#[test]
fn the_proxy_goes_by_the_alias_of_an_instance() {
    let lab = Lab::in_two_regions(CONFIG);
    for (alias, reasons) in [("db", vec![]), ("near", vec![Some("for the web".to_owned())])] {
        let found = with_stand_ins(&lab, &["ssh", "--no-push-key", alias]).out();
        let proxy = found.lines().find_map(|line| line.strip_prefix("ProxyCommand=")).unwrap().replace("%p", "1");
        let words = shlex::split(&proxy).unwrap();
        // Nothing listens there, but a session is started: in the right region and with the reason.
        let carried = run(lab.ssmx().args(&words[1..]));
        assert!(carried.code() <= 1, "{carried:?}");
        assert_eq!(lab.reasons(), reasons);
    }
    // As plain ssh calls it.
    let plain = lab.run(&["proxy", "--typed=db.ssmx", "db.ssmx", "1"]);
    assert!(plain.code() <= 1, "{plain:?}");
}

#[test]
fn plain_ssh_is_told_users_and_ports() {
    let lab = Lab::in_two_regions(CONFIG);
    let printed = lab.run(&["ssh-config"]);
    assert_eq!(printed.code(), 0, "{printed:?}");
    let file = lab.home.file("ssh_config");
    fs::write(&file, printed.out()).unwrap();
    let asked = |host: &str| {
        let mut ssh = std::process::Command::new("ssh");
        let said = run(ssh.arg("-G").arg("-F").arg(&file).arg(host)).out();
        let value =
            |key: &str| said.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default().trim().to_owned();
        (value("user "), value("port "), said.contains("proxycommand ") && said.contains(" proxy --typed="))
    };
    let (user, port) = ("postgres".to_owned(), "2222".to_owned());
    assert_eq!(asked("db.ssmx"), (user, port, true), "{printed:?}");
    assert_eq!(asked("web.ssmx"), ("me".to_owned(), "22".to_owned(), true));
    assert_eq!(asked("front.ssmx"), ("me".to_owned(), "22".to_owned(), true));
    assert_eq!(asked("i-0123456789abcdef0"), ("me".to_owned(), "22".to_owned(), true));
    assert!(!asked("example.com").2);
}
