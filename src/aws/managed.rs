//! The instances that Systems Manager knows.

use std::time::SystemTime;

use aws_sdk_ssm::{
    operation::describe_instance_information::DescribeInstanceInformationError,
    types::{InstanceInformation, InstanceInformationStringFilter, PingStatus as SdkPingStatus, PlatformType},
};

use super::{
    client::Aws,
    error::Error,
    pace::Pace,
    page::{Filter, Page},
    retries::LeavesThrottling,
};

/// An instance (EC2 or hybrid) with an agent that has registered at some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagedInstance {
    /// `i-…` or `mi-…`.
    pub id: String,
    /// The name given when a hybrid instance was activated.
    pub name: Option<String>,
    /// The host name that the agent reports.
    pub computer_name: Option<String>,
    /// Whether the agent is in touch.
    pub ping: PingStatus,
    /// When it was last heard from.
    pub last_ping: Option<SystemTime>,
    pub platform: Option<Platform>,
    /// The operating system's own name, for instance `Amazon Linux`.
    pub platform_name: Option<String>,
    /// Its version, for instance `2023`.
    pub platform_version: Option<String>,
    /// The version of the agent, for instance `3.3.0.0`.
    pub agent_version: Option<String>,
    /// The IP address that the agent reports.
    pub ip: Option<String>,
}

/// Whether the agent of an instance is in touch with Systems Manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PingStatus {
    /// It is.
    Online,
    /// It has not been heard from for some minutes.
    ConnectionLost,
    /// It has been inactive for longer.
    Inactive,
    /// Something else, or not said.
    Unknown,
}

/// An operating system, as far as it matters to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Platform {
    /// Any distribution.
    Linux,
    /// macOS.
    MacOs,
    /// Windows Server.
    Windows,
}

impl PingStatus {
    pub(crate) const ALL: [Self; 4] = [Self::Online, Self::ConnectionLost, Self::Inactive, Self::Unknown];

    /// The status as Systems Manager names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Online => "Online",
            Self::ConnectionLost => "ConnectionLost",
            Self::Inactive => "Inactive",
            Self::Unknown => "Unknown",
        }
    }
}

impl Platform {
    pub(crate) const ALL: [Self; 3] = [Self::Linux, Self::MacOs, Self::Windows];

    /// The system as its makers spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Linux => "Linux",
            Self::MacOs => "macOS",
            Self::Windows => "Windows",
        }
    }
}

impl Aws {
    /// One page of the managed instances that match all of `filters`, each a key of DescribeInstanceInformation
    /// (`tag:Name`, `InstanceIds`, `PingStatus`…) with at most 100 values: ssm:DescribeInstanceInformation, at most 50
    /// at a time. Filters by tag cannot be combined with others. `token` is that of the page before. A throttled request
    /// is made again for about half a minute, as `pace` allows.
    ///
    /// # Errors
    ///
    /// Any.
    pub async fn managed_page(
        &self,
        filters: &[Filter],
        token: Option<&str>,
        pace: &Pace,
    ) -> Result<Page<ManagedInstance>, Error> {
        const ACTION: &str = "ssm:DescribeInstanceInformation";
        let filters = filters.iter().map(|(key, values)| {
            InstanceInformationStringFilter::builder().key(key).set_values(Some(values.clone())).build()
        });
        let filters: Vec<_> = filters.collect::<Result<_, _>>().map_err(|err| Error::network(ACTION, "", &err))?;
        let filters = Some(filters).filter(|filters| !filters.is_empty());
        let retries = aws_sdk_ssm::Config::builder()
            .retry_config(self.paced_retries())
            .retry_classifier(LeavesThrottling::<DescribeInstanceInformationError>::new());
        let request = || {
            self.ssm()
                .describe_instance_information()
                .set_filters(filters.clone())
                .set_next_token(token.map(str::to_owned))
                .max_results(INSTANCES_OF_A_PAGE)
                .customize()
                .config_override(retries.clone())
                .send()
        };
        let page = pace.ssm.patiently(self.backoff(), || self.call(ACTION, request)).await?;
        let items = page.instance_information_list.unwrap_or_default().into_iter().filter_map(managed);
        Ok(Page::new(items.collect(), page.next_token))
    }

