//! JSON as Go's `encoding/json` reads it, with which the official plugin reads all that it is handed: the case of a name does
//! not count, null is as good as absent, the last of several fields counts, and what is not asked for may be anything.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// The fields of an object, in their order.
#[derive(Default)]
pub(crate) struct Fields<'a>(Vec<(String, &'a RawValue)>);

/// A field is neither text nor null.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotText;

impl Fields<'_> {
    /// A field as Go fills it into a struct.
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, NotText> {
        let mut last = None;
        for (_, value) in self.0.iter().filter(|(key, _)| is_same(key, name)) {
            last = text(value)?;
        }
        Ok(last)
    }

    /// A field as Go finds it in a map, where the name counts as it is written; if there is none, by its name in another
    /// case.
    pub(crate) fn entry(&self, name: &str) -> Option<&RawValue> {
        let last = |is: &dyn Fn(&str) -> bool| self.0.iter().rev().find(|(key, _)| is(key)).map(|(_, value)| *value);
        last(&|key| key == name).or_else(|| last(&|key| is_same(key, name)))
    }
}

/// A value that is text or null.
pub(crate) fn text(value: &RawValue) -> Result<Option<String>, NotText> {
    serde_json::from_str(value.get()).map_err(|_| NotText)
}

/// A text among values that were read already.
pub(crate) fn property<'a>(values: &'a Value, name: &str) -> Option<&'a str> {
    values.as_object()?.iter().rev().find(|(key, _)| is_same(key, name))?.1.as_str()
}

/// Whether a name means a field, whose own name is in ASCII.
fn is_same(key: &str, field: &str) -> bool {
    let fold = |c: char| match c {
        // The two others that fold to a letter of ASCII.
        'ſ' => 's',
        '\u{212a}' => 'k',
        c => c.to_ascii_lowercase(),
    };
    key.chars().map(fold).eq(field.chars().map(fold))
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Fields::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Fields::default();
                while let Some(field) = map.next_entry()? {
                    fields.0.push(field);
                }
                Ok(fields)
            }
        }

        deserializer.deserialize_any(Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(json: &str) -> Fields<'_> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_field_is_read_as_go_reads_it() {
        let some = |text: &str| Ok(Some(text.to_owned()));
        for (json, expected) in [
            (r#"{"SessionId":"a"}"#, some("a")),
            (r#"{"sessionId":"a"}"#, some("a")),
            (r#"{"SESSIONID":"a"}"#, some("a")),
            (r#"{"ſeſſionId":"a"}"#, some("a")),
            (r#"{"\u0073essionid":"\u0061"}"#, some("a")),
            (r#" { "sessionid" : "" } "#, some("")),
            ("{}", Ok(None)),
            ("null", Ok(None)),
            (r#"{"SessionId":null}"#, Ok(None)),
            (r#"{"session_id":"a","session-id":"a","Session":"a"}"#, Ok(None)),
            // The last counts, however it is written.
            (r#"{"SessionId":"a","sessionId":"b"}"#, some("b")),
            (r#"{"sessionId":"a","SessionId":"b"}"#, some("b")),
            (r#"{"SessionId":"a","sessionId":null}"#, Ok(None)),
            // What is not asked for may be anything.
            (r#"{"x":[1e999,{"y":"\ud800"}],"SessionId":"a","z":{"SessionId":"b"}}"#, some("a")),
            (r#"{"SessionId":7}"#, Err(NotText)),
            (r#"{"SessionId":["a"]}"#, Err(NotText)),
            (r#"{"SessionId":true,"SessionId":"a"}"#, Err(NotText)),
        ] {
            assert_eq!(fields(json).text("SessionId"), expected, "{json}");
        }
    }

    #[test]
    fn an_entry_is_the_one_with_that_very_name_if_there_is_one() {
        let entry = |json| fields(json).entry("Target").map(|value| text(value).unwrap().unwrap_or_default());
        assert_eq!(entry(r#"{"Target":"a","target":"b"}"#).as_deref(), Some("a"));
        assert_eq!(entry(r#"{"Target":"a","Target":"b"}"#).as_deref(), Some("b"));
        assert_eq!(entry(r#"{"target":"b"}"#).as_deref(), Some("b"));
        assert_eq!(entry("{}"), None);
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for json in ["", "{", "[]", "7", r#""a""#, "true", "{} x", r#"{"a":1,}"#, "{'a':1}"] {
            assert!(serde_json::from_str::<Fields<'_>>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn properties_are_found_in_any_case() {
        let values = serde_json::json!({"LocalPortNumber": "1", "localPortNumber": "2", "type": 7, "PORTNUMBER": "3"});
        assert_eq!(property(&values, "localPortNumber"), Some("2"));
        assert_eq!(property(&values, "portNumber"), Some("3"));
        assert_eq!(property(&values, "type"), None);
        assert_eq!(property(&Value::Null, "type"), None);
    }
}
