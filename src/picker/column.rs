//! How the list writes columns: their titles, and their cells.

use std::borrow::Cow;
use std::time::SystemTime;

use crate::config::Column;
use crate::fleet::{Cell, Instance};
use crate::moment::rfc3339;

/// The title above a column.
pub(super) fn title(column: &Column) -> String {
    match column {
        Column::Tag(key) => key.to_uppercase(),
        named => named.to_string().to_uppercase().replace('_', " "),
    }
}

/// What a column shows of an instance; empty if that is not known.
pub(super) fn text<'a>(column: &Column, instance: &'a Instance) -> Cow<'a, str> {
    match instance.cell(column) {
        Cell::Unknown => Cow::Borrowed(""),
        Cell::Text(text) => Cow::Borrowed(text),
        Cell::Time(moment) => Cow::Owned(time(moment)),
    }
}

/// A moment to the minute, in UTC. Empty for one that RFC 3339 cannot write.
pub(super) fn time(time: SystemTime) -> String {
    rfc3339(time).unwrap_or_default().get(..16).unwrap_or_default().replace('T', " ")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::testing::instance;

    #[test]
    fn columns_have_titles() {
        assert_eq!(title(&Column::PublicIp), "PUBLIC IP");
        assert_eq!(title(&Column::Tag("Env".into())), "ENV");
    }

    #[test]
    fn what_is_not_known_is_empty() {
        let mut one = instance("i-1", "web-1");
        assert_eq!(text(&Column::LastSeen, &one), "");
        one.last_ping = Some(UNIX_EPOCH + Duration::from_secs(1_790_000_000));
        assert_eq!(text(&Column::LastSeen, &one), "2026-09-21 14:13");
        assert_eq!(text(&Column::Tag("Env".into()), &one), "prod");
        one.last_ping = Some(UNIX_EPOCH + Duration::from_secs(1 << 40));
        assert_eq!(text(&Column::LastSeen, &one), "");
    }
}
