//! Calls of the API that fail because a test wants them to.

use std::collections::HashMap;
use std::time::Duration;

use super::ApiFault;

/// The faults that are still to happen, by action.
#[derive(Debug, Default)]
pub(crate) struct ApiFaults {
    throttled: HashMap<String, u32>,
    served: HashMap<String, u32>,
    delayed: HashMap<String, (u32, Duration)>,
    denied: Vec<String>,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Served,
    Throttled,
    BrokenOff,
    Denied,
}

impl ApiFaults {
    pub(crate) fn new(faults: Vec<ApiFault>) -> Self {
        let mut all = Self::default();
        for fault in faults {
            match fault {
                ApiFault::Throttle { action, calls } => {
                    all.throttled.insert(action, calls);
                }
                ApiFault::BreakOff { action, calls } => {
                    all.served.insert(action, calls);
                }
                ApiFault::Delay { action, calls, time } => {
                    all.delayed.insert(action, (calls, time));
                }
                ApiFault::Deny { action } => all.denied.push(action),
            }
        }
        all
    }

    /// How late the next call of an action is answered, whatever becomes of it.
    pub(crate) fn lateness(&mut self, action: &str) -> Option<Duration> {
        let (left @ 1.., time) = self.delayed.get_mut(action)? else { return None };
        *left = left.saturating_sub(1);
        Some(*time)
    }

    /// What becomes of the next call of an action.
    pub(crate) fn next(&mut self, action: &str) -> Fate {
        if let Some(left) = self.throttled.get_mut(action)
            && *left > 0
        {
            *left -= 1;
            return Fate::Throttled;
        }
        if let Some(left) = self.served.get_mut(action) {
            match left.checked_sub(1) {
                Some(less) => *left = less,
                None => return Fate::BrokenOff,
            }
        }
        if self.denied.iter().any(|denied| denied == action) { Fate::Denied } else { Fate::Served }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throttles_the_first_calls_and_denies_all() {
        let mut faults = ApiFaults::new(vec![
            ApiFault::Throttle { action: "ssm:StartSession".to_owned(), calls: 2 },
            ApiFault::Deny { action: "ec2:DescribeInstances".to_owned() },
            ApiFault::BreakOff { action: "ec2:DescribeVpcs".to_owned(), calls: 1 },
        ]);
        let start: Vec<_> = (0..3).map(|_| faults.next("ssm:StartSession")).collect();
        assert_eq!(start, [Fate::Throttled, Fate::Throttled, Fate::Served]);
        assert_eq!(faults.next("ec2:DescribeInstances"), Fate::Denied);
        assert_eq!(faults.next("ec2:DescribeInstances"), Fate::Denied);
        assert_eq!(faults.next("ec2:DescribeRegions"), Fate::Served);
        let broken: Vec<_> = (0..3).map(|_| faults.next("ec2:DescribeVpcs")).collect();
        assert_eq!(broken, [Fate::Served, Fate::BrokenOff, Fate::BrokenOff]);
    }

    #[test]
    fn a_call_is_denied_however_late_the_answer_is() {
        let (action, time) = ("ssm:ResumeSession".to_owned(), Duration::from_secs(5));
        let mut faults = ApiFaults::new(vec![
            ApiFault::Delay { action: action.clone(), calls: 1, time },
            ApiFault::Deny { action: action.clone() },
        ]);
        let calls: Vec<_> = (0..2).map(|_| (faults.lateness(&action), faults.next(&action))).collect();
        assert_eq!(calls, [(Some(time), Fate::Denied), (None, Fate::Denied)]);
        assert_eq!(faults.lateness("ssm:StartSession"), None);
    }
}
