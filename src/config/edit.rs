//! Changes to the text of a file that keep its comments and its order.

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use toml_edit::{Array, Document, DocumentMut, InlineTable, Item, Key as Name, TableLike, TomlError};

use super::key::{Key, Kind, Level};
use super::reader::{SECTIONS, SELECTORS, TUNNEL, unknown};
use super::value::Value;
use crate::nearest;

/// The path of a value or a section in the file, written as TOML writes keys: `defaults.region`,
/// `profiles."my work".region`, `targets.db`. A setting alone is one of the defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyPath(Vec<String>);

/// What stands at a path.
enum Shape {
    Setting(Kind),
    /// Texts.
    List,
    /// Texts by name.
    Tags,
}

impl FromStr for KeyPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names =
            Name::parse(text).map_err(|_| format!("`{text}` is not a path in the configuration: {EXPECTED}"))?;
        let mut names: Vec<String> = names.iter().map(|name| name.get().to_owned()).collect();
        match names.as_slice() {
            [only] if Key::named(only).is_some() => names.insert(0, SECTIONS[0].to_owned()),
            [first, ..] if SECTIONS.contains(&first.as_str()) => {}
            [first, ..] => {
                let known = SECTIONS.into_iter().chain(Key::all().map(Key::name));
                let meant = nearest::did_you_mean(first, known).unwrap_or_else(|| EXPECTED.to_owned());
                return Err(format!("`{text}` is not a path in the configuration: {meant}"));
            }
            [] => return Err(EXPECTED.to_owned()),
        }
        Ok(Self(names))
    }
}

/// What a path looks like.
const EXPECTED: &str = "expected a setting such as `region`, or a path such as `profiles.prod.region`";

impl KeyPath {
    fn shape(&self) -> Result<Shape, String> {
        let names: Vec<&str> = self.0.iter().map(String::as_str).collect();
        let setting = |key: &str, level: Level, own: &[&'static str]| match Key::named(key) {
            Some(key) if key.is_for(level) => Ok(Shape::Setting(key.kind())),
            _ => {
                let mut known = own.to_vec();
                known.extend(Key::of(level).map(Key::name));
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
            ["tunnels", _, "lanes"] => Ok(Shape::Setting(Kind::Lanes)),
            ["tunnels", _, "target" | "bind"] => Ok(Shape::Setting(Kind::Text)),
            ["tunnels", _, key] => Err(unknown(key, "[tunnels.NAME]", TUNNEL)),
            _ => Err(format!("`{self}` is a section, not a value: {EXPECTED}")),
        }
    }

    fn value(&self, text: &str) -> Result<toml_edit::Value, String> {
        let parts = || text.split(',').map(str::trim).filter(|part| !part.is_empty());
        Ok(match self.shape()? {
            Shape::Setting(kind) => match Value::from_text(kind, text)? {
                // As it was typed.
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

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&dotted(&self.0))
    }
}

/// The text with values set, in this order. Lists are written with commas between, tags as `KEY=VALUE`. A new section
/// goes to the end; an alias that gets another way to find its instance loses the one it had. The outcome is not checked.
///
/// # Errors
/// The text is not TOML, or a path cannot have the value.
pub(crate) fn set(text: &str, values: &[(KeyPath, String)]) -> Result<String, String> {
    let mut text = text.to_owned();
    for (path, value) in values {
        let value = path.value(value).map_err(|problem| format!("`{path}`: {problem}"))?;
        if let ["targets", alias, selector] = path.0.iter().map(String::as_str).collect::<Vec<_>>().as_slice()
            && SELECTORS.contains(selector)
        {
            for other in SELECTORS.iter().filter(|other| *other != selector) {
                let other = KeyPath(["targets", alias, other].map(str::to_owned).into());
                text = unset(&text, &other)?.unwrap_or(text);
            }
        }
        text = insert(&text, path, value)?;
    }
    Ok(text)
}

fn insert(text: &str, path: &KeyPath, value: toml_edit::Value) -> Result<String, String> {
    let (key, sections) = path.0.split_last().ok_or_else(|| EXPECTED.to_owned())?;
    let mut text = text.to_owned();
    // The tags of an alias are one value of it, not a section.
    let header = &sections[..sections.len().min(if sections[0] == SECTIONS[0] { 1 } else { 2 })];
    if wants_header(parse(&text)?.as_table(), header) {
        if !text.is_empty() {
            text = format!("{}\n\n", text.trim_end_matches(['\n', '\r']));
        }
        text.push_str(&format!("[{}]\n", dotted(header)));
    }
    let mut document: DocumentMut = text.parse().map_err(|error: TomlError| no_toml(&error))?;
    let mut table: &mut dyn TableLike = document.as_table_mut();
    for name in sections {
        let item = table.entry(name).or_insert_with(|| InlineTable::new().into());
        table = item.as_table_like_mut().ok_or_else(|| format!("`{name}` is not a section"))?;
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

/// Whether a section needs a header: it does not exist, and does not belong into a value.
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
/// The text is not TOML.
pub(crate) fn unset(text: &str, path: &KeyPath) -> Result<Option<String>, String> {
    let document = parse(text)?;
    let Some((key, sections)) = path.0.split_last() else { return Ok(None) };
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
        // If it is alone on its line, the line goes, and comments above it stay.
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

/// The value at a path, as [`set`] takes it; a section as TOML. None if there is nothing.
///
/// # Errors
/// The text is not TOML.
pub(crate) fn get(text: &str, path: &KeyPath) -> Result<Option<String>, String> {
    // Not the one that only points into the text, whose parts come without their comments.
    let document: DocumentMut = text.parse().map_err(|error: TomlError| no_toml(&error))?;
    let mut item = document.as_item();
    for name in &path.0 {
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
    format!("the file is not valid TOML: {}", error.message())
}

fn dotted(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| Name::new(name).display_repr().into_owned()).collect();
    names.join(".")
}
