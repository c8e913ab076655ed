//! What commands share once they know the instance: the session itself.

pub(crate) mod document_parameters;
pub(crate) mod endings;
pub(crate) mod escape;
pub(crate) mod observer;
pub(crate) mod outcome;
pub(crate) mod platform;
pub(crate) mod start;
