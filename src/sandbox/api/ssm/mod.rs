//! Systems Manager: instances, sessions, session documents, settings.

pub(crate) mod documents;
pub(crate) mod instances;
pub(crate) mod sessions;
pub(crate) mod settings;
