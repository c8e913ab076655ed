//! A unix socket to listen on: for its owner only, removed at the end.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::task::{Context, Poll};

use tokio::net;

use super::error::ListenError;
use super::incoming::Incoming;

#[derive(Debug)]
pub(super) struct UnixListener {
    listener: net::UnixListener,
    path: PathBuf,
    /// Device and inode: what we remove at the end is to be ours.
    identity: Option<(u64, u64)>,
}

impl UnixListener {
    /// Opens a socket that only its owner may use. One without a listener is replaced.
    pub(super) fn open(path: PathBuf) -> Result<Self, ListenError> {
        remove_stale(&path)?;
        let refused = |error| ListenError::Address { address: path.display().to_string(), error };
        let listener = net::UnixListener::bind(&path).map_err(refused)?;
        // Between the two lines the mode is what umask left of 0777. A private folder rules that out.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(refused)?;
        let identity = identity(&path);
        Ok(Self { listener, path, identity })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Incoming>> {
        self.listener.poll_accept(cx).map_ok(|(stream, _)| stream.into())
    }
}

impl AsFd for UnixListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

impl Drop for UnixListener {
    fn drop(&mut self) {
        if self.identity.is_some() && identity(&self.path) == self.identity {
            // It may be gone, and then that is all right.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

fn remove_stale(path: &Path) -> Result<(), ListenError> {
    let taken = |reason| Err(ListenError::Socket { path: path.display().to_string(), reason });
    match fs::symlink_metadata(path) {
        Err(_) => return Ok(()),
        Ok(file) if !file.file_type().is_socket() => return taken("the file exists and is not a socket"),
        Ok(_) => {}
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => taken("another program is listening on it"),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(|error| ListenError::Address { address: path.display().to_string(), error })
        }
        // What cannot be asked is not ours to remove.
        Err(error) => Err(ListenError::Address { address: path.display().to_string(), error }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stale_socket_is_replaced_and_a_live_one_or_a_file_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let socket = UnixListener::open(path.clone()).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let error = UnixListener::open(path.clone()).unwrap_err().to_string();
        assert!(error.ends_with("another program is listening on it"), "{error}");
        drop(socket);
        assert!(!path.exists());

        fs::write(&path, "precious").unwrap();
        assert!(UnixListener::open(path.clone()).unwrap_err().to_string().contains("not a socket"));
        assert_eq!(fs::read(&path).unwrap(), b"precious");
    }

    #[tokio::test]
    async fn a_foreign_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db.sock");
        let socket = UnixListener::open(path.clone()).unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, "other").unwrap();
        drop(socket);
        assert_eq!(fs::read(&path).unwrap(), b"other");
    }
}
