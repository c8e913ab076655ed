//! What was used lately: a small file of ids, the last first.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::environment;
use crate::files;

/// The most ids that are remembered.
pub(crate) const MOST_REMEMBERED: usize = 200;

/// A file larger than this is none of ours.
const MOST_BYTES: u64 = 256 * 1024;

/// Changed when the file is written in another way; one of another version is begun anew.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Remembered {
    version: u32,
    ids: Vec<String>,
}

/// The ids of the instances that sessions were started on, the last first. None if they cannot be read.
pub(crate) fn load() -> Vec<String> {
    path().map(|path| read(&path)).unwrap_or_default()
}

/// Remembers that a session was started on an instance. A failure goes to the log alone: the
/// session started nevertheless.
pub(crate) fn remember(id: &str) {
    // Sessions that start side by side must not forget each other.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(path) = path() else { return };
    if let Err(error) = write(&path, id) {
        tracing::debug!(%error, path = %path.display(), "cannot save the recently used instances");
    }
}

fn path() -> Option<PathBuf> {
    Some(environment::state_folder()?.join("recent.json"))
}

fn read(path: &Path) -> Vec<String> {
    let Ok(file) = File::open(path) else { return Vec::new() };
    let mut text = String::new();
    if file.take(MOST_BYTES).read_to_string(&mut text).is_err() {
        return Vec::new();
    }
    match serde_json::from_str::<Remembered>(&text) {
        Ok(remembered) if remembered.version == VERSION => remembered.ids.into_iter().take(MOST_REMEMBERED).collect(),
        _ => Vec::new(),
    }
}

/// Puts the id first. The file is replaced as a whole, so that a reader meanwhile sees the old or the new one.
fn write(path: &Path, id: &str) -> io::Result<()> {
    let mut ids = vec![id.to_owned()];
    ids.extend(read(path).into_iter().filter(|known| known != id));
    ids.truncate(MOST_REMEMBERED);
    let folder = path.parent().ok_or(io::ErrorKind::NotFound)?;
    files::create_folder(folder)?;
    files::write(path, &serde_json::to_vec(&Remembered { version: VERSION, ids })?)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_last_comes_first_and_once_and_there_is_a_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new").join("recent.json");
        assert!(read(&path).is_empty());
        for id in ["i-1", "i-2", "i-1"] {
            write(&path, id).unwrap();
        }
        assert_eq!(read(&path), ["i-1", "i-2"]);
        for n in 0..300 {
            write(&path, &format!("mi-{n}")).unwrap();
        }
        let ids = read(&path);
        assert_eq!((ids.len(), ids[0].as_str()), (MOST_REMEMBERED, "mi-299"));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_file_that_is_none_of_ours_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recent.json");
        for text in ["", "{", "[1]", r#"{"version":2,"ids":["i-9"]}"#, "\u{0}"] {
            fs::write(&path, text).unwrap();
            assert!(read(&path).is_empty(), "{text:?}");
            write(&path, "i-1").unwrap();
            assert_eq!(read(&path), ["i-1"]);
        }
        assert!(write(Path::new("/proc/nowhere/recent.json"), "i-1").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn it_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new").join("recent.json");
        write(&path, "i-1").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
