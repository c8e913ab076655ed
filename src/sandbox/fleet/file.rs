//! Reads a fleet from a TOML file: strictly, with the line in every complaint.
//!
//! ```toml
//! region = "eu-west-1"          # of instances that name none; all keys but the name may be left out
//!
//! [[instance]]
//! name = "web-1"
//! id = "i-0123456789abcdef0"
//! tags = { Env = "prod" }
//! state = "running"             # pending, running, shutting-down, terminated, stopping, stopped
//! ping = "Online"               # Online, ConnectionLost, Inactive, Never
//! last_ping = "2026-01-31T23:59:59Z"
//! platform = "Linux"            # Linux, MacOS, Windows
//! instance_profile = "ssm"      # "" for none, as it is for hybrid nodes and where ping is Never
//!
//! [generate]
//! count = 500
//! seed = 1
//! name = "node"
//! regions = ["eu-west-1", "us-east-1"]
//! ```

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{self, Read};
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::SystemTime;

use serde::Deserialize;
use toml::Spanned;

use super::generate::{Generate, address, generate, id_of, launched};
use super::instance::{AGENT_VERSION, INSTANCE_PROFILE, Instance, InstanceState, Ping, Platform, instance_profile};
use super::{Fleet, MOST_INSTANCES};
use crate::sandbox::error::Error;

/// Largest fleet file: 10,000 instances with plenty of tags.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FleetFile {
    region: Option<String>,
    #[serde(default)]
    instance: Vec<Spanned<Entry>>,
    generate: Option<Spanned<Generate>>,
}

/// An instance, as far as the file describes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: Option<String>,
    id: Option<String>,
    region: Option<String>,
    zone: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    state: Option<InstanceState>,
    ping: Option<PingOrNever>,
    /// As `launched`.
    last_ping: Option<String>,
    platform: Option<Platform>,
    platform_name: Option<String>,
    platform_version: Option<String>,
    #[serde(rename = "type")]
    instance_type: Option<String>,
    private_ip: Option<Ipv4Addr>,
    public_ip: Option<Ipv4Addr>,
    agent_version: Option<String>,
    instance_profile: Option<String>,
    /// `2026-01-31T23:59:59Z`
    launched: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
enum PingOrNever {
    Online,
    ConnectionLost,
    Inactive,
    Never,
}

impl Fleet {
    /// Reads a fleet from a TOML file. `region` is that of instances for which the file names none.
    ///
    /// # Errors
    /// When the file cannot be read, has unknown keys or wrong values (the text names the line), has no instances,
    /// two with one id, or more than 10,000.
    pub fn read(path: &Path, region: &str) -> Result<Self, Error> {
        let shown = path.display().to_string();
        let text = read(path).map_err(|source| Error::ReadFleet { path: shown.clone(), source })?;
        parse(&text, region).map_err(|reason| Error::Fleet { path: shown, reason })
    }
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MOST_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MOST_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("more than {MOST_BYTES} bytes")));
    }
    Ok(text)
}

fn parse(text: &str, region: &str) -> Result<Fleet, String> {
    // The text of the library's errors has line, column and the line itself.
    let file: FleetFile = toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
    let region = file.region.as_deref().unwrap_or(region);
    let mut instances = Vec::new();
    let mut ids = HashSet::new();
    for (place, entry) in file.instance.into_iter().enumerate() {
        let line = line(text, entry.span().start);
        let instance = entry.into_inner().instance(place, region).map_err(|error| format!("line {line}: {error}"))?;
        if !ids.insert(instance.id.clone()) {
            return Err(format!("line {line}: the id {} is already used", instance.id));
        }
        instances.push(instance);
    }
    if let Some(wanted) = file.generate {
        let line = line(text, wanted.span().start);
        let wanted = wanted.into_inner();
        if instances.len().saturating_add(wanted.count) > MOST_INSTANCES {
            return Err(format!("line {line}: a fleet has at most {MOST_INSTANCES} instances"));
        }
        if wanted.regions.as_ref().is_some_and(Vec::is_empty) {
            return Err(format!("line {line}: regions must not be empty"));
        }
        let generated = generate(&wanted, region);
        if let Some(twin) = generated.iter().find(|instance| !ids.insert(instance.id.clone())) {
            return Err(format!("line {line}: the generated id {} is taken; choose another seed", twin.id));
        }
        instances.extend(generated);
    }
    match instances.len() {
        0 => Err("there is no [[instance]] and no [generate]".to_owned()),
        count if count > MOST_INSTANCES => Err(format!("a fleet has at most {MOST_INSTANCES} instances")),
        _ => Ok(Fleet::new(instances)),
    }
}

