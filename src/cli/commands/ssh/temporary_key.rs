//! A key for one login: made in a private folder, gone when dropped.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::{fs, io};

use tokio::process::Command;

use super::program;
use crate::cli::error::CliError;
use crate::environment;
use crate::files::{self, Leftover, TemporaryFolder};

/// The files that `ssh-keygen` makes.
const PRIVATE: &str = "key";
const PUBLIC: &str = "key.pub";

/// How the name of a folder with a key begins.
const PREFIX: &str = "ssmx-key-";

/// An ed25519 key pair in files that only we can read.
#[derive(Debug)]
pub(crate) struct TemporaryKey {
    folder: TemporaryFolder,
    public: String,
}

impl TemporaryKey {
    /// Makes one with the system's `ssh-keygen`, under the person's runtime folder, or else the folder for temporary
    /// files.
    ///
    /// # Errors
    /// There is no `ssh-keygen`, or it failed.
    pub(crate) async fn make() -> Result<Self, CliError> {
        let runtime = environment::XDG_RUNTIME_DIR.path().filter(|folder| folder.is_dir());
        Self::make_in(&runtime.unwrap_or_else(std::env::temp_dir)).await
    }

    async fn make_in(parent: &Path) -> Result<Self, CliError> {
        let failed = |error: io::Error| CliError::failed("cannot make a temporary key").caused_by(&error);
        // Nor is a key left for long behind an ssmx that was killed.
        files::leftovers_in(parent, PREFIX).into_iter().for_each(Leftover::remove);
        let folder = TemporaryFolder::new_in(parent, PREFIX).map_err(failed)?;
        let mut keygen = Command::new("ssh-keygen");
        keygen
            .args(["-q", "-t", "ed25519", "-N", "", "-C", "ssmx", "-f"])
            .arg(folder.path().join(PRIVATE))
            .stdin(Stdio::null());
        let Output { status, stderr, .. } =
            keygen.output().await.map_err(|error| program::cannot_run("ssh-keygen", &error))?;
        if !status.success() {
            return Err(CliError::failed("cannot make a temporary key").cause(String::from_utf8_lossy(&stderr).trim()));
        }
        let public = fs::read_to_string(folder.path().join(PUBLIC)).map_err(failed)?.trim().to_owned();
        Ok(Self { folder, public })
    }

    /// Where the private key is.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join(PRIVATE)
    }

    /// The public key, as a line of `authorized_keys`.
    pub(crate) fn public(&self) -> &str {
        &self.public
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[tokio::test]
    async fn a_key_is_its_owners_alone_and_goes() {
        let parent = tempfile::tempdir().unwrap();
        let key = TemporaryKey::make_in(parent.path()).await.unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&key.path()), mode(key.path().parent().unwrap())), (0o600, 0o700));
        assert!(key.public().starts_with("ssh-ed25519 ") && !key.public().contains('\n'), "{}", key.public());
        drop(key);
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn nowhere_to_put_it_is_an_error() {
        assert!(TemporaryKey::make_in(Path::new("/nowhere")).await.is_err());
    }
}
