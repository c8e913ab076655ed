//! No SSH servers for the instances on this operating system.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::sandbox::agent::environment::Homes;
use crate::sandbox::error::Error;
use crate::sandbox::fleet::Instance;
use crate::sandbox::services::pushed_keys::PushedKeys;

/// Cannot be made: there are no servers here.
#[derive(Debug)]
pub(crate) enum SshServers {}

impl SshServers {
    pub(crate) fn find(_: Arc<Homes>) -> Result<Self, Error> {
        Err(Error::NoSshServer)
    }

    pub(crate) fn user(&self) -> &str {
        match *self {}
    }

    pub(crate) fn known_hosts(&self) -> &Path {
        match *self {}
    }

    pub(crate) async fn port(&self, _: &Instance, _: &Arc<PushedKeys>) -> io::Result<u16> {
        match *self {}
    }
}
