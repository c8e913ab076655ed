//! `ssmx ssh-config`, in a home of its own.

use std::fs;

use insta::assert_snapshot;
use tempfile::TempDir;

use super::account::Account;
use crate::support::command::{run, ssmx};

#[test]
fn it_prints_installs_and_takes_away() {
    let home = TempDir::new().unwrap();
    let account = Account::new(home.path());
    let ssh_config = |args: &[&str]| {
        let finished = run(account.of(&mut ssmx()).env("HOME", home.path()).arg("ssh-config").args(args));
        assert_eq!(finished.code(), 0, "{finished:?}");
        finished
    };
    let printed = ssh_config(&["--profile", "work 1"]);
    assert_snapshot!(printed.shown(), @r#"
    exit code: 0
    --- stdout
    # Written by `ssmx ssh-config`; `ssmx ssh-config --install` updates it, `--uninstall` removes it.
    Match host "*.ssmx,i-?????????????????,mi-?????????????????,!*'*,!*\*"
        ProxyCommand /bin/ssmx '--profile=work 1' proxy --typed='%n' '%h' %p
        CheckHostIP no
    "#);
    assert!(!home.path().join(".ssh").exists());

    let person = "Host a\n    User b";
    fs::create_dir(home.path().join(".ssh")).unwrap();
    let config = home.path().join(".ssh/config");
    fs::write(&config, person).unwrap();
    let installed = ssh_config(&["--install"]);
    assert_snapshot!(installed.shown(), @"
    exit code: 0
    --- stderr
    Wrote /tmp/TEMPORARY/.ssh/ssmx_config
    Included it at the top and the end of /tmp/TEMPORARY/.ssh/config
    Now `ssh NAME.ssmx` and `ssh INSTANCE-ID` go through Session Manager
    ");
    assert_snapshot!(fs::read_to_string(&config).unwrap(), @"
    Include ssmx_config
    Host a
        User b
    # Of ssmx, for hosts above whose HostName is an instance. `ssmx ssh-config --install` moves it to the end.
    Match all
        Include ssmx_config
    ");
    let ours = home.path().join(".ssh/ssmx_config");
    assert_eq!(fs::read_to_string(&ours).unwrap(), ssh_config(&[]).out());

    assert_snapshot!(ssh_config(&["--uninstall"]).shown(), @"
    exit code: 0
    --- stderr
    Removed the Include lines from /tmp/TEMPORARY/.ssh/config
    Removed /tmp/TEMPORARY/.ssh/ssmx_config
    ");
    assert_eq!(fs::read_to_string(&config).unwrap(), person);
    assert!(!ours.exists());
}

#[test]
fn a_proxy_command_says_why_it_cannot_on_standard_error_alone() {
    let program = env!("CARGO_BIN_EXE_ssmx");
    let unknown = run(ssmx().args(["-q", "sandbox", "--", program, "proxy", "nowhere.ssmx", "22"]));
    assert_snapshot!(unknown.shown(), @"
    exit code: 3
    --- stderr
    error: no instance is named `nowhere` in us-east-1
    hint: `ssmx ls` lists all instances; also check the region and the account
    ");
    assert_snapshot!(run(ssmx().args(["proxy", "i-0123456789abcdef0", "0"])).shown(), @"
    exit code: 2
    --- stderr
    error: invalid value '0' for '<PORT>': 0 is not in 1..=65535

    For more information, try '--help'.
    ");
}
