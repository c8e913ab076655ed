//! Arguments reach the remote program exactly as they were given.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::support::cloud::Cloud;
use crate::support::command::{Finished, run};

/// The arguments as the remote program sees them.
fn echoed(cloud: &Cloud, arguments: &[String]) -> (Finished, Vec<String>) {
    let words = ["printf".to_owned(), "%s\\0".to_owned()];
    let ran = cloud.exec("web-1", words.iter().chain(arguments));
    let seen = ran.out().split_terminator('\0').map(str::to_owned).collect();
    (ran, seen)
}

#[test]
fn awkward_arguments() {
    let arguments = [
        "",
        " ",
        "a  b",
        "'",
        "\"",
        "it's",
        "\"quoted\"",
        "'\"'\"'",
        "$HOME",
        "${x}",
        "`id`",
        "$(id)",
        "\\",
        "\\\\",
        "\\n",
        "a\\",
        "\n",
        "two\nlines\n",
        "\t",
        "\r",
        "\r\n",
        "-n",
        "--",
        "--binary",
        "-",
        "#x",
        "x#y",
        "# x",
        "*",
        "?",
        "[a-z]",
        "~",
        "{a,b}",
        "!",
        "!!",
        ";",
        "|",
        "&",
        "&&",
        ">",
        "<",
        "(",
        ")",
        "=",
        "a=b",
        "%s",
        "%",
        "ünï",
        "日本語",
        "😀",
        "\u{1b}[31m",
        "\u{7f}",
        "\u{1}",
        "{{ command }}",
        "{{command}}",
        "^",
        "e\u{301}",
    ]
    .map(str::to_owned);
    let (ran, seen) = echoed(&Cloud::start(), &arguments);
    assert_eq!(seen, arguments, "{}", ran.err());
}

#[test]
fn a_very_long_argument() {
    let long = "0123456789abcdef ".repeat(3_800);
    assert!(long.len() > 64_000);
    let (ran, seen) = echoed(&Cloud::start(), std::slice::from_ref(&long));
    assert_eq!(ran.code(), 0, "{}", ran.err());
    assert!(seen == [long], "{} arguments, the first of {} bytes", seen.len(), seen.first().map_or(0, String::len));
}

#[test]
fn random_arguments() {
    const SEED: [u8; 32] = *b"arguments that nobody thought of";
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &SEED);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let text = prop_oneof![
        "[ -~]{0,40}",
        "[\\\\'\"$`# \t\n]{1,20}",
        "\\PC{0,30}",
        proptest::collection::vec(any::<char>(), 0..20).prop_map(|chars| chars.into_iter().collect::<String>()),
    ];
    // NUL cannot be in an argument. A genuine U+FFFD is what the agent itself damages on the way back.
    let text = text.prop_map(|text| text.replace(['\0', '\u{fffd}'], "x"));
    let cloud = Cloud::start();
    for _ in 0..4 {
        let arguments: Vec<String> = (0..50).map(|_| text.new_tree(&mut runner).unwrap().current()).collect();
        let (ran, seen) = echoed(&cloud, &arguments);
        assert_eq!(seen, arguments, "{}", ran.err());
    }
}

#[test]
fn a_program_with_a_space_in_its_name() {
    let ran = Cloud::start().exec("web-1", ["no such program"]);
    insta::assert_snapshot!(ran.shown(), @r#"
    exit code: 1
    --- stderr
    Error occurred starting the command: exec: "no such program": executable file not found in $PATH
    "#);
}

#[test]
fn an_empty_program_is_a_mistake() {
    let ran = Cloud::start().exec("web-1", ["", "x"]);
    insta::assert_snapshot!(ran.shown(), @"
    exit code: 255
    --- stderr
    error: the command is empty
    ");
}

#[test]
fn arguments_that_are_not_utf_8_are_a_mistake() {
    use std::os::unix::ffi::OsStrExt;

    let ran = Cloud::start().exec("web-1", ["echo".as_ref(), std::ffi::OsStr::from_bytes(b"\xff")]);
    insta::assert_snapshot!(ran.shown(), @"
    exit code: 255
    --- stderr
    error: invalid UTF-8 was detected in one or more arguments

    Usage: ssmx exec [OPTIONS] [TARGET]... -- <COMMAND>...

    For more information, try '--help'.
    ");
}

#[test]
fn flags_of_the_command_are_not_ours() {
    let ran = run(Cloud::start().ssmx().args(["exec", "web-1", "--", "echo", "-v", "--help", "--", "-q"]));
    assert_eq!((ran.out().as_str(), ran.err().as_str()), ("-v --help -- -q\n", ""));
}
