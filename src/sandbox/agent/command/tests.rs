use super::*;
use crate::protocol::SessionType;
use crate::sandbox::agent::testing::{Client, command, session};
use crate::sandbox::agent::work::Work;

async fn run(line: &str) -> (Client, Outcome) {
    let mut client = session(command(line), |_| {});
    let outcome = client.outcome().await;
    (client, outcome)
}

#[tokio::test]
async fn streams_and_exit_code() {
    let (client, outcome) = run("sh -c 'echo out; echo err >&2; exit 3'").await;
    assert_eq!((client.stdout.as_slice(), client.stderr.as_slice()), (&b"out\n"[..], &b"err\n"[..]));
    assert_eq!(client.exit_code, Some(3));
    assert_eq!(outcome, Outcome::success());
    assert_eq!(client.handshake.unwrap().session_type, Some(SessionType::NonInteractiveCommands));
}

#[tokio::test]
async fn arguments_arrive_as_they_are() {
    let arguments = ["", " ", "a  b", "$HOME", "`id`", "\"", "'", "\\", "\\n", "\n", "#x", "*", "ä😀", ";|&<>(){}[]!~"];
    let quoted: Vec<_> = arguments.iter().map(|text| format!("'{}'", text.replace('\'', "'\\''"))).collect();
    let (client, _) = run(&format!("printf '%s\\0' {}", quoted.join(" "))).await;
    let words: Vec<_> = client.text().split_terminator('\0').map(str::to_owned).collect();
    assert_eq!(words, arguments);
}

#[tokio::test]
async fn nothing_but_what_is_needed_is_in_the_environment() {
    let (client, _) = run("env").await;
    let text = client.text();
    let mut names: Vec<_> = text.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    names.sort_unstable();
    assert_eq!(names, ["HOME", "LANG", "PATH", "SHELL", "TERM", "USER"]);
}

#[tokio::test]
async fn a_signal_of_its_own_is_minus_one() {
    assert_eq!(run("sh -c 'kill -9 $$'").await.0.exit_code, Some(-1));
}

#[tokio::test]
async fn an_interrupt_ends_it_with_1() {
    for byte in [0x03, 0x1c] {
        let mut client = session(command("sh -c 'echo begun; exec sleep 1000'"), |_| {});
        client.shows("begun").await;
        client.send("thrown away");
        client.send([byte]);
        assert_eq!(client.outcome().await, Outcome::failed(""));
        assert_eq!(client.exit_code, Some(1));
    }
}

#[tokio::test]
async fn an_orphan_does_not_hold_an_interrupted_command() {
    let mut client = session(command("sh -c 'sleep 1000 & echo $!; wait'"), |_| {});
    client.shows("\n").await;
    client.send([0x03]);
    assert_eq!(client.outcome().await, Outcome::failed(""));
    // The real agent leaves it behind, too; this test does not.
    let orphan = client.text().trim().parse().unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_raw(orphan).unwrap(), rustix::process::Signal::KILL)
        .unwrap();
}

#[tokio::test]
async fn much_output_arrives_whole() {
    let (client, outcome) = run("sh -c 'yes 0123456789abcde | head -c 8388608'").await;
    assert_eq!(outcome, Outcome::success());
    assert_eq!(client.exit_code, Some(0));
    assert!(client.stdout == b"0123456789abcde\n".repeat(512 * 1024), "{} bytes", client.stdout.len());
}

#[tokio::test]
async fn one_stream_comes_at_the_end_without_a_code() {
    let mut work = command("sh -c 'echo out; echo err >&2; exit 3'");
    if let Work::NonInteractiveCommand { separate_output, .. } = &mut work {
        *separate_output = false;
    }
    let old = command("sh -c 'echo out; echo err >&2; exit 3'");
    for (work, version) in [(work, "3.3.3050.0"), (old, "3.1.1500.0")] {
        let mut client = session(work, |session| session.agent_version = version.to_owned());
        assert_eq!(client.outcome().await, Outcome::success());
        assert_eq!(client.text(), "out\nerr\n");
        assert_eq!((client.stderr.as_slice(), client.exit_code), (&b""[..], None));
    }
}

#[tokio::test]
async fn prefixes_stand_before_lines() {
    let mut work = command("sh -c 'echo out; echo err >&2'");
    if let Work::NonInteractiveCommand { stdout_prefix, stderr_prefix, .. } = &mut work {
        *stdout_prefix = "o:".to_owned();
        *stderr_prefix = "e:".to_owned();
    }
    let mut client = session(work.clone(), |_| {});
    client.outcome().await;
    assert_eq!((client.stdout.as_slice(), client.stderr.as_slice()), (&b"o:out\n"[..], &b"e:err\n"[..]));

    if let Work::NonInteractiveCommand { stderr_prefix, .. } = &mut work {
        *stderr_prefix = "e>".to_owned();
    }
    let outcome = session(work, |_| {}).outcome().await;
    assert_eq!(outcome, Outcome::failed("invalid stderrSeparatorPrefix e>"));
}

#[tokio::test]
async fn errors_of_the_start() {
    let unknown =
        "Error occurred starting the command: exec: \"no-such-program\": executable file not found in $PATH\n";
    let missing = "Error occurred starting the command: fork/exec /no/such: no such file or directory\n";
    let unfinished =
        "Unable to start command: Failed to parse commands input: EOF found when expecting closing quote\n\n";
    for (line, text, code) in
        [("no-such-program x", unknown, Some(1)), ("/no/such", missing, Some(1)), ("echo 'a", unfinished, None)]
    {
        let (client, outcome) = run(line).await;
        assert_eq!(String::from_utf8_lossy(&client.stderr), text);
        assert_eq!(client.exit_code, code, "{line}");
        assert_eq!(outcome, failure(text));
    }
}
