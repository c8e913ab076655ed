//! The public keys that EC2 Instance Connect has pushed, for as long as the real service keeps them.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How long a pushed key may be used (documented for `SendSSHPublicKey`).
const LIFETIME: Duration = Duration::from_mins(1);

/// Keys kept per instance and user; the oldest makes room.
const MOST_KEYS: usize = 32;

/// Instances and users with keys; beyond this number pushes are refused until some have expired.
const MOST_USERS: usize = 10_000;

/// Public keys by instance and user, each valid for 60 s.
#[derive(Debug, Default)]
pub struct PushedKeys {
    by_user: Mutex<HashMap<(String, String), Vec<Pushed>>>,
}

#[derive(Debug)]
struct Pushed {
    until: Instant,
    key: String,
}

impl PushedKeys {
    /// The keys (lines of `authorized_keys`) that `user` of `instance` may log in with now.
    pub fn valid(&self, instance: &str, user: &str) -> Vec<String> {
        self.valid_at(Instant::now(), instance, user)
    }

    /// Keeps a key; false when there are too many.
    pub(crate) fn push(&self, instance: &str, user: &str, key: &str) -> bool {
        self.push_at(Instant::now(), instance, user, key)
    }

    fn valid_at(&self, now: Instant, instance: &str, user: &str) -> Vec<String> {
        let users = self.by_user.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let Some(keys) = users.get(&(instance.to_owned(), user.to_owned())) else { return Vec::new() };
        keys.iter().filter(|pushed| now < pushed.until).map(|pushed| pushed.key.clone()).collect()
    }

    fn push_at(&self, now: Instant, instance: &str, user: &str, key: &str) -> bool {
        let mut users = self.by_user.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        users.retain(|_, keys| {
            keys.retain(|pushed| now < pushed.until);
            !keys.is_empty()
        });
        if users.len() >= MOST_USERS {
            return false;
        }
        let keys = users.entry((instance.to_owned(), user.to_owned())).or_default();
        if keys.len() == MOST_KEYS {
            keys.remove(0);
        }
        keys.push(Pushed { until: now + LIFETIME, key: key.to_owned() });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_good_for_a_minute_for_its_user_and_instance() {
        let keys = PushedKeys::default();
        let now = Instant::now();
        assert!(keys.push_at(now, "i-1", "ubuntu", "ssh-ed25519 AAAA"));
        assert_eq!(keys.valid_at(now, "i-1", "ubuntu"), ["ssh-ed25519 AAAA"]);
        assert!(keys.valid_at(now, "i-1", "root").is_empty());
        assert!(keys.valid_at(now, "i-2", "ubuntu").is_empty());
        assert_eq!(keys.valid_at(now + Duration::from_secs(59), "i-1", "ubuntu").len(), 1);
        assert!(keys.valid_at(now + LIFETIME, "i-1", "ubuntu").is_empty());
    }

    #[test]
    fn the_oldest_key_makes_room() {
        let keys = PushedKeys::default();
        for n in 0..MOST_KEYS + 5 {
            assert!(keys.push("i-1", "ubuntu", &n.to_string()));
        }
        let valid = keys.valid("i-1", "ubuntu");
        assert_eq!((valid.len(), valid[0].as_str()), (MOST_KEYS, "5"));
    }
}
