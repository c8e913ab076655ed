//! What the two services have to be asked to find certain instances, within the limits of their filters.

use std::net::Ipv4Addr;

use crate::aws::{Filter, ec2_literal};
use crate::fleet::query::spec::TargetSpec;
use crate::fleet::query::terms::{Query, Tag, Term};

/// Which requests find what is wanted. They may find more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The filters of DescribeInstances, in alternatives that are asked one after the other.
    pub(crate) ec2: Vec<Vec<Filter>>,
    pub(crate) managed: Managed,
    /// Tags that Systems Manager has looked at, and does not tell: those of each instance that it finds.
    pub(crate) implied: Vec<Tag>,
}

/// How the status of instances is found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Managed {
    /// By one list side by side with EC2, as long as it is short; what EC2 finds and is not in the list is not managed.
    List(Vec<Filter>),
    /// EC2 finds few of many: theirs by their ids, and the hybrid nodes by a list.
    ById,
}

impl Plan {
    /// Every instance of the account and region.
    pub(crate) fn all() -> Self {
        Self { ec2: vec![Vec::new()], managed: Managed::List(Vec::new()), implied: Vec::new() }
    }

    pub(crate) fn of_query(query: &Query) -> Self {
        let tags = query.terms().iter().filter_map(|term| match term {
            Term::Tag(tag) => Some(tag.clone()),
            Term::Text(_) => None,
        });
        let tags: Vec<_> = tags.collect();
        match query.terms() {
            [] => Self::all(),
            [Term::Text(text)] if matches!(text.parse(), Ok(TargetSpec::Id(_))) => Self::of_id(text),
            terms if terms.len() == tags.len() => Self::of_tags(tags),
            _ => Self { managed: Managed::ById, implied: Vec::new(), ..Self::of_tags(tags) },
        }
    }

    /// What finds those that a target means exactly.
    pub(crate) fn of_spec(spec: &TargetSpec, name_tag: &str) -> Self {
        let one = |key: &str, pattern: String| vec![(key.to_owned(), vec![pattern])];
        match spec {
            TargetSpec::Id(id) => Self::of_id(id),
            TargetSpec::Tags(tags) => Self::of_tags(tags.clone()),
            TargetSpec::Address(ip) => Self {
                ec2: ["private-ip-address", "ip-address"].map(|key| one(key, ip.to_string())).into(),
                managed: Managed::ById,
                implied: Vec::new(),
            },
            // Their Name is looked for by itself.
            TargetSpec::Typed(_, looks) => Self::of_spec(looks, name_tag),
            TargetSpec::Name(name) => {
                let mut plan = Self::of_name(name, name_tag);
                let hosts = hosts(name);
                if !hosts.is_empty() {
                    plan.ec2.extend(hosts.into_iter().map(|(key, pattern)| one(key, pattern)));
                    plan.managed = Managed::ById;
                    plan.implied = Vec::new();
                }
                plan
            }
        }
    }

    /// What finds those that have exactly this Name.
    pub(crate) fn of_name(name: &str, name_tag: &str) -> Self {
        let one = |key: &str, pattern: String| vec![(key.to_owned(), vec![pattern])];
        let key = format!("tag:{name_tag}");
        Self {
            ec2: vec![one(&key, ec2_literal(name))],
            managed: Managed::List(one(&key, name.to_owned())),
            // A star in it is one: nothing here is a pattern.
            implied: vec![Tag { key: name_tag.to_owned(), value: name.to_owned() }],
        }
    }

    /// All names, to find a part in them: EC2 has no filter without regard to case.
    pub(crate) fn of_parts() -> Self {
        Self { managed: Managed::ById, ..Self::all() }
    }

    pub(crate) fn of_ids(ids: &[String]) -> Self {
        let some = ids.iter().take(IDS).cloned().collect::<Vec<_>>();
        let ec2 = some.iter().filter(|id| id.starts_with("i-")).cloned().collect::<Vec<_>>();
        Self {
            // Without a value there is no filter, and a filter that finds nothing costs a request.
            ec2: if ec2.is_empty() { Vec::new() } else { vec![vec![("instance-id".to_owned(), ec2)]] },
            managed: Managed::List(vec![("InstanceIds".to_owned(), some)]),
            implied: Vec::new(),
        }
    }

    fn of_id(id: &str) -> Self {
        Self::of_ids(&[id.to_owned()])
    }

