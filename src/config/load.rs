//! From the text of a file to a [`Config`], with all mistakes at once.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;

use toml_edit::{Document, Item, TableLike};

use super::error::{ConfigError, Mistake};
use super::key::{Key, Level};
use super::near::nearest;
use super::path::Location;
use super::schema::{Config, Located, Section, Selector, Target, Tunnel};
use super::value::{Value, article};

/// Largest file. One of a thousand aliases has some hundred kilobytes.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// Mistakes are told up to this number.
const MOST_MISTAKES: usize = 20;

pub(super) const SECTIONS: [&str; 4] = ["defaults", "profiles", "targets", "tunnels"];
pub(super) const SELECTORS: [&str; 4] = ["id", "name", "tags", "address"];
pub(super) const TUNNEL: [&str; 4] = ["target", "forward", "bind", "wait"];

impl Config {
    /// Reads a file. One that is not there is as good as an empty one, unless `SSMX_CONFIG` names it.
    ///
    /// # Errors
    /// It cannot be read, or has mistakes.
    pub fn load(location: &Location) -> Result<Self, ConfigError> {
        let path = &location.path;
        match read(path) {
            Ok(text) => Self::parse(&text, path),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !location.named => Ok(Self::default()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(ConfigError::Missing(path.clone())),
            Err(source) => Err(ConfigError::Unreadable { path: path.clone(), source }),
        }
    }

    /// Reads the text of a file; the path is for messages.
    ///
    /// # Errors
    /// It has mistakes.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let mut reader = Reader { text, mistakes: Vec::new() };
        let mut config = Self { path: Some(path.to_owned()), ..Self::default() };
        match Document::parse(text) {
            Ok(document) => reader.root(document.as_table(), &mut config),
            Err(error) => reader.mistake(error.span(), error.message().to_owned()),
        }
        if reader.mistakes.is_empty() {
            return Ok(config);
        }
        reader.mistakes.sort_by_key(|mistake| mistake.line);
        reader.mistakes.truncate(MOST_MISTAKES);
        Err(ConfigError::Invalid { path: path.to_owned(), mistakes: reader.mistakes })
    }
}

/// The text of a configuration file.
///
/// # Errors
/// It cannot be read, is no UTF-8 or far too large.
pub fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MOST_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MOST_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("it is larger than {MOST_BYTES} bytes")));
    }
    Ok(text)
}

struct Reader<'a> {
    text: &'a str,
    mistakes: Vec<Mistake>,
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

