//! Changes a person's OpenSSH configuration without losing anything of it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Our own file, beside the person's.
pub(crate) const FILE: &str = "ssmx_config";

const LINE: &[u8] = b"Include ssmx_config\n";

/// How many links one after the other lead to a file.
const MAX_LINKS: usize = 16;

/// The content with our file included, once. In front of everything: behind a `Host` line it would hold for that host only.
pub(crate) fn include(content: &[u8]) -> Vec<u8> {
    if content.split_inclusive(|byte| *byte == b'\n').any(is_ours) {
        return content.to_vec();
    }
    [LINE, content].concat()
}

/// The content without the line that includes our file.
pub(crate) fn exclude(content: &[u8]) -> Vec<u8> {
    let mut lines: Vec<_> = content.split_inclusive(|byte| *byte == b'\n').collect();
    if let Some(place) = lines.iter().position(|line| is_ours(line)) {
        lines.remove(place);
    }
    lines.concat()
}

fn is_ours(line: &[u8]) -> bool {
    line.trim_ascii() == LINE.trim_ascii()
}

/// Makes the folder `~/.ssh`, for its owner alone, if it is not there.
pub(crate) fn create_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// Replaces the content of a file in one step: a reader sees the old or the new one, also after a
/// crash. Links are followed, mode and owner stay; a new file is its owner's alone.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let path = followed(path)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.ssmx-{}", std::process::id()));
    let written = write_new(&temporary, &path, content).and_then(|()| fs::rename(&temporary, &path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// Where links lead, be there a file or not.
fn followed(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        if !path.is_symlink() {
            return Ok(path);
        }
        let link = fs::read_link(&path)?;
        path = path.parent().unwrap_or(Path::new("")).join(link);
    }
    Err(io::Error::other("too many links"))
}

fn write_new(temporary: &Path, model: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(temporary)?;
    resemble(&file, model)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Gives a file the mode and the owner of another, if there is that other.
fn resemble(file: &File, model: &Path) -> io::Result<()> {
    let Ok(model) = model.metadata() else { return Ok(()) };
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, fchown};
        let ours = file.metadata()?;
        if (ours.uid(), ours.gid()) != (model.uid(), model.gid()) {
            fchown(file, Some(model.uid()), Some(model.gid()))?;
        }
    }
    file.set_permissions(model.permissions())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_line_is_there_once_and_in_front() {
        assert_eq!(include(b""), LINE);
        assert_eq!(include(b"Host a\n User b"), b"Include ssmx_config\nHost a\n User b");
        let moved = b"Host a\n  Include ssmx_config\r\n";
        assert_eq!(include(moved), moved, "a line that was moved stays where it is");
        assert_eq!(exclude(moved), b"Host a\n");
        let commented = b"# Include ssmx_config\n";
        assert_eq!(include(commented), [LINE, commented].concat());
    }

    proptest! {
        #[test]
        fn what_was_there_comes_back_byte_by_byte(
            content in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), any::<u8>()], 0..200),
        ) {
            let included = include(&content);
            prop_assert_eq!(&include(&included), &included);
            prop_assert_eq!(exclude(&included), content);
        }

        #[test]
        fn configurations_come_back(lines in proptest::collection::vec("(Host|User|Include|#)? ?[ -~]{0,20}\r?", 0..10)) {
            let content = lines.join("\n").into_bytes();
            prop_assert_eq!(exclude(&include(&content)), content);
        }
    }
}
