//! Where the files are, and what is in them.

#[cfg(test)]
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Where files come from.
#[derive(Debug)]
pub(in super::super) enum Disk {
    Real,
    /// For tests: contents by path.
    #[cfg(test)]
    Fake(HashMap<PathBuf, Vec<u8>>),
}

impl Disk {
    /// The contents of a file; nothing if there is none, or something else than a file, which the AWS CLI passes over
    /// too.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or has more than [`MOST_BYTES`].
    pub(super) fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match self {
            Self::Real => read(path),
            #[cfg(test)]
            Self::Fake(files) => Ok(files.get(path).cloned().unwrap_or_default()),
        }
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_file() => {}
        Ok(_) => return Ok(Vec::new()),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error),
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {} MiB", MOST_BYTES >> 20)));
    }
    Ok(bytes)
}

/// A path as the AWS CLI understands it: with the values of variables, and with the home folder for `~`.
pub(super) fn expanded(path: &str, variable: impl Fn(&str) -> Option<String>) -> PathBuf {
    let path = with_variables(path, &variable);
    let home = || variable("HOME").map(PathBuf::from).or_else(dirs::home_dir);
    match path.strip_prefix('~') {
        Some("") => home().unwrap_or_else(|| path.into()),
        Some(rest) if rest.starts_with(['/', std::path::MAIN_SEPARATOR]) => match home() {
            Some(home) => home.join(&rest[1..]),
            None => path.into(),
        },
        _ => path.into(),
    }
}

fn with_variables(path: &str, variable: &impl Fn(&str) -> Option<String>) -> String {
    let mut expanded = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        let (name, behind) = match after.strip_prefix('{').and_then(|after| after.split_once('}')) {
            Some(braced) => braced,
            None => after.split_at(after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len())),
        };
        let written = &rest[before.len()..rest.len() - behind.len()];
        expanded.push_str(&variable(name).unwrap_or_else(|| written.to_owned()));
        rest = behind;
    }
    expanded + rest
}

/// Largest file. One with 10,000 profiles has about 2 MiB.
const MOST_BYTES: u64 = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_expanded_as_by_the_aws_cli() {
        let variable = |name: &str| match name {
            "HOME" => Some("/home/me".to_owned()),
            "TEAM" => Some("blue".to_owned()),
            _ => None,
        };
        for (path, expected) in [
            ("/etc/aws", "/etc/aws"),
            ("~/.aws/config", "/home/me/.aws/config"),
            ("~", "/home/me"),
            ("~other/x", "~other/x"),
            ("$HOME/$TEAM.conf", "/home/me/blue.conf"),
            ("/x/${TEAM}s/$NONE/${NONE}/$", "/x/blues/$NONE/${NONE}/$"),
        ] {
            assert_eq!(expanded(path, variable), Path::new(expected), "{path}");
        }
    }

    #[test]
    fn what_is_no_file_is_empty_and_what_is_too_large_is_refused() {
        let dir = tempfile::TempDir::new().unwrap();
        assert_eq!(read(dir.path()).unwrap(), b"");
        assert_eq!(read(&dir.path().join("none")).unwrap(), b"");
        let large = dir.path().join("large");
        File::create(&large).unwrap().set_len(MOST_BYTES + 1).unwrap();
        assert_eq!(read(&large).unwrap_err().to_string(), "it has more than 16 MiB");
    }
}
