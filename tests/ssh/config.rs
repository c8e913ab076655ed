//! `ssmx ssh-config`, in a home of its own.

use std::fs;

use tempfile::TempDir;

use crate::support::command::{run, ssmx};

#[test]
fn it_prints_installs_and_takes_away() {
    let home = TempDir::new().unwrap();
    let ssh_config = |args: &[&str]| {
        let finished = run(ssmx().env("HOME", home.path()).arg("ssh-config").args(args));
        assert_eq!(finished.code(), 0, "{finished:?}");
        finished
    };
    let printed = ssh_config(&["--profile", "work 1"]);
    let program = env!("CARGO_BIN_EXE_ssmx");
    assert!(printed.out().contains(&format!("ProxyCommand {program} '--profile=work 1' proxy ")), "{printed:?}");
    assert!(!home.path().join(".ssh").exists());

    let person = "Host a\n    User b";
    fs::create_dir(home.path().join(".ssh")).unwrap();
    let config = home.path().join(".ssh/config");
    fs::write(&config, person).unwrap();
    let installed = ssh_config(&["--install"]);
    assert!(installed.out().is_empty() && installed.err().contains("Included it at the top of"), "{installed:?}");
    assert_eq!(fs::read_to_string(&config).unwrap(), format!("Include ssmx_config\n{person}"));
    let ours = home.path().join(".ssh/ssmx_config");
    assert_eq!(fs::read_to_string(&ours).unwrap(), ssh_config(&[]).out());

    let removed = ssh_config(&["--uninstall"]);
    assert!(removed.err().contains("Removed"), "{removed:?}");
    assert_eq!(fs::read_to_string(&config).unwrap(), person);
    assert!(!ours.exists());
}

#[test]
fn a_proxy_command_says_why_it_cannot_on_standard_error_alone() {
    let program = env!("CARGO_BIN_EXE_ssmx");
    let unknown = run(ssmx().args(["-q", "sandbox", "--", program, "proxy", "nowhere.ssmx", "22"]));
    assert_eq!((unknown.code(), unknown.out().as_str()), (3, ""), "{unknown:?}");
    assert!(unknown.err().starts_with("error: no instance is named `nowhere`"), "{unknown:?}");
    assert_eq!(run(ssmx().args(["proxy", "i-0123456789abcdef0", "0"])).code(), 2);
}
