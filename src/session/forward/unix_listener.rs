//! A unix socket to listen on: for its owner only, removed at the end.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::task::{Context, Poll};

use socket2::{Domain, SockAddr, Socket, Type};
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
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None).map_err(refused)?;
        listen(&socket, &path).map_err(refused)?;
        let identity = identity(&path);
        socket.set_nonblocking(true).map_err(refused)?;
        let listener = net::UnixListener::from_std(socket.into()).map_err(refused)?;
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

/// The mode of a socket that only its owner may connect to.
const OWNER_ONLY: u32 = 0o600;

/// Connections that wait to be accepted; as many as the standard library has.
const BACKLOG: i32 = 128;

/// Listens under a name that is its owner's alone from its first moment, whatever umask says: a connection that is made
/// before a later change of the mode would be served.
fn listen(socket: &Socket, path: &Path) -> io::Result<()> {
    if cfg!(any(target_os = "linux", target_os = "android")) {
        // Here the name gets the mode that the socket has.
        rustix::fs::fchmod(socket, rustix::fs::Mode::from_raw_mode(OWNER_ONLY as rustix::fs::RawMode))?;
        socket.bind(&SockAddr::unix(path)?)?;
        socket.listen(BACKLOG)
    } else {
        listen_from_private_folder(socket, path)
    }
}

/// The same for systems on which a socket has no mode before it has a name: it gets its name in a folder that nobody else
/// can enter.
fn listen_from_private_folder(socket: &Socket, path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Its name is short, as the length of a socket's path is bounded.
    let private = fs::Permissions::from_mode(0o700);
    let folder = tempfile::Builder::new().prefix(".ssmx-").permissions(private).tempdir_in(parent)?;
    let inside = folder.path().join("s");
    socket.bind(&SockAddr::unix(&inside)?)?;
    fs::set_permissions(&inside, fs::Permissions::from_mode(OWNER_ONLY))?;
    socket.listen(BACKLOG)?;
    // Unlike a rename, a second name takes nobody's place.
    fs::hard_link(&inside, path)
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

    #[test]
    fn a_name_is_its_owners_alone_from_its_first_moment() {
        for listen in [listen, listen_from_private_folder] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("db.sock");
            let socket = || Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
            let first = socket();
            listen(&first, &path).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
            let taken = listen(&socket(), &path).unwrap_err().kind();
            assert!(matches!(taken, ErrorKind::AddrInUse | ErrorKind::AlreadyExists), "{taken}");
            std::os::unix::net::UnixStream::connect(&path).unwrap();
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left lying about");
        }
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
