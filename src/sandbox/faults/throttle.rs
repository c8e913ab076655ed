//! Calls of the API that are refused because there are too many.

use std::collections::HashMap;
use std::time::Instant;

use crate::sandbox::random::Rng;

/// When calls of the API are too many.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Throttle {
    /// Never.
    #[default]
    Never,
    /// As in AWS: each action takes what is in its bucket, one for each region, and into which tokens flow every second.
    /// Actions for which no figures are known here have none.
    Real,
    /// This share of calls is refused, whatever the action and however few they are; from 0 to 1.
    Share(f64),
}

/// What a bucket holds at most, and what flows into it every second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Size {
    most: u64,
    refill: u64,
}

/// EC2's actions that only read, when they ask for pages or have filters, and when they do neither:
/// <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html>, "Request token bucket sizes and refill
/// rates". Both are of one account and region.
const READS: Size = Size { most: 100, refill: 20 };
const BOUNDLESS_READS: Size = Size { most: 50, refill: 10 };

/// Systems Manager documents no figures. These are like those of its neighbours: lists of hundreds of pages that are
/// asked for one after the other are rarely refused.
const INFORMATION: Size = Size { most: 40, refill: 10 };

/// What is left in the buckets of an account.
#[derive(Debug)]
pub(crate) struct Throttled {
    throttle: Throttle,
    rng: Rng,
    /// By action, region and whether the call is boundless.
    buckets: HashMap<(String, String, bool), Bucket>,
}

#[derive(Debug)]
struct Bucket {
    size: Size,
    left: u64,
    /// The last time that something has flowed into it.
    filled: Instant,
}

impl Throttled {
    pub(crate) fn new(throttle: Throttle, seed: u64) -> Self {
        Self { throttle, rng: Rng::new(seed), buckets: HashMap::new() }
    }

    /// Whether a call is one too many. `is_boundless`: it asks neither for pages nor for a part.
    pub(crate) fn is_too_much(&mut self, action: &str, region: &str, is_boundless: bool, now: Instant) -> bool {
        let size = match self.throttle {
            Throttle::Never => return false,
            Throttle::Share(share) => return self.rng.chance(share),
            Throttle::Real => match action {
                "ec2:DescribeInstances" if is_boundless => BOUNDLESS_READS,
                "ec2:DescribeInstances" | "ec2:DescribeRegions" => READS,
                "ssm:DescribeInstanceInformation" => INFORMATION,
                _ => return false,
            },
        };
        let bucket = self.buckets.entry((action.to_owned(), region.to_owned(), is_boundless));
        !bucket.or_insert(Bucket { size, left: size.most, filled: now }).takes(now)
    }
}

impl Bucket {
    fn takes(&mut self, now: Instant) -> bool {
        let seconds = now.saturating_duration_since(self.filled).as_secs();
        self.filled += std::time::Duration::from_secs(seconds);
        self.left = self.left.saturating_add(seconds.saturating_mul(self.size.refill)).min(self.size.most);
        let had_one = self.left > 0;
        self.left = self.left.saturating_sub(1);
        had_one
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// How many of so many calls are served.
    fn served(throttled: &mut Throttled, action: &str, region: &str, calls: usize, now: Instant) -> usize {
        (0..calls).filter(|_| !throttled.is_too_much(action, region, false, now)).count()
    }

    #[test]
    fn a_bucket_is_of_one_action_and_region_and_is_filled_every_second() {
        let (mut throttled, start) = (Throttled::new(Throttle::Real, 0), Instant::now());
        let after = |millis| start + Duration::from_millis(millis);
        let (ec2, ssm) = ("ec2:DescribeInstances", "ssm:DescribeInstanceInformation");
        assert_eq!(served(&mut throttled, ec2, "us-east-1", 200, start), 100);
        assert_eq!(served(&mut throttled, ssm, "us-east-1", 200, start), 40);
        assert_eq!(served(&mut throttled, ssm, "eu-west-1", 200, start), 40);
        assert_eq!(served(&mut throttled, ec2, "us-east-1", 200, after(999)), 0);
        assert_eq!(served(&mut throttled, ec2, "us-east-1", 200, after(1_001)), 20);
        assert_eq!(served(&mut throttled, ec2, "us-east-1", 200, after(3_999)), 40);
        assert_eq!(served(&mut throttled, ssm, "us-east-1", 200, after(60_000)), 40);
        assert_eq!(served(&mut throttled, "ssm:StartSession", "us-east-1", 999, start), 999);
        let boundless = (0..200).filter(|_| !throttled.is_too_much(ec2, "eu-west-1", true, start)).count();
        assert_eq!(boundless, 50);
    }

    #[test]
    fn a_share_follows_the_seed() {
        let calls = |seed| {
            let mut throttled = Throttled::new(Throttle::Share(0.2), seed);
            (0..1_000).map(|_| throttled.is_too_much("sts:X", "", false, Instant::now())).collect::<Vec<_>>()
        };
        assert_eq!(calls(1), calls(1));
        assert_ne!(calls(1), calls(2));
        assert!((150..250).contains(&calls(3).into_iter().filter(|refused| *refused).count()));
        assert_eq!(served(&mut Throttled::new(Throttle::Never, 0), "sts:X", "", 1_000, Instant::now()), 1_000);
    }
}
