//! The running sandbox, met from outside: by the clients of the SDK, and by a WebSocket client with bare frames.

mod cuts;
mod ec2_sts_kms;
mod gateway;
mod helpers;
mod ssm;
