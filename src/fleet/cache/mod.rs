//! What was last listed of each account and region, kept between runs.
//!
//! A file for each source of credentials ([`Identity`]), region, endpoint and name tag, rather than for each account
//! id: to know that, one would have to ask AWS before the cache can be used, which a completion must not do at all. Two
//! profiles of one account have a file each. There is nothing secret in it; it is its owner's alone nevertheless.
//!
//! The cache is never worth a failure: what cannot be read, or is of another version, is not there, and what cannot be
//! written is left.

mod format;
#[cfg(test)]
mod tests;

use std::{
    collections::HashSet,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::model::instance::{Instance, Place};
use super::model::target::TargetState;
use super::trouble::Trouble;
use crate::aws::{Aws, Identity};
use crate::environment;
use crate::files;
use format::Header;

/// The place in the cache of one account and region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    dir: PathBuf,
    header: Header,
    place: Place,
}

/// A list of instances as it was at some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cached {
    /// When it was asked for.
    pub as_of: SystemTime,
    /// The instances, in no order.
    pub instances: Vec<Instance>,
    /// What kept it from being complete, and will for some time.
    pub troubles: Vec<Trouble>,
}

/// What a completion shows of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachedName {
    /// `i-…` or `mi-…`.
    pub id: String,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// How it was.
    pub status: TargetState,
}

impl Cached {
    /// Whether it is younger than `age`.
    pub fn is_fresh(&self, age: Duration) -> bool {
        // A time to come is one that a wrong clock has told.
        self.as_of.elapsed().is_ok_and(|elapsed| elapsed < age)
    }
}

/// The folder of the caches: `SSMX_CACHE_DIR`, or `ssmx` in the user's folder for caches. None if there is neither.
pub(crate) fn default_dir() -> Option<PathBuf> {
    environment::CACHE_DIR.path().or_else(|| Some(dirs::cache_dir()?.join("ssmx")))
}

impl Cache {
    /// The cache of the account and region of `aws` under a folder that [`default_dir`] or a person names, for names in
    /// the tag `name_tag`.
    pub fn of(dir: &Path, aws: &Aws, name_tag: &str) -> Self {
        Self {
            dir: dir.join(FOLDER),
            header: Header {
                identity: aws.identity().as_str().to_owned(),
                region: aws.region().to_owned(),
                endpoint: aws.ssm_endpoint().map(str::to_owned),
                name_tag: name_tag.to_owned(),
                ..Header::default()
            },
            place: Place::of(aws),
        }
    }

    /// What is in it; none if that is nothing, or nothing that can be read.
    pub fn read(&self) -> Option<Cached> {
        let path = self.path("list");
        let cached = read(&path).and_then(|bytes| format::decode(&bytes, &self.header, &self.place));
        match cached {
            Ok(cached) => Some(cached),
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    tracing::debug!(path = %path.display(), %error, "the cache is not used");
                }
                None
            }
        }
    }

    /// Keeps a list, if it is complete or as complete as it will be. The file is replaced in one step: a reader sees the
    /// old or the new one.
    pub fn keep(&self, cached: &Cached) {
        if !cached.troubles.iter().all(Trouble::is_lasting) {
            return;
        }
        if let Err(error) = self.write(cached) {
            tracing::debug!(dir = %self.dir.display(), %error, "the cache is not written");
        }
    }

    fn write(&self, cached: &Cached) -> io::Result<()> {
        let bytes = format::encode(cached, &self.header)?;
        if bytes.len() as u64 > MOST_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        files::create_folder(&self.dir)?;
        // Who writes now has just asked too.
        let _lock = lock(&self.path("lock"))?;
        let written = files::write(&self.path("list"), &bytes);
        tidy(&self.dir);
        written
    }

    fn path(&self, ending: &str) -> PathBuf {
        self.dir.join(format!("{}.{ending}", self.header.key()))
    }
}

/// The instances of an account and region out of the cache under a folder, whatever its age, in the order in which they
/// were listed last; nothing if they are not there. Without a region or an endpoint, those that were listed last of any.
/// Fast enough for a completion: 10,000 instances take some milliseconds.
pub fn names(dir: &Path, identity: &Identity, region: Option<&str>, endpoint: Option<&str>) -> Vec<CachedName> {
    let is_it = |header: &Header| {
        header.identity == identity.as_str()
            && region.is_none_or(|region| header.region == region)
            && endpoint.is_none_or(|endpoint| header.endpoint.as_deref() == Some(endpoint))
    };
    let lists = files(&dir.join(FOLDER)).into_iter().map(|(path, _)| path).filter(|path| has_ending(path, "list"));
    let headers = lists.filter_map(|path| Some((header(&path)?, path))).filter(|(header, _)| is_it(header));
    let newest = headers.max_by_key(|(header, _)| header.as_of);
    newest.and_then(|(_, path)| read(&path).ok()).map(|bytes| format::names(&bytes)).unwrap_or_default()
}

fn header(path: &Path) -> Option<Header> {
    let mut line = String::new();
    BufReader::new(File::open(path).ok()?).take(format::MOST_HEADER).read_line(&mut line).ok()?;
    format::header(&line)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    if length > MOST_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut bytes = Vec::with_capacity(length as usize);
    file.take(MOST_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn lock(path: &Path) -> io::Result<File> {
    let file = files::owner_only(OpenOptions::new().write(true).create(true).truncate(false)).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Removes what nobody has written for a month, and the oldest of too many.
fn tidy(dir: &Path) {
    let mut files = files(dir);
    files.sort_by_key(|(_, age)| *age);
    let lists = files.iter().filter(|(path, _)| has_ending(path, "list"));
    let kept: HashSet<_> =
        lists.filter(|(_, age)| *age < KEPT).take(MOST_LISTS).filter_map(|(path, _)| key(path)).collect();
    for (path, age) in &files {
        let is_left_over = has_ending(path, files::NEW) && *age > LEFT_OVER;
        if is_left_over || *age > LEFT_OVER && key(path).is_none_or(|key| !kept.contains(&key)) {
            let _ = fs::remove_file(path);
        }
    }
}

/// The files of a folder with their ages.
fn files(dir: &Path) -> Vec<(PathBuf, Duration)> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten().take(MOST_FILES);
    let files = entries.filter_map(|entry| {
        let changed = entry.metadata().ok().filter(fs::Metadata::is_file)?.modified().ok()?;
        Some((entry.path(), changed.elapsed().unwrap_or_default()))
    });
    files.collect()
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|found| found == ending)
}

/// What the files of one list have in common.
fn key(path: &Path) -> Option<String> {
    path.file_name()?.to_str()?.split('.').next().map(str::to_owned)
}

/// The folder, in that of the caches.
const FOLDER: &str = "fleet";

/// Largest list: 100,000 instances with plenty of tags.
const MOST_BYTES: u64 = 128 * 1024 * 1024;

/// Lists that are kept at most.
const MOST_LISTS: usize = 64;

/// Files that are looked at; more than ever come together.
const MOST_FILES: usize = 2_000;

/// How long a list is kept that nobody renews.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3_600);

/// How old a file has to be to be taken for left over.
const LEFT_OVER: Duration = Duration::from_secs(3_600);
