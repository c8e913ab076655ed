//! The configuration of a sandbox: the person's own names real accounts and endpoints, and would lead past it.

use std::fs::{self, DirBuilder};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::PathBuf;

use crate::config::VARIABLE;

/// A configuration file in a folder of its own. It goes when this is dropped.
pub(super) struct SandboxConfig(PathBuf);

impl SandboxConfig {
    /// Makes it. None if `SSMX_CONFIG` is set: whoever names a file means it.
    ///
    /// # Errors
    /// It cannot be made.
    pub(super) fn new() -> io::Result<Option<Self>> {
        if std::env::var_os(VARIABLE).is_some_and(|path| !path.is_empty()) {
            return Ok(None);
        }
        let name = format!("ssmx-config-{:016x}", RandomState::new().hash_one(std::process::id()));
        let folder = std::env::temp_dir().join(name);
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        // An error if it exists, so that nobody can have prepared it.
        builder.create(&folder)?;
        let config = Self(folder);
        fs::write(config.file(), "# The configuration of this sandbox. It goes when the sandbox goes.\n")?;
        Ok(Some(config))
    }

    /// The variable that leads there.
    pub(super) fn variable(&self) -> (String, String) {
        (VARIABLE.to_owned(), self.file().to_string_lossy().into_owned())
    }

    fn file(&self) -> PathBuf {
        self.0.join("config.toml")
    }
}

impl Drop for SandboxConfig {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, "cannot remove the configuration of the sandbox");
        }
    }
}
