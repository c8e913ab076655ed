//! Files and folders on this machine: for their owner alone, replaced in one step, or gone when they are done with.
//!
//! Nothing else in `src` replaces a file: `clippy.toml` disallows the functions of the standard library for it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

mod lock;
mod temporary;

pub(crate) use lock::Lock;
pub(crate) use temporary::{Leftover, TemporaryFolder, leftovers, leftovers_in};

/// Ends the name of a file that is about to take the place of another. One that is found was left by a crash.
pub(crate) const NEW: &str = "new";

/// How many links one after the other lead to a file.
const MAX_LINKS: usize = 16;

/// Creates a folder for its owner alone, and the folders above it that are missing. One that exists stays as it is.
pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    private_folder().recursive(true).create(path)
}

/// Creates a folder for its owner alone. One that exists is an error, so that others cannot have prepared it.
pub(crate) fn create_new_folder(path: &Path) -> io::Result<()> {
    private_folder().create(path)
}

/// Has a file that these options create be its owner's alone, from its first moment.
pub(crate) fn owner_only(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Replaces a person's file in one step: a reader, or a crash, finds the old content or the new one, which is on the disk
/// when this returns. Links are followed, mode and owner stay; a new file is its owner's alone.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let path = followed(path)?;
    let mut new = beside(&path, create)?;
    let file = new.as_file_mut();
    resemble(file, &path)?;
    file.write_all(content)?;
    file.sync_all()?;
    persist(new, &path)
}

/// Writes a file of our own in one step, for its owner alone. A reader finds the old content or the new one; a crash of the
/// machine may lose both, which such a file has to be good for.
pub(crate) fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut new = beside(path, create)?;
    new.as_file_mut().write_all(content)?;
    persist(new, path)
}

/// Makes `path` a link to a file, or a copy of it where links need a privilege.
#[cfg(unix)]
pub(crate) fn link(file: &Path, path: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(file, path)
}

/// Makes `path` a link to a file, or a copy of it where links need a privilege.
#[cfg(not(unix))]
pub(crate) fn link(file: &Path, path: &Path) -> io::Result<()> {
    fs::copy(file, path).map(drop)
}

/// Makes `path` a link in one step, whatever it was: there is one or the other at every moment.
pub(crate) fn replace_by_link(file: &Path, path: &Path) -> io::Result<()> {
    persist(beside(path, |new| link(file, new))?, path)
}

fn private_folder() -> DirBuilder {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "folders have no modes here"))]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// Makes what is to take the place of a file. It is beside it, so that it is in the same file system; it goes if it does
/// not get there.
fn beside<T>(path: &Path, make: impl FnMut(&Path) -> io::Result<T>) -> io::Result<NamedTempFile<T>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let folder = path.parent().unwrap_or(Path::new(""));
    Builder::new().prefix(&format!(".{name}.ssmx-")).suffix(&format!(".{NEW}")).make_in(folder, make)
}

fn create(path: &Path) -> io::Result<File> {
    owner_only(OpenOptions::new().write(true).create_new(true)).open(path)
}

fn persist<T>(new: NamedTempFile<T>, path: &Path) -> io::Result<()> {
    // Closed first: not every system renames a file that is open.
    new.into_temp_path().persist(path).map_err(|error| error.error)
}

/// Where links lead, whether or not there is a file.
fn followed(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        if !path.is_symlink() {
            return Ok(path);
        }
        let link = fs::read_link(&path)?;
        path = path.parent().unwrap_or(Path::new("")).join(link);
    }
    Err(io::Error::other("too many symbolic links"))
}

/// Gives a file the mode and the owner of another, if that exists.
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

#[cfg(all(test, unix))]
mod tests;
