//! How many sessions carry the connections to one destination.

/// How many lanes a route has: sessions to one destination at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lanes {
    /// As many as soon as there is a connection, whatever it does.
    pub(super) least: usize,
    /// As many where there is need of them.
    pub(super) most: usize,
}

impl Lanes {
    /// One, and up to four where connections would disturb each other.
    pub(crate) const AUTO: Self = Self { least: 1, most: 4 };

    /// One, whatever there is to carry.
    pub(crate) const ONE: Self = Self { least: 1, most: 1 };

    /// So many, 1 at least.
    pub(crate) fn fixed(count: usize) -> Self {
        Self { least: count.max(1), most: count.max(1) }
    }
}
