//! Instances for programs: every key always there, in this order, null where nothing is known. Keys may be added in
//! later versions; none goes, and none changes what it means.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::fleet::Instance;
use crate::moment::rfc3339;

#[derive(Serialize)]
struct Entry<'a> {
    id: &'a str,
    name: Option<&'a str>,
    /// In one word: online, running, offline, unmanaged, or a state of EC2.
    status: &'a str,
    profile: Option<&'a str>,
    region: &'a str,
    zone: Option<&'a str>,
    /// As EC2 names it.
    state: Option<&'a str>,
    /// As Systems Manager names it.
    ping: Option<&'a str>,
    /// Times are those of RFC 3339, in UTC.
    last_ping: Option<String>,
    agent_version: Option<&'a str>,
    platform: Option<&'a str>,
    platform_name: Option<&'a str>,
    computer_name: Option<&'a str>,
    instance_type: Option<&'a str>,
    private_ip: Option<&'a str>,
    public_ip: Option<&'a str>,
    private_dns: Option<&'a str>,
    public_dns: Option<&'a str>,
    launched: Option<String>,
    instance_profile: Option<&'a str>,
    tags: &'a BTreeMap<String, String>,
}

/// An array of objects, one a line.
pub(crate) fn array(instances: &[Instance]) -> serde_json::Result<Vec<u8>> {
    let mut text = Vec::from(b"[");
    for (place, instance) in instances.iter().enumerate() {
        text.extend_from_slice(if place == 0 { b"\n" } else { b",\n" });
        serde_json::to_writer(&mut text, &entry(instance))?;
    }
    text.extend_from_slice(if instances.is_empty() { b"]\n" } else { b"\n]\n" });
    Ok(text)
}

fn entry(instance: &Instance) -> Entry<'_> {
    Entry {
        id: &instance.id,
        name: instance.name.as_deref(),
        status: instance.status.word(),
        profile: instance.place.profile.as_deref(),
        region: &instance.place.region,
        zone: instance.zone.as_deref(),
        state: instance.state.map(|state| state.as_str()),
        ping: instance.ping.map(|ping| ping.as_str()),
        last_ping: instance.last_ping.and_then(rfc3339),
        agent_version: instance.agent_version.as_deref(),
        platform: instance.platform.map(|platform| platform.as_str()),
        platform_name: instance.platform_name.as_deref(),
        computer_name: instance.computer_name.as_deref(),
        instance_type: instance.instance_type.as_deref(),
        private_ip: instance.private_ip.as_deref(),
        public_ip: instance.public_ip.as_deref(),
        private_dns: instance.private_dns.as_deref(),
        public_dns: instance.public_dns.as_deref(),
        launched: instance.launched.and_then(rfc3339),
        instance_profile: instance.instance_profile.as_deref(),
        tags: &instance.tags,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn all_keys_are_there_whatever_is_known() {
        assert_eq!(array(&[]).unwrap(), b"[]\n");
        let mut web = Instance::unknown("i-0123abcd", Default::default());
        web.launched = Some(SystemTime::UNIX_EPOCH + Duration::from_hours(24));
        let text = String::from_utf8(array(&[web.clone(), web]).unwrap()).unwrap();
        assert_eq!(text.lines().count(), 4);
        let list: Vec<serde_json::Map<String, serde_json::Value>> = serde_json::from_str(&text).unwrap();
        assert_eq!(list[0].len(), 21);
        assert_eq!(list[0]["launched"], "1970-01-02T00:00:00Z");
        assert_eq!((&list[0]["name"], &list[0]["status"]), (&serde_json::Value::Null, &"unknown".into()));
    }
}
