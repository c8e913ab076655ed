//! The configuration and the cache of a sandbox: the person's own name real accounts and endpoints, and would lead past
//! it; and what is found in a sandbox is of no use afterwards.

use std::io;
use std::path::PathBuf;

use crate::environment::{CACHE_DIR, CONFIG};
use crate::files::{self, TemporaryFolder};
use crate::sandbox;

/// A folder with a configuration file and a cache. It goes when this is dropped.
pub(crate) struct SandboxConfig(TemporaryFolder);

impl SandboxConfig {
    /// Makes a folder in the directory for temporary files.
    ///
    /// # Errors
    /// It cannot be made.
    pub(crate) fn new() -> io::Result<Self> {
        let config = Self(TemporaryFolder::new(sandbox::PREFIX)?);
        files::write(&config.file(), b"# The configuration of this sandbox, deleted when the sandbox ends.\n")?;
        Ok(config)
    }

    /// The variables that lead there. One that is set stays as it is: the user has named that file.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&'static str, PathBuf)> {
        let all = [(CONFIG, self.file()), (CACHE_DIR, self.0.path().join("cache"))];
        all.into_iter().filter(|(variable, _)| variable.value().is_none()).map(|(variable, path)| (variable.name, path))
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("config.toml")
    }
}
