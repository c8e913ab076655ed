//! From tables of TOML to sections, with all mistakes at once.

use std::collections::BTreeMap;
use std::ops::Range;

use toml_edit::{Item, TableLike};

use super::error::Mistake;
use super::key::{Key, Level};
use super::lanes::Lanes;
use super::schema::{Config, Located, Section, Selector, Target, Tunnel};
use super::value::{Value, article};
use crate::nearest;

/// What a file has.
pub(super) const SECTIONS: [&str; 4] = ["defaults", "profiles", "targets", "tunnels"];
/// The ways in which an alias finds its instance.
pub(super) const SELECTORS: [&str; 4] = ["id", "name", "tags", "address"];
/// What a tunnel has.
pub(super) const TUNNEL: [&str; 5] = ["target", "forward", "bind", "wait", "lanes"];

/// Notes mistakes on its way through a file.
pub(super) struct Reader {
    /// Where the lines after the first one begin.
    lines: Vec<usize>,
    pub(super) mistakes: Vec<Mistake>,
}

/// An entry of a table, with the place of its key.
struct Entry<'a> {
    name: &'a str,
    item: &'a Item,
    span: Option<Range<usize>>,
}

fn entries(table: &dyn TableLike) -> impl Iterator<Item = Entry<'_>> {
    table.iter().map(|(name, item)| Entry { name, item, span: table.key(name).and_then(toml_edit::Key::span) })
}

impl Reader {
    /// For this text.
    pub(super) fn new(text: &str) -> Self {
        let lines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { lines: lines.collect(), mistakes: Vec::new() }
    }

    pub(super) fn mistake(&mut self, span: Option<Range<usize>>, message: impl Into<String>) {
        let line = self.line(span);
        self.mistakes.push(Mistake { line, message: message.into() });
    }

    fn line(&self, span: Option<Range<usize>>) -> usize {
        let at = span.map_or(0, |span| span.start);
        self.lines.partition_point(|begin| *begin <= at) + 1
    }

