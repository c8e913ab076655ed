//! What the columns of a listing show.

use std::time::{Duration, SystemTime};

use anstyle::{AnsiColor, Style};

use crate::cli::ui::printable;
use crate::cli::ui::table::{Head, Table};
use crate::config::Column;
use crate::fleet::{Instance, TargetState};

/// Lays instances out under columns.
pub(crate) fn table(instances: &[Instance], columns: &[Column], now: SystemTime) -> Table {
    let heads = columns.iter().map(head).collect();
    let row = |instance: &Instance| columns.iter().map(|column| cell(instance, column, now)).collect();
    Table { heads, rows: instances.iter().map(row).collect() }
}

/// All that has a name, for a listing without bounds.
pub(crate) fn wide() -> Vec<Column> {
    Column::NAMED.map(|(_, column)| column).to_vec()
}

/// In which style a status is written, beside its word.
pub(crate) fn style(word: &str) -> Style {
    match word {
        "online" => AnsiColor::Green.on_default(),
        "running" | "pending" => AnsiColor::Cyan.on_default(),
        "offline" | "unmanaged" => AnsiColor::Yellow.on_default(),
        _ => Style::new().dimmed(),
    }
}

fn head(column: &Column) -> Head {
    let (rank, least) = match column {
        Column::Name => (0, Some(12)),
        Column::Id => (1, None),
        Column::Status => (2, None),
        Column::Profile => (3, Some(8)),
        Column::Platform => (4, Some(8)),
        Column::Ip => (5, None),
        Column::Zone => (6, None),
        Column::Region => (7, None),
        Column::Tag(_) => (8, Some(8)),
        Column::State | Column::Type => (9, None),
        Column::PublicIp => (10, None),
        Column::Launched | Column::LastSeen => (11, None),
        Column::Agent => (12, None),
        Column::Dns | Column::Computer => (13, Some(12)),
    };
    Head { title: column.to_string(), rank, least }
}

/// One line, `-` where nothing is known.
fn cell(instance: &Instance, column: &Column, now: SystemTime) -> String {
    let region = &instance.place.region;
    let text = match column {
        Column::Name => instance.name.as_deref(),
        Column::Id => Some(instance.id.as_str()),
        Column::Status => Some(instance.status.word()),
        Column::State => instance.state.map(|state| state.as_str()),
        Column::Platform => instance.platform_name.as_deref().or(instance.platform.map(|platform| platform.as_str())),
        Column::Type => instance.instance_type.as_deref(),
        Column::Zone => instance.zone.as_deref().or(Some(region)),
        Column::Region => Some(region.as_str()),
        Column::Profile => instance.place.profile.as_deref(),
        Column::Ip => instance.private_ip.as_deref(),
        Column::PublicIp => instance.public_ip.as_deref(),
        Column::Dns => instance.private_dns.as_deref(),
        Column::Computer => instance.computer_name.as_deref(),
        Column::Agent => instance.agent_version.as_deref(),
        Column::LastSeen => return instance.last_ping.map_or_else(none, |time| ago(now, time)),
        Column::Launched => return instance.launched.map_or_else(none, |time| ago(now, time)),
        Column::Tag(key) => instance.tags.get(key).map(String::as_str),
    };
    text.filter(|text| !text.is_empty()).map_or_else(none, |text| printable(text).replace(['\n', '\t'], " "))
}

fn none() -> String {
    "-".to_owned()
}

/// How long ago, in the largest unit that is not nought.
pub(crate) fn ago(now: SystemTime, time: SystemTime) -> String {
    let passed = now.duration_since(time).unwrap_or_default();
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let unit = UNITS.iter().find(|(length, _)| passed >= Duration::from_secs(*length));
    unit.map_or_else(|| "just now".to_owned(), |(length, name)| format!("{} {name} ago", passed.as_secs() / length))
}

/// How many there are of each status, those that can be reached first: `6 online, 1 stopped`.
pub(crate) fn counts(instances: &[Instance]) -> String {
    let mut counts: Vec<(TargetState, usize)> = Vec::new();
    // They are in the order of their status already, and of few kinds.
    for instance in instances {
        match counts.iter_mut().find(|(status, _)| *status == instance.status) {
            Some((_, count)) => *count += 1,
            None => counts.push((instance.status, 1)),
        }
    }
    counts.iter().map(|(status, count)| format!("{count} {}", status.word())).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_shows_what_it_is_called() {
        let mut web = Instance::unknown("i-0123abcd", Default::default());
        web.place.region = "eu-west-1".to_owned();
        web.name = Some("two\nlines\u{1b}[31m".to_owned());
        web.status = TargetState::Online;
        web.tags = [("Env".to_owned(), "prod".to_owned())].into();
        web.last_ping = Some(SystemTime::UNIX_EPOCH);
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(7_300);
        let cell = |column: &str| cell(&web, &column.parse().unwrap(), now);
        assert_eq!(cell("name"), "two lines\\u{1b}[31m");
        assert_eq!(
            (cell("status"), cell("zone"), cell("tag:Env")),
            ("online".into(), "eu-west-1".into(), "prod".into())
        );
        assert_eq!((cell("tag:Role"), cell("ip"), cell("last_seen")), ("-".into(), "-".into(), "2 h ago".into()));
        for column in wide() {
            assert!(!super::cell(&web, &column, now).is_empty() && !head(&column).title.is_empty());
        }
    }

    #[test]
    fn times_are_as_long_ago_as_a_person_would_say() {
        let ago = |secs| ago(SystemTime::UNIX_EPOCH + Duration::from_secs(secs), SystemTime::UNIX_EPOCH);
        for (secs, text) in
            [(0, "just now"), (59, "59 s ago"), (60, "1 min ago"), (7_199, "1 h ago"), (200_000, "2 d ago")]
        {
            assert_eq!(ago(secs), text);
        }
    }

    #[test]
    fn counts_are_in_the_order_of_the_list() {
        let with = |status| Instance { status, ..Instance::unknown("i-0123abcd", Default::default()) };
        let all = [TargetState::Online, TargetState::Online, TargetState::Offline].map(with);
        assert_eq!(counts(&all), "2 online, 1 offline");
    }
}
