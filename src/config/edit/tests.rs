//! Changes, and what they leave alone.

use super::*;

const FILE: &str = "\
# My configuration.

[defaults]
region   = \"eu-west-1\"   # near me
# The team's profile.
profile  = \"work\"

# An alias.
[targets.db]
name = \"db-1\" # the first

# Nothing follows.
";

fn place(text: &str) -> KeyPath {
    text.parse().unwrap()
}

fn with(text: &str, values: &[(&str, &str)]) -> Result<String, String> {
    let values: Vec<_> = values.iter().map(|(at, value)| (place(at), (*value).to_owned())).collect();
    set(text, &values)
}

#[test]
fn a_value_changes_and_all_else_stays() {
    let text = with(FILE, &[("region", "eu-north-1")]).unwrap();
    assert_eq!(text, FILE.replace("eu-west-1", "eu-north-1"));
    assert_eq!(with(FILE, &[("defaults.region", "eu-west-1")]).unwrap(), FILE);
    let new = with(FILE, &[("cache", "90s"), ("ssh_port", "2222"), ("columns", "id, tag:Env")]).unwrap();
    let lines = "profile  = \"work\"\ncache = \"90s\"\nssh_port = 2222\ncolumns = [\"id\", \"tag:Env\"]\n";
    assert_eq!(new, FILE.replace("profile  = \"work\"\n", lines));
}

#[test]
fn a_new_section_comes_behind_everything() {
    let text = with(FILE, &[("profiles.\"my work\".ssh_user", "me"), ("profiles.\"my work\".reason_required", "true")]);
    assert_eq!(text.unwrap(), format!("{FILE}\n[profiles.\"my work\"]\nssh_user = \"me\"\nreason_required = true\n"));
    let values = [("tunnels.pg.target", "db"), ("tunnels.pg.forward", "5432,8080:80"), ("tunnels.pg.wait", "true")];
    let text = with("", &values).unwrap();
    assert_eq!(text, "[tunnels.pg]\ntarget = \"db\"\nforward = [\"5432\", \"8080:80\"]\nwait = true\n");
    let text = with("", &[("region", "eu-west-1")]).unwrap();
    assert_eq!(text, "[defaults]\nregion = \"eu-west-1\"\n");
    let inline = with("targets = { a = { id = \"i-1\" } }\n", &[("targets.b.name", "x")]).unwrap();
    assert_eq!(inline, "targets = { a = { id = \"i-1\" } , b = { name = \"x\" } }\n");
}

#[test]
fn an_alias_has_one_way_to_find_its_instance() {
    let text = with(FILE, &[("targets.db.tags", "Role=postgres, Env=prod=1")]).unwrap();
    let tags = "tags = { Role = \"postgres\", Env = \"prod=1\" }\n";
    assert_eq!(text, FILE.replace("name = \"db-1\" # the first\n", tags));
    let text = with(&text, &[("targets.db.tags.Env", "test")]).unwrap();
    assert_eq!(get(&text, &place("targets.db.tags")).unwrap().as_deref(), Some("Role=postgres,Env=test"));
    let text = with("", &[("targets.db.tags.Env", "test")]).unwrap();
    assert_eq!(text, "[targets.db]\ntags = { Env = \"test\" }\n");
}

#[test]
fn what_is_taken_away_takes_no_comment_with_it() {
    let without = |at: &str| unset(FILE, &place(at)).unwrap();
    assert_eq!(without("profile").unwrap(), FILE.replace("profile  = \"work\"\n", ""));
    assert_eq!(without("region").unwrap(), FILE.replace("region   = \"eu-west-1\"   # near me\n", ""));
    assert!(!without("targets.db").unwrap().contains("[targets"));
    assert_eq!((without("cache"), without("targets.x.id"), without("tunnels")), (None, None, None));
    let inline = unset("[targets.a]\ntags = { a = \"1\", b = \"2\" }\n", &place("targets.a.tags.a")).unwrap();
    assert_eq!(inline.unwrap(), "[targets.a]\ntags = { b = \"2\" }\n");
    let last = unset("[defaults]\nregion = \"a\"", &place("region")).unwrap();
    assert_eq!(last.unwrap(), "[defaults]\n");
}

