//! The instances that EC2 knows, and the regions that an account may use.

use std::{collections::BTreeMap, time::SystemTime};

use aws_sdk_ec2::{
    operation::describe_instances::DescribeInstancesError,
    types::{Filter as SdkFilter, Instance as SdkInstance, InstanceStateName},
};

use super::{
    client::Aws,
    error::Error,
    managed::Platform,
    pace::Pace,
    page::{Filter, Page},
    retries::LeavesThrottling,
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ec2Instance {
    /// `i-…`.
    pub id: String,
    /// What it is doing.
    pub state: InstanceState,
    /// Windows, or something else: EC2 does not tell Linux from macOS in its platform field alone.
    pub platform: Option<Platform>,
    /// For instance `t3.micro`.
    pub instance_type: Option<String>,
    pub zone: Option<String>,
    /// The private IPv4 address.
    pub private_ip: Option<String>,
    /// The public IPv4 address.
    pub public_ip: Option<String>,
    /// Its name in the private DNS.
    pub private_dns: Option<String>,
    /// Its name in the public DNS.
    pub public_dns: Option<String>,
    /// When it was started.
    pub launched: Option<SystemTime>,
    /// The ARN of its instance profile.
    pub instance_profile: Option<String>,
    pub tags: BTreeMap<String, String>,
}

/// The state of an EC2 instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InstanceState {
    /// Starting.
    Pending,
    /// Booted, whatever the system inside does.
    Running,
    /// On the way to be terminated.
    ShuttingDown,
    /// Gone; it is still listed for about an hour.
    Terminated,
    /// On the way to be stopped.
    Stopping,
    /// Its disks are kept, and it can be started again.
    Stopped,
    /// Another state, or not said.
    Unknown,
}

impl InstanceState {
    pub(crate) const ALL: [Self; 7] = [
        Self::Pending,
        Self::Running,
        Self::ShuttingDown,
        Self::Terminated,
        Self::Stopping,
        Self::Stopped,
        Self::Unknown,
    ];

    /// The state as EC2 names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::ShuttingDown => "shutting-down",
            Self::Terminated => "terminated",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Unknown => "unknown",
        }
    }

    /// Whether nothing can bring the instance back.
    pub fn is_gone(self) -> bool {
        matches!(self, Self::ShuttingDown | Self::Terminated)
    }
}

impl Aws {
    /// One page of the instances that match all of `filters`, terminated ones included: ec2:DescribeInstances, at most
    /// 1,000 at a time. Each filter is a key of DescribeInstances (`tag:Name`, `instance-id`…) with patterns, one of
    /// which has to match; all filters together have at most 200 patterns. [`ec2_literal`] makes a pattern of a text.
    /// `token` is that of the page before. A throttled request is made again for about half a minute, as `pace` allows.
    ///
    /// # Errors
    ///
    /// Any.
    pub async fn instances_page(
        &self,
        filters: &[Filter],
        token: Option<&str>,
        pace: &Pace,
    ) -> Result<Page<Ec2Instance>, Error> {
        let filters = filters
            .iter()
            .map(|(name, patterns)| SdkFilter::builder().name(name).set_values(Some(patterns.clone())).build());
        let filters = Some(filters.collect::<Vec<_>>()).filter(|filters| !filters.is_empty());
        let retries = aws_sdk_ec2::Config::builder()
            .retry_config(self.paced_retries())
            .retry_classifier(LeavesThrottling::<DescribeInstancesError>::new());
        let request = || {
            self.ec2()
                .describe_instances()
                .set_filters(filters.clone())
                .set_next_token(token.map(str::to_owned))
                .max_results(INSTANCES_OF_A_PAGE)
                .customize()
                .config_override(retries.clone())
                .send()
        };
        let page = pace.ec2.patiently(self.backoff(), || self.call("ec2:DescribeInstances", request)).await?;
        let reservations = page.reservations.unwrap_or_default().into_iter();
        let instances = reservations.flat_map(|one| one.instances.unwrap_or_default()).filter_map(instance);
        Ok(Page::new(instances.collect(), page.next_token))
    }

    /// The regions that are enabled for the account, in alphabetical order: ec2:DescribeRegions.
    ///
    /// # Errors
    ///
    /// Any.
    pub async fn regions(&self) -> Result<Vec<String>, Error> {
        let asked = self.call("ec2:DescribeRegions", || self.ec2().describe_regions().send()).await?;
        let mut names: Vec<_> =
            asked.regions.unwrap_or_default().into_iter().filter_map(|region| region.region_name).collect();
        names.sort_unstable();
        Ok(names)
    }
}

/// A pattern of EC2's filters that means a text itself: in a pattern, `*`, `?` and `\` are wildcards and escape.
pub(crate) fn ec2_literal(text: &str) -> String {
    let mut literal = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '*' | '?' | '\\') {
            literal.push('\\');
        }
        literal.push(c);
    }
    literal
}

fn instance(found: SdkInstance) -> Option<Ec2Instance> {
    // The service writes an empty text where there is none.
    let some = |text: Option<String>| text.filter(|text| !text.is_empty());
    let tags = found.tags.unwrap_or_default().into_iter();
    Some(Ec2Instance {
        id: found.instance_id?,
        state: match found.state.and_then(|state| state.name) {
            Some(InstanceStateName::Pending) => InstanceState::Pending,
            Some(InstanceStateName::Running) => InstanceState::Running,
            Some(InstanceStateName::ShuttingDown) => InstanceState::ShuttingDown,
            Some(InstanceStateName::Terminated) => InstanceState::Terminated,
            Some(InstanceStateName::Stopping) => InstanceState::Stopping,
            Some(InstanceStateName::Stopped) => InstanceState::Stopped,
            _ => InstanceState::Unknown,
        },
        // The service writes "windows" or nothing; the older API reference says "Windows".
        platform: found
            .platform
            .filter(|platform| platform.as_str().eq_ignore_ascii_case("windows"))
            .map(|_| Platform::Windows),
        instance_type: found.instance_type.map(|kind| kind.as_str().to_owned()),
        zone: some(found.placement.and_then(|placement| placement.availability_zone)),
        private_ip: some(found.private_ip_address),
        public_ip: some(found.public_ip_address),
        private_dns: some(found.private_dns_name),
        public_dns: some(found.public_dns_name),
        launched: found.launch_time.and_then(|time| SystemTime::try_from(time).ok()),
        instance_profile: some(found.iam_instance_profile.and_then(|profile| profile.arn)),
        tags: tags.filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default()))).collect(),
    })
}

/// The service's own limit.
const INSTANCES_OF_A_PAGE: i32 = 1_000;

#[cfg(test)]
mod tests;
