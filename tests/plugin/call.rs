//! What the plugin is called with.

use super::play::{NAME, Play, plain};
use crate::support::command::{run, run_with_input};
use crate::support::snapshot::case;

#[test]
fn installers_and_the_cli_find_what_they_look_for() {
    let play = Play::new();
    let version = run(&mut play.plugin(&["--version"]));
    let numbers: Vec<u32> = version.out().trim_end().split('.').map(|number| number.parse().unwrap()).collect();
    assert!(version.out().ends_with('\n') && numbers.len() == 4, "{version:?}");
    assert!(numbers >= vec![1, 2, 764, 0], "the AWS CLI would warn of {numbers:?}");
    assert!(version.code() == 0 && version.err().is_empty(), "{version:?}");

    let presence = run(&mut play.plugin(&[]));
    insta::assert_snapshot!(presence.shown(), @"
    exit code: 0
    --- stdout

    ssmx was installed successfully as the Session Manager plugin. Start a session with the AWS CLI.
    ");

    let as_command = run(plain().args(["plugin", "--version"]));
    assert_eq!(as_command.stdout, version.stdout);
}

#[test]
fn the_answer_may_be_an_argument() {
    let play = Play::new();
    let session = play.start(None, &[]);
    let args = [&session.answer, "us-east-1", "StartSession", "", &session.request, &play.endpoint()];
    let shell = run_with_input(&mut play.plugin(&args), b"echo sum-$((40 + 2)); exit\n");
    assert!(shell.code() == 0 && shell.out().contains("sum-42"), "{shell:?}");
    play.wait_until_over(&session.id);
}

#[test]
fn ssmx_plugin_is_the_plugin_too() {
    let play = Play::new();
    let session = play.start(None, &[]);
    let args = ["plugin", &session.answer, "us-east-1", "StartSession", "", &session.request, &play.endpoint()];
    let shell = run_with_input(play.command(env!("CARGO_BIN_EXE_ssmx")).args(args), b"echo sum-$((40 + 2)); exit\n");
    assert!(shell.code() == 0 && shell.out().contains("sum-42"), "{shell:?}");
}

#[test]
fn a_call_that_makes_no_sense_ends_its_session() {
    let play = Play::new();
    let mut shown = String::new();
    for (operation, request) in [("StartSession", "{}"), ("StartSession", "{"), ("StopSession", r#"{"Target":"i-1"}"#)]
    {
        let session = play.start(None, &[]);
        let args = [&session.answer, "us-east-1", operation, "", request, &play.endpoint()];
        let refused = run(&mut play.plugin(&args));
        shown.push_str(&case(format!("{operation} {request}"), &refused.shown()));
        assert!(!refused.err().contains(&session.token), "{refused:?}");
        play.wait_until_over(&session.id);
    }
    for args in [&["--help"][..], &["{}", "us-east-1"], &["nonsense", "us-east-1", "StartSession"]] {
        shown.push_str(&case(args.join(" "), &run(&mut play.plugin(args)).shown()));
    }
    insta::assert_snapshot!(shown, @r#"
    === StartSession {}
    exit code: 2
    --- stderr
    error: the StartSession request has no `Target`
    hint: the AWS CLI runs this program itself, in `aws ssm start-session --target ID`

    === StartSession {
    exit code: 2
    --- stderr
    error: the StartSession request is not the expected JSON (line 1, column 1)
    hint: the AWS CLI runs this program itself, in `aws ssm start-session --target ID`

    === StopSession {"Target":"i-1"}
    exit code: 2
    --- stderr
    error: the operation is not `StartSession`
    hint: the AWS CLI runs this program itself, in `aws ssm start-session --target ID`

    === --help
    exit code: 2
    --- stderr
    error: too few arguments for a session manager plugin
    hint: the AWS CLI runs this program itself, in `aws ssm start-session --target ID`

    === {} us-east-1
    exit code: 2
    --- stderr
    error: too few arguments for a session manager plugin
    hint: the AWS CLI runs this program itself, in `aws ssm start-session --target ID`

    === nonsense us-east-1 StartSession
    exit code: 2
    --- stderr
    error: the StartSession response is not the expected JSON (line 1, column 2)
    hint: the AWS CLI runs this program itself, in `aws ssm start-session --target ID`
    "#);
}

#[test]
fn a_stream_url_of_somebody_else_is_refused_and_the_session_ended() {
    let play = Play::new();
    let session = play.start(None, &[]);
    let mut answer: serde_json::Value = serde_json::from_str(&session.answer).unwrap();
    answer["StreamUrl"] = "wss://evil.example/v1/data-channel/x".into();
    let args = [&answer.to_string(), "us-east-1", "StartSession", "", &session.request, &play.endpoint()];
    let refused = run(play.plugin(&args).env_remove("AWS_ENDPOINT_URL_SSMMESSAGES"));
    insta::assert_snapshot!(refused.shown(), @"
    exit code: 1
    --- stderr
    error: the session cannot be opened
    caused by: the stream URL is refused: `evil.example` is not a Session Manager host for region us-east-1
    hint: behind a VPC endpoint or your own gateway, set `AWS_ENDPOINT_URL_SSMMESSAGES` to its URL
    ");
    play.wait_until_over(&session.id);
}

#[test]
fn a_wrong_endpoint_of_a_service_that_sessions_do_not_ask_costs_no_session() {
    let play = Play::new();
    let session = play.start(None, &[]);
    let mut plugin = play.take_over(&session);
    let shell = run_with_input(plugin.env("AWS_ENDPOINT_URL_EC2", "nonsense"), b"echo sum-$((40 + 2)); exit\n");
    assert!(shell.code() == 0 && shell.out().contains("sum-42"), "{shell:?}");
}

#[test]
fn encryption_needs_a_cli_that_tells_the_target() {
    let play = Play::with(|options| options.preferences.encrypt = true);
    let session = play.start(None, &[]);
    let shell = run_with_input(&mut play.take_over(&session), b"echo sum-$((40 + 2)); exit\n");
    assert!(shell.code() == 0 && shell.out().contains("sum-42"), "{shell:?}");

    let session = play.start(None, &[]);
    let refused = run(&mut play.plugin(&[&session.answer, "us-east-1", "StartSession"]));
    insta::assert_snapshot!(refused.shown(), @"
    exit code: 1
    --- stdout

    Starting session with SessionId: SESSION-ID


    Exiting session with sessionId: SESSION-ID.

    --- stderr
    error: the session failed
    caused by: ----------ERROR-------
      Encountered error while initiating handshake. KMSEncryption failed on the client: this session needs KMS encryption; update the AWS CLI that started it
    ");
    play.wait_until_over(&session.id);
}

#[test]
fn a_cli_from_before_encryption_is_served_without_it() {
    let play = Play::new();
    let session = play.start(None, &[]);
    let mut old = play.plugin(&[&session.answer, "us-east-1", "StartSession"]);
    let shell = run_with_input(&mut old, b"echo sum-$((40 + 2)); exit\n");
    assert!(shell.code() == 0 && shell.out().contains("sum-42"), "{shell:?}");
}

#[test]
fn the_sandbox_has_a_plugin_where_there_is_none() {
    let script = format!("command -v {NAME} && {NAME} --version");
    let inside = run(plain().env("PATH", "/usr/bin:/bin").args(["sandbox", "--", "sh", "-c", &script]));
    assert_eq!(inside.code(), 0, "{inside:?}");
    let out = inside.out();
    let mut lines = out.lines();
    let path = std::path::Path::new(lines.next().unwrap());
    assert!(path.ends_with(NAME) && !path.exists() && !path.parent().unwrap().exists(), "{}", path.display());
    assert!(lines.next().unwrap().starts_with("1."), "{out}");
}
