//! No SSH servers for the instances on this operating system.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::environment::Homes;
use crate::sandbox::{Error, Instance, PushedKeys};

/// There are none.
#[derive(Debug)]
pub(super) enum SshServers {}

impl SshServers {
    pub(super) fn find(_: Arc<Homes>) -> Result<Self, Error> {
        Err(Error::NoSshServer)
    }

    pub(super) fn user(&self) -> &str {
        match *self {}
    }

    pub(super) fn known_hosts(&self) -> &Path {
        match *self {}
    }

    pub(super) async fn port(&self, _: &Instance, _: &Arc<PushedKeys>) -> io::Result<u16> {
        match *self {}
    }
}
