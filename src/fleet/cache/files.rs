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

/// Removes lists that were not renewed for a month, and the oldest of too many.
pub(super) fn tidy(dir: &Path) {
    let mut found = files(dir);
    found.sort_by_key(|(_, age)| *age);
    let lists = found.iter().filter(|(path, _)| has_ending(path, "list"));
    let kept: HashSet<_> =
        lists.filter(|(_, age)| *age < KEPT).take(MOST_LISTS).filter_map(|(path, _)| key(path)).collect();
    for (path, age) in &found {
        let is_left_over = has_ending(path, files::NEW) && *age > LEFT_OVER;
        if is_left_over || *age > LEFT_OVER && key(path).is_none_or(|key| !kept.contains(&key)) {
            let _ = fs::remove_file(path);
        }
    }
}

/// The files of a folder with their ages.
pub(super) fn files(dir: &Path) -> Vec<(PathBuf, Duration)> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten().take(MOST_FILES);
    let files = entries.filter_map(|entry| {
        let changed = entry.metadata().ok().filter(fs::Metadata::is_file)?.modified().ok()?;
        Some((entry.path(), changed.elapsed().unwrap_or_default()))
    });
    files.collect()
}

pub(super) fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|found| found == ending)
}

/// What the files of one list have in common.
fn key(path: &Path) -> Option<String> {
    path.file_name()?.to_str()?.split('.').next().map(str::to_owned)
}

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
