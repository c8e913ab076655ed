//! Where the file is.

use std::path::PathBuf;

use super::error::ConfigError;
use crate::environment;

/// The file, be it there or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Location {
    pub path: PathBuf,
    /// Whether `SSMX_CONFIG` named it; then it has to be there.
    pub named: bool,
}

/// `SSMX_CONFIG`, else `ssmx/config.toml` under `$XDG_CONFIG_HOME` or `~/.config`; on Windows under the folder for
/// roaming application data.
///
/// # Errors
/// There is no home folder.
pub(crate) fn location() -> Result<Location, ConfigError> {
    if let Some(path) = environment::CONFIG.path() {
        return Ok(Location { path, named: true });
    }
    let folder = if cfg!(windows) {
        dirs::config_dir()
    } else {
        // The same on every Unix: the folder that macOS has for this is not where one looks for the file of a command line.
        // A relative path is to be ignored, says the specification.
        let xdg = environment::XDG_CONFIG_HOME.path().filter(|path| path.is_absolute());
        xdg.or_else(|| {
            std::env::home_dir().filter(|home| !home.as_os_str().is_empty()).map(|home| home.join(".config"))
        })
    };
    let path = folder.ok_or(ConfigError::NoHome)?.join("ssmx").join("config.toml");
    Ok(Location { path, named: false })
}
