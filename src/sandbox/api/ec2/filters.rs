//! The filters of `DescribeInstances`, with their wildcards.

use super::xml::{IMAGE, subnet, vpc};
use crate::sandbox::api::error::ApiError;
use crate::sandbox::api::form::Form;
use crate::sandbox::fleet::{Instance, Platform};

/// Most filters of a request, as documented.
const MOST_FILTERS: usize = 50;

/// Most values of all filters of a request, as documented.
const MOST_VALUES: usize = 200;

/// A property of instances, and the patterns of which it has to match one.
#[derive(Debug)]
pub(crate) struct Filter {
    name: String,
    patterns: Vec<String>,
}

impl Filter {
    /// The filters of a request. All of them must match.
    pub(crate) fn all(form: &Form) -> Result<Vec<Self>, ApiError> {
        let mut filters = Vec::new();
        for n in 1.. {
            let Some(name) = form.field(&format!("Filter.{n}.Name")) else { break };
            let patterns: Vec<_> = form.list(&format!("Filter.{n}.Value")).into_iter().map(str::to_owned).collect();
            filters.push(Self { name: name.to_owned(), patterns });
            let values: usize = filters.iter().map(|filter| filter.patterns.len()).sum();
            if n > MOST_FILTERS || values > MOST_VALUES {
                let text = format!("The maximum number of filters is {MOST_FILTERS}, of values {MOST_VALUES}");
                return Err(ApiError::new("FilterLimitExceeded", text));
            }
        }
        match filters.iter().find(|filter| !filter.is_known()) {
            Some(filter) => {
                Err(ApiError::new("InvalidParameterValue", format!("The filter '{}' is invalid", filter.name)))
            }
            None => Ok(filters),
        }
    }

    pub(crate) fn matches(&self, instance: &Instance) -> bool {
        let any = |text: &str| self.patterns.iter().any(|pattern| matches(pattern, text));
        match self.name.as_str() {
            "tag-key" => instance.tags.keys().any(|key| any(key)),
            "tag-value" => instance.tags.values().any(|value| any(value)),
            name => match name.strip_prefix("tag:") {
                Some(tag) => instance.tags.get(tag).is_some_and(|value| any(value)),
                None => property(name, instance).flatten().is_some_and(|value| any(&value)),
            },
        }
    }

    fn is_known(&self) -> bool {
        let name = self.name.as_str();
        let known = [
            "availability-zone",
            "dns-name",
            "iam-instance-profile.arn",
            "image-id",
            "instance-id",
            "instance-state-code",
            "instance-state-name",
            "instance-type",
            "ip-address",
            "platform",
            "private-dns-name",
            "private-ip-address",
            "subnet-id",
            "tag-key",
            "tag-value",
            "vpc-id",
        ];
        known.contains(&name) || name.strip_prefix("tag:").is_some_and(|tag| !tag.is_empty())
    }
}

/// The value of a property that filters know; `Some(None)` where an instance has none.
fn property(name: &str, instance: &Instance) -> Option<Option<String>> {
    Some(match name {
        "availability-zone" => Some(instance.zone.clone()),
        "dns-name" => instance.public_dns_name(),
        "iam-instance-profile.arn" => instance.instance_profile.clone(),
        "image-id" => Some(IMAGE.to_owned()),
        "instance-id" => Some(instance.id.clone()),
        "instance-state-code" => Some(instance.state.code().to_string()),
        "instance-state-name" => Some(instance.state.name().to_owned()),
        "instance-type" => Some(instance.instance_type.clone()),
        "ip-address" => instance.public_ip.map(|ip| ip.to_string()),
        "platform" => (instance.platform == Platform::Windows).then(|| "windows".to_owned()),
        "private-dns-name" => Some(instance.private_dns_name()),
        "private-ip-address" => Some(instance.private_ip.to_string()),
        "subnet-id" => Some(subnet(instance)),
        "vpc-id" => Some(vpc(instance)),
        _ => return None,
    })
}

