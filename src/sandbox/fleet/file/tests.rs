use super::*;

#[test]
fn reads_what_is_said_and_fills_in_the_rest() {
    let fleet = parse(
        r#"
            region = "eu-west-1"
            [[instance]]
            name = "web"
            [[instance]]
            id = "mi-0123456789abcdef0"
            region = "us-east-1"
            zone = "c"
            tags = { Env = "prod" }
            ping = "Never"
            launched = "2026-01-31T23:59:59Z"
            "#,
        "ap-south-1",
    )
    .unwrap();
    let [web, hybrid] = &fleet.iter().collect::<Vec<_>>()[..] else { panic!("two instances") };
    assert_eq!((web.name(), web.region.as_str(), web.zone.as_str()), (Some("web"), "eu-west-1", "eu-west-1a"));
    assert!(web.is_online() && check_id(&web.id).is_ok());
    assert_eq!((hybrid.zone.as_str(), hybrid.ping), ("us-east-1c", None));
    assert!(hybrid.is_hybrid() && hybrid.instance_profile.is_none());
    assert!(web.instance_profile.as_ref().unwrap().ends_with(":instance-profile/ssmx-sandbox"));
}

#[test]
fn complaints_name_the_line() {
    let refused = [
        "region = 1",
        "\n[[instance]]\nnane = \"web\"",
        "[[instance]]\nname = \"a\"\nid = \"web-1\"",
        "[[instance]]\nstate = \"asleep\"",
        "[[instance]]\nid = \"i-12345678\"\n[[instance]]\nid = \"i-12345678\"",
        "[[instance]]\nzone = \"us-west-2a\"",
        "[[instance]]\nagent_version = \"3.3\"",
        "[[instance]]\nname = \"a\"\ntags = { Name = \"b\" }",
        "[generate]\ncount = 10001",
        "[generate]\ncount = 1\nregions = []",
        "[generate]\ncount = -1",
        "",
    ]
    .map(|text| format!("--- {text}\n{}", parse(text, "eu-west-1").unwrap_err()));
    insta::assert_snapshot!(refused.join("\n"), @r#"
    --- region = 1
    TOML parse error at line 1, column 10
      |
    1 | region = 1
      |          ^
    invalid type: integer `1`, expected a string
    --- 
    [[instance]]
    nane = "web"
    TOML parse error at line 3, column 1
      |
    3 | nane = "web"
      | ^^^^
    unknown field `nane`, expected one of `name`, `id`, `region`, `zone`, `tags`, `state`, `ping`, `last_ping`, `platform`, `platform_name`, `platform_version`, `type`, `private_ip`, `public_ip`, `agent_version`, `instance_profile`, `launched`
    --- [[instance]]
    name = "a"
    id = "web-1"
    line 1: web-1 is not an instance id: expected i- or mi- and 17 hexadecimal digits
    --- [[instance]]
    state = "asleep"
    TOML parse error at line 2, column 9
      |
    2 | state = "asleep"
      |         ^^^^^^^^
    unknown variant `asleep`, expected one of `pending`, `running`, `shutting-down`, `terminated`, `stopping`, `stopped`
    --- [[instance]]
    id = "i-12345678"
    [[instance]]
    id = "i-12345678"
    line 3: the id i-12345678 is already used
    --- [[instance]]
    zone = "us-west-2a"
    line 1: the zone us-west-2a is not in the region eu-west-1
    --- [[instance]]
    agent_version = "3.3"
    line 1: 3.3 is not an agent version: expected four numbers
    --- [[instance]]
    name = "a"
    tags = { Name = "b" }
    line 1: the name is set twice, as name and as the tag Name
    --- [generate]
    count = 10001
    line 1: a fleet has at most 10000 instances
    --- [generate]
    count = 1
    regions = []
    line 1: regions must not be empty
    --- [generate]
    count = -1
    TOML parse error at line 2, column 9
      |
    2 | count = -1
      |         ^^
    invalid value: integer `-1`, expected usize
    --- 
    there is no [[instance]] and no [generate]
    "#);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Fleet::read(Path::new("/nonexistent/fleet.toml"), "eu-west-1").unwrap_err();
    assert_eq!(error.to_string(), "cannot read the fleet file /nonexistent/fleet.toml");
}

#[test]
fn ten_thousand_instances() {
    let text = "generate = { count = 10_000, seed = 7, regions = [\"eu-west-1\", \"us-east-1\"] }";
    let fleet = parse(text, "eu-west-1").unwrap();
    assert_eq!(fleet.iter().count(), 10_000);
    assert_eq!(fleet.of_region("us-east-1").count(), 5_000);
    let again = parse(text, "eu-west-1").unwrap();
    assert!(fleet.iter().zip(again.iter()).all(|(one, other)| one == other));
}
