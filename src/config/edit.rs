//! Changes to the text of a file that keep its comments and its order.

use std::fmt;
use std::str::FromStr;

use toml_edit::{Array, Document, DocumentMut, InlineTable, Item, Key as Name, TableLike, TomlError};

use super::key::{Key, Kind, Level};
use super::load::{SECTIONS, SELECTORS, TUNNEL, unknown};
use super::value::Value;

/// A place in the file, written as TOML writes keys: `defaults.region`, `profiles."my work".region`, `targets.db`. A
/// setting alone is one of the defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place(Vec<String>);

/// What stands at a place.
enum Shape {
    Setting(Kind),
    /// Texts.
    List,
    /// Texts by name.
    Tags,
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = Name::parse(text).map_err(|_| format!("`{text}` is no place in the configuration: {EXPECTED}"))?;
        let mut names: Vec<String> = names.iter().map(|name| name.get().to_owned()).collect();
        match names.as_slice() {
            [only] if Key::named(only).is_some() => names.insert(0, SECTIONS[0].to_owned()),
            [first, ..] if SECTIONS.contains(&first.as_str()) => {}
            [first, ..] => {
                let known = SECTIONS.into_iter().chain(Key::ALL.map(Key::name));
                let near = super::nearest(first, known).map(|near| format!("did you mean `{near}`?"));
                let near = near.unwrap_or_else(|| EXPECTED.to_owned());
                return Err(format!("`{text}` is no place in the configuration: {near}"));
            }
            [] => return Err(EXPECTED.to_owned()),
        }
        Ok(Self(names))
    }
}

/// What a place looks like.
const EXPECTED: &str = "expected a setting such as `region`, or a place such as `profiles.prod.region`";

impl Place {
    /// Its names, from the section on.
    pub fn names(&self) -> &[String] {
        &self.0
    }

    /// The setting that stands there, if it is one of the defaults.
    pub fn default_setting(&self) -> Option<Key> {
        match self.0.as_slice() {
            [section, key] if section == SECTIONS[0] => Key::named(key),
            _ => None,
        }
    }

    fn shape(&self) -> Result<Shape, String> {
        let names: Vec<&str> = self.0.iter().map(String::as_str).collect();
        let setting = |key: &str, level: Level, own: &[&'static str]| match Key::named(key) {
            Some(key) if key.is_for(level) => Ok(Shape::Setting(key.kind())),
            _ => {
                let mut known = own.to_vec();
                known.extend(Key::ALL.into_iter().filter(|key| key.is_for(level)).map(Key::name));
                Err(unknown(key, level.header(), known))
            }
        };
        match names.as_slice() {
            ["defaults", key] => setting(key, Level::Defaults, &[]),
            ["profiles", _, key] => setting(key, Level::Profile, &[]),
            ["targets", _, "tags"] => Ok(Shape::Tags),
            ["targets", _, "id" | "name" | "address"] | ["targets", _, "tags", _] => Ok(Shape::Setting(Kind::Text)),
            ["targets", _, key] => setting(key, Level::Target, &SELECTORS),
            ["tunnels", _, "forward"] => Ok(Shape::List),
            ["tunnels", _, "wait"] => Ok(Shape::Setting(Kind::Switch)),
            ["tunnels", _, "target" | "bind"] => Ok(Shape::Setting(Kind::Text)),
            ["tunnels", _, key] => Err(unknown(key, "[tunnels.NAME]", TUNNEL)),
            _ => Err(format!("`{self}` is a section and has no value of its own: {EXPECTED}")),
        }
    }