    fn of_tags(tags: Vec<Tag>) -> Self {
        let mut ec2: Vec<Filter> = Vec::new();
        let mut managed: Vec<Filter> = Vec::new();
        // Systems Manager knows no patterns, and no empty values.
        let by_list = tags.iter().all(|tag| tag.is_exact() && !tag.value.is_empty());
        for tag in tags.iter().take(TAGS) {
            let key = format!("tag:{}", tag.key);
            // A second value for a key is left to ourselves.
            if ec2.iter().all(|(known, _)| *known != key) {
                let pattern = tag.value.split('*').map(ec2_literal).collect::<Vec<_>>().join("*");
                ec2.push((key.clone(), vec![pattern]));
                managed.push((key, vec![tag.value.clone()]));
            }
        }
        if by_list && managed.len() == tags.len() {
            return Self { ec2: vec![ec2], managed: Managed::List(managed), implied: tags };
        }
        Self { ec2: vec![ec2], managed: Managed::ById, implied: Vec::new() }
    }
}

/// What the filters of EC2 find a host name by: one with a domain, or the first part of one that AWS has given. Others
/// without a domain are found among all.
fn hosts(name: &str) -> Vec<(&'static str, String)> {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    if TargetSpec::is_dns_name(&name) {
        return ["private-dns-name", "dns-name"].map(|key| (key, name.clone())).into();
    }
    let of_address =
        |prefix: &str| name.strip_prefix(prefix).is_some_and(|rest| rest.replace('-', ".").parse::<Ipv4Addr>().is_ok());
    match () {
        () if of_address("ip-") => vec![("private-dns-name", format!("{name}.*"))],
        () if of_address("ec2-") => vec![("dns-name", format!("{name}.*"))],
        () => Vec::new(),
    }
}

/// Ids of a request: what makes one page of DescribeInstanceInformation.
pub(crate) const IDS: usize = 50;

/// Tags that are left to the services at most; they take a few more filters.
const TAGS: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Plan {
        Plan::of_query(&text.parse().unwrap())
    }

    fn filter(key: &str, value: &str) -> Filter {
        (key.to_owned(), vec![value.to_owned()])
    }

    #[test]
    fn what_a_service_can_look_for_is_left_to_it() {
        assert_eq!(query(""), Plan::all());

        let exact = query("Role=web,Env=prod");
        assert_eq!(exact.ec2, [[filter("tag:Role", "web"), filter("tag:Env", "prod")]]);
        assert_eq!(exact.managed, Managed::List(exact.ec2[0].clone()));
        assert_eq!(exact.implied.len(), 2);

        let glob = query("Role=w?b\\*");
        assert_eq!((&glob.ec2, glob.managed), (&vec![vec![filter("tag:Role", "w\\?b\\\\*")]], Managed::ById));
        assert_eq!(query("Role=").managed, Managed::ById);
        let twice = query("Env=a Env=b");
        assert_eq!((twice.ec2[0].len(), twice.managed), (1, Managed::ById));

        let mixed = query("web Env=prod");
        assert_eq!((&mixed.ec2, mixed.managed), (&vec![vec![filter("tag:Env", "prod")]], Managed::ById));
        assert_eq!(query("web").ec2, [[]]);

        let id = query("i-0123abcd");
        assert_eq!(id.ec2, [[filter("instance-id", "i-0123abcd")]]);
        assert_eq!(id.managed, Managed::List(vec![filter("InstanceIds", "i-0123abcd")]));
        assert!(query("mi-0123456789abcdef0").ec2.is_empty());
    }

    #[test]
    fn targets_are_looked_for_by_all_that_they_can_be() {
        let plan = |text: &str| Plan::of_spec(&text.parse().unwrap(), "Name");
        assert_eq!(plan("web*").ec2, [[filter("tag:Name", "web\\*")]]);
        assert_eq!(plan("web*").managed, Managed::List(vec![filter("tag:Name", "web*")]));
        assert_eq!(plan("10.0.0.5").ec2.len(), 2);
        let dns = plan("IP-10-0-0-5.ec2.internal");
        assert_eq!(dns.ec2.len(), 3);
        assert_eq!(dns.ec2[1], [filter("private-dns-name", "ip-10-0-0-5.ec2.internal")]);
        for (name, key, pattern) in [
            ("IP-10-0-0-5", "private-dns-name", "ip-10-0-0-5.*"),
            ("ec2-198-51-100-5", "dns-name", "ec2-198-51-100-5.*"),
            ("ip-10-0-0-5.ec2.internal.", "private-dns-name", "ip-10-0-0-5.ec2.internal"),
        ] {
            assert_eq!(plan(name).ec2[1], [filter(key, pattern)], "{name}");
        }
        assert_eq!(plan("ip-10-0-0").ec2.len(), 1);
        assert_eq!(Plan::of_spec(&TargetSpec::Name("x".to_owned()), "Title").ec2, [[filter("tag:Title", "x")]]);
    }
}