#[test]
fn values_are_told_as_they_are_set() {
    let told = |text: &str, at: &str| get(text, &place(at)).unwrap();
    assert_eq!(told(FILE, "region").as_deref(), Some("eu-west-1"));
    assert_eq!(told(FILE, "targets.db").as_deref(), Some("name = \"db-1\" # the first"));
    assert_eq!(told(FILE, "cache"), None);
    assert_eq!(told("[tunnels.a]\nforward = [\"1\", \"2\"]", "tunnels.a.forward").as_deref(), Some("1,2"));
    assert_eq!(told("[defaults]\nssh_port = 22 # x", "ssh_port").as_deref(), Some("22"));
}

#[test]
fn places_and_values_that_make_no_sense_are_refused() {
    let refused = ["regoin", "target.db.id", "a b", ""].map(|text| text.parse::<KeyPath>().unwrap_err());
    insta::assert_snapshot!(refused.join("\n"), @"
    `regoin` is not a path in the configuration: did you mean `region`?
    `target.db.id` is not a path in the configuration: did you mean `targets`?
    `a b` is not a path in the configuration: expected a setting such as `region`, or a path such as `profiles.prod.region`
    `` is not a path in the configuration: expected a setting such as `region`, or a path such as `profiles.prod.region`
    ");
    let refused = [
        ("ssh_port", "x"),
        ("defaults", "x"),
        ("profiles.p.profile", "x"),
        ("targets.a.nmae", "x"),
        ("tunnels.a.forwards", "x"),
        ("targets.a.tags", "x"),
    ]
    .map(|(at, value)| with(FILE, &[(at, value)]).unwrap_err());
    insta::assert_snapshot!(refused.join("\n"), @"
    `defaults.ssh_port`: expected a port from 1 to 65535, found `x`
    `defaults`: `defaults` is a section, not a value: expected a setting such as `region`, or a path such as `profiles.prod.region`
    `profiles.p.profile`: unknown key `profile` in [profiles.NAME]: expected one of region, columns, name_tag, cache, ssh_user, ssh_port, shell_document, exec_document, ssh_document, forward_document, remote_forward_document, forward_stall, lanes, reason, reason_required, require_encryption, endpoint_url, ssm_endpoint_url, ssmmessages_endpoint_url, ec2_endpoint_url, ec2_instance_connect_endpoint_url, kms_endpoint_url, sts_endpoint_url, insecure_endpoint
    `targets.a.nmae`: unknown key `nmae` in [targets.NAME]; did you mean `name`?
    `tunnels.a.forwards`: unknown key `forwards` in [tunnels.NAME]; did you mean `forward`?
    `targets.a.tags`: expected KEY=VALUE, found `x`
    ");
    assert_eq!(
        with("[", &[("region", "eu-west-1")]).unwrap_err().split(':').next(),
        Some("the file is not valid TOML")
    );
    assert!(unset("[", &place("region")).is_err() && get("[", &place("region")).is_err());
    assert_eq!(with("defaults = 1\n", &[("region", "eu-west-1")]).unwrap_err(), "`defaults` is not a section");
}

proptest::proptest! {
    #[test]
    fn a_set_value_is_there_and_the_comments_are_too(
        comments in proptest::collection::vec("(# [a-z]{0,8}|)", 5),
        user in "[ -~]{1,20}",
    ) {
        let c = comments;
        let text = format!(
            "{}\n[defaults]\n{}\nregion = 'a' {}\n{}\n[profiles.p]\n{}\n", c[0], c[1], c[2], c[3], c[4]
        );
        for at in ["ssh_user", "profiles.p.ssh_user", "profiles.q.ssh_user", "targets.x.name"] {
            let changed = set(&text, &[(place(at), user.clone())]).unwrap();
            proptest::prop_assert_eq!(get(&changed, &place(at)).unwrap(), Some(user.clone()));
            for comment in &c {
                proptest::prop_assert!(changed.contains(comment.as_str()));
            }
            let back = unset(&changed, &place(at)).unwrap().unwrap();
            proptest::prop_assert_eq!(get(&back, &place(at)).unwrap(), None);
        }
    }
}