    fn value(&self, text: &str) -> Result<toml_edit::Value, String> {
        let parts = || text.split(',').map(str::trim).filter(|part| !part.is_empty());
        Ok(match self.shape()? {
            Shape::Setting(kind) => match Value::from_text(kind, text)? {
                // As the person writes it.
                Value::Duration(_) => text.into(),
                value => value.to_toml(),
            },
            Shape::List => parts().collect::<Array>().into(),
            Shape::Tags => {
                let mut tags = InlineTable::new();
                for part in parts() {
                    let (key, value) =
                        part.split_once('=').ok_or_else(|| format!("expected KEY=VALUE, found `{part}`"))?;
                    tags.insert(key, value.into());
                }
                tags.into()
            }
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&dotted(&self.0))
    }
}

/// The text with values set, in this order. Lists are written with commas between, tags as `KEY=VALUE`. A section that
/// is not there comes to stand at the end; an alias that gets another way to find its instance loses the one it had.
/// Whether the outcome makes sense is not checked.
///
/// # Errors
/// The text is no TOML, or a place cannot have the value.
pub fn set(text: &str, values: &[(Place, String)]) -> Result<String, String> {
    let mut text = text.to_owned();
    for (place, value) in values {
        let value = place.value(value).map_err(|problem| format!("`{place}`: {problem}"))?;
        if let ["targets", alias, selector] = place.0.iter().map(String::as_str).collect::<Vec<_>>().as_slice()
            && SELECTORS.contains(selector)
        {
            for other in SELECTORS.iter().filter(|other| *other != selector) {
                let other = Place(["targets", alias, other].map(str::to_owned).into());
                text = unset(&text, &other)?.unwrap_or(text);
            }
        }
        text = insert(&text, place, value)?;
    }
    Ok(text)
}

fn insert(text: &str, place: &Place, value: toml_edit::Value) -> Result<String, String> {
    let (key, sections) = place.0.split_last().ok_or_else(|| EXPECTED.to_owned())?;
    let mut text = text.to_owned();
    // The tags of an alias are one value of it, not a section.
    let header = &sections[..sections.len().min(if sections[0] == SECTIONS[0] { 1 } else { 2 })];
    if wants_header(parse(&text)?.as_table(), header) {
        if !text.is_empty() {
            text = format!("{}\n\n", text.trim_end());
        }
        text.push_str(&format!("[{}]\n", dotted(header)));
    }
    let mut document: DocumentMut = text.parse().map_err(|error: TomlError| no_toml(&error))?;
    let mut table: &mut dyn TableLike = document.as_table_mut();
    for name in sections {
        let item = table.entry(name).or_insert_with(|| InlineTable::new().into());
        table = item.as_table_like_mut().ok_or_else(|| format!("`{name}` is no section"))?;
    }
    match table.get_mut(key).map(|item| (item.as_value().map(|old| old.decor().clone()), item)) {
        Some((Some(decor), item)) => {
            let mut value = value;
            *value.decor_mut() = decor;
            *item = Item::Value(value);
        }
        Some((None, item)) => *item = Item::Value(value),
        None => {
            table.insert(key, Item::Value(value));
        }
    }
    Ok(document.to_string())
}

/// Whether a section needs a header of its own: it is not there, and what it would stand in is no value.
fn wants_header(root: &dyn TableLike, sections: &[String]) -> bool {
    let mut table = root;
    for name in sections {
        match table.get(name) {
            None => return true,
            Some(Item::Table(inner)) if !inner.is_dotted() => table = inner,
            Some(_) => return false,
        }
    }
    false
}

/// The text without a value or a section; none if it is not there.
///
/// # Errors
/// The text is no TOML.
pub fn unset(text: &str, place: &Place) -> Result<Option<String>, String> {
    let document = parse(text)?;
    let Some((key, sections)) = place.0.split_last() else { return Ok(None) };
    let mut table: &dyn TableLike = document.as_table();
    for name in sections {
        let Some(inner) = table.get(name).and_then(Item::as_table_like) else { return Ok(None) };
        table = inner;
    }
    let Some(item) = table.get(key).filter(|item| !item.is_none()) else { return Ok(None) };
    if let (Some(begin), Some(end)) =
        (table.key(key).and_then(Name::span), item.as_value().and_then(|value| value.span()))
    {
        let line = text[..begin.start].rfind('\n').map_or(0, |at| at + 1);
        // A line of its own goes as a whole, and comments above it stay.
        if text[line..begin.start].trim().is_empty() {
            let next = text[end.end..].find('\n').map_or(text.len(), |at| end.end + at + 1);
            return Ok(Some(format!("{}{}", &text[..line], &text[next..])));
        }
    }
    let mut document: DocumentMut = text.parse().map_err(|error: TomlError| no_toml(&error))?;
    let mut table: &mut dyn TableLike = document.as_table_mut();
    for name in sections {
        let Some(inner) = table.get_mut(name).and_then(Item::as_table_like_mut) else { return Ok(None) };
        table = inner;
    }
    table.remove(key);
    Ok(Some(document.to_string()))
}

/// What stands at a place of the text, as [`set`] takes it; a section as TOML. None if nothing does.
///
/// # Errors
/// The text is no TOML.
pub fn get(text: &str, place: &Place) -> Result<Option<String>, String> {
    // Not the one that only points into the text, whose parts come without their comments.
    let document: DocumentMut = text.parse().map_err(|error: TomlError| no_toml(&error))?;
    let mut item = document.as_item();
    for name in &place.0 {
        match item.get(name.as_str()) {
            Some(inner) => item = inner,
            None => return Ok(None),
        }
    }
    let plain = |value: &toml_edit::Value| {
        value.as_str().map_or_else(|| value.clone().decorated("", "").to_string(), str::to_owned)
    };
    Ok(Some(match item {
        Item::Value(toml_edit::Value::Array(array)) => array.iter().map(plain).collect::<Vec<_>>().join(","),
        Item::Value(toml_edit::Value::InlineTable(table)) => {
            let entries: Vec<_> = table.iter().map(|(key, value)| format!("{key}={}", plain(value))).collect();
            entries.join(",")
        }
        Item::Value(value) => plain(value),
        section => section.to_string().trim().to_owned(),
    }))
}

fn parse(text: &str) -> Result<Document<&str>, String> {
    Document::parse(text).map_err(|error| no_toml(&error))
}

fn no_toml(error: &TomlError) -> String {
    format!("the file is no TOML: {}", error.message())
}

fn dotted(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| Name::new(name).display_repr().into_owned()).collect();
    names.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# My configuration.

[defaults]
region   = \"eu-west-1\"   # near me
# The team's profile.
profile  = \"work\"

# An alias.
[targets.db]
name = \"db-1\" # the first

# Nothing follows.
";

