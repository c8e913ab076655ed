//! What `ssmx ls` lists and how it writes it.

use insta::assert_snapshot;

use super::{first_words, ls, with};
use crate::support::cloud::Cloud;
use crate::support::command::run;
use crate::support::snapshot::cases;

#[test]
fn the_builtin_fleet_online_first_and_then_by_name() {
    let cloud = Cloud::start();
    let ran = ls(&cloud, &[]);
    assert_snapshot!(ran.shown(), @"
    exit code: 0
    --- stdout
    NAME     ID                   STATUS   PLATFORM                                  ZONE        IP
    bastion  i-0ba5710000000005e  online   Amazon Linux 2023                         us-east-1a  10.0.0.5
    db       i-0db0000000000004d  online   Amazon Linux 2023                         us-east-1a  10.0.0.20
    web-1    i-0a11ce0000000001a  online   Amazon Linux 2023                         us-east-1a  10.0.0.11
    web-2    i-0a11ce0000000002b  online   Amazon Linux 2023                         us-east-1b  10.0.1.12
    web-3    i-0a11ce0000000003c  online   Amazon Linux 2023                         us-east-1c  10.0.2.13
    win      i-0317d0000000008a1  online   Microsoft Windows Server 2022 Datacenter  us-east-1b  10.0.1.50
    legacy   i-01e9ac00000000070  offline  Ubuntu 18.04                              us-east-1c  10.0.2.40
    batch    i-0ba7c40000000006f  stopped  Amazon Linux 2023                         us-east-1b  10.0.1.30
    --- stderr
    8 instances: 6 online, 1 offline, 1 stopped
    ");
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
    assert_snapshot!(ls(&cloud, &["nobody"]).shown(), @"
    exit code: 0
    --- stderr
    No instance matches `nobody`
    ");
    assert_snapshot!(run(cloud.ssmx().args(["-q", "ls", "--no-cache", "nobody"])).shown(), @"exit code: 0");
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
    let some = ls(&cloud, &["--columns", "name,id,status"]);
    assert_snapshot!(some.shown(), @"
    exit code: 0
    --- stdout
    NAME         ID                    STATUS
    on-premises  mi-0123456789abcdef0  online
    deaf         i-22b11deda7f6514da   unmanaged
    new          i-c9292553e5a96eda6   pending
    --- stderr
    3 instances: 1 online, 1 unmanaged, 1 pending; 1 not shown (terminated: `--all`)
    ");
    for query in ["e", "n"] {
        assert_eq!(ls(&cloud, &["--columns", "name,id,status", query]).out(), some.out(), "{query:?}");
    }
    assert_snapshot!(ls(&cloud, &["--all", "--columns", "name,id,status"]).shown(), @"
    exit code: 0
    --- stdout
    NAME         ID                    STATUS
    on-premises  mi-0123456789abcdef0  online
    deaf         i-22b11deda7f6514da   unmanaged
    new          i-c9292553e5a96eda6   pending
    gone         i-ba692dd31e9996ff8   terminated
    --- stderr
    4 instances: 1 online, 1 unmanaged, 1 pending, 1 terminated
    ");
    assert_eq!(first_words(&ls(&cloud, &["192.168.7"]).out()), ["on-premises"]);
}

#[test]
fn formats_for_programs() {
    let cloud = Cloud::start();
    // Words are ANDed.
    let words = [
        &["-o", "ids", "web"][..],
        &["-o", "ids", "nobody"],
        &["-o", "json", "nobody"],
        &["-o", "json", "bastion", "db"],
        &["-o", "json", "bastion"],
    ];
    assert_snapshot!(cases(words.map(|words| (words.join(" "), ls(&cloud, words).shown()))), @r#"
    === -o ids web
    exit code: 0
    --- stdout
    i-0a11ce0000000001a
    i-0a11ce0000000002b
    i-0a11ce0000000003c
    --- stderr
    3 instances: 3 online

    === -o ids nobody
    exit code: 0
    --- stderr
    No instance matches `nobody`

    === -o json nobody
    exit code: 0
    --- stdout
    []
    --- stderr
    No instance matches `nobody`

    === -o json bastion db
    exit code: 0
    --- stdout
    []
    --- stderr
    No instance matches `bastion db`

    === -o json bastion
    exit code: 0
    --- stdout
    [
    {"id":"i-0ba5710000000005e","name":"bastion","status":"online","profile":null,"region":"us-east-1","zone":"us-east-1a","state":"running","ping":"Online","last_ping":"TIMESTAMP","agent_version":"3.3.3050.0","platform":"Linux","platform_name":"Amazon Linux 2023","computer_name":"ip-10-0-0-5.ec2.internal","instance_type":"t3.nano","private_ip":"10.0.0.5","public_ip":"198.51.100.5","private_dns":"ip-10-0-0-5.ec2.internal","public_dns":"ec2-198-51-100-5.compute-1.amazonaws.com","launched":"2026-03-05T14:13:20Z","instance_profile":"arn:aws:iam::123456789012:instance-profile/ssmx-sandbox","tags":{"Env":"ops","Name":"bastion"}}
    ]
    --- stderr
    1 instance: 1 online
    "#);
}

#[test]
fn columns_of_choice() {
    let cloud = Cloud::start();
    let words = [&["--columns", "id,tag:Env,type", "db"][..], &["--columns", "statsu"], &["-o", "wide", "db"]];
    assert_snapshot!(cases(words.map(|words| (words.join(" "), ls(&cloud, words).shown()))), @"
    === --columns id,tag:Env,type db
    exit code: 0
    --- stdout
    ID                   TAG:ENV  TYPE
    i-0db0000000000004d  prod     r6g.large
    --- stderr
    1 instance: 1 online

    === --columns statsu
    exit code: 2
    --- stderr
    error: invalid value 'statsu' for '--columns <NAMES>': unknown column `statsu`; did you mean `status`?

    For more information, try '--help'.

    === -o wide db
    exit code: 0
    --- stdout
    NAME  ID                   STATUS  STATE    PLATFORM           TYPE       ZONE        REGION     PROFILE  IP         PUBLIC_IP  DNS                        COMPUTER                   AGENT       LAST_SEEN  LAUNCHED
    db    i-0db0000000000004d  online  running  Amazon Linux 2023  r6g.large  us-east-1a  us-east-1  -        10.0.0.20  -          ip-10-0-0-20.ec2.internal  ip-10-0-0-20.ec2.internal  3.3.3050.0  just now  N d ago
    --- stderr
    1 instance: 1 online
    ");
    let ran = run(cloud.ssmx().args(["ls", "--no-cache", "db"]).env("SSMX_COLUMNS", "ip,name"));
    assert_snapshot!(ran.shown(), @"
    exit code: 0
    --- stdout
    IP         NAME
    10.0.0.20  db
    --- stderr
    1 instance: 1 online
    ");
}

#[test]
fn colours_only_where_they_are_wanted() {
    let cloud = Cloud::start();
    let ran = run(cloud.ssmx().args(["--color", "always", "ls", "--no-cache", "--columns", "name,status"]));
    assert_snapshot!(ran.shown().replace('\x1b', "ESC"), @"
    exit code: 0
    --- stdout
    ESC[1mNAMEESC[0m     ESC[1mSTATUSESC[0m
    bastion  ESC[32monlineESC[0m
    db       ESC[32monlineESC[0m
    web-1    ESC[32monlineESC[0m
    web-2    ESC[32monlineESC[0m
    web-3    ESC[32monlineESC[0m
    win      ESC[32monlineESC[0m
    legacy   ESC[33mofflineESC[0m
    batch    ESC[2mstoppedESC[0m
    --- stderr
    8 instances: 6 online, 1 offline, 1 stopped
    ");
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
