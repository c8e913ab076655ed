//! Hosts of a person's OpenSSH configuration whose `HostName` is an instance, with the real ssh and in a home of their own.

use std::fs;
use std::path::Path;

use insta::assert_snapshot;
use tempfile::TempDir;

use super::account::Account;
use super::lab::Lab;
use crate::support::command::{run, ssmx};

#[test]
fn a_host_whose_host_name_is_an_instance_goes_through_ssmx() {
    let lab = Lab::new();
    lab.configure(&["web-1"]);
    let account = Account::new(&lab.file(""));
    let own = "Host mydb\n    HostName web-1.ssmx\nHost byid\n    HostName i-0a11ce0000000001a\n\
               Host elsewhere\n    HostName 127.0.0.1\n    Port 1\n";
    let general = format!("BatchMode yes\nIdentityFile \"{}\"\n", lab.file("key").display());
    let config = lab.file(".ssh/config");
    fs::write(&config, format!("{general}{own}")).unwrap();
    let installed = run(account.of(&mut lab.ssmx(["ssh-config", "--install"])));
    assert!(installed.code() == 0 && installed.err().contains("Now `ssh NAME.ssmx`"), "{installed:?}");

    let login = |host: &str| run(account.of(&mut lab.program("ssh")).args([host, "echo here; exit 5"]));
    for host in ["mydb", "byid", "web-1.ssmx", "i-0a11ce0000000001a"] {
        let ran = login(host);
        assert_eq!((ran.code(), ran.out().as_str()), (5, "here\n"), "{host}: {ran:?}");
    }
    let elsewhere = login("elsewhere");
    assert!(elsewhere.code() == 255 && elsewhere.err().contains("port 1: Connection refused"), "{elsewhere:?}");

    // One that an editor has put behind our lines, until they are moved.
    let more = fs::read_to_string(&config).unwrap() + "Host later\n    HostName web-1.ssmx\n";
    fs::write(&config, more).unwrap();
    let installed = run(account.of(&mut lab.ssmx(["ssh-config", "--install"])));
    assert_eq!(installed.code(), 0, "{installed:?}");
    assert_eq!(login("later").code(), 5);
    lab.cloud.wait_for_no_session();
}

#[test]
fn what_a_name_has_in_it_is_not_run() {
    let lab = Lab::new();
    lab.configure(&[]);
    let named = |name: &str| {
        let config = lab.file("evil");
        let ours = lab.file(".ssh/ssmx_config");
        let text = format!("Host evil\n    HostName \"{name}\"\nMatch all\n    Include \"{}\"\n", ours.display());
        fs::write(&config, text).unwrap();
        run(lab.program("ssh").arg("-F").arg(&config).args(["-o", "BatchMode=yes", "evil", "true"]))
    };
    for name in ["x;touch pwned;.ssmx", "x$(touch pwned).ssmx", "x`touch pwned`.ssmx", "x'$(touch pwned)'.ssmx"] {
        let ran = named(name);
        assert!(ran.code() == 255 && !lab.file("pwned").exists(), "{name}: {ran:?}");
    }
}

#[test]
fn it_is_installed_where_openssh_reads_or_not_at_all() {
    let (home, real) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let account = Account::new(real.path());
    let ssh_config =
        |home: &Path, args: &[&str]| run(account.of(&mut ssmx()).env("HOME", home).arg("ssh-config").args(args));
    assert_snapshot!(ssh_config(home.path(), &["--install"]).shown(), @"
    exit code: 1
    --- stderr
    error: OpenSSH does not read `/tmp/TEMPORARY/.ssh/config`
    caused by: it goes by the home folder of your account, `/tmp/TEMPORARY`, and not by HOME
    hint: install it there with `HOME=/tmp/TEMPORARY ssmx ssh-config --install`
    hint: or write the output of `ssmx ssh-config` to a file, and use that with `ssh -F`
    ");
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    let installed = ssh_config(real.path(), &["--install"]);
    assert_eq!(installed.code(), 0, "{installed:?}");

    // Of a host with a ProxyCommand of its own no more is said than is so.
    let config = real.path().join(".ssh/config");
    fs::write(
        &config,
        "Host mydb\n    HostName web-1.ssmx\nHost other\n    HostName a.ssmx\n    ProxyCommand theirs\n",
    )
    .unwrap();
    assert_snapshot!(ssh_config(real.path(), &["--install"]).shown(), @"
    exit code: 0
    --- stderr
    Up to date: /tmp/TEMPORARY/.ssh/ssmx_config
    Included it at the top and the end of /tmp/TEMPORARY/.ssh/config
    Now `ssh NAME.ssmx` and `ssh INSTANCE-ID` go through Session Manager
    warning: `ssh other` does not: its ProxyCommand is `theirs`
    ");

    // What the person has in front counts, and nothing is claimed.
    fs::write(&config, "Host *\n    ProxyCommand theirs\nHost *\n    Include ssmx_config\n").unwrap();
    assert_snapshot!(ssh_config(real.path(), &["--install"]).shown(), @"
    exit code: 1
    --- stderr
    Up to date: /tmp/TEMPORARY/.ssh/ssmx_config
    Included it at the top and the end of /tmp/TEMPORARY/.ssh/config
    error: written, but OpenSSH does not use it
    caused by: for a host like `ssmx-check.ssmx` it uses another ProxyCommand: `theirs`
    hint: the first value counts: move `Include ssmx_config` to the top of `/tmp/TEMPORARY/.ssh/config`
    ");
    fs::write(&config, "NoSuchOption yes\n").unwrap();
    assert_snapshot!(ssh_config(real.path(), &["--install"]).shown(), @"
    exit code: 1
    --- stderr
    Up to date: /tmp/TEMPORARY/.ssh/ssmx_config
    Included it at the top and the end of /tmp/TEMPORARY/.ssh/config
    error: written, but OpenSSH does not use it: ssh cannot read its configuration
    caused by: /tmp/TEMPORARY/.ssh/config: line 2: Bad configuration option: nosuchoption
      /tmp/TEMPORARY/.ssh/config: terminating, 1 bad configuration options
    ");
}
