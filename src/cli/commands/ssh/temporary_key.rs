//! A key for one login: made in a private folder, gone when dropped.

use std::fs::{self, DirBuilder};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use aws_lc_rs::rand;
use tokio::process::Command;

use super::program;
use crate::cli::error::CliError;

/// An ed25519 key pair in files that only we can read.
#[derive(Debug)]
pub(crate) struct TemporaryKey {
    folder: Folder,
    public: String,
}

impl TemporaryKey {
    /// Makes one with the system's `ssh-keygen`, under the person's runtime folder, or else the folder for temporary
    /// files.
    ///
    /// # Errors
    /// There is no `ssh-keygen`, or it failed.
    pub(crate) async fn make() -> Result<Self, CliError> {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|folder| folder.is_dir());
        Self::make_in(&runtime.unwrap_or_else(std::env::temp_dir)).await
    }

    async fn make_in(parent: &Path) -> Result<Self, CliError> {
        let failed = |error: io::Error| CliError::failed("cannot make a throw-away key").caused_by(&error);
        let folder = Folder::create(parent).map_err(failed)?;
        let mut keygen = Command::new("ssh-keygen");
        keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", "ssmx", "-f"]).arg(folder.private()).stdin(Stdio::null());
        let Output { status, stderr, .. } =
            keygen.output().await.map_err(|error| program::cannot_run("ssh-keygen", &error))?;
        if !status.success() {
            return Err(CliError::failed("cannot make a throw-away key").cause(String::from_utf8_lossy(&stderr).trim()));
        }
        let public = fs::read_to_string(folder.public()).map_err(failed)?.trim().to_owned();
        Ok(Self { folder, public })
    }

    /// Where the private key is.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.private()
    }

    /// The public key, as a line of `authorized_keys`.
    pub(crate) fn public(&self) -> &str {
        &self.public
    }
}

/// A private folder that is removed with all that is in it.
#[derive(Debug)]
struct Folder(PathBuf);

impl Folder {
    fn create(parent: &Path) -> io::Result<Self> {
        let mut random = [0; 8];
        rand::fill(&mut random).map_err(io::Error::other)?;
        let path = parent.join(format!("ssmx-key-{:016x}", u64::from_ne_bytes(random)));
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        // One that exists is not ours, and an error.
        builder.create(&path)?;
        Ok(Self(path))
    }

    fn private(&self) -> PathBuf {
        self.0.join("key")
    }

    fn public(&self) -> PathBuf {
        self.0.join("key.pub")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(folder = %self.0.display(), %error, "cannot remove a throw-away key");
        }
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
