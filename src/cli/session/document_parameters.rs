//! Parameters of a session document: `--parameters key=value`, repeated, or a JSON object as the AWS CLI takes it.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde_json::Value;

/// One `--parameters`: names and their values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Parameters(BTreeMap<String, Vec<String>>);

impl Parameters {
    /// All together. The values of a name that comes several times are put one after the other.
    pub(crate) fn merge(all: impl IntoIterator<Item = Self>) -> BTreeMap<String, Vec<String>> {
        let mut merged = BTreeMap::<String, Vec<String>>::new();
        for (name, values) in all.into_iter().flat_map(|parameters| parameters.0) {
            merged.entry(name).or_default().extend(values);
        }
        merged
    }
}

impl FromStr for Parameters {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim_start().starts_with('{') {
            let object: BTreeMap<String, Value> = serde_json::from_str(text).map_err(|error| error.to_string())?;
            return object.into_iter().map(|(name, value)| Ok((name.clone(), values(&name, value)?))).collect();
        }
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok(Self([(name.to_owned(), vec![value.to_owned()])].into())),
            _ => Err("write `name=value` or a JSON object".to_owned()),
        }
    }
}

impl FromIterator<(String, Vec<String>)> for Parameters {
    fn from_iter<T: IntoIterator<Item = (String, Vec<String>)>>(iter: T) -> Self {
        Self(iter.into_iter().collect())
    }
}

/// The API knows lists of strings only.
fn values(name: &str, value: Value) -> Result<Vec<String>, String> {
    let one = |value| match value {
        Value::String(text) => Ok(text),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        _ => Err(format!("the value of `{name}` must be a string or a list of strings")),
    };
    match value {
        Value::Array(values) => values.into_iter().map(one).collect(),
        value => Ok(vec![one(value)?]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(texts: &[&str]) -> Result<BTreeMap<String, Vec<String>>, String> {
        Ok(Parameters::merge(texts.iter().map(|text| text.parse()).collect::<Result<Vec<Parameters>, _>>()?))
    }

    #[test]
    fn pairs_and_objects_add_up() {
        let all = merged(&["a=1", "b=x=y, z", "a=2", r#"{"c": ["3", 4], "d": "e", "f": true}"#]).unwrap();
        let text = serde_json::to_string(&all).unwrap();
        assert_eq!(text, r#"{"a":["1","2"],"b":["x=y, z"],"c":["3","4"],"d":["e"],"f":["true"]}"#);
    }

    #[test]
    fn what_is_neither_is_refused() {
        for bad in ["", "a", "=b", "{", r#"{"a": {}}"#, r#"{"a": [[]]}"#, r#"{"a": null}"#] {
            assert!(merged(&[bad]).is_err(), "{bad}");
        }
    }
}
