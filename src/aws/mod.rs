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

pub use client::Aws;
pub use ec2::InstanceState;
pub(crate) use ec2::{Ec2Instance, ec2_literal};
pub(crate) use error::{Error, ErrorKind};
pub(crate) use identity::Identity;
pub(crate) use managed::ManagedInstance;
pub use managed::{PingStatus, Platform};
pub(crate) use net::BoxedStream;
pub(crate) use page::{Filter, Page};
pub(crate) use profiles::{Profile, profiles};
pub(crate) use secret::Secret;
pub(crate) use settings::ServiceEndpoints;
pub use settings::Settings;
pub(crate) use sign::SignedHeaders;
pub(crate) use ssm::{ConnectionStatus, StartSession, StartedSession};
pub(crate) use tier::HybridTier;

pub(crate) use gateway::is_gateway;
pub(crate) use proxy::is_loopback;
pub(crate) use sign::is_presigned;
