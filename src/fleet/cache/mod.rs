//! What was last listed of each account and region, kept between runs.
//!
//! A file for each source of credentials ([`Identity`]), region, endpoint and name tag, rather than for each account
//! id: to know that, one would have to ask AWS before the cache can be used, which a completion must not do at all. Two
//! profiles of one account have a file each. There is nothing secret in it; it is its owner's alone nevertheless.
//!
//! The cache is never worth a failure: what cannot be read, or is of another version, is not there, and what cannot be
//! written is left.

#[cfg(test)]
mod check;
mod files;
mod format;
#[cfg(test)]
mod tests;

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use super::model::place::Place;
use super::trouble::Trouble;
use crate::aws::{Aws, Identity};
use crate::environment;
use files::{LIST, LOCK, MOST_BYTES, files, has_ending, lock, read, tidy};
use format::Header;

pub use format::Cached;
pub(crate) use format::CachedName;

/// The place in the cache of one account and region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    dir: PathBuf,
    header: Header,
    place: Place,
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
        let path = self.path(LIST);
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
        crate::files::create_folder(&self.dir)?;
        // Another process that writes now has just listed too.
        let _lock = lock(&self.path(LOCK))?;
        let written = crate::files::write(&self.path(LIST), &bytes);
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
    let lists = files(&dir.join(FOLDER)).into_iter().map(|(path, _)| path).filter(|path| has_ending(path, LIST));
    let headers = lists.filter_map(|path| Some((header(&path)?, path))).filter(|(header, _)| is_it(header));
    let newest = headers.max_by_key(|(header, _)| header.as_of);
    newest.and_then(|(_, path)| read(&path).ok()).map(|bytes| format::names(&bytes)).unwrap_or_default()
}

fn header(path: &Path) -> Option<Header> {
    let mut line = String::new();
    BufReader::new(File::open(path).ok()?).take(format::MOST_HEADER).read_line(&mut line).ok()?;
    format::header(&line)
}

/// The folder, in that of the caches.
const FOLDER: &str = "fleet";
