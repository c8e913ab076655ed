//! Whose credentials are used, as far as that can be said without looking for them.

use std::fmt;

use aws_lc_rs::digest;
use aws_types::os_shim_internal::Env;

use super::settings::Settings;

/// Tells one source of credentials from another, and so mostly one account from another, without a request and without
/// a secret: it is derived from the name of the profile, or from the access key id in the environment, and from the
/// places of the AWS configuration files.
///
/// Two identities of one account are possible; one identity of two accounts only if a profile was changed.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity(String);

impl Identity {
    /// The identity that a process with this environment has, with these settings.
    pub fn of_environment(settings: &Settings) -> Self {
        Self::of(&Env::real(), settings.profile.as_deref(), settings.default_profile.as_deref())
    }

    /// `flag` and `default` as in [`Settings`].
    pub(super) fn of(env: &Env, flag: Option<&str>, default: Option<&str>) -> Self {
        let var = |name| env.get(name).ok().filter(|value| !value.is_empty());
        let files = [var("AWS_CONFIG_FILE"), var("AWS_SHARED_CREDENTIALS_FILE")].map(Option::unwrap_or_default);
        // The order in which credentials are looked for: a flag, keys in the environment, AWS_PROFILE, the default.
        let source = match (flag, var("AWS_ACCESS_KEY_ID")) {
            (Some(profile), _) => format!("profile\0{profile}"),
            (None, Some(key)) => format!("key\0{key}"),
            (None, None) => {
                let profile = var("AWS_PROFILE").or_else(|| var("AWS_DEFAULT_PROFILE"));
                format!("profile\0{}", profile.as_deref().or(default).unwrap_or("default"))
            }
        };
        let digest = digest::digest(&digest::SHA256, [source, files.join("\0")].join("\0").as_bytes());
        let bytes = digest.as_ref().iter().take(BYTES);
        Self(bytes.map(|byte| format!("{byte:02x}")).collect())
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

/// Half of a digest: nobody looks for collisions here.
const BYTES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(env: &[(&str, &str)], flag: Option<&str>) -> Identity {
        Identity::of(&Env::from_slice(env), flag, None)
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
        assert_eq!(Identity::of(&Env::from_slice(&[]), None, Some("work")), work);
        assert_eq!(Identity::of(&Env::from_slice(&keys), None, Some("x")), identity(&keys, None));
        assert_eq!(work.as_str().len(), 32);
    }
}
