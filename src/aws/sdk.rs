//! What the SDK is told before it reads anything itself.

use aws_config::{BehaviorVersion, ConfigLoader, Region, identity::IdentityCache};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use super::ambient::Ambient;
use crate::syntax::DEFAULT_PROFILE;

/// A loader that knows the region, the way to servers, and the profile by our own reading of the files.
pub(super) fn loader(ambient: &Ambient, profile: Option<&str>, region: Region, http: SharedHttpClient) -> ConfigLoader {
    let text = ambient.files().for_sdk(profile.unwrap_or(DEFAULT_PROFILE));
    let files = EnvConfigFiles::builder().with_contents(EnvConfigFileKind::Config, text).build();
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region(region)
        .http_client(http)
        .profile_files(files)
        .profile_name(DEFAULT_PROFILE)
        // The store of credentials keeps them, and knows when to let go of them.
        .identity_cache(IdentityCache::no_cache())
}
