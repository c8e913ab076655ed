//! Containers: `aws ecs execute-command` hands over what ECS has answered, which is written in another case.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use serde_json::{Value, json};

use super::play::{Play, Started};
use crate::aws_cli::program;
use crate::support::command::{run, run_with_input};
use crate::support::pty::Pty;
use crate::support::snapshot::cases;

/// The session as ECS answers it.
fn in_the_case_of_ecs(session: &Started) -> Value {
    let answer: Value = serde_json::from_str(&session.answer).unwrap();
    json!({"sessionId": answer["SessionId"], "streamUrl": answer["StreamUrl"], "tokenValue": answer["TokenValue"]})
}

#[test]
fn the_answer_of_ecs_is_understood() {
    let play = Play::new();
    for change in [
        |_: &mut Value| {},
        |answer: &mut Value| {
            // What another version of a service may add, null or repeat.
            answer["containerArn"] = Value::Null;
            answer["more"] = json!([{"sessionId": 7}]);
            answer["SESSIONID"] = answer["sessionId"].clone();
        },
    ] {
        let session = play.start(None, &[]);
        let mut answer = in_the_case_of_ecs(&session);
        change(&mut answer);
        let args =
            [&answer.to_string(), "us-east-1", "StartSession", "", r#"{"Target":"ecs:c_t_r"}"#, &play.endpoint()];
        let shell = run_with_input(&mut play.plugin(&args), b"echo sum-$((40 + 2)); exit\n");
        assert!(shell.code() == 0 && shell.out().contains("sum-42"), "{shell:?}");
        play.wait_until_over(&session.id);
    }
}

#[test]
fn what_go_would_not_take_is_refused_and_its_session_ended() {
    let play = Play::new();
    let said =
        [("tokenValue", json!(7)), ("streamUrl", Value::Null), ("tokenValue", json!(""))].map(|(name, value)| {
            let session = play.start(None, &[]);
            let mut answer = in_the_case_of_ecs(&session);
            let title = format!("{name}: {value}");
            answer[name] = value;
            let args = [&answer.to_string(), "us-east-1", "StartSession", "", &session.request, &play.endpoint()];
            let refused = run(&mut play.plugin(&args));
            play.wait_until_over(&session.id);
            (title, refused.shown())
        });
    insta::assert_snapshot!(cases(said), @r#"
    === tokenValue: 7
    exit code: 2
    --- stderr
    error: `TokenValue` in the StartSession response is not a string
    hint: the AWS CLI runs this program itself, in `aws ssm start-session --target ID`

    === streamUrl: null
    exit code: 2
    --- stderr
    error: the StartSession response has no `StreamUrl`
    hint: the AWS CLI runs this program itself, in `aws ssm start-session --target ID`

    === tokenValue: ""
    exit code: 2
    --- stderr
    error: the StartSession response has no `TokenValue`
    hint: the AWS CLI runs this program itself, in `aws ssm start-session --target ID`
    "#);
}

#[test]
fn aws_ecs_execute_command_opens_a_shell() {
    let play = Play::new();
    let session = play.start(None, &[]);
    let endpoint = format!("http://{}", serve(in_the_case_of_ecs(&session)));
    let mut command = play.command(program());
    command.args(["ecs", "execute-command", "--cluster", "c", "--task", "t", "--container", "app", "--interactive"]);
    command.args(["--command", "/bin/sh", "--endpoint-url", &endpoint]);
    let mut pty = Pty::spawn(command, 120, 24);
    pty.wait_for_text("[sandbox web-1] $");
    pty.send("echo sum-$((40 + 2))\r");
    pty.wait_for_text("sum-42");
    pty.send("exit\r");
    assert!(pty.wait().success(), "{pty:?}");
    assert!(pty.contents().contains("Exiting session with sessionId: "), "{pty:?}");
    play.wait_until_over(&session.id);
}

/// An ECS with one task, whose command runs in this session; its address. It goes with the test program.
fn serve(session: Value) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            // A client that goes away has nothing to be told.
            let _ = answer(stream, &session);
        }
    });
    address
}

fn answer(stream: TcpStream, session: &Value) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut operation, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? <= 2 {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or_default();
        match name.to_lowercase().as_str() {
            "x-amz-target" => value.trim().clone_into(&mut operation),
            "content-length" => length = value.trim().parse().unwrap_or(0),
            _ => {}
        }
    }
    reader.read_exact(&mut vec![0; length])?;
    let arn = |what: &str| format!("arn:aws:ecs:us-east-1:123456789012:{what}");
    let answer = match operation.rsplit('.').next() {
        Some("ExecuteCommand") => json!({
            "clusterArn": arn("cluster/c"), "taskArn": arn("task/c/t"), "containerName": "app", "interactive": true,
            "session": session,
        }),
        Some("DescribeTasks") => {
            json!({"tasks": [{"containers": [{"name": "app", "runtimeId": "r"}]}], "failures": []})
        }
        _ => json!({}),
    };
    let answer = answer.to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        answer.len()
    );
    reader.get_mut().write_all(format!("{head}{answer}").as_bytes())
}
