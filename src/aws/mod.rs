//! Everything ssmx asks of AWS, behind plain types: settings and credentials, endpoints and proxies, the requests, and
//! AWS errors turned into advice.
//!
//! [`Aws`] stands for one account and region. No SDK type leaves this room. The network of the SDK and of the
//! WebSocket is the same ([`NetSettings`]): the same roots, proxies and TLS.

mod advice;
mod ambient;
mod client;
mod clients;
mod codes;
mod credentials;
mod ec2;
mod error;
mod foreign;
mod gateway;
mod http;
mod identity;
mod instance_connect;
mod kms;
mod managed;
mod net;
mod pace;
mod page;
mod partition;
mod profiles;
mod proxy;
mod retries;
mod sdk;
mod secret;
mod settings;
mod shared_files;
mod sign;
#[cfg(test)]
pub(crate) mod simulated;
mod ssm;
mod sts;
mod tier;
mod tls;

pub use ambient::Ambient;
pub(crate) use ambient::{START_SESSION_RESPONSE, start_session_response};
pub use client::Aws;
pub use ec2::InstanceState;
pub(crate) use ec2::{Ec2Instance, ec2_literal};
pub(crate) use error::{Error, ErrorKind};
pub(crate) use foreign::foreign_upgrade;
pub(crate) use identity::Identity;
pub(crate) use managed::ManagedInstance;
pub use managed::{PingStatus, Platform};
pub(crate) use net::BoxedStream;
pub(crate) use pace::{MOST as MOST_REQUESTS, Pace};
pub(crate) use page::{Filter, Page};
pub(crate) use partition::Partition;
pub(crate) use profiles::Profile;
pub(crate) use secret::Secret;
pub use settings::{Endpoints, Settings};
pub(crate) use sign::SignedHeaders;
pub(crate) use ssm::{ConnectionStatus, StartSession, StartedSession};
pub(crate) use tier::HybridTier;
#[cfg(test)]
pub(crate) use {clients::SERVICES, settings::GATEWAY};

pub(crate) use gateway::is_gateway;
pub(crate) use proxy::is_loopback;
pub(crate) use sign::is_presigned;
