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
    /// Served, and answered so much later.
    Late(Duration),
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
        if let Some((left @ 1.., time)) = self.delayed.get_mut(action) {
            *left -= 1;
            return Fate::Late(*time);
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
            ApiFault::Delay { action: "ssm:ResumeSession".to_owned(), calls: 1, time: Duration::from_secs(5) },
        ]);
        let resume: Vec<_> = (0..2).map(|_| faults.next("ssm:ResumeSession")).collect();
        assert_eq!(resume, [Fate::Late(Duration::from_secs(5)), Fate::Served]);
        let start: Vec<_> = (0..3).map(|_| faults.next("ssm:StartSession")).collect();
        assert_eq!(start, [Fate::Throttled, Fate::Throttled, Fate::Served]);
        assert_eq!(faults.next("ec2:DescribeInstances"), Fate::Denied);
        assert_eq!(faults.next("ec2:DescribeInstances"), Fate::Denied);
        assert_eq!(faults.next("ec2:DescribeRegions"), Fate::Served);
        let broken: Vec<_> = (0..3).map(|_| faults.next("ec2:DescribeVpcs")).collect();
        assert_eq!(broken, [Fate::Served, Fate::BrokenOff, Fate::BrokenOff]);
    }
}
