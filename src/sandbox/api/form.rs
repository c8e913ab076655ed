//! Reads the forms that EC2 and STS are sent: flat names and values, with lists as `Name.1`, `Name.2`, …

use std::collections::BTreeMap;

use crate::sandbox::services::sigv4::decode;

/// Most members of a list that are read; EC2 takes at most 200 filters or values.
const MOST_MEMBERS: usize = 1_000;

/// The fields of a form.
#[derive(Debug, Default)]
pub(crate) struct Form(BTreeMap<String, String>);

impl Form {
    pub(crate) fn parse(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let plain = |text: &str| String::from_utf8_lossy(&decode(&text.replace('+', " "))).into_owned();
        let fields = text.split('&').filter(|field| !field.is_empty());
        let pairs = fields.map(|field| field.split_once('=').unwrap_or((field, "")));
        Self(pairs.map(|(name, value)| (plain(name), plain(value))).collect())
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The values of a list.
    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        (1..=MOST_MEMBERS).map_while(|n| self.field(&format!("{name}.{n}"))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_lists_in_order() {
        let form = Form::parse(b"Action=DescribeInstances&F.1.Name=tag%3AName&F.1.Value.2=b+c&F.1.Value.1=a&&x");
        assert_eq!(form.field("Action"), Some("DescribeInstances"));
        assert_eq!(form.field("F.1.Name"), Some("tag:Name"));
        assert_eq!(form.list("F.1.Value"), ["a", "b c"]);
        assert_eq!(form.field("x"), Some(""));
        assert!(form.list("InstanceId").is_empty());
    }
}
