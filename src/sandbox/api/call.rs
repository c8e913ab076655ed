//! What every action gets besides its input.

use std::sync::Arc;

use crate::sandbox::account::Account;

/// A call that has been let in.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) account: &'a Arc<Account>,
    pub(crate) region: &'a str,
    pub(crate) request_id: &'a str,
}
