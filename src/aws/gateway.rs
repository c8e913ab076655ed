//! The hosts of the message gateway, in every partition of AWS.

use super::client::Aws;
use super::partition::Partition;

impl Aws {
    /// The host at which sessions of the region usually have their gateway; `None` where the settings make another one
    /// likely.
    pub(crate) fn likely_gateway(&self) -> Option<String> {
        let sdk = self.clients().sdk();
        let is_usual =
            self.ssm_endpoint().is_none() && sdk.use_fips() != Some(true) && sdk.use_dual_stack() != Some(true);
        is_usual.then(|| format!("ssmmessages.{}.{}", self.region(), Partition::of(self.region()).domain))
    }
}

/// Whether a host is the message gateway of a region in the same partition:
/// `ssmmessages.REGION.DOMAIN`, its FIPS form, or a VPC endpoint for it.
pub(crate) fn is_gateway(host: &str, region: &str) -> bool {
    let partition = Partition::of(region);
    let service = |labels: &str, rest: &str| {
        let mut labels = labels.split('.');
        let name = labels.next();
        let of_partition = |region: &str| has_form_of_region(region) && Partition::of(region).name == partition.name;
        let tail = if rest.is_empty() { None } else { Some(rest) };
        matches!(name, Some("ssmmessages" | "ssmmessages-fips"))
            && labels.next().is_some_and(of_partition)
            && labels.next() == tail
            && labels.next().is_none()
    };
    let before = |suffix: &str| host.strip_suffix(suffix)?.strip_suffix('.');
    if let Some(labels) = before(partition.dual_stack).filter(|labels| service(labels, "")) {
        return !labels.is_empty();
    }
    match before(partition.domain) {
        Some(labels) if labels.starts_with("vpce-") => {
            labels.split_once('.').is_some_and(|(_, labels)| service(labels, "vpce"))
        }
        Some(labels) => service(labels, ""),
        None => false,
    }
}

/// Whether a label is of the form that AWS gives its regions: words and a number. The names of buckets and other
/// resources stand in the same place of a host name, so nothing else will do.
fn has_form_of_region(label: &str) -> bool {
    let words: Vec<_> = label.split('-').collect();
    let is_word = |word: &&str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase());
    match words.as_slice() {
        [words @ .., number] => {
            (2..=4).contains(&words.len())
                && words.iter().all(is_word)
                && !number.is_empty()
                && number.chars().all(|c| c.is_ascii_digit())
        }
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_told_from_other_labels() {
        for region in ["eu-west-1", "us-gov-east-1", "us-isob-east-1", "eusc-de-east-1"] {
            assert!(has_form_of_region(region), "{region}");
        }
        for label in [
            "",
            "eu",
            "eu-1",
            "eu-west",
            "eu-west-",
            "-west-1",
            "EU-west-1",
            "eu-west-1a",
            "s3-us-west-2",
            "a-b-c-d-e-1",
        ] {
            assert!(!has_form_of_region(label), "{label}");
        }
    }
}
