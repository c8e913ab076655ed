//! [`Settings`]: which account, region and endpoints are meant, and whether that can be.
//!
//! The SDK reads most of this itself. What it would get wrong for a person at a terminal is settled before it starts: a
//! missing region would make it ask the instance metadata service for seconds, and a profile that does not exist would
//! end as "no credentials".

use aws_config::imds::region::ImdsRegionProvider;
use http::Uri;

use super::{
    ambient::Ambient,
    clients::SERVICES,
    error::{Cause, Error, ErrorKind},
    proxy::is_loopback,
};
use crate::syntax::{DEFAULT_PROFILE, HTTP, is_region, is_url};

/// Which account, region and endpoints are meant, all sources weighed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The AWS profile, if one is named.
    pub profile: Option<String>,
    /// Whether its credentials are used even where the environment holds keys.
    pub explicit_profile: bool,
    /// The region. None leads to that of the EC2 instance ssmx runs on, or to an error.
    pub region: Option<String>,
    /// Endpoints, where they are not those of the region.
    pub endpoints: Endpoints,
    /// Whether endpoints on other machines may be `http://`.
    pub allow_insecure: bool,
    /// Whether only sessions will do that are encrypted with a KMS key.
    pub require_encryption: bool,
}

/// Endpoints of services, where they are not those of the region.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// For all services that have none of their own.
    common: Option<String>,
    /// By service, as in [`SERVICES`].
    services: Vec<(&'static str, String)>,
    /// The message gateway, in place of the one that each session names. May also be a `wss://` or `ws://` URL.
    messages: Option<String>,
}

/// The message gateway, which has endpoints of its own but no client.
pub(crate) const GATEWAY: &str = "ssmmessages";

impl Endpoints {
    /// One for all services, and those that `own` has for each.
    pub(crate) fn new(common: Option<String>, own: impl Fn(&'static str) -> Option<String>) -> Self {
        let services = SERVICES.into_iter().filter_map(|service| Some((service, own(service)?)));
        Self { common, services: services.collect(), messages: own(GATEWAY) }
    }

    /// One for all services.
    pub fn common(url: &str) -> Self {
        Self { common: Some(url.to_owned()), ..Self::default() }
    }

    /// One for all services in place of these, but for the message gateway.
    pub(super) fn replaced_by(self, url: &str) -> Self {
        Self { messages: self.messages, ..Self::common(url) }
    }

    /// Without those of other services, which are never asked: a mistake in one of them is none then.
    #[must_use]
    pub(crate) fn only(mut self, asked: &[&str]) -> Self {
        self.services.retain(|(service, _)| asked.contains(service));
        self
    }

    /// The endpoint for all services, if there is one.
    pub(super) fn of_all(&self) -> Option<&str> {
        self.common.as_deref()
    }

    /// The endpoint of a service. One for all services is not for the message gateway: each session names its own.
    pub(crate) fn of(&self, service: &str) -> Option<&str> {
        if service == GATEWAY {
            return self.messages.as_deref();
        }
        let own = self.services.iter().find(|(known, _)| *known == service).map(|(_, url)| url);
        own.or(self.common.as_ref()).map(String::as_str)
    }
}

impl Settings {
    /// The AWS profile in effect, named or not.
    pub(crate) fn profile_name(&self) -> &str {
        self.profile.as_deref().unwrap_or(DEFAULT_PROFILE)
    }

    /// # Errors
    ///
    /// If the profile does not exist or cannot be read, or something cannot be a region or an endpoint.
    pub(super) fn check(&self, ambient: &Ambient) -> Result<(), Error> {
        ambient.check_readable(self.profile_name())?;
        self.profile.as_deref().map_or(Ok(()), |name| ambient.check_profile(name))?;
        if let Some(region) = &self.region {
            check_region(region)?;
        }
        let Endpoints { common, services, messages: _ } = &self.endpoints;
        let mut endpoints = common.iter().chain(services.iter().map(|(_, url)| url));
        match endpoints.find(|url| !is_url(url, &HTTP)) {
            Some(url) => Err(usage(Cause::Configuration, format!("`{url}` is not an http:// or https:// URL"))),
            None => self.check_secure(),
        }
    }

