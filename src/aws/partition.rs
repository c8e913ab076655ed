//! [`Partition`]: a part of AWS, with separate accounts and host names.

/// A part of AWS, with separate accounts and host names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Partition {
    pub(crate) name: &'static str,
    /// What the names of its regions begin with.
    prefix: &'static str,
    /// The domain of its services: `SERVICE.REGION.DOMAIN`.
    pub(crate) domain: &'static str,
    /// The domain of the endpoints that have IPv6 addresses too.
    pub(crate) dual_stack: &'static str,
}

impl Partition {
    /// The partition of a region. One that is not known belongs to the commercial one.
    pub(crate) fn of(region: &str) -> &'static Self {
        PARTITIONS.iter().find(|partition| region.starts_with(partition.prefix)).unwrap_or(&COMMERCIAL)
    }
}

const fn partition(
    name: &'static str,
    prefix: &'static str,
    domain: &'static str,
    dual_stack: &'static str,
) -> Partition {
    Partition { name, prefix, domain, dual_stack }
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
    fn the_region_says_which_partition_it_is() {
        for (region, name, domain) in [
            ("eu-west-1", "aws", "amazonaws.com"),
            ("mars-north-1", "aws", "amazonaws.com"),
            ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
            ("us-gov-east-1", "aws-us-gov", "amazonaws.com"),
            ("us-iso-east-1", "aws-iso", "c2s.ic.gov"),
            ("us-isob-east-1", "aws-iso-b", "sc2s.sgov.gov"),
            ("us-isof-south-1", "aws-iso-f", "csp.hci.ic.gov"),
            ("eu-isoe-west-1", "aws-iso-e", "cloud.adc-e.uk"),
            ("eusc-de-east-1", "aws-eusc", "amazonaws.eu"),
        ] {
            assert_eq!((Partition::of(region).name, Partition::of(region).domain), (name, domain), "{region}");
        }
    }
}
