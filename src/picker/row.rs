//! [`Row`]: an instance, made ready to be looked through at every key.

use nucleo_matcher::{Utf32Str, Utf32String};

use super::column;
use crate::config::Column;
use crate::fleet::{Instance, Platform};
use crate::text::printable;

/// More of a text than this is not looked at: tags are shorter, and matching takes time and memory by length.
const MOST_LETTERS: usize = 512;

/// An instance in the list.
pub(super) struct Row {
    pub(super) instance: Instance,
    /// Chosen together with others.
    pub(super) marked: bool,
    /// The look around by which it was seen last.
    pub(super) seen: u32,
    pub(super) name: Text,
    /// Its id and addresses, of which only whole parts count: in hexadecimal digits and numbers, letters in order are
    /// found everywhere.
    pub(super) ids: Text,
    /// `key=value` each, the name tag aside.
    pub(super) tags: Vec<Text>,
    /// What else can be said of it: whole parts count here too.
    pub(super) rest: Text,
}

/// A text to look through, and which letters are in it.
pub(super) struct Text {
    text: Utf32String,
    letters: u64,
}

impl Row {
    pub(super) fn new(instance: Instance, seen: u32) -> Self {
        let (mut own, mut from_aws) = (Vec::new(), String::new());
        for (key, value) in &instance.tags {
            if instance.name.as_ref() == Some(value) && key == "Name" {
                continue;
            }
            // What AWS itself tags is long and the same for many.
            if key.starts_with("aws:") {
                from_aws.push_str(&format!(" {key}={value}"));
            } else {
                own.push(Text::new(&format!("{key}={value}")));
            }
        }
        let ids = [&instance.private_ip, &instance.public_ip, &instance.private_dns, &instance.public_dns];
        let ids = ids.into_iter().flatten().fold(instance.id.clone(), |all, one| all + " " + one);
        let rest = [Column::Zone, Column::Type, Column::Platform, Column::Profile, Column::Computer, Column::Status];
        let rest =
            rest.iter().map(|column| column::text(column, &instance)).fold(from_aws, |all, one| all + " " + &one);
        // Not every name of a system says of what family it is.
        let rest = rest + " " + instance.platform.map_or("", Platform::as_str);
        Self {
            name: Text::new(instance.name.as_deref().unwrap_or_default()),
            ids: Text::new(&ids),
            tags: own,
            rest: Text::new(&rest),
            marked: false,
            seen,
            instance,
        }
    }

    /// The letters that are anywhere in it.
    pub(super) fn letters(&self) -> u64 {
        self.tags.iter().fold(self.name.letters | self.ids.letters | self.rest.letters, |all, tag| all | tag.letters)
    }
}

impl Text {
    pub(super) fn new(text: &str) -> Self {
        let text = printable(text);
        // Character by character, so that places of letters can be shown where they are.
        if text.is_ascii() {
            let text = &text[..text.len().min(MOST_LETTERS)];
            let letters = text.bytes().fold(0, |all, byte| all | letter(byte.into()));
            return Self { text: Utf32String::Ascii(text.into()), letters };
        }
        let text: Box<[char]> = text.chars().take(MOST_LETTERS).collect();
        let letters = text.iter().fold(0, |all, c| all | letter(*c));
        Self { text: Utf32String::Unicode(text), letters }
    }

    pub(super) fn as_str(&self) -> Utf32Str<'_> {
        self.text.slice(..)
    }

    /// Whether all of `letters` are in it.
    pub(super) fn has(&self, letters: u64) -> bool {
        self.letters & letters == letters
    }
}

/// The bits of the letters that a word needs, by which most texts are told at once not to have them.
pub(super) fn needed(word: &str) -> u64 {
    word.chars().filter(char::is_ascii).fold(0, |all, c| all | letter(c))
}

/// One bit for each of the usual characters, whatever the case. One that is not ASCII counts as all letters: it may be
/// found by the plain letter that it is like.
fn letter(c: char) -> u64 {
    match c.to_ascii_lowercase() {
        c @ 'a'..='z' => 1 << (c as u32 - 'a' as u32),
        c @ '0'..='9' => 1 << (26 + c as u32 - '0' as u32),
        '-' => 1 << 36,
        '.' => 1 << 37,
        '=' => 1 << 38,
        '_' => 1 << 39,
        c if c.is_ascii() => 0,
        _ => (1 << 36) - 1,
    }
}
