//! The instances that EC2 knows.

use aws_sdk_ec2::types::{Filter, Instance as SdkInstance, InstanceStateName};

use serde::{Deserialize, Serialize};

use super::{client::Aws, error::Error, managed::Platform};

/// An EC2 instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// `i-…`.
    pub id: String,
    /// The value of its Name tag.
    pub name: Option<String>,
    /// What it is doing.
    pub state: InstanceState,
    /// Windows, or something else: EC2 does not tell Linux from macOS in its platform field alone.
    pub platform: Option<Platform>,
    /// The private IPv4 address.
    pub private_ip: Option<String>,
    /// The availability zone.
    pub zone: Option<String>,
}

/// The state of an EC2 instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum InstanceState {
    /// Starting.
    Pending,
    /// Running.
    Running,
    /// On the way to be terminated.
    ShuttingDown,
    /// Gone; it is still listed for about an hour.
    Terminated,
    /// On the way to be stopped.
    Stopping,
    /// Stopped.
    Stopped,
    /// Another state, or not said.
    Unknown,
}

impl InstanceState {
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
}

impl Aws {
    /// The instances whose Name tag is exactly `name`, terminated ones included: ec2:DescribeInstances. At most 10,000
    /// instances are read.
    ///
    /// # Errors
    ///
    /// Any.
    pub async fn instances_named(&self, name: &str) -> Result<Vec<Instance>, Error> {
        let filter = Filter::builder().name("tag:Name").values(literal(name)).build();
        let mut found = self.describe_instances(&[filter], PAGE_LIMIT).await?;
        found.retain(|instance| instance.name.as_deref() == Some(name));
        Ok(found)
    }

    /// The first instances of the account, at most 1,000, in one request: ec2:DescribeInstances. Enough to guess what a
    /// person meant, not to list what there is.
    ///
    /// # Errors
    ///
    /// Any.
    pub async fn some_instances(&self) -> Result<Vec<Instance>, Error> {
        self.describe_instances(&[], 1).await
    }

    async fn describe_instances(&self, filters: &[Filter], pages: usize) -> Result<Vec<Instance>, Error> {
        let filters = Some(filters.to_vec()).filter(|filters| !filters.is_empty());
        let mut found = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..pages {
            let page = self.call("ec2:DescribeInstances", || {
                self.ec2()
                    .describe_instances()
                    .set_filters(filters.clone())
                    .set_next_token(token.clone())
                    .max_results(PAGE_SIZE)
                    .send()
            });
            let page = page.await?;
            let reservations = page.reservations.unwrap_or_default().into_iter();
            found.extend(reservations.flat_map(|one| one.instances.unwrap_or_default()).filter_map(instance));
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                break;
            }
        }
        Ok(found)
    }
}

fn instance(found: SdkInstance) -> Option<Instance> {
    let mut tags = found.tags.unwrap_or_default().into_iter();
    Some(Instance {
        id: found.instance_id?,
        name: tags.find(|tag| tag.key.as_deref() == Some("Name")).and_then(|tag| tag.value),
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
        private_ip: found.private_ip_address,
        zone: found.placement.and_then(|placement| placement.availability_zone),
    })
}

/// A filter value that means itself: EC2 reads `*`, `?` and `\` in it as wildcards and escape.
fn literal(name: &str) -> String {
    let mut literal = String::with_capacity(name.len());
    for c in name.chars() {
        if matches!(c, '*' | '?' | '\\') {
            literal.push('\\');
        }
        literal.push(c);
    }
    literal
}

/// The service's own limit.
const PAGE_SIZE: i32 = 1_000;

const PAGE_LIMIT: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::{ErrorKind, Fake, fake::Answer};

    #[tokio::test]
    async fn instances_are_found_by_name_over_all_pages() {
        let fake = Fake::start(|seen| {
            let more = !seen.body.contains("NextToken=2");
            let (id, token) = if more { ("i-1", "<nextToken>2</nextToken>") } else { ("i-2", "") };
            Answer::xml(&format!(
                "<DescribeInstancesResponse><reservationSet><item><instancesSet><item><instanceId>{id}</instanceId>\
                 <instanceState><code>16</code><name>running</name></instanceState>\
                 <platform>windows</platform><placement><availabilityZone>eu-west-1a</availabilityZone></placement>\
                 <tagSet><item><key>Name</key><value>web*</value></item></tagSet></item></instancesSet></item>\
                 </reservationSet>{token}</DescribeInstancesResponse>"
            ))
        })
        .await;
        let found = fake.aws().await.instances_named("web*").await.unwrap();
        assert_eq!(found.iter().map(|found| found.id.as_str()).collect::<Vec<_>>(), ["i-1", "i-2"]);
        assert_eq!((found[0].state, found[0].platform), (InstanceState::Running, Some(Platform::Windows)));
        assert!(fake.seen()[0].body.contains("Filter.1.Value.1=web%5C%2A"), "{}", fake.seen()[0].body);
    }

    #[tokio::test]
    async fn a_refusal_of_ec2_is_read_too() {
        let message = "You are not authorized to perform this operation. Encoded authorization failure message: xYz";
        let fake = Fake::start(move |_| Answer::ec2_error(403, "UnauthorizedOperation", message)).await;
        let err = fake.aws().await.instances_named("web").await.unwrap_err();
        assert_eq!((err.kind(), err.code()), (ErrorKind::Permission, Some("UnauthorizedOperation")));
        assert_eq!(err.message(), "You are not authorized to perform this operation.");
        assert_eq!(err.hints(), ["ask for an IAM policy that allows ec2:DescribeInstances"]);
        assert_eq!(err.request_id(), Some("fake-request-id"));
    }
}
