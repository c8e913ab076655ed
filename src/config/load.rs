//! From the text of a file to a [`Config`], with all mistakes at once.

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use toml_edit::Document;

use super::error::{ConfigError, MOST_MISTAKES};
use super::path::Location;
use super::reader::Reader;
use super::schema::Config;

/// Largest file. One of a thousand aliases has some hundred kilobytes.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

impl Config {
    /// Reads a file. One that is not there is as good as an empty one, unless `SSMX_CONFIG` names it.
    ///
    /// # Errors
    /// It cannot be read, or has mistakes.
    pub(crate) fn load(location: &Location) -> Result<Self, ConfigError> {
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
    pub(crate) fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(text);
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
/// It cannot be read, is not UTF-8, or is far too large.
pub(crate) fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MOST_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MOST_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("it is larger than {MOST_BYTES} bytes")));
    }
    Ok(text)
}
