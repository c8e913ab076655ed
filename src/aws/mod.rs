//! Everything ssmx asks of AWS, behind plain types: settings and credentials, endpoints and proxies, the requests, and
//! AWS errors turned into advice.
//!
//! [`Aws`] stands for one account and region. No SDK type leaves this room. The network of the SDK and of the
//! WebSocket is the same ([`NetSettings`]): the same roots, proxies and TLS.

mod advice;
mod client;
mod codes;
mod credentials;
mod ec2;
mod error;
mod gateway;
mod http;
mod identity;
mod instance_connect;
mod kms;
mod managed;
mod net;
mod page;
mod profiles;
mod proxy;
mod secret;
mod settings;
mod sign;
mod ssm;
mod sts;
mod tier;

#[cfg(test)]
mod fake;

pub use client::Aws;
pub use ec2::{Ec2Instance, InstanceState, ec2_literal};
pub use error::{Error, ErrorKind};
pub use identity::Identity;
pub use kms::DataKey;
pub use managed::{ManagedInstance, PingStatus, Platform};
pub use net::{BoxedStream, NetSettings, Stream};
pub use page::{Filter, Page};
pub use profiles::{Profile, profiles};
pub use secret::Secret;
pub use settings::{ServiceEndpoints, Settings};
pub use sign::SignedHeaders;
pub use ssm::{ConnectionStatus, ResumedSession, StartSession, StartedSession};
pub use sts::CallerIdentity;
pub use tier::HybridTier;

pub(crate) use gateway::is_gateway;
pub(crate) use proxy::is_loopback;
pub(crate) use sign::is_presigned;

#[cfg(test)]
pub(crate) use fake::{Answer, Fake, keys};