    fn place(text: &str) -> Place {
        text.parse().unwrap()
    }

    fn with(text: &str, values: &[(&str, &str)]) -> Result<String, String> {
        let values: Vec<_> = values.iter().map(|(at, value)| (place(at), (*value).to_owned())).collect();
        set(text, &values)
    }

    #[test]
    fn a_value_changes_and_all_else_stays() {
        let text = with(FILE, &[("region", "eu-north-1")]).unwrap();
        assert_eq!(text, FILE.replace("eu-west-1", "eu-north-1"));
        assert_eq!(with(FILE, &[("defaults.region", "eu-west-1")]).unwrap(), FILE);
        let new = with(FILE, &[("cache", "90s"), ("ssh_port", "2222"), ("columns", "id, tag:Env")]).unwrap();
        let lines = "profile  = \"work\"\ncache = \"90s\"\nssh_port = 2222\ncolumns = [\"id\", \"tag:Env\"]\n";
        assert_eq!(new, FILE.replace("profile  = \"work\"\n", lines));
    }

    #[test]
    fn a_new_section_comes_behind_everything() {
        let text =
            with(FILE, &[("profiles.\"my work\".ssh_user", "me"), ("profiles.\"my work\".reason_required", "true")]);
        assert_eq!(
            text.unwrap(),
            format!("{FILE}\n[profiles.\"my work\"]\nssh_user = \"me\"\nreason_required = true\n")
        );
        let values = [("tunnels.pg.target", "db"), ("tunnels.pg.forward", "5432,8080:80"), ("tunnels.pg.wait", "true")];
        let text = with("", &values).unwrap();
        assert_eq!(text, "[tunnels.pg]\ntarget = \"db\"\nforward = [\"5432\", \"8080:80\"]\nwait = true\n");
        let text = with("", &[("region", "eu-west-1")]).unwrap();
        assert_eq!(text, "[defaults]\nregion = \"eu-west-1\"\n");
        let inline = with("targets = { a = { id = \"i-1\" } }\n", &[("targets.b.name", "x")]).unwrap();
        assert_eq!(inline, "targets = { a = { id = \"i-1\" } , b = { name = \"x\" } }\n");
    }

    #[test]
    fn an_alias_has_one_way_to_find_its_instance() {
        let text = with(FILE, &[("targets.db.tags", "Role=postgres, Env=prod=1")]).unwrap();
        let tags = "tags = { Role = \"postgres\", Env = \"prod=1\" }\n";
        assert_eq!(text, FILE.replace("name = \"db-1\" # the first\n", tags));
        let text = with(&text, &[("targets.db.tags.Env", "test")]).unwrap();
        assert_eq!(get(&text, &place("targets.db.tags")).unwrap().as_deref(), Some("Role=postgres,Env=test"));
        let text = with("", &[("targets.db.tags.Env", "test")]).unwrap();
        assert_eq!(text, "[targets.db]\ntags = { Env = \"test\" }\n");
    }

