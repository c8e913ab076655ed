//! [`TargetSpec`]: what a person may call an instance by.

use std::{fmt, net::Ipv4Addr, str::FromStr};

use super::terms::{Tag, contains};
use crate::fleet::error::FleetError;
use crate::fleet::model::instance::Instance;

/// A target as it was typed, taken apart. Aliases are resolved before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TargetSpec {
    /// What Session Manager itself calls a target: an EC2 instance (`i-` and 8 or 17 hexadecimal digits), a hybrid node
    /// (`mi-` and 17), or a container of ECS (`ecs:CLUSTER_TASK_RUNTIME`). It is taken as it is.
    Id(String),
    /// Tags, all of which must have such values: `key=value[,key=value…]`, where `*` stands for any characters.
    Tags(Vec<Tag>),
    /// An IPv4 address, private or public.
    Address(Ipv4Addr),
    /// A Name or a DNS name; or else a part of one Name only, be it in upper or lower case.
    Name(String),
}

impl TargetSpec {
    /// Whether an instance is meant exactly, not only by a part of its name.
    pub(crate) fn is_exactly(&self, instance: &Instance) -> bool {
        match self {
            Self::Id(id) => instance.id == *id,
            Self::Tags(tags) => tags.iter().all(|tag| tag.matches(instance)),
            Self::Address(ip) => {
                let addresses = [&instance.private_ip, &instance.public_ip];
                addresses.into_iter().flatten().any(|known| known.parse() == Ok(*ip))
            }
            Self::Name(name) => {
                let is =
                    |known: &Option<String>| known.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(name));
                instance.name.as_deref() == Some(name)
                    || is(&instance.private_dns)
                    || is(&instance.public_dns)
                    || instance.private_dns.is_none() && is(&instance.computer_name)
            }
        }
    }

    /// Whether an instance could be meant by a part of its name.
    pub(crate) fn is_part_of(&self, instance: &Instance) -> bool {
        match self {
            Self::Name(name) => instance.name.as_deref().is_some_and(|known| contains(known, &name.to_lowercase())),
            _ => false,
        }
    }

    /// Whether the text can be the name of a host with a domain.
    pub(crate) fn is_dns_name(text: &str) -> bool {
        let label = |label: &str| {
            !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        text.contains('.') && text.split('.').all(label)
    }

    /// What several instances that are meant have in common, for instance "are named `web`".
    pub(crate) fn in_common(&self) -> String {
        match self {
            Self::Id(_) => format!("have the id `{self}`"),
            Self::Tags(_) => format!("have the tags `{self}`"),
            Self::Address(_) => format!("have the address `{self}`"),
            Self::Name(_) => format!("are named `{self}`"),
        }
    }

    /// The same of one that there is not, for instance "is named `web`".
    pub(crate) fn of_none(&self) -> String {
        match self {
            Self::Id(_) => format!("has the id `{self}`"),
            Self::Tags(_) => format!("has the tags `{self}`"),
            Self::Address(_) => format!("has the address `{self}`"),
            Self::Name(_) => format!("is named `{self}`"),
        }
    }
}

impl FromStr for TargetSpec {
    type Err = FleetError;

    /// Takes apart what was typed.
    ///
    /// # Errors
    /// An empty text names nothing.
    fn from_str(text: &str) -> Result<Self, FleetError> {
        if text.is_empty() {
            return Err(FleetError::Empty);
        }
        Ok(if is_id(text) {
            Self::Id(text.to_owned())
        } else if let Some(tags) = Tag::list(text) {
            Self::Tags(tags)
        } else if let Ok(ip) = text.parse() {
            Self::Address(ip)
        } else {
            Self::Name(text.to_owned())
        })
    }
}

impl fmt::Display for TargetSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(text) | Self::Name(text) => f.write_str(text),
            Self::Tags(tags) => f.write_str(&tags.iter().map(Tag::to_string).collect::<Vec<_>>().join(",")),
            Self::Address(ip) => ip.fmt(f),
        }
    }
}

fn is_id(text: &str) -> bool {
    let is_hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if let Some(digits) = text.strip_prefix("i-") {
        return matches!(digits.len(), 8 | 17) && is_hex(digits);
    }
    if let Some(digits) = text.strip_prefix("mi-") {
        return digits.len() == 17 && is_hex(digits);
    }
    text.strip_prefix("ecs:").is_some_and(|rest| !rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(text: &str) -> TargetSpec {
        text.parse().unwrap()
    }

    #[test]
    fn every_form_is_told_by_its_looks() {
        for id in ["i-0123abcd", "i-0123456789abcdef0", "mi-0123456789abcdef0", "ecs:c_t_r"] {
            assert_eq!(spec(id), TargetSpec::Id(id.to_owned()));
        }
        for name in ["web", "i-web", "i-0123ABCD", "mi-0123abcd", "ecs:", "i-0123456789abcdef01", "=x", "10.0.0", "a.b"]
        {
            assert_eq!(spec(name), TargetSpec::Name(name.to_owned()));
        }
        assert_eq!(spec("10.0.0.11"), TargetSpec::Address(Ipv4Addr::new(10, 0, 0, 11)));
        assert!(matches!(&spec("Role=web,Env=p*"), TargetSpec::Tags(tags) if tags.len() == 2));
        assert!(matches!("".parse::<TargetSpec>(), Err(FleetError::Empty)));
        for text in ["web", "Role=web,Env=p*", "10.0.0.11", "i-0123abcd"] {
            assert_eq!(spec(text).to_string(), text);
        }
    }

    #[test]
    fn dns_names_have_a_domain() {
        for good in ["ip-10-0-0-5.ec2.internal", "host.corp"] {
            assert!(TargetSpec::is_dns_name(good), "{good}");
        }
        for bad in ["web", "web.", ".x", "a b.c", "ä.b"] {
            assert!(!TargetSpec::is_dns_name(bad), "{bad}");
        }
    }

    #[test]
    fn an_instance_is_meant_exactly_or_in_part() {
        let mut db = Instance::unknown("i-0123abcd", Default::default());
        db.name = Some("Orders DB".to_owned());
        db.private_ip = Some("10.0.0.5".to_owned());
        db.private_dns = Some("ip-10-0-0-5.ec2.internal".to_owned());
        for text in ["Orders DB", "10.0.0.5", "IP-10-0-0-5.ec2.internal", "i-0123abcd"] {
            assert!(spec(text).is_exactly(&db), "{text}");
        }
        for text in ["orders db", "db", "10.0.0.50", "Orders"] {
            assert!(!spec(text).is_exactly(&db), "{text}");
        }
        assert!(spec("orders").is_part_of(&db) && spec("s db").is_part_of(&db) && !spec("0.5").is_part_of(&db));
    }
}
