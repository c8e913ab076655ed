//! The files of the cache: private, locked while they are written, and few.

use std::{
    collections::HashSet,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read},
    path::{Path, PathBuf},
    time::Duration,
};

use crate::files;

pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    if length > MOST_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut bytes = Vec::with_capacity(length as usize);
    file.take(MOST_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

pub(super) fn lock(path: &Path) -> io::Result<File> {
    let file = files::owner_only(OpenOptions::new().write(true).create(true).truncate(false)).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Removes lists that were not renewed for a month, and the oldest of too many. What has another name than ssmx gives is
/// somebody else's: the folder may have been named by mistake.
pub(super) fn tidy(dir: &Path) {
    let mut found = files(dir);
    found.sort_by_key(|(_, age)| *age);
    let lists = found.iter().filter(|(path, age)| has_ending(path, LIST) && *age < KEPT);
    let kept: HashSet<_> = lists.take(MOST_LISTS).filter_map(|(path, _)| key(path)).collect();
    for (path, age) in &found {
        // One that is being written has no key of its own.
        if *age > LEFT_OVER && key(path).is_none_or(|key| !kept.contains(key)) {
            let _ = fs::remove_file(path);
        }
    }
}

/// The files of ours in a folder with their ages.
pub(super) fn files(dir: &Path) -> Vec<(PathBuf, Duration)> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let entries = entries.filter(|entry| is_ours(&entry.path())).take(MOST_FILES);
    let files = entries.filter_map(|entry| {
        let changed = entry.metadata().ok().filter(fs::Metadata::is_file)?.modified().ok()?;
        Some((entry.path(), changed.elapsed().unwrap_or_default()))
    });
    files.collect()
}

pub(super) fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|found| found == ending)
}

/// Whether a file has a name that ssmx gives.
fn is_ours(path: &Path) -> bool {
    key(path).is_some() || is_new(path)
}

/// What the files of one list have in common: that of `KEY.list` and `KEY.lock`.
fn key(path: &Path) -> Option<&str> {
    let (key, ending) = path.file_name()?.to_str()?.split_once('.')?;
    (is_key(key) && [LIST, LOCK].contains(&ending)).then_some(key)
}

/// Whether it is a list that was being written: `.KEY.list.ssmx-XXXXXX.new`.
fn is_new(path: &Path) -> bool {
    let parts = |name: &str| {
        let (key, rest) = name.strip_prefix('.')?.split_once('.')?;
        let random = rest.strip_prefix(LIST)?.strip_prefix(".ssmx-")?.strip_suffix(files::NEW)?.strip_suffix('.')?;
        Some(is_key(key) && random.chars().all(|c| c.is_ascii_alphanumeric()))
    };
    path.file_name().and_then(|name| parts(name.to_str()?)).unwrap_or(false)
}

/// Whether a text is of the form of [`super::format::Header::key`].
fn is_key(text: &str) -> bool {
    text.len() == KEY_DIGITS && text.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c))
}

/// The endings of a list, and of the file that is locked while it is written.
pub(super) const LIST: &str = "list";
pub(super) const LOCK: &str = "lock";

const KEY_DIGITS: usize = 32;

/// Largest list: 100,000 instances with plenty of tags.
pub(super) const MOST_BYTES: u64 = 128 * 1024 * 1024;

/// Lists that are kept at most.
pub(super) const MOST_LISTS: usize = 64;

/// Files that are looked at; more than ever come together.
const MOST_FILES: usize = 2_000;

/// How long a list is kept that is not renewed.
pub(super) const KEPT: Duration = Duration::from_hours(720);

/// How old a file has to be to be taken for left over.
pub(super) const LEFT_OVER: Duration = Duration::from_hours(1);
