//! How a list of instances is written to a file: a line of JSON that says what it is, then a line for each instance.
//!
//! The fields of an instance stand between tabs, always in the same order, and its tags after them. With JSON for them
//! too, reading 10,000 instances takes five times as long, and a person waits for it at every press of the Tab key.

use std::{
    io, str, thread,
    time::{Duration, SystemTime},
};

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};

use crate::aws::{ErrorKind, InstanceState, PingStatus, Platform};
use crate::fleet::model::instance::Instance;
use crate::fleet::model::place::Place;
use crate::fleet::model::state::TargetState;
use crate::fleet::trouble::{Service, Trouble};

/// A list of instances as it was at some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cached {
    /// When it was asked for.
    pub as_of: SystemTime,
    /// The instances, in no order.
    pub instances: Vec<Instance>,
    /// What kept it from being complete, and will for some time.
    pub troubles: Vec<Trouble>,
}

/// What a completion shows of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachedName {
    /// `i-…` or `mi-…`.
    pub id: String,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Whether it could be reached when it was listed.
    pub status: TargetState,
}

/// What a file is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) version: u32,
    pub(crate) identity: String,
    pub(crate) region: String,
    pub(crate) endpoint: Option<String>,
    pub(crate) name_tag: String,
    /// Milliseconds since 1970.
    pub(crate) as_of: u64,
    pub(crate) count: usize,
    pub(crate) missing: Vec<Missing>,
}

/// A service that may not be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Missing {
    ec2: bool,
    message: String,
    hints: Vec<String>,
}

impl Cached {
    /// Whether it is younger than `age`.
    pub fn is_fresh(&self, age: Duration) -> bool {
        // A time to come is from a wrong clock.
        self.as_of.elapsed().is_ok_and(|elapsed| elapsed < age)
    }
}

impl Header {
    /// The name of the file, without its ending.
    pub(crate) fn key(&self) -> String {
        let parts = [&self.identity, &self.region, self.endpoint.as_deref().unwrap_or_default(), &self.name_tag];
        let digest = digest::digest(&digest::SHA256, parts.join("\0").as_bytes());
        digest.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }

    fn is_of(&self, other: &Self) -> bool {
        self.version == VERSION
            && self.identity == other.identity
            && self.region == other.region
            && self.endpoint == other.endpoint
            && self.name_tag == other.name_tag
    }
}

pub(crate) fn encode(cached: &Cached, of: &Header) -> io::Result<Vec<u8>> {
    let missing = cached.troubles.iter().map(|trouble| Missing {
        ec2: trouble.service == Service::Ec2,
        message: trouble.message.clone(),
        hints: trouble.hints.clone(),
    });
    let header = Header {
        version: VERSION,
        as_of: millis(cached.as_of),
        count: cached.instances.len(),
        missing: missing.collect(),
        ..of.clone()
    };
    let mut text = serde_json::to_string(&header)?;
    text.push('\n');
    let mut instances: Vec<_> = cached.instances.iter().collect();
    instances.sort_by(|one, other| one.order(other));
    for instance in instances {
        line(&mut text, instance);
    }
    Ok(text.into_bytes())
}

/// The list, if it is of the account and region that `of` and `place` say.
pub(crate) fn decode(bytes: &[u8], of: &Header, place: &Place) -> io::Result<Cached> {
    let text = str::from_utf8(bytes).map_err(|_| damaged("it is not valid UTF-8"))?;
    let whole = text.strip_suffix('\n').ok_or_else(|| damaged("it is cut off"))?;
    let (first, rest) = whole.split_once('\n').unwrap_or((whole, ""));
    let header = header(first).filter(|header| header.is_of(of)).ok_or_else(|| damaged("it has another version"))?;
    let instances = instances(rest, place).filter(|instances| instances.len() == header.count);
    let troubles = header.missing.into_iter().map(|missing| Trouble {
        place: place.clone(),
        service: if missing.ec2 { Service::Ec2 } else { Service::SystemsManager },
        partial: false,
        kind: ErrorKind::Permission,
        message: missing.message,
        hints: missing.hints,
        output: None,
    });
    Ok(Cached {
        as_of: time(header.as_of).ok_or_else(|| damaged("its time is invalid"))?,
        instances: instances.ok_or_else(|| damaged("an instance is invalid"))?,
        troubles: troubles.collect(),
    })
}

pub(crate) fn header(line: &str) -> Option<Header> {
    serde_json::from_str(line).ok().filter(|header: &Header| header.version == VERSION)
}

/// What a completion shows; nothing for a file that cannot be read.
pub(crate) fn names(bytes: &[u8]) -> Vec<CachedName> {
    let lines = str::from_utf8(bytes).unwrap_or_default().lines().skip(1);
    let names = lines.map_while(|line| {
        let mut fields = line.split('\t');
        Some(CachedName { id: plain(fields.next()?), status: status(fields.next()?)?, name: some(fields.next()?) })
    });
    names.collect()
}

