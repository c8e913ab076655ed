//! What the AWS configuration files name: profiles and regions. Only names are taken from them, as completion needs no
//! more, and the SDK's own reader wants a runtime.

use std::env;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

/// Largest file.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// The profiles of both files, in the order in which they stand there, each once.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct AwsFiles {
    pub(crate) profiles: Vec<Profile>,
}

/// A profile, and its region.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) name: String,
    pub(crate) region: Option<String>,
}

impl AwsFiles {
    /// Reads both files, wherever the environment says that they are.
    pub(crate) fn read() -> Self {
        let mut files = Self::default();
        files.add(&text("AWS_CONFIG_FILE", "config"), in_config);
        files.add(&text("AWS_SHARED_CREDENTIALS_FILE", "credentials"), |header| Some(header));
        files
    }

    /// `profile` makes the name of a profile out of a section's header, if it is one's.
    fn add(&mut self, text: &str, profile: impl Fn(&str) -> Option<&str>) {
        let mut section = None;
        for line in text.lines() {
            if let Some(header) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
                let name = profile(header.0.trim()).map(|name| name.trim_matches(['"', '\'']));
                section = name.filter(|name| !name.is_empty()).map(|name| self.place(name));
            } else if let Some((key, value)) = line.split_once('=')
                && key.trim_end() == "region"
                && let Some(at) = section
            {
                self.profiles[at].region = Some(value.trim().to_owned());
            }
        }
    }

    fn place(&mut self, name: &str) -> usize {
        self.profiles.iter().position(|known| known.name == name).unwrap_or_else(|| {
            self.profiles.push(Profile { name: name.to_owned(), region: None });
            self.profiles.len() - 1
        })
    }
}

/// In the configuration all profiles but one say that they are.
fn in_config(header: &str) -> Option<&str> {
    let profile = header.strip_prefix("profile").filter(|rest| rest.starts_with([' ', '\t']));
    profile.map(str::trim).or_else(|| (header == "default").then_some(header))
}

/// A file that is not there, or cannot be read, is empty here.
fn text(variable: &str, name: &str) -> String {
    let named = env::var_os(variable).filter(|path| !path.is_empty()).map(PathBuf::from);
    let path = named.or_else(|| Some(env::home_dir()?.join(".aws").join(name)));
    let mut bytes = Vec::new();
    if let Some(file) = path.and_then(|path| File::open(path).ok()) {
        let _ = file.take(MOST_BYTES).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_and_their_regions_are_found() {
        let mut files = AwsFiles::default();
        let config = "# comment\nregion = none\n[default]\nregion = eu-north-1\n[profile work]\nregion=eu-west-1\n\
                      s3 =\n  region = x\n[profile \"my own\"] # this\n[sso-session corp]\nregion = us-east-1\n\
                      [profilex]\n[broken\n";
        files.add(config, in_config);
        files.add("[default]\naws_access_key_id = x\n[keys]\n", |header| Some(header));
        let found: Vec<_> =
            files.profiles.iter().map(|profile| (profile.name.as_str(), profile.region.as_deref())).collect();
        let expected = [("default", Some("eu-north-1")), ("work", Some("eu-west-1")), ("my own", None), ("keys", None)];
        assert_eq!(found, expected);
    }
}
