//! The sessions that ssmx has open on this machine: a small file each, so that a process that was killed does not leave one
//! that nobody can find.
//!
//! A record says which session it is and whose credentials end it; it has no token and no URL of a data channel. It goes
//! when the session has ended. One that stays is that of a process that was killed, or that could not end its session;
//! such a process holds no lock any more. The folder is private, and holds [`MOST`] records at most; one that was left
//! over is forgotten after [`KEPT`].

mod machine;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::environment;
use crate::files::{self, Lock};
use machine::Machine;

/// Records that are kept at most. At the limit the oldest that was left over goes; if all are of sessions that are open,
/// a further one gets none.
const MOST: usize = 500;

/// How long a record is kept that was left over. The service ends a session without a client after an hour at most.
const KEPT: Duration = Duration::from_hours(7 * 24);

/// A file that is larger is none of ours.
const MOST_BYTES: u64 = 16 * 1024;

/// Changed when the files are written in another way; those of another version are left alone.
const VERSION: u32 = 1;

/// The longest id of a session that becomes the name of a file.
const LONGEST_ID: usize = 200;

/// An open session, as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    /// The id of the session.
    pub(crate) id: String,
    /// The id of the instance.
    pub(crate) target: String,
    /// The session document, if one was named.
    pub(crate) document: Option<String>,
    /// What a tunnel leads to: a port of the instance, or `HOST:PORT`.
    pub(crate) destination: Option<String>,
    /// The AWS profile in effect, if one was named.
    pub(crate) profile: Option<String>,
    /// Tells sources of credentials apart; no secret.
    pub(crate) identity: String,
    pub(crate) region: String,
    /// The endpoint of Systems Manager, if it is not that of the region.
    pub(crate) endpoint: Option<String>,
}

/// A session, and which process has it open.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    version: u32,
    #[serde(flatten)]
    pub(crate) session: Session,
    /// In seconds since 1970.
    started: u64,
    /// The process that has it open.
    pub(crate) pid: u32,
    #[serde(flatten)]
    machine: Machine,
}

/// What became of the process that has a session open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// It runs.
    Running,
    /// It is gone, and has left the session.
    Gone,
    /// It ran on another machine, which shares the folder with this one.
    Elsewhere,
}

impl Record {
    /// When the session was started.
    pub(crate) fn started(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.started)
    }
}

/// A record of this process, locked as long as this lives.
#[derive(Debug)]
pub(crate) struct Kept {
    files: Files,
    _lock: Lock,
}

impl Kept {
    /// The session has ended: the record goes.
    pub(crate) fn remove(self) {
        self.files.remove();
    }
}

/// Remembers a session of this process. Without a place for it the session is not remembered, which goes to the log
/// alone.
pub(crate) fn keep(session: Session) -> Option<Kept> {
    let folder = folder()?;
    let kept = keep_in(&folder, session);
    kept.inspect_err(|error| tracing::debug!(%error, folder = %folder.display(), "cannot record the session")).ok()
}

/// All that are remembered, the oldest first. Those that were left over too long ago are forgotten.
pub(crate) fn all() -> Vec<(Record, Owner)> {
    folder().map(|folder| all_in(&folder)).unwrap_or_default()
}

/// Forgets a session that has ended, unless a process still has it open.
pub(crate) fn forget(id: &str) {
    if let Some(files) = folder().and_then(|folder| Files::of(&folder, id)) {
        files.forget();
    }
}

fn folder() -> Option<PathBuf> {
    environment::state_folder().map(|folder| folder.join("sessions"))
}

/// The files of one session.
#[derive(Debug)]
struct Files {
    record: PathBuf,
    /// Locked while the process lives. A file of its own: a lock keeps readers out where locks are not only advice.
    lock: PathBuf,
}

impl Files {
    /// None for an id that is not fit to name a file.
    fn of(folder: &Path, id: &str) -> Option<Self> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ',' | '=' | '@' | '+');
        let is_name = !id.is_empty() && id.len() <= LONGEST_ID && !id.starts_with('.') && id.chars().all(fits);
        let path = |ending: &str| folder.join(format!("{id}.{ending}"));
        is_name.then(|| Self { record: path("json"), lock: path("lock") })
    }

    /// The record first: one without a lock would be nobody's.
    fn remove(&self) {
        for path in [&self.record, &self.lock] {
            if let Err(error) = fs::remove_file(path)
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::debug!(%error, path = %path.display(), "cannot remove the record of a session");
            }
        }
    }

    fn forget(&self) {
        match Lock::existing(&self.lock) {
            Ok(None) => {}
            Ok(Some(_)) | Err(_) => self.remove(),
        }
    }

    fn owner(&self, record: &Record) -> Owner {
        match Lock::existing(&self.lock) {
            Ok(None) => Owner::Running,
            // Of this machine as it runs now, or of this machine before it was started again.
            Ok(Some(_)) if record.machine.is_this() && !record.machine.runs(record.pid) => Owner::Gone,
            Ok(Some(_)) if record.machine.is_this() => Owner::Running,
            Ok(Some(_)) | Err(_) => Owner::Elsewhere,
        }
    }
}

fn keep_in(folder: &Path, session: Session) -> io::Result<Kept> {
    files::create_folder(folder)?;
    let all = all_in(folder);
    if all.len() >= MOST {
        let gone = all.iter().find(|(_, owner)| *owner != Owner::Running);
        let (oldest, _) = gone.ok_or_else(|| io::Error::other("there are too many"))?;
        Files::of(folder, &oldest.session.id).iter().for_each(Files::forget);
    }
    let files = Files::of(folder, &session.id).ok_or(io::ErrorKind::InvalidFilename)?;
    let pid = std::process::id();
    let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let record = Record { version: VERSION, session, started, pid, machine: Machine::with(pid) };
    let text = serde_json::to_vec(&record)?;
    // Locked before there is a record, so that nobody finds it without.
    let lock = Lock::new(&files.lock)?;
    files::write(&files.record, &text).inspect_err(|_| files.remove())?;
    Ok(Kept { files, _lock: lock })
}

fn all_in(folder: &Path) -> Vec<(Record, Owner)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().take(4 * MOST);
    let paths = entries.map(|entry| entry.path()).filter(|path| path.extension() == Some(OsStr::new("json")));
    let mut all: Vec<(Record, Owner)> = Vec::new();
    for record in paths.filter_map(|path| read(&path)) {
        let Some(files) = Files::of(folder, &record.session.id) else { continue };
        let owner = files.owner(&record);
        if owner != Owner::Running && record.started().elapsed().is_ok_and(|age| age > KEPT) {
            files.forget();
            continue;
        }
        all.push((record, owner));
    }
    all.sort_by(|(one, _), (other, _)| (one.started, &one.session.id).cmp(&(other.started, &other.session.id)));
    all
}

/// A record, if it is one, and one of the session that the file is named after.
fn read(path: &Path) -> Option<Record> {
    let mut text = String::new();
    File::open(path).ok()?.take(MOST_BYTES).read_to_string(&mut text).ok()?;
    let record: Record = serde_json::from_str(&text).ok()?;
    (record.version == VERSION && path.file_stem() == Some(OsStr::new(&record.session.id))).then_some(record)
}

#[cfg(test)]
mod tests;
