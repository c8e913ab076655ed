//! What the fuzzed rooms know of `aws`, without the SDK: the parts that need none by path, and the plain types again.

use std::collections::BTreeMap;
use std::time::SystemTime;

#[path = "../../../../src/aws/gateway.rs"]
mod gateway;
#[path = "../../../../src/aws/partition.rs"]
mod partition;
#[path = "../../../../src/aws/secret.rs"]
mod secret;

pub(crate) use gateway::is_gateway;
pub use secret::Secret;

/// An account and region that nothing is asked of.
pub struct Aws;

impl Aws {
    pub fn allows_insecure(&self) -> bool {
        false
    }

    pub fn profile(&self) -> Option<&str> {
        None
    }

    pub fn region(&self) -> &str {
        "eu-west-1"
    }

    pub fn ssm_endpoint(&self) -> Option<&str> {
        None
    }

    pub fn messages_endpoint(&self) -> Option<&str> {
        None
    }
}

/// As in `aws/proxy.rs`.
pub fn is_loopback(host: &str) -> bool {
    let plain = host.trim_start_matches('[').trim_end_matches(']');
    plain.eq_ignore_ascii_case("localhost") || plain.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// As in `aws/sign.rs`.
pub fn is_presigned(url: &str) -> bool {
    url.to_ascii_lowercase().contains("x-amz-signature=")
}

pub const START_SESSION_RESPONSE: &str = "AWS_SSM_START_SESSION_RESPONSE";

pub fn start_session_response(_: &str) -> Option<String> {
    None
}

#[derive(Debug)]
pub struct StartedSession {
    pub session_id: String,
    pub token: Secret,
    pub stream_url: String,
}

#[derive(Debug)]
pub struct Error;

impl Error {
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::Permission
    }

    pub fn output(&self) -> Option<&str> {
        None
    }

    pub fn hints(&self) -> Vec<String> {
        Vec::new()
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    Permission,
    NotFound,
    Usage,
}

/// A plain type whose values have words.
macro_rules! words {
    ($name:ident { $($value:ident = $word:literal),+ }) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($value),+ }

        impl $name {
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$value),+];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$value => $word),+ }
            }
        }
    };
}

words!(InstanceState {
    Pending = "pending", Running = "running", ShuttingDown = "shutting-down", Terminated = "terminated",
    Stopping = "stopping", Stopped = "stopped", Unknown = "unknown"
});
words!(PingStatus {
    Online = "Online", ConnectionLost = "ConnectionLost", Inactive = "Inactive", Unknown = "Unknown"
});
words!(Platform { Linux = "Linux", MacOs = "macOS", Windows = "Windows" });

impl InstanceState {
    pub fn is_gone(self) -> bool {
        matches!(self, Self::ShuttingDown | Self::Terminated)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ec2Instance {
    pub id: String,
    pub state: InstanceState,
    pub platform: Option<Platform>,
    pub instance_type: Option<String>,
    pub zone: Option<String>,
    pub private_ip: Option<String>,
    pub public_ip: Option<String>,
    pub private_dns: Option<String>,
    pub public_dns: Option<String>,
    pub launched: Option<SystemTime>,
    pub instance_profile: Option<String>,
    pub tags: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagedInstance {
    pub id: String,
    pub name: Option<String>,
    pub computer_name: Option<String>,
    pub ping: PingStatus,
    pub last_ping: Option<SystemTime>,
    pub platform: Option<Platform>,
    pub platform_name: Option<String>,
    pub platform_version: Option<String>,
    pub agent_version: Option<String>,
    pub ip: Option<String>,
}
