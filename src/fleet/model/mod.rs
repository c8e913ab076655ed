//! The vocabulary: an instance, where it is, the state of it. Plain types that ask nobody.

pub(crate) mod cell;
pub(crate) mod instance;
pub(crate) mod target;
