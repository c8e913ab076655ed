//! 10,000 instances in three regions.

use super::{first_words, with};
use crate::support::command::run;

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
    let ssmx = |words: &[&str]| run(cloud.ssmx().args(words).env("SSMX_CACHE", "1day"));

    let all = ssmx(&["ls", "--region", REGIONS]);
    assert_eq!((all.code(), all.err().as_str()), (0, "10000 instances: 8982 online, 518 offline, 500 stopped\n"));
    let out = all.out();
    let names = first_words(&out);
    assert_eq!((names.len(), names[0]), (10_000, "node-00001"));
    assert!(names[..8_982].is_sorted() && names[8_982..9_500].is_sorted());
    for region in REGIONS.split(',') {
        assert!(out.contains(region), "{region}");
    }

    // Out of the cache, as often as one likes.
    let ids = ssmx(&["ls", "--region", REGIONS, "-o", "ids"]);
    assert_eq!(ids.out().lines().count(), 10_000);
    assert!(ids.err().contains("(`--refresh` asks again)"), "{}", ids.err());
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
    assert_eq!(ssmx(&["ls", "--all-regions", "--region", "us-east-1"]).code(), 2);

    // One of them, by its name and by a part of it.
    let online = list.iter().find(|one| one["region"] == "us-east-1" && one["status"] == "online").unwrap();
    let name = online["name"].as_str().unwrap();
    for target in [name, &name.to_uppercase()[2..]] {
        let ran = cloud.exec(target, ["echo", "hi"]);
        assert_eq!((ran.code(), ran.out().as_str()), (0, "hi\n"), "{target}: {ran:?}");
    }
}