    fn check_secure(&self) -> Result<(), Error> {
        match self.insecure_endpoints().first() {
            Some(url) if !self.allow_insecure => {
                let message =
                    format!("the endpoint {url} is on another machine: credentials would travel in the clear");
                Err(usage(Cause::Insecure, message))
            }
            _ => Ok(()),
        }
    }

    /// The endpoints that are not encrypted and not on this machine, each once.
    pub(crate) fn insecure_endpoints(&self) -> Vec<&str> {
        let Endpoints { common, services, messages } = &self.endpoints;
        let all = common.iter().chain(services.iter().map(|(_, url)| url)).chain(messages);
        let mut found: Vec<_> = all.map(String::as_str).filter(|url| is_insecure(url)).collect();
        found.dedup();
        found
    }

    /// The region; on an EC2 instance, where the metadata service answers at once, that of the instance if none is set.
    pub(super) async fn region_or_metadata(&self) -> Result<String, Error> {
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

impl Ambient {
    /// What the AWS environment alone leads to, for a profile that is named here or else by it.
    pub fn settings(&self, profile: Option<&str>, region: Option<&str>) -> Settings {
        let explicit_profile = profile.is_some();
        let profile = profile.map(str::to_owned).or_else(|| Some(self.profile()?.1));
        let name = profile.as_deref().unwrap_or(DEFAULT_PROFILE);
        let of_variable = || self.regions().into_iter().next().map(|(_, region)| region);
        let region = region.map(str::to_owned).or_else(of_variable).or_else(|| self.region_of(name));
        let of_variable = |service| self.endpoint(service, name).map(|(_, url)| url);
        let common = of_variable(None).or_else(|| self.endpoint_of(name, None));
        let endpoints = Endpoints::new(common, |service| {
            let of_all = || of_variable(None).filter(|_| service != GATEWAY);
            of_variable(Some(service)).or_else(of_all).or_else(|| self.endpoint_of(name, Some(service)))
        });
        Settings { profile, explicit_profile, region, endpoints, allow_insecure: false, require_encryption: false }
    }

    /// # Errors
    ///
    /// If there is no such profile.
    pub(crate) fn check_profile(&self, name: &str) -> Result<(), Error> {
        let files = self.files();
        if files.has_profile(name) {
            return Ok(());
        }
        self.check_readable(name)?;
        let known: Vec<_> = files.profiles().collect();
        let ending = match known.as_slice() {
            [] => ": no profiles are configured".to_owned(),
            known if known.len() <= PROFILES_SHOWN => format!(": expected one of {}", known.join(", ")),
            _ => String::new(),
        };
        // It may stand in a file, or behind a line, that cannot be read.
        let hidden = files.mistakes().iter().find(|mistake| mistake.is_of_all());
        let hidden = hidden.map(|mistake| format!(" ({mistake})")).unwrap_or_default();
        Err(usage(Cause::ProfileMissing, format!("the AWS profile `{name}` does not exist{ending}{hidden}")))
    }

    /// Whether all of a profile can be read, and of those that it builds on. Half a profile may lead to another account
    /// than the whole.
    ///
    /// # Errors
    ///
    /// If it cannot, with the file and the line.
    pub(super) fn check_readable(&self, name: &str) -> Result<(), Error> {
        match self.files().mistakes_in(name).as_slice() {
            [] => Ok(()),
            [mistake] => Err(usage(Cause::Unreadable, format!("the AWS profile `{name}` cannot be read: {mistake}"))),
            [mistake, others @ ..] => {
                let others = others.len();
                let message = format!("the AWS profile `{name}` cannot be read: {mistake} (and {others} more)");
                Err(usage(Cause::Unreadable, message))
            }
        }
    }
}

fn is_insecure(url: &str) -> bool {
    url.parse::<Uri>()
        .is_ok_and(|url| matches!(url.scheme_str(), Some("http" | "ws")) && !url.host().is_some_and(is_loopback))
}

fn usage(cause: Cause, message: String) -> Error {
    Error::new(ErrorKind::Usage, cause, "configuration", message)
}

/// # Errors
///
/// Of kind `Usage` if the text cannot be the name of a region; the SDK would make it part of a host name unasked.
pub(super) fn check_region(text: &str) -> Result<(), Error> {
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
