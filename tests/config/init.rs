//! `ssmx config init`.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::lab::Home;
use crate::support::command::run;
use crate::support::snapshot::case;

#[test]
fn questions_at_a_terminal_become_a_file() {
    let home = Home::new();
    let mut pty = home.in_terminal(&["config", "init"], Path::new("false"));
    pty.wait_for_text("work");
    pty.wait_for_text("> none");
    insta::assert_snapshot!(pty.text(), @"
    This writes /tmp/TEMPORARY/config/ssmx/config.toml.
    Default AWS profile:
    > none: use AWS_PROFILE
      default
      prod
      work
    ");
    pty.wait_for_no_echo();
    // Down to `work`, which stands behind `default` and `prod`.
    pty.send("jjj");
    pty.wait_for_text("> work");
    pty.wait_for_no_echo();
    pty.send("\r");
    pty.wait_for_text("Default region");
    pty.wait_for_no_echo();
    pty.send("EU\r");
    let asks_again = |screen: &vt100::Screen| {
        let contents = screen.contents();
        contents.contains("error: ") && contents.trim_end().ends_with("for work):")
    };
    pty.wait_for(asks_again, "second question");
    insta::assert_snapshot!(pty.text(), @r#"
    This writes /tmp/TEMPORARY/config/ssmx/config.toml.
    Default AWS profile: work
    error: expected the name of a region such as "eu-west-1", found `EU`
    Default region for all profiles (empty: each profile's own; eu-west-1 for work):
    "#);
    pty.wait_for_no_echo();
    pty.send("eu-west-3\r");
    assert!(pty.wait().success(), "{pty:?}");
    pty.assert_restored();
    insta::assert_snapshot!(pty.text(), @"
    This writes /tmp/TEMPORARY/config/ssmx/config.toml.
    Default AWS profile: work
    Default region for all profiles (empty: each profile's own; eu-west-1 for work): eu-west-3
    Wrote /tmp/TEMPORARY/config/ssmx/config.toml
    hint: `ssmx config edit` opens it; `ssmx config explain` shows the settings in effect
    ");

    insta::assert_snapshot!(home.text(), @r#"
    # The configuration of ssmx. Lines that begin with # have no effect.
    # `ssmx config explain` shows the settings in effect and where each comes from.

    [defaults]

    # AWS profile. Default: from the AWS configuration.
    profile = "work"

    # AWS region. Default: from the AWS configuration.
    region = "eu-west-3"

    # Columns of `ssmx ls` and the picker. Default: name,id,status,platform,zone,ip.
    # columns = ["name", "id", "status", "platform", "zone", "ip"]

    # Tag that holds an instance's name. Default: Name.
    # name_tag = "Name"

    # How long to reuse a listing before asking AWS again; 0s never reuses one. Default: 1m.
    # cache = "1m"

    # User that `ssmx ssh` and `ssmx scp` log in as. Default: from the OpenSSH configuration, else the platform's.
    # ssh_user = "ubuntu"

    # Port of the instances' SSH servers. Default: from the OpenSSH configuration, else 22.
    # ssh_port = 2222

    # Session document of `ssmx shell`. Default: the account's default.
    # shell_document = "Corp-Shell"

    # Session document of `ssmx exec`. Default: AWS-StartNonInteractiveCommand.
    # exec_document = "AWS-StartNonInteractiveCommand"

    # Session document of `ssmx ssh`, `scp` and `proxy`. Default: AWS-StartSSHSession.
    # ssh_document = "AWS-StartSSHSession"

    # Session document of `ssmx fwd` for ports of the instance. Default: AWS-StartPortForwardingSession.
    # forward_document = "AWS-StartPortForwardingSession"

    # Session document of `ssmx fwd` for other hosts. Default: AWS-StartPortForwardingSessionToRemoteHost.
    # remote_forward_document = "AWS-StartPortForwardingSessionToRemoteHost"

    # How long one connection of `ssmx fwd` that does not move may hold up the others before it is cut; 0s never cuts one. Default: 30s.
    # forward_stall = "30s"

    # Sessions that a tunnel of `ssmx fwd` uses side by side; auto starts with one and opens up to 4 as needed. Default: auto.
    # lanes = "auto"

    # Reason for every session, for the audit trail. Default: not set.
    # reason = "on call"

    # Require a reason for every session. Default: false.
    # reason_required = true

    # Use no session that is not encrypted with a KMS key. Default: false.
    # require_encryption = true

    # Endpoint of all AWS APIs. Default: the region's own.
    # endpoint_url = "http://localhost:4566"

    # Endpoint of Systems Manager. Default: the region's own.
    # ssm_endpoint_url = "https://vpce-0123456789abcdef0-abcdefgh.ssm.eu-west-1.vpce.amazonaws.com"

    # Endpoint of the message gateway, which carries the sessions. Default: the one that each session names.
    # ssmmessages_endpoint_url = "https://vpce-0123456789abcdef0-abcdefgh.ssmmessages.eu-west-1.vpce.amazonaws.com"

    # Endpoint of EC2. Default: the region's own.
    # ec2_endpoint_url = "https://vpce-0123456789abcdef0-abcdefgh.ec2.eu-west-1.vpce.amazonaws.com"

    # Endpoint of EC2 Instance Connect. Default: the region's own.
    # ec2_instance_connect_endpoint_url = "https://vpce-0123456789abcdef0-abcdefgh.ec2-instance-connect.eu-west-1.vpce.amazonaws.com"

    # Endpoint of KMS. Default: the region's own.
    # kms_endpoint_url = "https://vpce-0123456789abcdef0-abcdefgh.kms.eu-west-1.vpce.amazonaws.com"

    # Endpoint of STS. Default: the region's own.
    # sts_endpoint_url = "https://vpce-0123456789abcdef0-abcdefgh.sts.eu-west-1.vpce.amazonaws.com"

    # Allow `http://` endpoints on other machines, to which credentials travel in the clear. Default: false.
    # insecure_endpoint = true

    # Settings for one AWS profile: all of the above except `profile`.
    # [profiles.prod]
    # region = "eu-west-1"
    # ssh_user = "ubuntu"
    # reason_required = true

    # An alias: one of id, name, tags or address, and its own settings.
    # [targets.db]
    # tags = { Role = "postgres", Env = "prod" }
    # profile = "prod"

    # A tunnel: `ssmx fwd pg`.
    # [tunnels.pg]
    # target = "db"
    # forward = ["5432:orders.internal:5432"]
    "#);
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&home.config()), mode(home.config().parent().unwrap())), (0o600, 0o700));
    assert_eq!(home.run(&["config", "get", "region"]).out(), "eu-west-3\n");
    assert_eq!(home.run(&["config", "get", "profile"]).out(), "work\n");
}

#[test]
fn ctrl_c_writes_nothing_and_gives_the_cursor_back() {
    let home = Home::new();
    let mut pty = home.in_terminal(&["config", "init"], Path::new("false"));
    pty.wait_for_text("> none");
    pty.send("\x03");
    assert_eq!(pty.wait().code(), Some(130), "{pty:?}");
    pty.assert_restored();
    assert!(pty.raw_output().ends_with(b"\x1b[?25h\r\n"), "{:?}", String::from_utf8_lossy(&pty.raw_output()));
    assert!(!home.config().exists());
}

#[test]
fn without_a_terminal_flags_answer_and_the_rest_is_left_to_aws() {
    let home = Home::new();
    let made = home.run(&["config", "init", "--profile", "prod"]);
    insta::assert_snapshot!(made.shown(), @"
    exit code: 0
    --- stderr
    Wrote /tmp/TEMPORARY/config/ssmx/config.toml
    hint: `ssmx config edit` opens it; `ssmx config explain` shows the settings in effect
    ");
    assert!(home.text().contains("\nprofile = \"prod\"\n") && home.text().contains("\n# region = "), "{}", home.text());

    let before = home.text();
    let refused = home.run(&["config", "init", "--region", "eu-west-1"]);
    insta::assert_snapshot!(refused.shown(), @"
    exit code: 1
    --- stderr
    error: `/tmp/TEMPORARY/config/ssmx/config.toml` already exists
    hint: change it with `ssmx config edit`, or overwrite it with `--force`
    ");
    assert_eq!(home.text(), before);
    assert_eq!(home.run(&["config", "init", "--force", "--region", "eu-west-1"]).code(), 0);
    assert!(home.text().contains("\n# profile = ") && home.text().contains("\nregion = \"eu-west-1\"\n"));

    let shown: String = [["--profile", "wrok"], ["--region", "EU"]]
        .map(|args| case(args.join(" "), &home.run(&[&["config", "init", "--force"], &args[..]].concat()).shown()))
        .concat();
    insta::assert_snapshot!(shown, @r#"
    === --profile wrok
    exit code: 2
    --- stderr
    error: the AWS profile `wrok` does not exist: expected one of default, prod, work
    hint: `aws configure list-profiles` lists the available profiles

    === --region EU
    exit code: 2
    --- stderr
    error: `--region`: expected the name of a region such as "eu-west-1", found `EU`
    "#);
}

#[test]
fn it_is_written_where_the_variable_says() {
    let home = Home::new();
    let elsewhere = home.file("a/b/other.toml");
    let made = run(home.ssmx().env("SSMX_CONFIG", &elsewhere).args(["config", "init"]));
    assert!(made.code() == 0 && elsewhere.exists() && !home.config().exists(), "{made:?}");
    let path = run(home.ssmx().env("SSMX_CONFIG", &elsewhere).args(["config", "path"]));
    assert_eq!((path.out().trim(), path.err().as_str()), (elsewhere.to_str().unwrap(), ""));
    let usual = home.run(&["config", "path"]);
    assert_eq!(usual.out().trim(), home.config().to_str().unwrap());
    insta::assert_snapshot!(usual.shown(), @"
    exit code: 0
    --- stdout
    /tmp/TEMPORARY/config/ssmx/config.toml
    --- stderr
    hint: the file does not exist yet; create it with `ssmx config init`
    ");
    // A relative folder is to be ignored, says the specification.
    let relative = run(home.ssmx().env("XDG_CONFIG_HOME", "x").args(["config", "path"]));
    assert_eq!(relative.out().trim(), home.file(".config/ssmx/config.toml").to_str().unwrap());
}
