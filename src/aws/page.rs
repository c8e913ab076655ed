//! Lists that come in pages.

/// A property of what is listed, in the service's own spelling, and the values of which it has to have one.
pub(crate) type Filter = (String, Vec<String>);

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// What it holds; may be nothing although more pages follow.
    pub items: Vec<T>,
    /// What to ask for the next page with; none after the last one.
    pub next: Option<String>,
}

impl<T> Page<T> {
    pub(super) fn new(items: Vec<T>, token: Option<String>) -> Self {
        Self { items, next: token.filter(|token| !token.is_empty()) }
    }
}
