//! The hosts of the message gateway, in every partition of AWS.

/// Whether a host is the message gateway of a region in the same partition:
/// `ssmmessages.REGION.SUFFIX`, its FIPS form, or a VPC endpoint for it.
pub(crate) fn is_gateway(host: &str, region: &str) -> bool {
    let partition = Partition::of(region);
    let service = |labels: &str, rest: &str| {
        let mut labels = labels.split('.');
        let name = labels.next();
        let of_partition = |region: &str| is_region(region) && Partition::of(region).name == partition.name;
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
    match before(partition.dns) {
        Some(labels) if labels.starts_with("vpce-") => {
            labels.split_once('.').is_some_and(|(_, labels)| service(labels, "vpce"))
        }
        Some(labels) => service(labels, ""),
        None => false,
    }
}

/// A part of AWS with accounts and names of its own.
struct Partition {
    name: &'static str,
    /// What the names of its regions begin with.
    prefix: &'static str,
    dns: &'static str,
    dual_stack: &'static str,
}

impl Partition {
    fn of(region: &str) -> &'static Self {
        PARTITIONS.iter().find(|partition| region.starts_with(partition.prefix)).unwrap_or(&COMMERCIAL)
    }
}

fn is_region(text: &str) -> bool {
    let words: Vec<_> = text.split('-').collect();
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

const fn partition(name: &'static str, prefix: &'static str, dns: &'static str, dual_stack: &'static str) -> Partition {
    Partition { name, prefix, dns, dual_stack }
}

const COMMERCIAL: Partition = partition("aws", "", "amazonaws.com", "api.aws");

/// All others, as in the partitions file that the SDKs carry.
const PARTITIONS: [Partition; 7] = [
    partition("aws-cn", "cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    partition("aws-us-gov", "us-gov-", "amazonaws.com", "api.aws"),
    partition("aws-eusc", "eusc-", "amazonaws.eu", "api.amazonwebservices.eu"),
    partition("aws-iso", "us-iso-", "c2s.ic.gov", "api.aws.ic.gov"),
    partition("aws-iso-b", "us-isob-", "sc2s.sgov.gov", "api.aws.scloud"),
    partition("aws-iso-e", "eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    partition("aws-iso-f", "us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_told_by_the_region() {
        for (region, name) in [
            ("eu-west-1", "aws"),
            ("us-gov-east-1", "aws-us-gov"),
            ("us-iso-east-1", "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eu-isoe-west-1", "aws-iso-e"),
            ("eusc-de-east-1", "aws-eusc"),
        ] {
            assert_eq!(Partition::of(region).name, name);
            assert!(is_region(region), "{region}");
        }
        for text in ["", "eu", "eu-1", "eu-west", "eu-west-", "-west-1", "EU-west-1", "eu-west-1a", "a-b-c-d-e-1"] {
            assert!(!is_region(text), "{text}");
        }
    }
}
