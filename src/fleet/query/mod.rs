//! What a person typed to name instances, and whether an instance is meant by it.

#[cfg(test)]
mod check;
pub(crate) mod glob;
pub(crate) mod spec;
pub(crate) mod terms;
