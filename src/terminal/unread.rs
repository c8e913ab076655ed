//! Whether something is on standard input that a command without input leaves there.

/// Whether standard input is a file or a pipe with something in it that seems to be meant for us. Nothing is read.
///
/// Not what is somebody else's: a file that was read in part, and what the program that started us has as its own
/// standard input too, as the shell does that runs `while read -r line; do ssmx exec …; done`. Of a pipe it is known only
/// on Linux whose it is.
#[cfg(unix)]
pub(crate) fn has_unread_input() -> bool {
    use rustix::fs::{FileType, SeekFrom, fstat, seek};

    let stdin = rustix::stdio::stdin();
    let Ok(stat) = fstat(stdin) else { return false };
    let has_some = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => stat.st_size > 0 && seek(stdin, SeekFrom::Current(0)) == Ok(0),
        FileType::Fifo | FileType::Socket => rustix::io::ioctl_fionread(stdin).is_ok_and(|bytes| bytes > 0),
        _ => false,
    };
    has_some && !is_shared()
}

/// Whether our parent has the same standard input.
#[cfg(unix)]
fn is_shared() -> bool {
    use std::fs::metadata;
    use std::os::unix::fs::MetadataExt;

    let of_parent = rustix::process::getppid().map(|parent| format!("/proc/{}/fd/0", parent.as_raw_nonzero()));
    let file = |path: &str| metadata(path).ok().map(|found| (found.dev(), found.ino()));
    of_parent.and_then(|path| Some(file(&path)? == file("/proc/self/fd/0")?)).unwrap_or(false)
}

#[cfg(not(unix))]
pub(crate) fn has_unread_input() -> bool {
    false
}
