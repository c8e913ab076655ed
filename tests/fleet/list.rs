//! What `ssmx ls` lists and how it writes it.

use serde_json::Value;

use super::{first_words, ls, with};
use crate::support::cloud::Cloud;
use crate::support::command::run;

#[test]
fn the_builtin_fleet_online_first_and_then_by_name() {
    let cloud = Cloud::start();
    let ran = ls(&cloud, &[]);
    assert_eq!(ran.code(), 0, "{ran:?}");
    let names = ["bastion", "db", "web-1", "web-2", "web-3", "win", "legacy", "batch"];
    assert_eq!(first_words(&ran.out()), names);
    let out = ran.out();
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(lines[0].split_whitespace().collect::<Vec<_>>(), ["NAME", "ID", "STATUS", "PLATFORM", "ZONE", "IP"]);
    let db = ["db", "i-0db0000000000004d", "online", "Amazon", "Linux", "2023", "us-east-1a", "10.0.0.20"];
    assert_eq!(lines[2].split_whitespace().collect::<Vec<_>>(), db);
    assert!(!out.contains('\x1b'), "no terminal, no colours");
    assert_eq!(ran.err(), "8 instances: 6 online, 1 offline, 1 stopped\n");
}

#[test]
fn queries_and_filters() {
    let cloud = Cloud::start();
    for (words, names) in [
        (&["WEB"][..], &["web-1", "web-2", "web-3"][..]),
        (&["web", "0.2.13"], &["web-3"]),
        (&["Role=web"], &["web-1", "web-2", "web-3"]),
        (&["Env=prod", "Role=p*"], &["db"]),
        (&["Env=*o*,Name=b*"], &["bastion"]),
        (&["i-0a11ce0000000001a"], &["web-1"]),
        (&["198.51.100.5"], &["bastion"]),
        (&["a11ce"], &["web-1", "web-2", "web-3"]),
        (&["--online", "Env=dev"], &["win"]),
        (&["--stopped"], &["batch"]),
        (&["env=prod"], &[]),
    ] {
        let ran = ls(&cloud, words);
        assert_eq!((ran.code(), first_words(&ran.out())), (0, names.to_vec()), "{words:?}: {ran:?}");
    }
    let none = ls(&cloud, &["nobody"]);
    assert_eq!((none.out().as_str(), none.err().as_str()), ("", "No instance matches `nobody`\n"));
    assert_eq!(run(cloud.ssmx().args(["-q", "ls", "--no-cache", "nobody"])).err(), "");
}

#[test]
fn status_is_asked_right_for_every_kind_of_instance() {
    let cloud = with(
        r#"
        [[instance]]
        name = "gone"
        state = "terminated"
        [[instance]]
        name = "new"
        state = "pending"
        ping = "Never"
        [[instance]]
        name = "deaf"
        ping = "Never"
        [[instance]]
        id = "mi-0123456789abcdef0"
        name = "on-premises"
        private_ip = "192.168.7.7"
        "#,
    );
    let expected = "on-premises mi-0123456789abcdef0 online\ndeaf unmanaged\nnew pending\n";
    let words = |text: &str| {
        let rows = text.lines().skip(1).map(|line| {
            let words: Vec<_> = line.split_whitespace().collect();
            words.into_iter().filter(|word| !word.starts_with("i-")).collect::<Vec<_>>().join(" ") + "\n"
        });
        rows.collect::<String>()
    };
    for query in [&[][..], &["e"], &["n"]] {
        let ran = ls(&cloud, &[&["--columns", "name,id,status"], query].concat());
        assert_eq!(words(&ran.out()), expected, "{query:?}");
    }
    let ran = ls(&cloud, &[]);
    assert_eq!(ran.err(), "3 instances: 1 online, 1 unmanaged, 1 pending; 1 not shown (terminated: `--all`)\n");
    let ran = ls(&cloud, &["--all", "--columns", "name,id,status"]);
    assert_eq!(words(&ran.out()), format!("{expected}gone terminated\n"));
    assert_eq!(first_words(&ls(&cloud, &["192.168.7"]).out()), ["on-premises"]);
}

