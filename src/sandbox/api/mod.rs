//! The control plane: the actions of each service, in the protocol and with the errors of that service.

mod dispatch;
mod ec2;
mod ec2_filters;
mod ec2_xml;
mod error;
mod form;
mod instance_connect;
mod json;
mod kms;
mod page;
mod service;
mod ssm_documents;
mod ssm_instances;
mod ssm_sessions;
mod ssm_settings;
mod sts;
mod xml;

pub(super) use dispatch::answer;