fn line(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

impl Entry {
    fn instance(self, place: usize, region: &str) -> Result<Instance, String> {
        let region = self.region.unwrap_or_else(|| region.to_owned());
        let seed = format!("{}/{region}/{place}", self.name.as_deref().unwrap_or_default());
        let id = self.id.unwrap_or_else(|| id_of(&seed));
        check_id(&id)?;
        let zone = match self.zone {
            // One letter is the zone of the region.
            Some(zone) if zone.len() == 1 => format!("{region}{zone}"),
            Some(zone) if zone.starts_with(&region) => zone,
            Some(zone) => return Err(format!("the zone {zone} is not in the region {region}")),
            None => format!("{region}a"),
        };
        let mut tags = self.tags;
        if let Some(name) = self.name
            && tags.insert("Name".to_owned(), name).is_some()
        {
            return Err("the name is set twice, as name and as the tag Name".to_owned());
        }
        let state = self.state.unwrap_or(InstanceState::Running);
        let ping = match self.ping {
            Some(PingOrNever::Online) => Some(Ping::Online),
            Some(PingOrNever::ConnectionLost) => Some(Ping::ConnectionLost),
            Some(PingOrNever::Inactive) => Some(Ping::Inactive),
            Some(PingOrNever::Never) => None,
            None if state == InstanceState::Running => Some(Ping::Online),
            None => Some(Ping::ConnectionLost),
        };
        let platform = self.platform.unwrap_or(Platform::Linux);
        let (name, version) = match platform {
            Platform::Linux => ("Amazon Linux", "2023"),
            Platform::MacOs => ("macOS", "15.1"),
            Platform::Windows => ("Microsoft Windows Server 2022 Datacenter", "10.0.20348"),
        };
        let launched = time("launched", self.launched)?.unwrap_or_else(|| launched(0));
        let last_ping = time("last_ping", self.last_ping)?;
        let profile = match self.instance_profile {
            Some(name) => Some(name).filter(|name| !name.is_empty()),
            None => ping.filter(|_| id.starts_with("i-")).map(|_| INSTANCE_PROFILE.to_owned()),
        };
        let agent_version = self.agent_version.unwrap_or_else(|| AGENT_VERSION.to_owned());
        check_version(&agent_version)?;
        Ok(Instance {
            id,
            region,
            zone,
            tags,
            state,
            ping,
            last_ping,
            platform,
            platform_name: self.platform_name.unwrap_or_else(|| name.to_owned()),
            platform_version: self.platform_version.unwrap_or_else(|| version.to_owned()),
            instance_type: self.instance_type.unwrap_or_else(|| "t3.small".to_owned()),
            private_ip: self.private_ip.unwrap_or_else(|| address(place)),
            public_ip: self.public_ip,
            agent_version,
            launched,
            instance_profile: profile.as_deref().map(instance_profile),
        })
    }
}

fn time(key: &str, text: Option<String>) -> Result<Option<SystemTime>, String> {
    let Some(text) = text else { return Ok(None) };
    let time = humantime::parse_rfc3339(&text).map_err(|error| format!("{key}: {error}"))?;
    if time < SystemTime::UNIX_EPOCH {
        return Err(format!("{key}: before 1970"));
    }
    Ok(Some(time))
}

fn check_id(id: &str) -> Result<(), String> {
    let (digits, lengths) = match id.strip_prefix("mi-") {
        Some(digits) => (digits, &[17][..]),
        None => (id.strip_prefix("i-").unwrap_or_default(), &[8, 17][..]),
    };
    let hex = digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if hex && lengths.contains(&digits.len()) {
        return Ok(());
    }
    Err(format!("{id} is not an instance id: expected i- or mi- and 17 hexadecimal digits"))
}

fn check_version(version: &str) -> Result<(), String> {
    let number = |part: &str| (1..=6).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    if version.split('.').count() == 4 && version.split('.').all(number) {
        return Ok(());
    }
    Err(format!("{version} is not an agent version: expected four numbers"))
}

#[cfg(test)]
mod tests;
