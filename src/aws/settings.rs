//! What decides which account, region and endpoints are meant: flags, then the environment, then the AWS profile.
//!
//! The SDK reads most of this itself. What it would get wrong for a person at a terminal is settled here before it
//! starts: a missing region would make it ask the instance metadata service for seconds, and a profile that does not
//! exist would end as "no credentials".

use std::path::PathBuf;

use aws_config::{
    imds::region::ImdsRegionProvider,
    profile::{self, ProfileSet},
};
use aws_types::os_shim_internal::{Env, Fs};

use super::{
    error::{Cause, Error, ErrorKind},
    identity::Identity,
};
use crate::syntax::{HTTP, is_region, is_url};

/// What a person gave on the command line or in the configuration of ssmx; all else comes from the environment and the
/// AWS configuration files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// `--profile`: stands before AWS_PROFILE, and before keys in the environment.
    pub profile: Option<String>,
    /// The profile in place of `default`, where neither `profile` nor AWS_PROFILE name one. As with AWS_PROFILE, keys in
    /// the environment stand before it.
    pub default_profile: Option<String>,
    /// `--region`: stands before AWS_REGION, AWS_DEFAULT_REGION and the profile.
    pub region: Option<String>,
    /// `--endpoint-url`: one endpoint for every service, before AWS_ENDPOINT_URL and its per-service forms.
    pub endpoint_url: Option<String>,
    /// The endpoint of SSM alone, before `endpoint_url`.
    pub ssm_endpoint_url: Option<String>,
    /// The endpoints of the other services, each before `endpoint_url`.
    pub services: ServiceEndpoints,
}

/// Endpoints of services, where they are not those of the region.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceEndpoints {
    /// EC2.
    pub ec2: Option<String>,
    /// EC2 Instance Connect.
    pub instance_connect: Option<String>,
    /// KMS.
    pub kms: Option<String>,
    /// STS.
    pub sts: Option<String>,
    /// The message gateway, in place of the one that each session names. May also be a `wss://` URL.
    pub messages: Option<String>,
}

/// The settings in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resolved {
    pub(crate) profile: Option<String>,
    /// Whether the profile was named by a flag.
    pub(crate) explicit_profile: bool,
    pub(crate) identity: Identity,
    /// None only until [`Resolved::region_or_metadata`] was asked.
    pub(crate) region: Option<String>,
    pub(crate) endpoint_url: Option<String>,
    pub(crate) ssm_endpoint_url: Option<String>,
    pub(crate) services: ServiceEndpoints,
    pub(crate) ca_bundle: Option<PathBuf>,
}

impl Resolved {
    pub(crate) async fn from(settings: &Settings, env: &Env, fs: &Fs) -> Result<Self, Error> {
        let var = |name| env.get(name).ok().filter(|value| !value.is_empty());
        let given = settings.profile.clone();
        let explicit_profile = given.is_some();
        let profile = given.or_else(|| var("AWS_PROFILE")).or_else(|| var("AWS_DEFAULT_PROFILE"));
        let profile = profile.or_else(|| settings.default_profile.clone());

        let loaded = profile::load(fs, env, &Default::default(), profile.clone().map(Into::into)).await;
        let profiles = loaded.map_err(|err| {
            let message = format!("the AWS configuration cannot be read: {err}");
            usage(Cause::Configuration, message)
        })?;
        if let Some(name) = profile.as_deref().filter(|name| profiles.get_profile(name).is_none()) {
            return Err(unknown_profile(name, &profiles));
        }
        let key = |name| profiles.get(name).filter(|value| !value.is_empty()).map(str::to_owned);

        let region = settings.region.clone();
        let region =
            region.or_else(|| var("AWS_REGION")).or_else(|| var("AWS_DEFAULT_REGION")).or_else(|| key("region"));
        if let Some(region) = &region {
            check_region(region)?;
        }
        let ServiceEndpoints { ec2, instance_connect, kms, sts, messages: _ } = &settings.services;
        let endpoints = [&settings.endpoint_url, &settings.ssm_endpoint_url, ec2, instance_connect, kms, sts];
        if let Some(url) = endpoints.into_iter().flatten().find(|url| !is_url(url, &HTTP)) {
            return Err(usage(Cause::Configuration, format!("`{url}` is not an http:// or https:// URL")));
        }
        Ok(Self {
            identity: Identity::of(env, settings.profile.as_deref(), settings.default_profile.as_deref()),
            profile,
            explicit_profile,
            region,
            endpoint_url: settings.endpoint_url.clone(),
            ssm_endpoint_url: settings.ssm_endpoint_url.clone(),
            services: settings.services.clone(),
            ca_bundle: var("AWS_CA_BUNDLE").or_else(|| key("ca_bundle")).map(PathBuf::from),
        })
    }

    /// The region; on an EC2 instance, where the metadata service answers at once, that of the instance if none is set.
    pub(crate) async fn region_or_metadata(&self) -> Result<String, Error> {
        if let Some(region) = &self.region {
            return Ok(region.clone());
        }
        if is_ec2_instance()
            && let Some(region) = ImdsRegionProvider::builder().build().region().await
        {
            return Ok(region.to_string());
        }
        Err(usage(Cause::RegionMissing, "no AWS region is set".to_owned()).under_profile(self.profile.as_deref()))
    }
}

fn unknown_profile(name: &str, profiles: &ProfileSet) -> Error {
    let mut known: Vec<_> = profiles.profiles().collect();
    known.sort_unstable();
    let message = match known.as_slice() {
        [] => format!("the AWS profile `{name}` does not exist: there are none"),
        known if known.len() <= PROFILES_SHOWN => {
            format!("the AWS profile `{name}` does not exist: there are {}", known.join(", "))
        }
        _ => format!("the AWS profile `{name}` does not exist"),
    };
    usage(Cause::ProfileMissing, message)
}

fn usage(cause: Cause, message: String) -> Error {
    Error::new(ErrorKind::Usage, cause, "configuration", message)
}

/// # Errors
/// Of kind `Usage` if the text cannot be the name of a region.
pub(crate) fn check_region(text: &str) -> Result<(), Error> {
    if is_region(text) {
        return Ok(());
    }
    Err(usage(Cause::RegionMissing, format!("`{text}` is not the name of a region")))
}

/// The firmware of an EC2 instance names its maker. Elsewhere, and on other systems than Linux, there is no such file
/// or it says something else.
fn is_ec2_instance() -> bool {
    std::fs::read_to_string("/sys/class/dmi/id/sys_vendor").is_ok_and(|vendor| vendor.trim() == "Amazon EC2")
}

/// Profiles are listed in an error up to this number.
const PROFILES_SHOWN: usize = 12;

#[cfg(test)]
mod tests;
