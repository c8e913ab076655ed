//! Locks that tell whether the process lives that made a file: the system lets go of them however it ends.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

use super::{beside, create};

/// A lock on a file, until this is dropped.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "the lock is the file's")] File);

impl Lock {
    /// Makes a file that is locked from its first moment under this name. One that is there is replaced.
    ///
    /// # Errors
    /// It cannot be made, or files cannot be locked here.
    pub(crate) fn new(path: &Path) -> io::Result<Self> {
        let (file, unnamed) = beside(path, create)?.into_parts();
        file.try_lock().map_err(io::Error::from)?;
        unnamed.persist(path).map_err(|error| error.error)?;
        Ok(Self(file))
    }

    /// Takes the lock of a file together with others who look; none if the process lives that made it.
    ///
    /// # Errors
    /// There is no such file, or it cannot be locked.
    pub(crate) fn existing(path: &Path) -> io::Result<Option<Self>> {
        let file = File::open(path)?;
        match file.try_lock_shared() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}
