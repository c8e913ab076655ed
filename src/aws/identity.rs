//! Whose credentials are used, as far as that can be said without looking for them.

use std::fmt;

use aws_lc_rs::digest;

use super::{ambient::Ambient, settings::Settings};
use crate::syntax::DEFAULT_PROFILE;

/// Tells one source of credentials from another, and so mostly one account from another, without a request and without
/// a secret: it is derived from the name of the profile, or from the access key id in the environment, and from the
/// places of the AWS configuration files.
///
/// Two identities of one account are possible; one identity of two accounts only if a profile was changed.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity(String);

impl Identity {
    /// The identity that these settings lead to.
    pub(crate) fn of(settings: &Settings, ambient: &Ambient) -> Self {
        // The order in which credentials are looked for: a profile of ssmx's own, keys in the environment, other profiles.
        let source = match (settings.explicit_profile, ambient.access_key()) {
            (false, Some((_, key))) => format!("key\0{key}"),
            _ => format!("profile\0{}", settings.profile.as_deref().unwrap_or(DEFAULT_PROFILE)),
        };
        let digest = digest::digest(&digest::SHA256, [source, ambient.file_names().join("\0")].join("\0").as_bytes());
        let bytes = digest.as_ref().iter().take(BYTES);
        Self(bytes.map(|byte| format!("{byte:02x}")).collect())
    }

    /// The identity that a profile has.
    pub(super) fn of_profile(ambient: &Ambient, profile: &str) -> Self {
        let profile = Some(profile.to_owned());
        Self::of(&Settings { profile, explicit_profile: true, ..Settings::default() }, ambient)
    }

    /// The identity as 32 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Half of a digest, as there is nothing to gain from a collision.
const BYTES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(variables: &[(&str, &str)], profile: Option<&str>) -> Identity {
        let ambient = Ambient::of(variables, &[]);
        Identity::of(&ambient.settings(profile, None), &ambient)
    }

    #[test]
    fn it_follows_the_source_of_the_credentials() {
        let keys = [("AWS_ACCESS_KEY_ID", "AKIDONE"), ("AWS_PROFILE", "work")];
        let work = identity(&keys[1..], None);
        assert_eq!(identity(&keys, Some("work")), work, "a flag stands before keys in the environment");
        assert_ne!(identity(&keys, None), work);
        assert_ne!(identity(&keys, None), identity(&[("AWS_ACCESS_KEY_ID", "AKIDTWO")], None));
        assert_eq!(identity(&[], None), identity(&[], Some("default")));
        assert_ne!(identity(&[("AWS_CONFIG_FILE", "/x")], Some("work")), work);
        let default = Settings { profile: Some("work".to_owned()), ..Settings::default() };
        assert_eq!(Identity::of(&default, &Ambient::of(&[], &[])), work);
        assert_eq!(Identity::of(&default, &Ambient::of(&keys[..1], &[])), identity(&keys, None));
        assert_eq!(work.as_str().len(), 32);
        assert_eq!(work.as_str(), "ed276db3737c216d5e72d7bab752f829", "caches are kept under it");
    }
}
