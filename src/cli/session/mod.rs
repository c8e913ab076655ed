//! What commands share once they know the instance: the session itself.

pub(crate) mod document_parameters;
