//! [`Query`]: which instances a person wants to see.

use std::{convert::Infallible, fmt, str::FromStr};

use super::glob;
use crate::fleet::model::instance::Instance;

/// Conditions that all have to hold. Without any, every instance is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// The name, the id or an address contains this text, be it in upper or lower case.
    Text(String),
    /// A tag has a value.
    Tag(Tag),
}

/// A tag and the value that it has to have. Upper and lower case differ, as they do in AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// The key of the tag.
    pub key: String,
    /// Its value, in which `*` stands for any characters.
    pub value: String,
}

impl Query {
    /// The query of several words, all of which must hold: each a text, or tags as in [`Tag::list`].
    pub fn of_words<S: AsRef<str>>(words: impl IntoIterator<Item = S>) -> Self {
        let mut terms = Vec::new();
        for word in words {
            let word = word.as_ref();
            match Tag::list(word) {
                Some(tags) => terms.extend(tags.into_iter().map(Term::Tag)),
                None if word.is_empty() => {}
                None => terms.push(Term::Text(word.to_lowercase())),
            }
        }
        Self { terms }
    }

    /// All of these must hold.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// Whether every instance is wanted.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether an instance fulfils all conditions.
    pub fn matches(&self, instance: &Instance) -> bool {
        self.terms.iter().all(|term| match term {
            Term::Text(text) => texts(instance).any(|known| contains(known, text)),
            Term::Tag(tag) => tag.matches(instance),
        })
    }
}

impl From<Vec<Tag>> for Query {
    fn from(tags: Vec<Tag>) -> Self {
        Self { terms: tags.into_iter().map(Term::Tag).collect() }
    }
}

impl FromStr for Query {
    type Err = Infallible;

    /// The query of a text with blanks between its words.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self::of_words(text.split_whitespace()))
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, term) in self.terms.iter().enumerate() {
            let blank = if place == 0 { "" } else { " " };
            match term {
                Term::Text(text) => write!(f, "{blank}{text}")?,
                Term::Tag(tag) => write!(f, "{blank}{tag}")?,
            }
        }
        Ok(())
    }
}

impl Tag {
    /// The tags of a word like `Role=web` or `Role=web,Env=prod`; none for any other word. A comma before a
    /// piece without `=` belongs to the value.
    pub fn list(word: &str) -> Option<Vec<Self>> {
        let mut tags: Vec<Self> = Vec::new();
        for piece in word.split(',') {
            match (piece.split_once('='), tags.last_mut()) {
                (Some(("", _)) | None, None) => return None,
                (Some((key, value)), _) if !key.is_empty() => {
                    tags.push(Self { key: key.to_owned(), value: value.to_owned() });
                }
                (_, Some(last)) => last.value.extend([",", piece]),
                (_, None) => return None,
            }
        }
        Some(tags)
    }

    /// Whether an instance has the tag with such a value.
    pub fn matches(&self, instance: &Instance) -> bool {
        instance.tags.get(&self.key).is_some_and(|value| glob::matches(&self.value, value))
    }

    /// Whether the value means itself alone.
    pub fn is_exact(&self) -> bool {
        !glob::is_glob(&self.value)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.value)
    }
}

/// What a text is looked for in.
fn texts(instance: &Instance) -> impl Iterator<Item = &str> {
    let addresses = [&instance.private_ip, &instance.public_ip, &instance.private_dns, &instance.public_dns];
    // What its agent calls a machine stands for its DNS name where EC2 gives none.
    let computer = instance.computer_name.as_ref().filter(|_| instance.private_dns.is_none());
    let some = instance.name.iter().chain(addresses.into_iter().flatten()).chain(computer);
    some.map(String::as_str).chain([instance.id.as_str()])
}

/// Whether `text` contains `part`, which is in lower case.
pub(crate) fn contains(text: &str, part: &str) -> bool {
    if text.is_ascii() {
        // Without an allocation: this is asked for every instance.
        let (text, part) = (text.as_bytes(), part.as_bytes());
        return part.is_empty() || text.windows(part.len()).any(|window| window.eq_ignore_ascii_case(part));
    }
    text.to_lowercase().contains(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn web() -> Instance {
        let mut web = Instance::unknown("i-0a11ce0000000001a", Default::default());
        web.name = Some("Web-1".to_owned());
        web.private_ip = Some("10.0.0.11".to_owned());
        web.computer_name = Some("HAL".to_owned());
        web.tags = [("Name", "Web-1"), ("Env", "prod"), ("Note", "a,b")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        web
    }

    fn finds(text: &str) -> bool {
        text.parse::<Query>().unwrap().matches(&web())
    }

    #[test]
    fn words_are_anded_and_look_at_name_id_address_and_tags() {
        for text in
            ["", "web", "EB-", "a11ce", "10.0.0", "web 0.11", "Env=prod", "Env=p*", "web Env=prod,Name=Web*", "hal"]
        {
            assert!(finds(text), "{text}");
        }
        for text in ["web-2", "web Env=dev", "env=prod", "Env=PROD", "Env=", "prod", "Env=pro", "Role=*"] {
            assert!(!finds(text), "{text}");
        }
        let mut known = web();
        known.private_dns = Some("ip-10-0-0-11.ec2.internal".to_owned());
        assert!(!Query::of_words(["hal"]).matches(&known) && Query::of_words(["ip-10"]).matches(&known));
    }

    #[test]
    fn lists_of_tags() {
        let list = |word| Tag::list(word).map(|tags| tags.iter().map(Tag::to_string).collect::<Vec<_>>());
        assert_eq!(list("A=b").unwrap(), ["A=b"]);
        assert_eq!(list("A=b,C=d").unwrap(), ["A=b", "C=d"]);
        assert_eq!(list("Note=a,b,Env=x=y").unwrap(), ["Note=a,b", "Env=x=y"]);
        assert_eq!(list("A=").unwrap(), ["A="]);
        assert_eq!(list("A=b,=c").unwrap(), ["A=b,=c"]);
        for word in ["", "web", "=x", "a,b=c", ","] {
            assert_eq!(list(word), None, "{word}");
        }
        assert!(finds("Note=a,b"));
    }

    #[test]
    fn case_does_not_matter_in_texts_of_any_script() {
        assert!(contains("GRÖSSE", "größe") || contains("GRÖSSE", "grösse"));
        assert!(contains("abc", "") && !contains("abc", "abcd") && contains("xABCx", "abc"));
    }
    #[test]
    fn every_seed_of_the_fuzzer_passes() {
        crate::testing::every_seed_passes("query", crate::fleet::query::check::check);
    }
}