    fn table<'a>(&mut self, entry: &Entry<'a>, header: &str) -> Option<&'a dyn TableLike> {
        let table = entry.item.as_table_like();
        if table.is_none() {
            let found = article(entry.item.type_name());
            self.mistake(entry.span.clone(), format!("expected a section {header}, found {found}"));
        }
        table
    }

    /// Reads the whole of it.
    pub(super) fn root(&mut self, root: &dyn TableLike, config: &mut Config) {
        for entry in entries(root) {
            match entry.name {
                "defaults" => {
                    if let Some(table) = self.table(&entry, "[defaults]") {
                        config.defaults = self.section(table, Level::Defaults, "[defaults]", &[]);
                    }
                }
                "profiles" => config.profiles = self.named(&entry, Self::profile),
                "targets" => config.targets = self.named(&entry, Self::target),
                "tunnels" => config.tunnels = self.named(&entry, Self::tunnel),
                name if Key::named(name).is_some_and(|key| key.is_for(Level::Defaults)) => {
                    self.mistake(entry.span, format!("`{name}` is outside a section; it belongs under [defaults]"));
                }
                name => {
                    let ending = nearest::ending(name, SECTIONS);
                    self.mistake(entry.span, format!("unknown section `{name}`{ending}"));
                }
            }
        }
    }

    /// The sections `[GROUP.NAME]`.
    fn named<T>(
        &mut self,
        group: &Entry<'_>,
        read: fn(&mut Self, &Entry<'_>, &dyn TableLike, &str) -> Option<T>,
    ) -> BTreeMap<String, T> {
        let mut found = BTreeMap::new();
        let Some(table) = self.table(group, &format!("[{}.NAME]", group.name)) else { return found };
        for entry in entries(table) {
            let header = format!("[{}.{}]", group.name, entry.name);
            // AWS calls its profiles as it likes.
            let problem = name_problem(entry.name).filter(|_| group.name != "profiles");
            if let Some(problem) = problem {
                self.mistake(entry.span, format!("{header}: {problem}"));
                continue;
            }
            let Some(table) = self.table(&entry, &format!("[{}.NAME]", group.name)) else { continue };
            if let Some(one) = read(self, &entry, table, &header) {
                found.insert(entry.name.to_owned(), one);
            }
        }
        found
    }

    fn profile(&mut self, _: &Entry<'_>, table: &dyn TableLike, header: &str) -> Option<Section> {
        Some(self.section(table, Level::Profile, header, &[]))
    }

    /// The settings of a section. `own` are the keys that such a section has besides.
    fn section(&mut self, table: &dyn TableLike, level: Level, header: &str, own: &[&'static str]) -> Section {
        let mut section = Section::default();
        for entry in entries(table).filter(|entry| !own.contains(&entry.name)) {
            let Some(key) = Key::named(entry.name).filter(|key| key.is_for(level)) else {
                self.unknown(&entry, level, header, own);
                continue;
            };
            let Some(value) = entry.item.as_value() else {
                let found = article(entry.item.type_name());
                self.mistake(
                    entry.span,
                    format!("`{key}` in {header}: expected {}, found {found}", key.kind().expected()),
                );
                continue;
            };
            match Value::from_toml(key.kind(), value) {
                Ok(value) => {
                    section.values.insert(key, Located { value, line: self.line(entry.span) });
                }
                Err(problem) => self.mistake(entry.span, format!("`{key}` in {header}: {problem}")),
            }
        }
        section
    }

    fn unknown(&mut self, entry: &Entry<'_>, level: Level, header: &str, own: &[&'static str]) {
        let name = entry.name;
        let message = match Key::named(name) {
            Some(key) => {
                let headers: Vec<_> = key.levels().iter().map(|level| level.header()).collect();
                format!("`{name}` does not belong in {header}, but in {}", headers.join(" or "))
            }
            None => {
                let mut known = own.to_vec();
                known.extend(Key::of(level).map(Key::name));
                unknown(name, header, known)
            }
        };
        self.mistake(entry.span.clone(), message);
    }

    fn target(&mut self, entry: &Entry<'_>, table: &dyn TableLike, header: &str) -> Option<Target> {
        let settings = self.section(table, Level::Target, header, &SELECTORS);
        let given: Vec<_> = entries(table).filter(|entry| SELECTORS.contains(&entry.name)).collect();
        let selector = match given.as_slice() {
            [] => {
                let message = format!("{header} does not say which instance: set one of id, name, tags, address");
                self.mistake(entry.span.clone(), message);
                return None;
            }
            [only] => self.selector(only, header)?,
            [first, second, ..] => {
                let message = format!(
                    "`{}` in {header} conflicts with `{}`: set only one of id, name, tags, address",
                    second.name, first.name
                );
                self.mistake(second.span.clone(), message);
                return None;
            }
        };
        Some(Target { selector, settings, line: self.line(entry.span.clone()) })
    }

    fn selector(&mut self, entry: &Entry<'_>, header: &str) -> Option<Selector> {
        if entry.name == "tags" {
            return self.tags(entry, header).map(Selector::Tags);
        }
        let text = self.text(entry, header)?.value;
        if entry.name == "id" && !["i-", "mi-", "ecs:"].iter().any(|prefix| text.starts_with(prefix)) {
            let message =
                format!("`id` in {header}: expected an instance id such as \"i-0123456789abcdef0\", found `{text}`");
            self.mistake(entry.span.clone(), message);
            return None;
        }
        Some(match entry.name {
            "id" => Selector::Id(text),
            "name" => Selector::Name(text),
            _ => Selector::Address(text),
        })
    }

    fn tags(&mut self, entry: &Entry<'_>, header: &str) -> Option<BTreeMap<String, String>> {
        const EXPECTED: &str = "expected tags such as { Role = \"postgres\" }";
        let Some(table) = entry.item.as_table_like().filter(|table| !table.is_empty()) else {
            self.mistake(entry.span.clone(), format!("`tags` in {header}: {EXPECTED}"));
            return None;
        };
        let mut tags = BTreeMap::new();
        for tag in entries(table) {
            match tag.item.as_str() {
                Some(value) => {
                    tags.insert(tag.name.to_owned(), value.to_owned());
                }
                None => {
                    let found = article(tag.item.type_name());
                    self.mistake(tag.span, format!("tag `{}` in {header}: expected a string, found {found}", tag.name));
                }
            }
        }
        (tags.len() == table.len()).then_some(tags)
    }

    fn tunnel(&mut self, entry: &Entry<'_>, table: &dyn TableLike, header: &str) -> Option<Tunnel> {
        let before = self.mistakes.len();
        let (mut target, mut forward, mut bind, mut wait, mut lanes) = (None, Vec::new(), None, false, None);
        for entry in entries(table) {
            match entry.name {
                "target" => target = self.text(&entry, header),
                "forward" => forward = self.forward(&entry, header),
                "bind" => bind = self.text(&entry, header),
                "wait" => match entry.item.as_bool() {
                    Some(on) => wait = on,
                    None => {
                        let found = article(entry.item.type_name());
                        self.mistake(entry.span, format!("`wait` in {header}: expected true or false, found {found}"));
                    }
                },
                "lanes" => lanes = self.lanes(&entry, header),
                name => self.mistake(entry.span, unknown(name, header, TUNNEL)),
            }
        }
        if !entry.name.contains(|c: char| c.is_alphabetic()) {
            self.mistake(entry.span.clone(), format!("{header}: the name of a tunnel must contain a letter"));
        }
        for (name, example) in [("target", "target = \"db\""), ("forward", "forward = [\"5432\"]")] {
            if !table.contains_key(name) {
                self.mistake(
                    entry.span.clone(),
                    format!("{header} has no `{name}`: expected a line such as {example}"),
                );
            }
        }
        if self.mistakes.len() > before {
            return None;
        }
        Some(Tunnel { target: target?, forward, bind, wait, lanes, line: self.line(entry.span.clone()) })
    }

    fn forward(&mut self, entry: &Entry<'_>, header: &str) -> Vec<Located<String>> {
        const EXPECTED: &str = "expected a list of forwards such as [\"5432\", \"8080:web.internal:80\"]";
        let Some(array) = entry.item.as_array().filter(|array| !array.is_empty()) else {
            self.mistake(entry.span.clone(), format!("`forward` in {header}: {EXPECTED}"));
            return Vec::new();
        };
        let mut forwards = Vec::new();
        for value in array {
            match value.as_str() {
                Some(text) => forwards.push(Located { value: text.to_owned(), line: self.line(value.span()) }),
                None => {
                    let found = article(value.type_name());
                    self.mistake(value.span(), format!("`forward` in {header}: {EXPECTED}, found {found} in it"));
                }
            }
        }
        forwards
    }

    fn lanes(&mut self, entry: &Entry<'_>, header: &str) -> Option<Lanes> {
        let value = match entry.item.as_value() {
            Some(value) => Value::from_toml(super::Kind::Lanes, value),
            None => Err(format!("expected {}, found {}", Lanes::EXPECTED, article(entry.item.type_name()))),
        };
        match value {
            Ok(Value::Lanes(lanes)) => Some(lanes),
            Ok(_) => None,
            Err(problem) => {
                self.mistake(entry.span.clone(), format!("`lanes` in {header}: {problem}"));
                None
            }
        }
    }

    fn text(&mut self, entry: &Entry<'_>, header: &str) -> Option<Located<String>> {
        let value = match entry.item.as_value() {
            Some(value) => Value::from_toml(super::Kind::Text, value),
            None => Err(format!("expected a string, found {}", article(entry.item.type_name()))),
        };
        match value {
            Ok(value) => Some(Located { value: value.to_string(), line: self.line(entry.span.clone()) }),
            Err(problem) => {
                self.mistake(entry.span.clone(), format!("`{}` in {header}: {problem}", entry.name));
                None
            }
        }
    }
}

pub(super) fn unknown<'a>(name: &str, header: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    format!("unknown key `{name}` in {header}{}", nearest::ending(name, known))
}

/// What keeps a name from being typed as a word.
fn name_problem(name: &str) -> Option<&'static str> {
    match name {
        "" => Some("a name cannot be empty"),
        name if name.starts_with('-') => Some("a name cannot begin with `-`, like a flag"),
        name if name.chars().any(|c| c.is_whitespace() || c.is_control()) => {
            Some("a name cannot contain spaces or control characters")
        }
        _ => None,
    }
}
