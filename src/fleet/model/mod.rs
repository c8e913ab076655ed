//! The vocabulary: an instance, where it is, the state of it. Plain types, which never send a request.

pub(crate) mod cell;
pub(crate) mod instance;
pub(crate) mod place;
pub(crate) mod state;
pub(crate) mod target;
