//! What one types.

use insta::assert_snapshot;

use super::{ends_with, line, open, pick, wait_for_counts, wait_for_selected, whole};
use crate::support::sandbox::TestSandbox;
use crate::support::snapshot::settled;

const WEB_1: &str = "i-0a11ce0000000001a";
const WEB_2: &str = "i-0a11ce0000000002b";
const WEB_3: &str = "i-0a11ce0000000003c";

#[test]
fn letters_narrow_arrows_move_and_enter_prints_the_id() {
    let sandbox = TestSandbox::start();
    let mut pty = open(pick(&sandbox, &[]));
    pty.send("web");
    wait_for_counts(&pty, "3/8");
    wait_for_selected(&pty, "web-1");
    pty.send("\x1b[B\x1b[B\x1b[A");
    wait_for_selected(&pty, "web-2");
    pty.send("\r");
    ends_with(&mut pty, 0);
    pty.wait_for_text(WEB_2);
}

#[test]
fn queries_of_every_kind() {
    let sandbox = TestSandbox::start();
    let mut pty = open(pick(&sandbox, &[]));
    for (query, counts, first) in [
        ("web 12", "1/8", "web-2"),
        ("wb3", "1/8", "web-3"),
        ("Role=web", "3/8", "web-1"),
        ("role=w* !web-1 !web-2", "1/8", "web-3"),
        ("platform=windows", "1/8", "win"),
        ("10.0.0.20", "1/8", "db"),
        ("0db0", "1/8", "db"),
        ("status=stopped", "1/8", "batch"),
    ] {
        pty.send("\x15");
        wait_for_counts(&pty, "8");
        pty.send(query);
        wait_for_counts(&pty, counts);
        wait_for_selected(&pty, first);
    }
    // Smart case.
    pty.send("\x15WEB");
    wait_for_counts(&pty, "0/8");
    pty.send("\r");
    assert_snapshot!(whole(&pty, |screen| line(screen, 23).starts_with("nothing"), "word that nothing matches"), @"
    > WEB                                                                        0/8
      NAME     ID                   STATUS   PLATFORM          ZONE        IP


















    ────────────────────────────────────────────────────────────────────────────────


    nothing matches
    ");
    pty.send("\x17web");
    wait_for_counts(&pty, "3/8");
    pty.send("\x03");
    ends_with(&mut pty, 1);
}

#[test]
fn the_line_is_edited_as_usual() {
    let sandbox = TestSandbox::start();
    let mut pty = open(pick(&sandbox, &[]));
    pty.send("eb-9\x01w\x05\x7f2\x1b[D\x1b[D\x1b[3~-");
    pty.wait_for(|screen| line(screen, 0).starts_with("> web-2 "), "edited line");
    wait_for_selected(&pty, "web-2");
    pty.wait_for(|screen| screen.cursor_position() == (0, 6), "cursor behind the dash");
    pty.send("\x1b[200~ db \r\n\x1b[201~");
    pty.wait_for(|screen| line(screen, 0).starts_with("> web-db2"), "pasted text");
    pty.send("\x1b");
    ends_with(&mut pty, 1);
}

#[test]
fn several_are_marked_and_printed() {
    let sandbox = TestSandbox::start();
    let mut pty = open(pick(&sandbox, &["--multi", "web"]));
    pty.send("\t\x1b[B\t");
    assert_snapshot!(whole(&pty, |screen| line(screen, 0).ends_with("2 marked"), "two marks"), @"
    > web                                                              3/8  2 marked
      NAME     ID                   STATUS   PLATFORM          ZONE        IP
     *web-1    i-0a11ce0000000001a  online   Amazon Linux 20…  us-east-1a  10.0.0.11
      web-2    i-0a11ce0000000002b  online   Amazon Linux 20…  us-east-1b  10.0.1.12
    >*web-3    i-0a11ce0000000003c  online   Amazon Linux 20…  us-east-1c  10.0.2.13















    ────────────────────────────────────────────────────────────────────────────────
    t3.small · us-east-1 · agent 3.3.3050.0 · launched 2026-09-18 14:13 UTC
    Env=prod  Role=web
    Enter choose  Tab mark  Ctrl-A mark all  Ctrl-R refresh  Ctrl-Y copy id  Esc le…
    ");
    pty.send("\r");
    ends_with(&mut pty, 0);
    pty.wait_for(|screen| screen.contents().contains(WEB_1) && screen.contents().contains(WEB_3), "both ids");
    assert!(!pty.contents().contains(WEB_2), "{pty:?}");

    let mut pty = open(pick(&sandbox, &["--multi", "web"]));
    pty.send("\x01");
    pty.wait_for(|screen| line(screen, 0).ends_with("3 marked"), "three marks");
    pty.send("\x01");
    wait_for_counts(&pty, "3/8");
    pty.wait_for(|screen| !line(screen, 0).contains("marked"), "no marks");
    pty.send("\x1b[Z");
    pty.wait_for(|screen| line(screen, 0).ends_with("1 marked"), "one mark");
    pty.send("\r");
    ends_with(&mut pty, 0);
}

#[test]
fn an_id_is_copied_without_leaving() {
    let sandbox = TestSandbox::start();
    let mut pty = open(pick(&sandbox, &["web-2"]));
    pty.send("\x19");
    assert_snapshot!(whole(&pty, |screen| line(screen, 23).contains("clipboard"), "word of it"), @"
    > web-2                                                                      1/8
      NAME     ID                   STATUS   PLATFORM          ZONE        IP
    > web-2    i-0a11ce0000000002b  online   Amazon Linux 20…  us-east-1b  10.0.1.12

















    ────────────────────────────────────────────────────────────────────────────────
    t3.small · us-east-1 · agent 3.3.3050.0 · launched 2026-09-09 14:13 UTC
    Env=prod  Role=web
    sent i-0a11ce0000000002b to the clipboard
    ");
    // The id in base64.
    let sent = b"\x1b]52;c;aS0wYTExY2UwMDAwMDAwMDAyYg==\x07";
    pty.wait_for_output(|output| output.windows(sent.len()).any(|window| window == sent), "OSC 52");
    pty.send("\x1b");
    ends_with(&mut pty, 1);
}

#[test]
fn json_says_all_that_is_known() {
    let sandbox = TestSandbox::start();
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut bash = std::process::Command::new("bash");
    bash.args(["--norc", "-c", "\"$SSMX\" pick -o json db >\"$OUT\""]);
    bash.envs(pick(&sandbox, &[]).get_envs().filter_map(|(name, value)| Some((name, value?))));
    bash.env("SSMX", env!("CARGO_BIN_EXE_ssmx")).env("OUT", file.path());
    let mut pty = open(bash);
    wait_for_selected(&pty, "db");
    pty.send("\r");
    ends_with(&mut pty, 0);
    assert_snapshot!(settled(&std::fs::read_to_string(file.path()).unwrap()), @r#"
    [
    {"id":"i-0db0000000000004d","name":"db","status":"online","profile":null,"region":"us-east-1","zone":"us-east-1a","state":"running","ping":"Online","last_ping":"TIMESTAMP","agent_version":"3.3.3050.0","platform":"Linux","platform_name":"Amazon Linux 2023","computer_name":"ip-10-0-0-20.ec2.internal","instance_type":"r6g.large","private_ip":"10.0.0.20","public_ip":null,"private_dns":"ip-10-0-0-20.ec2.internal","public_dns":null,"launched":"2026-06-23T14:13:20Z","instance_profile":"arn:aws:iam::123456789012:instance-profile/ssmx-sandbox","tags":{"Env":"prod","Name":"db","Role":"postgres"}}
    ]
    "#);
}
