//! Reading, checking and writing the file as a whole.

use std::io;
use std::path::Path;

use super::check;
use crate::cli::error::CliError;
use crate::config::{Config, ConfigError, read};
use crate::files;

/// The text of the file; none if there is no file.
///
/// # Errors
/// It cannot be read.
pub(crate) fn text(path: &Path) -> Result<Option<String>, CliError> {
    match read(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(CliError::failed(format!("cannot read `{}`", path.display())).caused_by(&error)),
    }
}

/// Whether a text would load.
///
/// # Errors
/// It has mistakes.
pub(crate) fn check(text: &str, path: &Path) -> Result<(), ConfigError> {
    check::forwards(&Config::parse(text, path)?)
}

/// Writes the file in one step. It keeps its mode and its owner; a new one, and a new folder, is its owner's alone.
///
/// # Errors
/// It cannot be written; what was there is there still.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), CliError> {
    let failed = |error: io::Error| CliError::failed(format!("cannot write `{}`", path.display())).caused_by(&error);
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        files::create_folder(folder).map_err(failed)?;
    }
    files::replace(path, text.as_bytes()).map_err(failed)
}
