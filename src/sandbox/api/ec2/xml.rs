//! How EC2 describes an instance.

use crate::sandbox::api::xml::Xml;
use crate::sandbox::fleet::{Instance, Platform};

/// The image of all instances.
pub(crate) const IMAGE: &str = "ami-0a11ce00000000001";

/// The network of an instance's region.
pub(crate) fn vpc(instance: &Instance) -> String {
    format!("vpc-0{:016x}", fold(&instance.region))
}

/// The part of the network in an instance's zone.
pub(crate) fn subnet(instance: &Instance) -> String {
    format!("subnet-0{:016x}", fold(&instance.zone))
}

/// Writes the `item` of an instance.
pub(crate) fn instance(xml: &mut Xml, instance: &Instance) {
    xml.open("item").text("instanceId", &instance.id).text("imageId", IMAGE);
    xml.open("instanceState").text("code", &instance.state.code().to_string());
    xml.text("name", instance.state.name()).close("instanceState");
    xml.text("privateDnsName", &instance.private_dns_name());
    xml.text("dnsName", &instance.public_dns_name().unwrap_or_default());
    xml.text("amiLaunchIndex", "0").text("instanceType", &instance.instance_type);
    xml.text("launchTime", &humantime::format_rfc3339_millis(instance.launched).to_string());
    xml.open("placement").text("availabilityZone", &instance.zone).text("tenancy", "default").close("placement");
    if instance.platform == Platform::Windows {
        xml.text("platform", "windows").text("platformDetails", "Windows");
    } else {
        xml.text("platformDetails", "Linux/UNIX");
    }
    xml.text("subnetId", &subnet(instance)).text("vpcId", &vpc(instance));
    xml.text("privateIpAddress", &instance.private_ip.to_string());
    xml.text_if("ipAddress", instance.public_ip.map(|ip| ip.to_string()).as_deref());
    if let Some(arn) = &instance.instance_profile {
        xml.open("iamInstanceProfile").text("arn", arn).text("id", "AIPASSMXSANDBOX234567").close("iamInstanceProfile");
    }
    xml.text("architecture", "x86_64").text("rootDeviceType", "ebs").text("rootDeviceName", "/dev/xvda");
    xml.text("virtualizationType", "hvm").text("hypervisor", "xen").text("ebsOptimized", "false");
    xml.open("tagSet");
    for (key, value) in &instance.tags {
        xml.open("item").text("key", key).text("value", value).close("item");
    }
    xml.close("tagSet").close("item");
}

/// FNV-1a: ids that look like ids and stay the same.
fn fold(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
