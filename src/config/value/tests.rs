use super::*;

fn toml(kind: Kind, text: &str) -> Result<Value, String> {
    Value::from_toml(kind, &text.parse().unwrap())
}

#[test]
fn values_are_read_from_toml_and_from_text_alike() {
    for (kind, in_toml, in_text) in [
        (Kind::Text, "'a b'", "a b"),
        (Kind::Region, "'eu-west-1'", "eu-west-1"),
        (Kind::Port, "2222", "2222"),
        (Kind::Switch, "true", "true"),
        (Kind::Duration, "'90s'", "90s"),
        (Kind::Columns, "['name', 'tag:Env']", "name, tag:Env"),
        (Kind::Url, "'https://x'", "https://x"),
        (Kind::StreamUrl, "'wss://x:1'", "wss://x:1"),
    ] {
        let value = toml(kind, in_toml).unwrap();
        assert_eq!(value, Value::from_text(kind, in_text).unwrap());
        assert_eq!(Value::from_toml(kind, &value.to_toml()), Ok(value.clone()), "{kind:?}");
        assert_eq!(Value::from_text(kind, &value.to_string()), Ok(value), "{kind:?}");
    }
}

#[test]
fn what_is_wrong_is_said_with_what_was_expected() {
    let refused = [
        (Kind::Port, "'22'"),
        (Kind::Port, "70000"),
        (Kind::Port, "0"),
        (Kind::Text, "1"),
        (Kind::Text, "''"),
        (Kind::Text, "\"a\\nb\""),
        (Kind::Switch, "'yes'"),
        (Kind::Region, "'EU'"),
        (Kind::Region, "'eu'"),
        (Kind::Duration, "60"),
        (Kind::Duration, "'60'"),
        (Kind::Duration, "'31days'"),
        (Kind::Columns, "[]"),
        (Kind::Columns, "[1]"),
        (Kind::Columns, "'id'"),
        (Kind::Url, "'wss://x'"),
        (Kind::Url, "'localhost:1'"),
    ]
    .map(|(kind, text)| toml(kind, text).unwrap_err());
    insta::assert_snapshot!(refused.join("\n"), @r#"
        expected a port from 1 to 65535, found a string
        expected a port from 1 to 65535, found 70000
        expected a port from 1 to 65535, found 0
        expected a string, found an integer
        expected a string, found an empty string
        it contains a line break or another control character
        expected true or false, found a string
        expected the name of a region such as "eu-west-1", found `EU`
        expected the name of a region such as "eu-west-1", found `eu`
        expected a duration such as "60s" or "1h 30m", found an integer
        expected a duration such as "60s" or "1h 30m", found `60`
        expected at most 30days, found `31days`
        expected 1 to 64 columns
        expected a list of columns such as ["name", "id"]
        expected a list of columns such as ["name", "id"], found a string
        expected an https:// or http:// URL, found `wss://x`
        expected an https:// or http:// URL, found `localhost:1`
        "#);
    assert!(Value::from_text(Kind::Text, &"x".repeat(1025)).is_err());
}