/// The instances of all lines, or none if one of them is damaged.
fn instances(text: &str, place: &Place) -> Option<Vec<Instance>> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
    let all = |text: &str| text.lines().map(|line| instance(line, place)).collect::<Option<Vec<_>>>();
    if text.len() < WORTH_THREADS || threads == 1 {
        return all(text);
    }
    let mut parts = Vec::with_capacity(threads);
    let mut rest = text;
    for left in (1..=threads).rev() {
        let middle = rest.as_bytes()[rest.len() / left..].iter().position(|byte| *byte == b'\n');
        // In UTF-8 a line feed is never part of another character.
        let (part, after) = rest.split_at(middle.map_or(rest.len(), |at| rest.len() / left + at + 1));
        parts.push(part);
        rest = after;
    }
    thread::scope(|scope| {
        let running: Vec<_> = parts.into_iter().map(|part| scope.spawn(move || all(part))).collect();
        let mut instances = Vec::new();
        for part in running {
            instances.extend(part.join().ok()??);
        }
        Some(instances)
    })
}

fn line(text: &mut String, instance: &Instance) {
    // Spelled out, so that a new field is not forgotten.
    let Instance {
        id,
        place: _,
        name,
        status,
        state,
        ping,
        last_ping,
        agent_version,
        platform,
        platform_name,
        computer_name,
        instance_type,
        zone,
        private_ip,
        public_ip,
        private_dns,
        public_dns,
        launched,
        instance_profile,
        tags,
    } = instance;
    push(text, id);
    let number = |time: &Option<SystemTime>| time.map(|time| millis(time).to_string());
    for field in [
        Some(status.word()),
        name.as_deref(),
        state.map(InstanceState::as_str),
        ping.map(PingStatus::as_str),
        number(last_ping).as_deref(),
        agent_version.as_deref(),
        platform.map(Platform::as_str),
        platform_name.as_deref(),
        computer_name.as_deref(),
        instance_type.as_deref(),
        zone.as_deref(),
        private_ip.as_deref(),
        public_ip.as_deref(),
        private_dns.as_deref(),
        public_dns.as_deref(),
        number(launched).as_deref(),
        instance_profile.as_deref(),
    ] {
        text.push('\t');
        push(text, field.unwrap_or_default());
    }
    for word in tags.iter().flat_map(|(key, value)| [key, value]) {
        text.push('\t');
        push(text, word);
    }
    text.push('\n');
}

fn instance(line: &str, place: &Place) -> Option<Instance> {
    let mut fields = line.split('\t');
    let mut next = || fields.next();
    let mut instance = Instance::unknown(plain(next()?), place.clone());
    instance.status = status(next()?)?;
    instance.name = some(next()?);
    instance.state = known(next()?, &InstanceState::ALL, InstanceState::as_str)?;
    if instance.state == Some(InstanceState::Unknown) && instance.status == TargetState::Unknown {
        // The words of both are the same.
        instance.status = TargetState::Down(InstanceState::Unknown);
    }
    instance.ping = known(next()?, &PingStatus::ALL, PingStatus::as_str)?;
    instance.last_ping = number(next()?)?;
    instance.agent_version = some(next()?);
    instance.platform = known(next()?, &Platform::ALL, Platform::as_str)?;
    instance.platform_name = some(next()?);
    instance.computer_name = some(next()?);
    instance.instance_type = some(next()?);
    instance.zone = some(next()?);
    instance.private_ip = some(next()?);
    instance.public_ip = some(next()?);
    instance.private_dns = some(next()?);
    instance.public_dns = some(next()?);
    instance.launched = number(next()?)?;
    instance.instance_profile = some(next()?);
    while let Some(key) = fields.next() {
        instance.tags.insert(plain(key), plain(fields.next()?));
    }
    Some(instance)
}

fn push(text: &mut String, field: &str) {
    if !field.bytes().any(|byte| matches!(byte, b'\\' | b'\t' | b'\n' | b'\r')) {
        text.push_str(field);
        return;
    }
    for c in field.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            c => text.push(c),
        }
    }
}

fn plain(field: &str) -> String {
    if !field.contains('\\') {
        return field.to_owned();
    }
    let mut chars = field.chars();
    let mut plain = String::with_capacity(field.len());
    while let Some(c) = chars.next() {
        plain.push(match c {
            '\\' => match chars.next() {
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                _ => '\\',
            },
            c => c,
        });
    }
    plain
}

fn some(field: &str) -> Option<String> {
    Some(plain(field)).filter(|field| !field.is_empty())
}

fn number(field: &str) -> Option<Option<SystemTime>> {
    if field.is_empty() {
        return Some(None);
    }
    time(field.parse().ok()?).map(Some)
}

fn status(word: &str) -> Option<TargetState> {
    let down = || known(word, &InstanceState::ALL, InstanceState::as_str)?.map(TargetState::Down);
    STATUSES.into_iter().find(|status| status.word() == word).or_else(down)
}

/// The one of `all` that is called so, none for an empty word; nothing for a word that is none of them.
fn known<T: Copy>(word: &str, all: &[T], name: fn(T) -> &'static str) -> Option<Option<T>> {
    if word.is_empty() {
        return Some(None);
    }
    all.iter().copied().find(|one| name(*one) == word).map(Some)
}

fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn time(millis: u64) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(millis))
}

fn damaged(how: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, how)
}

/// Raised with every change of what is written.
const VERSION: u32 = 1;

/// Longest first line.
pub(crate) const MOST_HEADER: u64 = 16 * 1024;

/// Bytes from which on several threads are faster.
const WORTH_THREADS: usize = 256 * 1024;

const MOST_THREADS: usize = 4;

const STATUSES: [TargetState; 5] =
    [TargetState::Online, TargetState::Running, TargetState::Unknown, TargetState::Offline, TargetState::Unmanaged];
