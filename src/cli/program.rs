//! This program, and the programs of this machine.

use std::io;
use std::path::{Path, PathBuf};

/// The file of this program, by the name it was found under.
///
/// # Errors
/// The system cannot say.
pub(crate) fn this_program() -> io::Result<PathBuf> {
    std::env::current_exe()
}

/// Whether a file can be run.
#[cfg(unix)]
pub(crate) fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// Whether a file can be run, as far as its existence tells.
#[cfg(not(unix))]
pub(crate) fn is_program(path: &Path) -> bool {
    path.is_file()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_run_is_told_from_what_cannot() {
        assert!(is_program(&this_program().unwrap()) && is_program(Path::new("/bin/sh")));
        assert!(
            !is_program(Path::new("/")) && !is_program(Path::new("/etc/passwd")) && !is_program(Path::new("/none"))
        );
    }
}
