//! `ssmx config init`.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::lab::Home;
use crate::support::command::run;

#[test]
fn questions_at_a_terminal_become_a_file() {
    let home = Home::new();
    let mut pty = home.in_terminal(&["config", "init"], Path::new("false"));
    pty.wait_for_text("> none: whatever AWS_PROFILE says");
    pty.wait_for_text("work");
    // Down to `work`, which stands behind `default` and `prod`.
    pty.send("jjj");
    pty.wait_for_text("> work");
    pty.send("\r");
    pty.wait_for_text("Default region, for all profiles (empty: each one's own; eu-west-1 for work)");
    pty.send("EU\r");
    pty.wait_for_text("error: expected the name of a region such as \"eu-west-1\", found `EU`");
    pty.send("eu-west-3\r");
    assert!(pty.wait().success(), "{pty:?}");
    pty.assert_restored();
    assert!(pty.contents().contains("Wrote "), "{pty:?}");

    let text = home.text();
    assert!(text.contains("\nprofile = \"work\"\n") && text.contains("\nregion = \"eu-west-3\"\n"), "{text}");
    assert!(text.contains("\n# cache = \"1m\"\n") && text.contains("\n# [tunnels.pg]\n"), "{text}");
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
    assert_eq!((made.code(), made.out().as_str()), (0, ""), "{made:?}");
    assert!(home.text().contains("\nprofile = \"prod\"\n") && home.text().contains("\n# region = "), "{}", home.text());

    let before = home.text();
    let refused = home.run(&["config", "init", "--region", "eu-west-1"]);
    assert_eq!(refused.code(), 1);
    assert!(refused.err().contains("already\nhint: ") && refused.err().contains("--force"), "{refused:?}");
    assert_eq!(home.text(), before);
    assert_eq!(home.run(&["config", "init", "--force", "--region", "eu-west-1"]).code(), 0);
    assert!(home.text().contains("\n# profile = ") && home.text().contains("\nregion = \"eu-west-1\"\n"));

    for (args, said) in [
        (["--profile", "wrok"], "error: the AWS profile `wrok` does not exist: there are default, prod, work\n"),
        (["--region", "EU"], "error: `--region`: expected the name of a region such as \"eu-west-1\", found `EU`\n"),
    ] {
        let refused = home.run(&[&["config", "init", "--force"], &args[..]].concat());
        assert_eq!((refused.code(), refused.err().as_str()), (2, said));
    }
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
    assert!(usual.err().contains("no such file yet"));
    // A relative folder is to be ignored, says the specification.
    let relative = run(home.ssmx().env("XDG_CONFIG_HOME", "x").args(["config", "path"]));
    assert_eq!(relative.out().trim(), home.file(".config/ssmx/config.toml").to_str().unwrap());
}
