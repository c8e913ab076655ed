//! The dialect of INI that the AWS CLI reads: that of Python's `configparser`, line by line, but for what ends there
//! with an error for the whole file. Here such a line is a [`Mistake`], and everything else is read.

use std::collections::{BTreeMap, HashMap};

/// A file, taken apart.
#[derive(Debug, Default)]
pub(super) struct Ini {
    /// In the order in which they begin. A header that stands twice is one section.
    pub(super) sections: Vec<Section>,
    pub(super) mistakes: Vec<Mistake>,
    by_header: HashMap<String, usize>,
}

/// What stands under a header.
#[derive(Debug, Default)]
pub(super) struct Section {
    /// As it stands between the brackets.
    pub(super) header: String,
    /// By key, in lower case.
    pub(super) values: BTreeMap<String, Value>,
}

/// What stands behind a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// In one line, or in several.
    Text(String),
    /// Settings of their own, in lines that are indented under the key.
    Nested(BTreeMap<String, String>),
}

/// A line that cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    /// From 1 on.
    pub(super) line: usize,
    /// The header that it stands under, or the one that it was probably meant to be. None before the first.
    pub(super) header: Option<String>,
    pub(super) what: &'static str,
}

/// The section whose values all others have too.
const DEFAULTS: &str = "DEFAULT";

/// Takes a file apart. Nothing that it may hold is an error.
pub(super) fn parse(bytes: &[u8]) -> Ini {
    let mut parser = Parser::default();
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        parser.mistake(1, "the file is UTF-16: save it as UTF-8");
        return parser.ini;
    }
    // Windows editors write a byte order mark.
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    for (index, line) in lines(bytes).enumerate() {
        match std::str::from_utf8(line) {
            Ok(line) => parser.line(index + 1, line),
            Err(_) => parser.mistake(index + 1, "the line is not UTF-8"),
        }
    }
    parser.close();
    parser.ini.with_defaults()
}

/// Lines that end as on Unix, on Windows or on old Macs.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = bytes.split(|byte| *byte == b'\n');
    lines.flat_map(|line| line.strip_suffix(b"\r").unwrap_or(line).split(|byte| *byte == b'\r'))
}

#[derive(Default)]
struct Parser {
    ini: Ini,
    place: Place,
    open: Option<Open>,
    /// Blanks in front of the last line that was no continuation: lines with more belong to its key.
    indent: usize,
}

#[derive(Default)]
enum Place {
    #[default]
    Before,
    In(usize),
    /// Under a header that cannot be read. What stands there must not count for the section above it.
    Lost(String),
}

/// A key whose value may go on.
struct Open {
    key: String,
    lines: Vec<(usize, String)>,
}

impl Parser {
    fn line(&mut self, number: usize, line: &str) {
        let text = line.trim();
        if text.starts_with(['#', ';']) {
            return;
        }
        if text.is_empty() {
            self.open.iter_mut().for_each(|open| open.lines.push((number, String::new())));
            return;
        }
        let indent = line.chars().take_while(|c| c.is_whitespace()).count();
        if let Some(open) = self.open.as_mut().filter(|_| indent > self.indent) {
            open.lines.push((number, text.to_owned()));
            return;
        }
        self.close();
        self.indent = indent;
        match (header(text), text.find(['=', ':'])) {
            (Some(header), _) => self.place = Place::In(self.ini.section(header)),
            (None, Some(at)) => self.key(number, text[..at].trim_end(), text[at + 1..].trim()),
            (None, None) if text.starts_with('[') => {
                self.place = Place::Lost(text[1..].trim().to_owned());
                self.mistake(number, "the header of a section must end with `]`");
            }
            (None, None) => self.mistake(number, "expected `key = value`"),
        }
    }

    fn key(&mut self, number: usize, key: &str, value: &str) {
        match self.place {
            Place::Before => self.mistake(number, "the line stands before the first section"),
            Place::In(_) if key.is_empty() => self.mistake(number, "expected a key in front of the value"),
            Place::In(_) => {
                self.open = Some(Open { key: key.to_lowercase(), lines: vec![(number, value.to_owned())] });
            }
            Place::Lost(_) => {}
        }
    }

    /// Keeps the value that has been read, if there is one.
    fn close(&mut self) {
        let (Some(Open { key, lines }), Place::In(section)) = (self.open.take(), &self.place) else { return };
        let section = *section;
        let text = lines.iter().map(|(_, line)| line.as_str()).collect::<Vec<_>>().join("\n");
        let text = text.trim_end();
        let value = if text.starts_with('\n') { self.nested(&lines) } else { Value::Text(text.to_owned()) };
        self.ini.sections[section].values.insert(key, value);
    }

    fn nested(&mut self, lines: &[(usize, String)]) -> Value {
        let mut values = BTreeMap::new();
        for (number, line) in lines.iter().filter(|(_, line)| !line.is_empty()) {
            match line.split_once('=') {
                Some((key, value)) => {
                    values.insert(key.trim().to_owned(), value.trim().to_owned());
                }
                None => self.mistake(*number, "expected `key = value`"),
            }
        }
        Value::Nested(values)
    }

    fn mistake(&mut self, line: usize, what: &'static str) {
        let header = match &self.place {
            Place::Before => None,
            Place::In(section) => Some(self.ini.sections[*section].header.clone()),
            Place::Lost(header) => Some(header.clone()),
        };
        self.ini.mistakes.push(Mistake { line, header, what });
    }
}

/// The header that a line is, up to the last bracket in it: a comment may follow.
fn header(text: &str) -> Option<&str> {
    let end = text.rfind(']').filter(|end| *end > 1)?;
    text[..end].strip_prefix('[')
}

impl Ini {
    fn section(&mut self, header: &str) -> usize {
        if let Some(known) = self.by_header.get(header) {
            return *known;
        }
        let index = self.sections.len();
        self.by_header.insert(header.to_owned(), index);
        self.sections.push(Section { header: header.to_owned(), values: BTreeMap::new() });
        index
    }

    fn with_defaults(mut self) -> Self {
        let Some(defaults) = self.by_header.remove(DEFAULTS) else { return self };
        let defaults = self.sections.remove(defaults);
        for section in &mut self.sections {
            for (key, value) in &defaults.values {
                section.values.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
        self
    }
}
