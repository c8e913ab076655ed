//! The configuration and the cache of a sandbox: the person's own name real accounts and endpoints, and would lead past
//! it; and what is found in a sandbox is of no use afterwards.

use std::fs::{self, DirBuilder};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::PathBuf;

use crate::environment::{CACHE_DIR, CONFIG};

/// A folder with a configuration file and a cache. It goes when this is dropped.
pub(crate) struct SandboxConfig(PathBuf);

impl SandboxConfig {
    /// Makes it.
    ///
    /// # Errors
    /// It cannot be made.
    pub(crate) fn new() -> io::Result<Self> {
        let name = format!("ssmx-sandbox-{:016x}", RandomState::new().hash_one(std::process::id()));
        let folder = std::env::temp_dir().join(name);
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        // An error if it exists, so that nobody can have prepared it.
        builder.create(&folder)?;
        let config = Self(folder);
        fs::write(config.file(), "# The configuration of this sandbox. It goes when the sandbox goes.\n")?;
        Ok(config)
    }

    /// The variables that lead there. One that is set stays as it is: whoever names a file means it.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&'static str, PathBuf)> {
        let all = [(CONFIG, self.file()), (CACHE_DIR, self.0.join("cache"))];
        all.into_iter().filter(|(variable, _)| variable.value().is_none()).map(|(variable, path)| (variable.name, path))
    }

    fn file(&self) -> PathBuf {
        self.0.join("config.toml")
    }
}

impl Drop for SandboxConfig {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, "cannot remove the folder of the sandbox");
        }
    }
}
