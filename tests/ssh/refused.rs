//! Names that OpenSSH would take for something else.

use std::fs;

use insta::assert_snapshot;

use super::lab::Lab;
use crate::support::command::run;
use crate::support::snapshot::cases;

#[test]
fn a_user_that_would_be_an_option_is_refused() {
    let lab = Lab::new();
    let user = "-oProxyCommand=touch pwned";
    let config = lab.file("config.toml");
    fs::write(&config, format!("[defaults]\nssh_user = '{user}'\n")).unwrap();
    let option = format!("--user={user}");
    let typed = format!("{user}@web-1:x");
    let commands: [&[&str]; 6] = [
        &["ssh", &option, "web-1"],
        &["scp", &option, "web-1:x", "."],
        &["scp", "file", "--", &typed],
        &["ssh", "-l", user, "web-1"],
        &["ssh", "--", "-x@web-1"],
        &["scp", "-o", "User=a;b", "file", "web-1:x"],
    ];
    let said = commands.map(|words| (words.join(" "), run(&mut lab.ssmx(words)).shown()));
    let configured = [&["ssh", "web-1"][..], &["scp", "file", "web-1:x"], &["ssh-config"]];
    let configured = configured.map(|words| {
        let mut ssmx = lab.ssmx(words);
        // The sandbox names its user there, which counts before the configuration.
        let refused = run(ssmx.env("SSMX_CONFIG", &config).env_remove("SSMX_SSH_USER"));
        (format!("{} (configured)", words.join(" ")), refused.shown())
    });
    assert_snapshot!(cases(said.into_iter().chain(configured)), @"
    === ssh --user=-oProxyCommand=touch pwned web-1
    exit code: 255
    --- stderr
    error: `-oProxyCommand=touch pwned` cannot be the name of a user
    hint: a name does not begin with `-` and has no quotes, brackets or other characters of a shell

    === scp --user=-oProxyCommand=touch pwned web-1:x .
    exit code: 255
    --- stderr
    error: `-oProxyCommand=touch pwned` cannot be the name of a user
    hint: a name does not begin with `-` and has no quotes, brackets or other characters of a shell

    === scp file -- -oProxyCommand=touch pwned@web-1:x
    exit code: 255
    --- stderr
    error: `-oProxyCommand=touch pwned` cannot be the name of a user
    hint: a name does not begin with `-` and has no quotes, brackets or other characters of a shell

    === ssh -l -oProxyCommand=touch pwned web-1
    exit code: 255
    --- stderr
    error: `-oProxyCommand=touch pwned` cannot be the name of a user
    hint: a name does not begin with `-` and has no quotes, brackets or other characters of a shell

    === ssh -- -x@web-1
    exit code: 255
    --- stderr
    error: `-x` cannot be the name of a user
    hint: a name does not begin with `-` and has no quotes, brackets or other characters of a shell

    === scp -o User=a;b file web-1:x
    exit code: 255
    --- stderr
    error: `a;b` cannot be the name of a user
    hint: a name does not begin with `-` and has no quotes, brackets or other characters of a shell

    === ssh web-1 (configured)
    exit code: 255
    --- stderr
    error: `-oProxyCommand=touch pwned` cannot be the name of a user
    hint: a name does not begin with `-` and has no quotes, brackets or other characters of a shell

    === scp file web-1:x (configured)
    exit code: 255
    --- stderr
    error: `-oProxyCommand=touch pwned` cannot be the name of a user
    hint: a name does not begin with `-` and has no quotes, brackets or other characters of a shell

    === ssh-config (configured)
    exit code: 2
    --- stderr
    error: `-oProxyCommand=touch pwned` cannot be the name of a user
    hint: a name does not begin with `-` and has no quotes, brackets or other characters of a shell
    ");
    assert!(!lab.file("pwned").exists());
}

#[test]
fn what_is_no_instance_is_no_argument_of_openssh() {
    let lab = Lab::new();
    for target in ["ecs:$(touch pwned)", "ecs:-oProxyCommand=touch pwned"] {
        let ssh = run(&mut lab.ssmx(["ssh", target, "true"]));
        assert!(ssh.code() == 255 && !lab.file("pwned").exists(), "{ssh:?}");
    }
}