impl Reader<'_> {
    fn mistake(&mut self, span: Option<Range<usize>>, message: impl Into<String>) {
        let line = self.line(span);
        self.mistakes.push(Mistake { line, message: message.into() });
    }

    fn line(&self, span: Option<Range<usize>>) -> usize {
        let at = span.map_or(0, |span| span.start).min(self.text.len());
        self.text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1
    }

    fn table<'a>(&mut self, entry: &Entry<'a>, header: &str) -> Option<&'a dyn TableLike> {
        let table = entry.item.as_table_like();
        if table.is_none() {
            let found = article(entry.item.type_name());
            self.mistake(entry.span.clone(), format!("expected a section {header}, found {found}"));
        }
        table
    }

    fn root(&mut self, root: &dyn TableLike, config: &mut Config) {
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
                    self.mistake(entry.span, format!("`{name}` stands outside a section; it belongs under [defaults]"));
                }
                name => {
                    let near = nearest(name, SECTIONS).map(|near| format!("; did you mean `{near}`?"));
                    let there_are = || format!(": there are {}", SECTIONS.join(", "));
                    self.mistake(entry.span, format!("unknown section `{name}`{}", near.unwrap_or_else(there_are)));
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

    /// The settings of a section, beside the keys of its own that are read elsewhere.
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
                let levels =
                    [Level::Defaults, Level::Profile, Level::Target].into_iter().filter(|level| key.is_for(*level));
                let headers: Vec<_> = levels.map(Level::header).collect();
                format!("`{name}` does not belong in {header}, but in {}", headers.join(" or "))
            }
            None => {
                let mut known = own.to_vec();
                known.extend(Key::ALL.into_iter().filter(|key| key.is_for(level)).map(Key::name));
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
                let message =
                    format!("{header} says not which instance is meant: expected one of id, name, tags, address");
                self.mistake(entry.span.clone(), message);
                return None;
            }
            [only] => self.selector(only, header)?,
            [first, second, ..] => {
                let message = format!(
                    "`{}` in {header} stands beside `{}`: expected only one of id, name, tags, address",
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
                    self.mistake(tag.span, format!("tag `{}` in {header}: expected a text, found {found}", tag.name));
                }
            }
        }
        (tags.len() == table.len()).then_some(tags)
    }

    fn tunnel(&mut self, entry: &Entry<'_>, table: &dyn TableLike, header: &str) -> Option<Tunnel> {
        let before = self.mistakes.len();
        let (mut target, mut forward, mut bind, mut wait) = (None, Vec::new(), None, false);
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
                name => self.mistake(entry.span, unknown(name, header, TUNNEL)),
            }
        }
        if !entry.name.contains(|c: char| c.is_alphabetic()) {
            self.mistake(entry.span.clone(), format!("{header}: a tunnel needs a name with a letter in it"));
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
        Some(Tunnel { target: target?, forward, bind, wait, line: self.line(entry.span.clone()) })
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

    fn text(&mut self, entry: &Entry<'_>, header: &str) -> Option<Located<String>> {
        let value = match entry.item.as_value() {
            Some(value) => Value::from_toml(super::Kind::Text, value),
            None => Err(format!("expected a text, found {}", article(entry.item.type_name()))),
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
    let known: Vec<_> = known.into_iter().collect();
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("unknown key `{name}` in {header}; did you mean `{near}`?"),
        None => format!("unknown key `{name}` in {header}: there are {}", known.join(", ")),
    }
}

/// What keeps a name from being typed as a word.
fn name_problem(name: &str) -> Option<&'static str> {
    match name {
        "" => Some("a name cannot be empty"),
        name if name.starts_with('-') => Some("a name cannot begin with `-`, like a flag"),
        name if name.chars().any(|c| c.is_whitespace() || c.is_control()) => Some("a name cannot have spaces in it"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the design.
    const EXAMPLE: &str = r#"
[defaults]
profile  = "work"
columns  = ["name", "id", "status", "platform", "zone", "ip"]
name_tag = "Name"
cache    = "60s"

[profiles.prod]            # per AWS profile
region   = "eu-west-1"
ssh_user = "ubuntu"
shell_document = "Corp-Shell"
reason_required = true

[targets.db]               # an alias
tags    = { Role = "postgres", Env = "prod" }
profile = "prod"

[tunnels.pg]               # ssmx fwd pg
target  = "db"
forward = ["5432:orders.cluster-x.eu-west-1.rds.amazonaws.com:5432"]
"#;

    fn parse(text: &str) -> Result<Config, Vec<String>> {
        Config::parse(text, Path::new("config.toml")).map_err(|error| match error {
            ConfigError::Invalid { mistakes, .. } => mistakes.iter().map(Mistake::to_string).collect(),
            other => panic!("{other}"),
        })
    }

    #[test]
    fn the_example_of_the_design_is_understood() {
        let config = parse(EXAMPLE).unwrap();
        assert_eq!(config.defaults.get(Key::Profile), Some(&Value::Text("work".into())));
        let prod = &config.profiles["prod"];
        assert_eq!(prod.values[&Key::ReasonRequired], Located { value: Value::Switch(true), line: 12 });
        let db = &config.targets["db"];
        let tags = [("Role", "postgres"), ("Env", "prod")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!((&db.selector, db.line), (&Selector::Tags(tags.into()), 14));
        assert_eq!(db.settings.get(Key::Profile), Some(&Value::Text("prod".into())));
        let pg = &config.tunnels["pg"];
        assert_eq!((pg.target.value.as_str(), pg.forward[0].line, pg.wait), ("db", 20, false));
    }

    #[test]
    fn tables_can_be_written_in_every_way_that_toml_has() {
        let config =
            parse("defaults.region = 'eu-west-1'\ntargets = { a = { id = 'i-1' }, b = { name = 'x' } }\n").unwrap();
        assert_eq!(config.defaults.values[&Key::Region].line, 1);
        assert_eq!(config.targets["b"].selector, Selector::Name("x".into()));
        assert_eq!(parse("").unwrap().profiles.len(), 0);
        let dotted = parse("[targets.db]\ntags.Role = 'x'\ntags.Env = 'y'\n").unwrap();
        assert!(matches!(&dotted.targets["db"].selector, Selector::Tags(tags) if tags.len() == 2));
    }

    #[test]
    fn every_mistake_is_told_with_its_line_and_what_was_meant() {
        let mistakes = parse(
            "[defaults]\nregoin = 'eu-west-1'\nssh_port = '22'\n[profiles.p]\nprofile = 'x'\ncolor = 1\n\
             [targets.a]\nid = 'i-1'\nname = 'x'\n[targets.b]\n[targets.c]\nadress = 'x'\ntags = {}\n\
             [tunnels.1]\ntarget = 1\nforwards = ['1']\n[tunnel.x]\n",
        )
        .unwrap_err();
        let expected = [
            "line 2: unknown key `regoin` in [defaults]; did you mean `region`?",
            "line 3: `ssh_port` in [defaults]: expected a port from 1 to 65535, found a string",
            "line 5: `profile` does not belong in [profiles.p], but in [defaults] or [targets.NAME]",
            "line 6: unknown key `color` in [profiles.p]: there are region, columns, name_tag, cache, ssh_user, ssh_port, \
             shell_document, exec_document, ssh_document, forward_document, remote_forward_document, reason, \
             reason_required, endpoint_url, ssm_endpoint_url, ssmmessages_endpoint_url, ec2_endpoint_url, \
             ec2_instance_connect_endpoint_url, kms_endpoint_url, sts_endpoint_url",
            "line 9: `name` in [targets.a] stands beside `id`: expected only one of id, name, tags, address",
            "line 10: [targets.b] says not which instance is meant: expected one of id, name, tags, address",
            "line 12: unknown key `adress` in [targets.c]; did you mean `address`?",
            "line 13: `tags` in [targets.c]: expected tags such as { Role = \"postgres\" }",
            "line 14: [tunnels.1]: a tunnel needs a name with a letter in it",
            "line 14: [tunnels.1] has no `forward`: expected a line such as forward = [\"5432\"]",
            "line 15: `target` in [tunnels.1]: expected a text, found an integer",
            "line 16: unknown key `forwards` in [tunnels.1]; did you mean `forward`?",
            "line 17: unknown section `tunnel`; did you mean `tunnels`?",
        ];
        assert_eq!(mistakes, expected);
    }

    #[test]
    fn what_is_no_section_and_no_toml_is_told_too() {
        for (text, said) in [
            ("region = 'x'", "line 1: `region` stands outside a section; it belongs under [defaults]"),
            ("\n[[defaults]]", "line 2: expected a section [defaults], found an array of tables"),
            ("targets = 1", "line 1: expected a section [targets.NAME], found an integer"),
            ("[targets]\ndb = 'x'", "line 2: expected a section [targets.NAME], found a string"),
            ("[targets.'a b']\nid = 'x'", "line 1: [targets.a b]: a name cannot have spaces in it"),
            (
                "[tunnels.-x]\ntarget = 'x'\nforward=['1']",
                "line 1: [tunnels.-x]: a name cannot begin with `-`, like a flag",
            ),
            (
                "[defaults.region]\nx = 1",
                "line 1: `region` in [defaults]: expected the name of a region such as \"eu-west-1\", found a table",
            ),
            (
                "[tunnels.a]\ntarget='x'\nforward = [\n'1',\n2]",
                "line 5: `forward` in [tunnels.a]: expected a list of forwards such as [\"5432\", \"8080:web.internal:80\"], found an integer in it",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err(), [said], "{text}");
        }
        let syntax = parse("[defaults]\nregion = eu-west-1\n").unwrap_err();
        assert!(syntax.len() == 1 && syntax[0].starts_with("line 2: "), "{syntax:?}");
        let twice = parse("[defaults]\nregion = 'a'\nregion = 'b'\n").unwrap_err();
        assert!(twice[0].starts_with("line 3: "), "{twice:?}");
        assert!(parse("[profiles.'my work']\nregion = 'eu-west-1'").is_ok());
        let many: String = (0..50).map(|n| format!("zzzzzz{n} = 1\n")).collect();
        assert_eq!(parse(&many).unwrap_err().len(), MOST_MISTAKES);
    }

    #[test]
    fn a_file_that_is_not_there_is_empty_unless_it_was_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        let load = |named| Config::load(&Location { path: path.clone(), named });
        assert_eq!(load(false).unwrap(), Config::default());
        assert!(matches!(load(true), Err(ConfigError::Missing(missing)) if missing == path));
        std::fs::write(&path, b"\xff").unwrap();
        assert!(matches!(load(false), Err(ConfigError::Unreadable { .. })));
        std::fs::write(&path, "[defaults]\nregion = 1").unwrap();
        let said = load(false).unwrap_err().to_string();
        assert!(said.starts_with(&format!("{}:2: `region` in [defaults]: expected", path.display())), "{said}");
    }

    proptest::proptest! {
        #[test]
        fn no_text_brings_it_down(text in r#"(\[?\[?[a-z.]{0,9}\]?\]?( = ['\[{0-9a-z}\]"]{0,6})?\n){0,8}"#) {
            let _ = Config::parse(&text, Path::new("x"));
        }
    }
}