    #[test]
    fn what_is_taken_away_takes_no_comment_with_it() {
        let without = |at: &str| unset(FILE, &place(at)).unwrap();
        assert_eq!(without("profile").unwrap(), FILE.replace("profile  = \"work\"\n", ""));
        assert_eq!(without("region").unwrap(), FILE.replace("region   = \"eu-west-1\"   # near me\n", ""));
        assert!(!without("targets.db").unwrap().contains("[targets"));
        assert_eq!((without("cache"), without("targets.x.id"), without("tunnels")), (None, None, None));
        let inline = unset("[targets.a]\ntags = { a = \"1\", b = \"2\" }\n", &place("targets.a.tags.a")).unwrap();
        assert_eq!(inline.unwrap(), "[targets.a]\ntags = { b = \"2\" }\n");
        let last = unset("[defaults]\nregion = \"a\"", &place("region")).unwrap();
        assert_eq!(last.unwrap(), "[defaults]\n");
    }

    #[test]
    fn values_are_told_as_they_are_set() {
        let told = |text: &str, at: &str| get(text, &place(at)).unwrap();
        assert_eq!(told(FILE, "region").as_deref(), Some("eu-west-1"));
        assert_eq!(told(FILE, "targets.db").as_deref(), Some("name = \"db-1\" # the first"));
        assert_eq!(told(FILE, "cache"), None);
        assert_eq!(told("[tunnels.a]\nforward = [\"1\", \"2\"]", "tunnels.a.forward").as_deref(), Some("1,2"));
        assert_eq!(told("[defaults]\nssh_port = 22 # x", "ssh_port").as_deref(), Some("22"));
    }

    #[test]
    fn places_and_values_that_make_no_sense_are_refused() {
        for (text, said) in [
            ("regoin", "`regoin` is no place in the configuration: did you mean `region`?"),
            ("target.db.id", "`target.db.id` is no place in the configuration: did you mean `targets`?"),
            ("a b", "`a b` is no place in the configuration: expected a setting"),
            ("", "`` is no place in the configuration: expected"),
        ] {
            let refused = text.parse::<Place>().unwrap_err();
            assert!(refused.starts_with(said), "{text}: {refused}");
        }
        for (at, value, said) in [
            ("ssh_port", "x", "`defaults.ssh_port`: expected a port from 1 to 65535, found `x`"),
            ("defaults", "x", "`defaults`: `defaults` is a section and has no value of its own"),
            ("profiles.p.profile", "x", "`profiles.p.profile`: unknown key `profile` in [profiles.NAME]"),
            ("targets.a.nmae", "x", "`targets.a.nmae`: unknown key `nmae` in [targets.NAME]; did you mean `name`?"),
            ("tunnels.a.forwards", "x", "`tunnels.a.forwards`: unknown key `forwards` in [tunnels.NAME]; did you mean"),
            ("targets.a.tags", "x", "`targets.a.tags`: expected KEY=VALUE, found `x`"),
        ] {
            let refused = with(FILE, &[(at, value)]).unwrap_err();
            assert!(refused.starts_with(said), "{at}: {refused}");
        }
        assert_eq!(with("[", &[("region", "eu-west-1")]).unwrap_err().split(':').next(), Some("the file is no TOML"));
        assert!(unset("[", &place("region")).is_err() && get("[", &place("region")).is_err());
        assert_eq!(with("defaults = 1\n", &[("region", "eu-west-1")]).unwrap_err(), "`defaults` is no section");
    }

    proptest::proptest! {
        #[test]
        fn a_set_value_is_there_and_the_comments_are_too(
            comments in proptest::collection::vec("(# [a-z]{0,8}|)", 5),
            user in "[ -~]{1,20}",
        ) {
            let c = comments;
            let text = format!(
                "{}\n[defaults]\n{}\nregion = 'a' {}\n{}\n[profiles.p]\n{}\n", c[0], c[1], c[2], c[3], c[4]
            );
            for at in ["ssh_user", "profiles.p.ssh_user", "profiles.q.ssh_user", "targets.x.name"] {
                let changed = set(&text, &[(place(at), user.clone())]).unwrap();
                proptest::prop_assert_eq!(get(&changed, &place(at)).unwrap(), Some(user.clone()));
                for comment in &c {
                    proptest::prop_assert!(changed.contains(comment.as_str()));
                }
                let back = unset(&changed, &place(at)).unwrap().unwrap();
                proptest::prop_assert_eq!(get(&back, &place(at)).unwrap(), None);
            }
        }
    }
}
