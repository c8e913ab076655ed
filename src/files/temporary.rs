//! Folders that go when they are done with, and those that a process has left that was killed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::Builder;

use super::{Lock, create_new_folder};

/// The file in each folder that is locked while the process lives that made it.
const OWNER: &str = ".owner";

/// Names that are looked at for folders that were left over.
const MOST_NAMES: usize = 100_000;

/// A folder for its owner alone that goes, with all that is in it, when this is dropped.
#[derive(Debug)]
pub(crate) struct TemporaryFolder {
    path: PathBuf,
    _owner: Lock,
}

impl TemporaryFolder {
    /// Creates one in the folder for temporary files. Its name begins with `prefix`.
    pub(crate) fn new(prefix: &str) -> io::Result<Self> {
        Self::new_in(&std::env::temp_dir(), prefix)
    }

    /// Creates one in a folder.
    pub(crate) fn new_in(parent: &Path, prefix: &str) -> io::Result<Self> {
        // An existing folder is an error, on which another name is tried.
        let folder = Builder::new().prefix(prefix).rand_bytes(16).make_in(parent, create_new_folder)?;
        // It would be removed like a file.
        let path = folder.into_temp_path().keep().map_err(|error| error.error)?;
        let owner = Lock::new(&path.join(OWNER)).inspect_err(|_| remove(&path))?;
        Ok(Self { path, _owner: owner })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

/// A [`TemporaryFolder`] whose process is gone.
#[derive(Debug)]
pub(crate) struct Leftover {
    path: PathBuf,
    _lock: Lock,
}

impl Leftover {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it.
    pub(crate) fn remove(self) {
        tracing::info!(folder = %self.path.display(), "removing what a killed process has left");
        remove(&self.path);
    }
}

/// The folders of ours in the folder for temporary files whose names begin with `prefix`, and whose process is certainly
/// gone: it has made a lock, and holds it no more. Those of other users, and links, are not.
pub(crate) fn leftovers(prefix: &str) -> Vec<Leftover> {
    leftovers_in(&std::env::temp_dir(), prefix)
}

/// As [`leftovers`], in a folder.
pub(crate) fn leftovers_in(parent: &Path, prefix: &str) -> Vec<Leftover> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten().take(MOST_NAMES);
    let named = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
    let ours = named.filter(|entry| entry.metadata().is_ok_and(|folder| folder.is_dir() && is_private(&folder)));
    let left = ours.filter_map(|entry| {
        let lock = Lock::existing(&entry.path().join(OWNER)).ok()??;
        Some(Leftover { path: entry.path(), _lock: lock })
    });
    left.collect()
}

/// Whether a folder is ours, and nobody else can have put something into it.
#[cfg(unix)]
fn is_private(folder: &fs::Metadata) -> bool {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let is_shared = folder.permissions().mode() & 0o077 != 0;
    folder.uid() == rustix::process::geteuid().as_raw() && !is_shared
}

#[cfg(not(unix))]
fn is_private(_: &fs::Metadata) -> bool {
    true
}

fn remove(path: &Path) {
    if let Err(error) = fs::remove_dir_all(path) {
        tracing::warn!(folder = %path.display(), %error, "cannot remove a temporary folder");
    }
}
