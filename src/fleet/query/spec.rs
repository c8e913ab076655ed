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
    /// A Name; or else the name of a host, with or without its domain; or else a part of one Name only, be it in upper
    /// or lower case.
    Name(String),
    /// What was typed looks like tags or an address. It may be a Name all the same, and a Name comes first.
    Typed(String, Box<Self>),
}

impl TargetSpec {
    /// Whether an instance is meant by its Name.
    pub(crate) fn is_named(&self, instance: &Instance) -> bool {
        match self {
            Self::Name(name) | Self::Typed(name, _) => instance.name.as_ref() == Some(name),
            Self::Id(_) | Self::Tags(_) | Self::Address(_) => false,
        }
    }

    /// Whether an instance is meant exactly, not only by a part of its name.
    pub(crate) fn is_exactly(&self, instance: &Instance) -> bool {
        match self {
            Self::Id(id) => instance.id == *id,
            Self::Tags(tags) => tags.iter().all(|tag| tag.matches(instance)),
            Self::Address(ip) => {
                let addresses = [&instance.private_ip, &instance.public_ip];
                addresses.into_iter().flatten().any(|known| known.parse() == Ok(*ip))
            }
            Self::Name(name) => self.is_named(instance) || is_host(name, instance),
            Self::Typed(_, looks) => self.is_named(instance) || looks.is_exactly(instance),
        }
    }

    /// Whether an instance could be meant by what its agent calls the machine, which EC2 does not know.
    pub(crate) fn is_computer(&self, instance: &Instance) -> bool {
        match self {
            Self::Name(name) => instance.computer_name.as_deref().is_some_and(|known| is_host_name(name, known)),
            _ => false,
        }
    }

    /// Whether an instance could be meant by a part of its name.
    pub(crate) fn is_part_of(&self, instance: &Instance) -> bool {
        match self {
            Self::Name(name) => instance.name.as_deref().is_some_and(|known| contains(known, &name.to_lowercase())),
            _ => false,
        }
    }

    /// Whether the text can be the name of a host with a domain; a dot may stand at the end.
    pub(crate) fn is_dns_name(text: &str) -> bool {
        let text = text.strip_suffix('.').unwrap_or(text);
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
            Self::Typed(_, looks) => looks.in_common(),
        }
    }

    /// The same of one that there is not, for instance "is named `web`".
    pub(crate) fn of_none(&self) -> String {
        match self {
            Self::Id(_) => format!("has the id `{self}`"),
            Self::Tags(_) => format!("has the tags `{self}`"),
            Self::Address(_) => format!("has the address `{self}`"),
            Self::Name(_) => format!("is named `{self}`"),
            Self::Typed(_, looks) => looks.of_none(),
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
        let typed = |looks| Self::Typed(text.to_owned(), Box::new(looks));
        Ok(if is_id(text) {
            Self::Id(text.to_owned())
        } else if let Some(tags) = Tag::list(text) {
            typed(Self::Tags(tags))
        } else if let Ok(ip) = text.parse() {
            typed(Self::Address(ip))
        } else {
            Self::Name(text.to_owned())
        })
    }
}

impl fmt::Display for TargetSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(text) | Self::Name(text) | Self::Typed(text, _) => f.write_str(text),
            Self::Tags(tags) => f.write_str(&tags.iter().map(Tag::to_string).collect::<Vec<_>>().join(",")),
            Self::Address(ip) => ip.fmt(f),
        }
    }
}

/// Whether the host name of an instance is meant, be it in upper or lower case. What its agent calls a machine stands for
/// its DNS name where EC2 gives none.
fn is_host(name: &str, instance: &Instance) -> bool {
    let computer = instance.computer_name.as_ref().filter(|_| instance.private_dns.is_none());
    let known = [&instance.private_dns, &instance.public_dns].into_iter().flatten().chain(computer);
    known.into_iter().any(|known| is_host_name(name, known))
}

/// Whether a host is called so: by its whole name, or by the first part of it alone.
fn is_host_name(name: &str, known: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let first = known.split('.').next().unwrap_or_default();
    !name.is_empty() && (known.eq_ignore_ascii_case(name) || first.eq_ignore_ascii_case(name))
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
mod tests;
