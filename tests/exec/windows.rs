//! Commands on instances with Windows, where PowerShell reads what the agent hands on.

use std::path::PathBuf;

use crate::support::cloud::Cloud;
use crate::support::command::run;

/// Whether this machine's PowerShell plays the one of the instance: it runs whole scripts, the sandbox by itself does not.
fn pwsh() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join("pwsh")).find(|program| program.is_file())
}

#[test]
fn arguments_are_no_code() {
    let arguments = [
        "a; whoami",
        "b | whoami",
        "$(whoami)",
        "$env:PATH",
        "it's",
        "\u{2018}; whoami; \u{2019}",
        "\u{201a}'\u{201b}",
        "\"; whoami; \"",
        "`\"",
        "two  blanks",
        "",
        "back\\slash\\",
        "{{ssm:/prod/db/user}}",
        "--%",
        "@(1)",
        "日本 😀",
        "two\nlines",
    ];
    let cloud = Cloud::start();
    let words = ["/usr/bin/printf", "%s\\0"].iter().chain(&arguments);
    let ran = cloud.exec("win", words);
    let seen: Vec<_> = ran.out().split_terminator('\0').map(str::to_owned).collect();
    assert_eq!(seen, arguments, "{ran:?}");
    // The platform of one that is named by its id has to be asked for.
    let ran = cloud.exec("i-0317d0000000008a1", ["/usr/bin/printf", "%s.", "a; whoami", ""]);
    assert_eq!((ran.code(), ran.out().as_str()), (0, "a; whoami.."), "{ran:?}");
}

#[test]
fn the_exit_code_is_the_programs() {
    let cloud = Cloud::start();
    for code in [0, 3, 255] {
        let ran = cloud.exec("win", ["sh".to_owned(), "-c".to_owned(), format!("echo out; echo err >&2; exit {code}")]);
        assert_eq!((ran.code(), ran.out().as_str(), ran.err().as_str()), (code, "out\n", "err\n"));
    }
}

#[test]
fn a_command_on_a_terminal_is_encoded_too() {
    let cloud = Cloud::start();
    let ran = run(cloud.ssmx().args(["shell", "win", "--", "/usr/bin/printf", "%s.", "a; whoami", "it's"]));
    assert!(ran.out().contains("a; whoami.it's."), "{ran:?}");
    // One word is a line for the shell there.
    let ran = run(cloud.ssmx().args(["shell", "win", "--", "/usr/bin/printf one; /usr/bin/printf two"]));
    assert!(ran.out().contains("onetwo"), "{ran:?}");
}

#[test]
fn what_windows_cannot_do_is_said_before_anything_starts() {
    let cloud = Cloud::start();
    let long = "x".repeat(20_000);
    insta::assert_snapshot!(cloud.exec("win", ["echo", &long]).shown(), @"
    exit code: 255
    --- stderr
    error: the command is too long for Windows: 56502 characters once it is encoded, and 32000 fit
    hint: copy a script to the instance with `ssmx scp`, and run that
    ");
    insta::assert_snapshot!(run(cloud.ssmx().args(["exec", "--binary", "win", "--", "hostname"])).shown(), @"
    exit code: 255
    --- stderr
    error: `--binary` needs `sh` and `base64` on the instance, and it runs Windows
    hint: without `--binary` the output has to be text
    ");
    insta::assert_snapshot!(run(cloud.ssmx().args(["exec", "--stdin", "win", "--", "hostname"])).shown(), @"
    exit code: 255
    --- stderr
    error: `--stdin` needs `sh` and `base64` on the instance, and it runs Windows
    hint: `ssmx ssh` passes the input on, where Windows has an SSH server
    ");
    assert!(cloud.history().is_empty());
}

#[test]
#[expect(clippy::print_stderr, reason = "few machines have PowerShell")]
fn powershell_runs_its_own_commands_with_their_parameters() {
    if pwsh().is_none() {
        eprintln!("skipped: `pwsh` is not installed");
        return;
    }
    let cloud = Cloud::start();
    let ran = cloud.exec("win", ["Write-Output", "-InputObject", "it's; $x"]);
    assert_eq!((ran.code(), ran.out().trim_end()), (0, "it's; $x"), "{ran:?}");
    let ran = cloud.exec("win", ["Get-Item", "-LiteralPath", "/no/such/file"]);
    assert_eq!(ran.code(), 1, "{ran:?}");
    assert_eq!(cloud.exec("win", ["no-such-command"]).code(), 1);
    let ran = cloud.exec("win", ["Invoke-Expression", "1 + 1"]);
    assert_eq!((ran.code(), ran.out().trim_end()), (0, "2"), "{ran:?}");
}