#[test]
fn formats_for_programs() {
    let cloud = Cloud::start();
    let ran = ls(&cloud, &["-o", "ids", "web"]);
    assert_eq!(ran.out(), "i-0a11ce0000000001a\ni-0a11ce0000000002b\ni-0a11ce0000000003c\n");
    assert_eq!(ls(&cloud, &["-o", "ids", "nobody"]).out(), "");
    assert_eq!(ls(&cloud, &["-o", "json", "nobody"]).out(), "[]\n");

    let ran = ls(&cloud, &["-o", "json", "bastion", "db"]);
    assert_eq!(ran.out(), "[]\n", "words are ANDed");
    let ran = ls(&cloud, &["-o", "json", "bastion"]);
    let list: Vec<Value> = serde_json::from_slice(&ran.stdout).unwrap();
    let bastion = &list[0];
    for (key, value) in [
        ("id", "i-0ba5710000000005e"),
        ("name", "bastion"),
        ("status", "online"),
        ("state", "running"),
        ("ping", "Online"),
        ("region", "us-east-1"),
        ("zone", "us-east-1a"),
        ("platform", "Linux"),
        ("platform_name", "Amazon Linux 2023"),
        ("instance_type", "t3.nano"),
        ("private_ip", "10.0.0.5"),
        ("public_ip", "198.51.100.5"),
        ("private_dns", "ip-10-0-0-5.ec2.internal"),
        ("public_dns", "ec2-198-51-100-5.compute-1.amazonaws.com"),
        ("instance_profile", "arn:aws:iam::123456789012:instance-profile/ssmx-sandbox"),
    ] {
        assert_eq!(bastion[key], value, "{key}");
    }
    assert_eq!((&bastion["tags"]["Env"], &bastion["profile"]), (&"ops".into(), &Value::Null));
    assert!(bastion["last_ping"].as_str().unwrap().ends_with('Z') && bastion["launched"].is_string(), "{bastion}");
}

#[test]
fn columns_of_choice() {
    let cloud = Cloud::start();
    let ran = ls(&cloud, &["--columns", "id,tag:Env,type", "db"]);
    assert_eq!(ran.out(), "ID                   TAG:ENV  TYPE\ni-0db0000000000004d  prod     r6g.large\n");
    let ran = ls(&cloud, &["--columns", "statsu"]);
    assert_eq!(ran.code(), 2);
    assert!(ran.err().contains("did you mean `status`?"), "{ran:?}");
    let ran = ls(&cloud, &["-o", "wide", "db"]);
    assert!(ran.out().contains("r6g.large") && ran.out().contains("ip-10-0-0-20.ec2.internal"), "{ran:?}");
    let ran = run(cloud.ssmx().args(["ls", "--no-cache", "db"]).env("SSMX_COLUMNS", "ip,name"));
    assert_eq!(ran.out(), "IP         NAME\n10.0.0.20  db\n");
}

#[test]
fn colours_only_where_they_are_wanted() {
    let cloud = Cloud::start();
    let ran = run(cloud.ssmx().args(["--color", "always", "ls", "--no-cache", "--columns", "name,status"]));
    assert!(ran.out().contains("db       \x1b[32monline\x1b[0m\n"), "{ran:?}");
    assert!(!ls(&cloud, &[]).out().contains('\x1b'));
}

#[test]
fn the_name_tag_of_the_configuration() {
    let cloud = with("[[instance]]\nname = \"a\"\ntags = { Title = \"Orders\" }");
    let ran = run(cloud.ssmx().args(["ls", "--no-cache", "orders"]).env("SSMX_NAME_TAG", "Title"));
    assert_eq!(first_words(&ran.out()), ["Orders"]);
}

#[test]
fn a_reader_that_went_away_ends_it_quietly() {
    let cloud = with("generate = { count = 2_000 }");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = cloud.ssmx();
    let output = command.args(["ls", "--no-cache"]).stdout(writer).stderr(std::process::Stdio::piped());
    let ended = output.spawn().unwrap().wait_with_output().unwrap();
    assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()), (Some(0), ""));
}
