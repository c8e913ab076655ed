//! 10,000 instances in three regions.

use insta::assert_snapshot;

use super::{first_words, with};
use crate::support::command::run;
use crate::support::snapshot::settled;

const REGIONS: &str = "us-east-1,eu-west-1,ap-southeast-2";

#[test]
fn ten_thousand_instances_in_three_regions() {
    let cloud = with(
        r#"
        [generate]
        count = 10_000
        seed = 7
        regions = ["us-east-1", "eu-west-1", "ap-southeast-2"]
        "#,
    );
    // A list does not grow old, however slow the machine is.
    let cache = tempfile::tempdir().unwrap();
    let ssmx =
        |words: &[&str]| run(cloud.ssmx().args(words).env("SSMX_CACHE", "1day").env("SSMX_CACHE_DIR", cache.path()));

    let all = ssmx(&["ls", "--region", REGIONS]);
    assert_eq!(all.code(), 0);
    assert_snapshot!(all.err(), @"10000 instances: 8982 online, 518 offline, 500 stopped");
    let out = all.out();
    let first: Vec<&str> = out.lines().take(6).collect();
    assert_snapshot!(first.join("\n"), @"
    NAME        ID                   STATUS   PLATFORM           ZONE             IP
    node-00001  i-ef7e7c71fd61bb628  online   Amazon Linux 2023  us-east-1b       10.1.0.10
    node-00002  i-ff22f1bd2a310ff3d  online   Amazon Linux 2023  eu-west-1b       10.1.0.11
    node-00003  i-04bae0ee5eb0418b5  online   Amazon Linux 2023  ap-southeast-2b  10.1.0.12
    node-00004  i-3fc2b39de738c71b2  online   Amazon Linux 2023  us-east-1a       10.1.0.13
    node-00005  i-6560f3df6047c1f50  online   Amazon Linux 2023  eu-west-1b       10.1.0.14
    ");
    let names = first_words(&out);
    assert_eq!((names.len(), names[0]), (10_000, "node-00001"));
    assert!(names[..8_982].is_sorted() && names[8_982..9_500].is_sorted());
    for region in REGIONS.split(',') {
        assert!(out.lines().any(|line| line.split_whitespace().any(|word| word.starts_with(region))), "{region}");
    }

    // Out of the cache, as often as one likes.
    let ids = ssmx(&["ls", "--region", REGIONS, "-o", "ids"]);
    assert_eq!(ids.out().lines().count(), 10_000);
    assert_snapshot!(settled(&ids.err()), @"10000 instances: 8982 online, 518 offline, 500 stopped; listed just now (`--refresh` to update)");
    let list: Vec<serde_json::Value> =
        serde_json::from_slice(&ssmx(&["ls", "--region", REGIONS, "-o", "json"]).stdout).unwrap();
    assert_eq!(list.len(), 10_000);
    let by_name = ssmx(&["ls", "--region", REGIONS, "node-0012"]);
    assert_eq!(first_words(&by_name.out()).len(), 10);

    // And asked for: by a part of the name, by tags, in all regions.
    let by_name = ssmx(&["ls", "--no-cache", "--region", REGIONS, "node-0012"]);
    assert_eq!(first_words(&by_name.out()).len(), 10, "{}", by_name.err());
    let by_tag = ssmx(&["ls", "--no-cache", "--region", REGIONS, "Role=db", "Env=prod", "-o", "ids"]);
    let expected = list.iter().filter(|one| one["tags"]["Role"] == "db" && one["tags"]["Env"] == "prod").count();
    assert_eq!(by_tag.out().lines().count(), expected);
    let everywhere = ssmx(&["ls", "--no-cache", "--all-regions", "node-0012", "--columns", "name,region,status"]);
    assert_eq!((everywhere.code(), first_words(&everywhere.out()).len()), (0, 10), "{}", everywhere.err());
    assert_snapshot!(ssmx(&["ls", "--all-regions", "--region", "us-east-1"]).shown(), @"
    exit code: 2
    --- stderr
    error: `--all-regions` and `--region` cannot be used together
    ");

    // One of them, by its name and by a part of it.
    let online = list.iter().find(|one| one["region"] == "us-east-1" && one["status"] == "online").unwrap();
    let name = online["name"].as_str().unwrap();
    for target in [name, &name.to_uppercase()[2..]] {
        let ran = cloud.exec(target, ["echo", "hi"]);
        assert_eq!((ran.code(), ran.out().as_str()), (0, "hi\n"), "{target}: {ran:?}");
    }
}
