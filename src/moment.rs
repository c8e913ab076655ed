//! Moments as people and programs read them.

use std::time::{Duration, SystemTime};

/// How long ago something was, as short as can be: `2 h ago`. A clock that is behind makes it the present.
pub(crate) fn ago(now: SystemTime, then: SystemTime) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let passed = seconds(now, then);
    let unit = UNITS.iter().find(|(length, _)| passed >= *length);
    unit.map_or_else(|| "just now".to_owned(), |(length, name)| format!("{} {name} ago", passed / length))
}

/// How long something has lasted, for a sentence: `2 hours`, in a unit of which there are two and more.
pub(crate) fn age(now: SystemTime, then: SystemTime) -> String {
    let seconds = seconds(now, then);
    let (count, unit) = match seconds {
        0..=119 => (seconds, "second"),
        120..=7_199 => (seconds / 60, "minute"),
        7_200..=172_799 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

/// `2026-01-31T23:59:59Z`. None before 1970 and after 9999, for which humantime has no such form.
pub(crate) fn rfc3339(time: SystemTime) -> Option<String> {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    (since.as_secs() < YEAR_10000).then(|| humantime::format_rfc3339_seconds(time).to_string())
}

/// When the year 10000 begins, in seconds since 1970.
const YEAR_10000: u64 = 253_402_300_800;

fn seconds(now: SystemTime, then: SystemTime) -> u64 {
    now.duration_since(then).unwrap_or(Duration::ZERO).as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    fn before(seconds: u64) -> (SystemTime, SystemTime) {
        (NOW + Duration::from_secs(seconds), NOW)
    }

    #[test]
    fn a_time_is_as_long_ago_as_a_person_would_say() {
        for (seconds, text) in
            [(0, "just now"), (59, "59 s ago"), (60, "1 min ago"), (7_199, "1 h ago"), (200_000, "2 d ago")]
        {
            let (now, then) = before(seconds);
            assert_eq!(ago(now, then), text);
        }
        assert_eq!(ago(NOW, NOW + Duration::from_mins(1)), "just now");
    }

    #[test]
    fn an_age_has_a_unit_that_says_enough() {
        for (seconds, text) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (119, "119 seconds"),
            (120, "2 minutes"),
            (7_199, "119 minutes"),
            (7_200, "2 hours"),
            (200_000, "2 days"),
        ] {
            let (now, then) = before(seconds);
            assert_eq!(age(now, then), text);
        }
        assert_eq!(age(NOW, NOW + Duration::from_mins(1)), "0 seconds");
    }

    #[test]
    fn moments_before_1970_and_after_9999_have_no_form() {
        assert_eq!(rfc3339(NOW + Duration::from_mins(1)).as_deref(), Some("1970-01-01T00:01:00Z"));
        assert_eq!(rfc3339(NOW - Duration::from_secs(1)), None);
        let last = NOW + Duration::from_secs(YEAR_10000 - 1);
        assert_eq!(rfc3339(last).as_deref(), Some("9999-12-31T23:59:59Z"));
        assert_eq!(rfc3339(last + Duration::from_secs(1)), None);
    }
}
