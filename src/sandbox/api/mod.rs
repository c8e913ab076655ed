//! The control plane: the actions of each service, in the protocol and with the errors of that service.

mod call;
mod dispatch;
mod ec2;
mod error;
mod form;
mod instance_connect;
mod json;
mod kms;
mod page;
mod service;
mod ssm;
mod sts;
mod xml;

pub(super) use dispatch::{Late, answer};
