//! The AWS environment as the configuration needs it. The two rooms do not know each other: this joins them.

use crate::aws;
use crate::config::{self, Key};

impl config::Ambient for aws::Ambient {
    fn profile(&self) -> Option<(&'static str, String)> {
        self.profile()
    }

    fn access_key(&self) -> Option<&'static str> {
        self.access_key().map(|(variable, _)| variable)
    }

    fn variables(&self, key: Key, profile: &str) -> Vec<(String, String)> {
        match key {
            Key::Region => self.regions(),
            key if key.is_endpoint() => self.endpoint(key.service(), profile).into_iter().collect(),
            _ => Vec::new(),
        }
    }

    fn of_profile(&self, profile: &str, key: Key) -> Option<String> {
        match key {
            Key::Region => self.region_of(profile),
            key if key.is_endpoint() => self.endpoint_of(profile, key.service()),
            _ => None,
        }
    }
}
