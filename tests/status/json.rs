//! What programs are told.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{cloud, denying, status};
use crate::support::command::Finished;

fn parsed(ran: &Finished) -> Vec<Value> {
    match serde_json::from_slice(&ran.stdout) {
        Ok(Value::Array(entries)) => entries,
        other => panic!("{other:?}: {ran:?}"),
    }
}

#[test]
fn every_target_is_an_object_with_the_same_keys() {
    let ran = status(&cloud(), &["-o", "json", "fine", "lost", "nobody", "twin", "i-00000000000000fff"]);
    let entries = parsed(&ran);
    assert_eq!((ran.code(), ran.err().as_str()), (4, ""), "{ran:?}");
    let keys = |entry: &Value| entry.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    assert!(entries.iter().all(|entry| keys(entry) == keys(&entries[0])), "{entries:#?}");
    let told: Vec<_> = entries
        .iter()
        .map(|entry| {
            (entry["target"].as_str().unwrap(), entry["verdict"].as_str().unwrap(), entry["exit_code"].as_u64())
        })
        .collect();
    assert_eq!(
        told,
        [
            ("fine", "reachable", Some(0)),
            ("lost", "not-connected", Some(4)),
            ("nobody", "no-such-target", Some(3)),
            ("twin", "ambiguous", Some(3)),
            ("i-00000000000000fff", "no-such-target", Some(3)),
        ]
    );
    let reachable: Vec<_> = entries.iter().map(|entry| entry["reachable"].clone()).collect();
    assert_eq!(reachable, [json!(true), json!(false), json!(false), json!(null), json!(false)]);
}

#[test]
fn what_is_known_is_all_there() {
    let entries = parsed(&status(&cloud(), &["-o", "json", "lost"]));
    let [lost] = &entries[..] else { panic!("{entries:?}") };
    for (key, value) in [
        ("id", json!("i-00000000000000005")),
        ("name", json!("lost")),
        ("profile", json!(null)),
        ("region", json!("us-east-1")),
        ("for", json!("shell")),
        ("state", json!("running")),
        ("instance_profile", json!("arn:aws:iam::123456789012:instance-profile/ssmx-sandbox")),
        ("platform", json!("Linux")),
        ("ping", json!("ConnectionLost")),
        ("last_ping", json!("2026-01-31T23:59:59Z")),
        ("agent_version", json!("3.3.3050.0")),
        ("connected", json!(false)),
        ("hybrid_tier", json!(null)),
        ("elsewhere", json!([])),
        ("unanswered", json!([])),
    ] {
        assert_eq!(lost[key], value, "{key}");
    }
    let [reason] = &lost["reasons"].as_array().unwrap()[..] else { panic!("{lost}") };
    assert_eq!((&reason["code"], &reason["certain"]), (&json!("agent-silent"), &json!(true)));
    assert_eq!(reason["what"], lost["summary"]);
    assert_eq!(reason["fix"].as_array().unwrap().len(), 3);
    let rack = &parsed(&status(&cloud(), &["-o", "json", "rack"]))[0];
    assert_eq!((&rack["hybrid_tier"], &rack["state"]), (&json!("advanced"), &json!(null)));
}

#[test]
fn what_was_denied_is_told_with_its_action() {
    let ran = status(&denying(&["ec2:DescribeInstances"]), &["-o", "json", "i-00000000000000003"]);
    let entry = &parsed(&ran)[0];
    let [unanswered] = &entry["unanswered"].as_array().unwrap()[..] else { panic!("{entry}") };
    assert_eq!(unanswered["action"], "ec2:DescribeInstances");
    assert_eq!(unanswered["code"], "UnauthorizedOperation");
    assert!(unanswered["request_id"].is_string());
    let codes: Vec<_> = entry["reasons"].as_array().unwrap().iter().map(|reason| reason["code"].clone()).collect();
    assert_eq!(codes, ["may-not-run", "permission-unchecked", "agent-missing", "no-route", "denied"]);

    let denied = ["ec2:DescribeInstances", "ssm:DescribeInstanceInformation", "ssm:GetConnectionStatus"];
    let ran = status(&denying(&denied), &["-o", "json", "i-00000000000000003", "fine"]);
    for entry in parsed(&ran) {
        assert_eq!(
            (&entry["verdict"], &entry["reachable"], &entry["exit_code"]),
            (&json!("undetermined"), &json!(null), &json!(5))
        );
    }
    assert_eq!(ran.code(), 5);
}