/// Whether a text is what a pattern means: `*` stands for any characters, `?` for one, `\` makes the next one plain.
fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<_> = tokens(pattern).collect();
    let text: Vec<_> = text.chars().collect();
    let (mut at, mut from) = (0, 0);
    // The last star, and how far the text was when it was met.
    let mut star: Option<(usize, usize)> = None;
    while from < text.len() {
        match pattern.get(at) {
            Some(Token::Any) => {
                star = Some((at, from));
                at += 1;
            }
            Some(Token::One) => (at, from) = (at + 1, from + 1),
            Some(Token::Plain(letter)) if *letter == text[from] => (at, from) = (at + 1, from + 1),
            _ => {
                let Some((star_at, star_from)) = star else { return false };
                star = Some((star_at, star_from + 1));
                (at, from) = (star_at + 1, star_from + 1);
            }
        }
    }
    pattern[at..].iter().all(|token| *token == Token::Any)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    Any,
    One,
    Plain(char),
}

fn tokens(pattern: &str) -> impl Iterator<Item = Token> {
    let mut letters = pattern.chars();
    std::iter::from_fn(move || {
        Some(match letters.next()? {
            '*' => Token::Any,
            '?' => Token::One,
            '\\' => Token::Plain(letters.next().unwrap_or('\\')),
            letter => Token::Plain(letter),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::fleet::Fleet;

    #[test]
    fn wildcards() {
        for (pattern, text, expected) in [
            ("web-1", "web-1", true),
            ("web-1", "web-11", false),
            ("web-*", "web-", true),
            ("*-1", "a-1-1", true),
            ("w?b*", "web-1", true),
            ("w?b", "wb", false),
            ("*a*b*c", "xaxbxbc", true),
            ("*a*b*c", "xaxbxb", false),
            ("", "", true),
            ("*", "", true),
            (r"\*", "*", true),
            (r"\*", "x", false),
            ("ä?ö", "äüö", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn filters_are_anded_and_their_values_ored() {
        let names = |form: &[u8]| -> Vec<String> {
            let filters = Filter::all(&Form::parse(form)).unwrap();
            let fleet = Fleet::builtin("us-east-1");
            let chosen = fleet.iter().filter(|instance| filters.iter().all(|filter| filter.matches(instance)));
            chosen.filter_map(|instance| instance.name().map(str::to_owned)).collect()
        };
        assert_eq!(names(b"Filter.1.Name=tag:Name&Filter.1.Value.1=web-*"), ["web-1", "web-2", "web-3"]);
        let form = b"Filter.1.Name=tag:Env&Filter.1.Value.1=ops&Filter.1.Value.2=dev\
            &Filter.2.Name=instance-state-name&Filter.2.Value.1=running";
        assert_eq!(names(form), ["bastion", "win"]);
        assert_eq!(names(b"Filter.1.Name=ip-address&Filter.1.Value.1=198.51.*"), ["bastion"]);
        assert_eq!(names(b"Filter.1.Name=platform&Filter.1.Value.1=windows"), ["win"]);
        assert_eq!(names(b"Filter.1.Name=tag-key&Filter.1.Value.1=Role"), ["web-1", "web-2", "web-3", "db"]);
    }

    #[test]
    fn unknown_and_too_many_filters_are_refused() {
        let error = |form: &str| Filter::all(&Form::parse(form.as_bytes())).unwrap_err().code;
        assert_eq!(error("Filter.1.Name=name&Filter.1.Value.1=x"), "InvalidParameterValue");
        let many: Vec<_> = (1..=MOST_VALUES + 1).map(|n| format!("Filter.1.Value.{n}=x")).collect();
        assert_eq!(error(&format!("Filter.1.Name=tag:a&{}", many.join("&"))), "FilterLimitExceeded");
    }
}
