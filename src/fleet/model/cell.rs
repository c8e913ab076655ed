//! [`Cell`]: what a column shows of an instance.

use std::time::SystemTime;

use super::instance::Instance;
use crate::aws::{InstanceState, Platform};
use crate::config::Column;

/// What a column shows of an instance. How a moment is written is up to the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cell<'a> {
    Unknown,
    /// Not empty. It may hold control characters.
    Text(&'a str),
    Time(SystemTime),
}

impl Instance {
    pub(crate) fn cell(&self, column: &Column) -> Cell<'_> {
        let text = match column {
            Column::Name => self.name.as_deref(),
            Column::Id => Some(self.id.as_str()),
            Column::Status => Some(self.status.word()),
            Column::State => self.state.map(InstanceState::as_str),
            Column::Platform => self.platform_name.as_deref().or(self.platform.map(Platform::as_str)),
            Column::Type => self.instance_type.as_deref(),
            Column::Zone => self.zone.as_deref().or(Some(&self.place.region)),
            Column::Region => Some(self.place.region.as_str()),
            Column::Profile => self.place.profile.as_deref(),
            Column::Ip => self.private_ip.as_deref(),
            Column::PublicIp => self.public_ip.as_deref(),
            Column::Dns => self.private_dns.as_deref(),
            Column::Computer => self.computer_name.as_deref(),
            Column::Agent => self.agent_version.as_deref(),
            Column::LastSeen => return self.last_ping.map_or(Cell::Unknown, Cell::Time),
            Column::Launched => return self.launched.map_or(Cell::Unknown, Cell::Time),
            Column::Tag(key) => self.tags.get(key).map(String::as_str),
        };
        text.filter(|text| !text.is_empty()).map_or(Cell::Unknown, Cell::Text)
    }
}