    /// The managed instances that match all of `filters`, page after page as [`Aws::managed_page`] gives them. At most
    /// 50,000 instances are read; more are left out with a warning in the log.
    ///
    /// # Errors
    ///
    /// Any; also when the last page fails.
    pub async fn describe_instance_information(&self, filters: &[Filter]) -> Result<Vec<ManagedInstance>, Error> {
        let (mut found, pace) = (Vec::new(), Pace::default());
        let mut token: Option<String> = None;
        for _ in 0..PAGE_LIMIT {
            let page = self.managed_page(filters, token.as_deref(), &pace).await?;
            found.extend(page.items);
            token = page.next;
            if token.is_none() {
                return Ok(found);
            }
        }
        tracing::warn!(read = found.len(), "there are more managed instances than are read");
        Ok(found)
    }
}

fn managed(info: InstanceInformation) -> Option<ManagedInstance> {
    Some(ManagedInstance {
        id: info.instance_id?,
        name: info.name,
        computer_name: info.computer_name,
        ping: match info.ping_status {
            Some(SdkPingStatus::Online) => PingStatus::Online,
            Some(SdkPingStatus::ConnectionLost) => PingStatus::ConnectionLost,
            Some(SdkPingStatus::Inactive) => PingStatus::Inactive,
            _ => PingStatus::Unknown,
        },
        last_ping: info.last_ping_date_time.and_then(|time| SystemTime::try_from(time).ok()),
        platform: info.platform_type.and_then(|platform| match platform {
            PlatformType::Linux => Some(Platform::Linux),
            PlatformType::Macos => Some(Platform::MacOs),
            PlatformType::Windows => Some(Platform::Windows),
            _ => None,
        }),
        platform_name: info.platform_name,
        platform_version: info.platform_version,
        agent_version: info.agent_version,
        ip: info.ip_address,
    })
}

/// The service's own limit.
const INSTANCES_OF_A_PAGE: i32 = 50;

const PAGE_LIMIT: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Answer, Fake};

    #[tokio::test]
    async fn pages_are_read_to_the_last() {
        let fake = Fake::start(|seen| {
            let body: serde_json::Value = serde_json::from_str(&seen.body).unwrap();
            match body["NextToken"].as_str() {
                None => Answer::json(
                    r#"{"InstanceInformationList":[{"InstanceId":"i-1","PingStatus":"Online","PlatformType":"Linux",
                        "LastPingDateTime":1.5e9,"PlatformVersion":"2023"}],
                        "NextToken":"2"}"#,
                ),
                Some(_) => Answer::json(
                    r#"{"InstanceInformationList":[{"InstanceId":"mi-2","PingStatus":"ConnectionLost","Name":"db"},{}]}"#,
                ),
            }
        })
        .await;
        let filters = [("tag:Name".to_owned(), vec!["db".to_owned()])];
        let found = fake.aws().await.describe_instance_information(&filters).await.unwrap();
        assert_eq!(found.iter().map(|found| found.id.as_str()).collect::<Vec<_>>(), ["i-1", "mi-2"]);
        assert_eq!((found[0].ping, found[0].platform), (PingStatus::Online, Some(Platform::Linux)));
        assert_eq!(found[0].last_ping.unwrap(), SystemTime::UNIX_EPOCH + std::time::Duration::from_mins(25_000_000));
        assert_eq!((found[1].ping, found[1].name.as_deref()), (PingStatus::ConnectionLost, Some("db")));
        let body: serde_json::Value = serde_json::from_str(&fake.seen()[1].body).unwrap();
        assert_eq!((&body["Filters"][0]["Key"], &body["MaxResults"]), (&"tag:Name".into(), &50.into()));
    }
}
