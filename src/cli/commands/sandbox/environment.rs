//! The configuration and the cache of a sandbox: the person's own name real accounts and endpoints, and would lead past
//! it; and what is found in a sandbox is of no use afterwards.

use std::fs::{self, DirBuilder};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::PathBuf;

use crate::config::VARIABLE;
use crate::fleet::cache::VARIABLE as CACHE_VARIABLE;

/// A folder with a configuration file and a cache. It goes when this is dropped.
pub(crate) struct SandboxConfig(PathBuf);

impl SandboxConfig {
    /// Makes a folder in the directory for temporary files.
    ///
    /// # Errors
    /// It cannot be made.
    pub(crate) fn new() -> io::Result<Self> {
        let name = format!("ssmx-sandbox-{:016x}", RandomState::new().hash_one(std::process::id()));
        let folder = std::env::temp_dir().join(name);
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        // An error if it exists, so that no other user can have prepared it.
        builder.create(&folder)?;
        let config = Self(folder);
        fs::write(config.file(), "# The configuration of this sandbox. It goes when the sandbox goes.\n")?;
        Ok(config)
    }

    /// The variables that lead there. One that is set stays as it is: the user has named that file.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&'static str, PathBuf)> {
        let all = [(VARIABLE, self.file()), (CACHE_VARIABLE, self.0.join("cache"))];
        all.into_iter().filter(|(name, _)| std::env::var_os(name).is_none_or(|value| value.is_empty()))
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
