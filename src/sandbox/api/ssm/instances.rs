//! Systems Manager: which instances have an agent, and whether it is connected.

use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::api::call::Call;
use crate::sandbox::api::error::ApiError;
use crate::sandbox::api::json::{input, seconds};
use crate::sandbox::api::page::Pager;
use crate::sandbox::fleet::{Instance, Ping};

/// Most instances of a page, as documented.
const MOST_RESULTS: i64 = 50;

/// How long ago an agent that is lost was last heard from.
const LOST_FOR: Duration = Duration::from_hours(2);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetConnectionStatus {
    target: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeInstanceInformation {
    #[serde(default)]
    filters: Vec<Filter>,
    #[serde(default)]
    instance_information_filter_list: Vec<OldFilter>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Filter {
    key: String,
    values: Vec<String>,
}

/// The older form of a filter, which cannot name tags.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OldFilter {
    key: String,
    value_set: Vec<String>,
}

/// `GetConnectionStatus`
pub(crate) fn get_connection_status(call: &Call<'_>, body: &[u8]) -> Result<String, ApiError> {
    let request: GetConnectionStatus = input(body)?;
    let instance = call.account.options.fleet.find(call.region, &request.target);
    let connected = instance.is_some_and(|instance| instance.is_online() && !call.lacks_tier(instance));
    let status = if connected { "connected" } else { "notconnected" };
    Ok(json!({ "Target": request.target, "Status": status }).to_string())
}

/// `DescribeInstanceInformation`
pub(crate) fn describe_instance_information(call: &Call<'_>, body: &[u8]) -> Result<String, ApiError> {
    let request: DescribeInstanceInformation = input(body)?;
    let most = match request.max_results.unwrap_or(MOST_RESULTS) {
        most @ 5..=MOST_RESULTS => most as usize,
        most if most < 5 => {
            return Err(ApiError::constraint(&most.to_string(), "maxResults", "have value greater than or equal to 5"));
        }
        most => {
            let rule = format!("have value less than or equal to {MOST_RESULTS}");
            return Err(ApiError::constraint(&most.to_string(), "maxResults", &rule));
        }
    };
    let query = format!("{} {:?} {:?}", call.region, request.filters, request.instance_information_filter_list);
    let pager = Pager::new(&query, request.next_token.as_deref())
        .map_err(|_| ApiError::new("InvalidNextToken", "The specified token is not valid."))?;
    if !request.filters.is_empty() && !request.instance_information_filter_list.is_empty() {
        let text = "Filters and InstanceInformationFilterList cannot be used together.";
        return Err(ApiError::new("ValidationException", text));
    }
    let by_tag = |filter: &&Filter| filter.key.starts_with("tag:") || filter.key == "tag-key";
    let tags = request.filters.iter().filter(by_tag).count();
    if tags != 0 && tags != request.filters.len() {
        let text = "Tag filters cannot be combined with other filter types.";
        return Err(ApiError::new("InvalidInstanceInformationFilterValue", text));
    }
    let old = request.instance_information_filter_list.into_iter();
    let old = old.map(|filter| (Filter { key: filter.key, values: filter.value_set }, false));
    let filters: Vec<_> = request.filters.into_iter().map(|filter| (filter, true)).chain(old).collect();
    for (filter, may_name_tags) in &filters {
        check(filter, *may_name_tags)?;
    }
    let (fleet, region) = (&call.account.options.fleet, call.region);
    let candidates: Box<dyn Iterator<Item = _>> = match filters.iter().find(|(filter, _)| filter.key == "InstanceIds") {
        Some((filter, _)) => Box::new(fleet.of_ids(region, &filter.values)),
        None => Box::new(fleet.of_region(region)),
    };
    let chosen = candidates.filter_map(|(place, instance)| {
        let ping = instance.ping?;
        filters.iter().all(|(filter, _)| matches(filter, instance, ping)).then(|| (place, (&**instance, ping)))
    });
    let (page, token) = pager.page(chosen, most);
    let page: Vec<_> = page.into_iter().map(|(instance, ping)| describe(instance, ping)).collect();
    let mut output = json!({ "InstanceInformationList": page });
    if let Some(token) = token {
        output["NextToken"] = json!(token);
    }
    Ok(output.to_string())
}

fn check(filter: &Filter, may_name_tags: bool) -> Result<(), ApiError> {
    if filter.values.is_empty() || filter.values.len() > 100 {
        let text = "A filter has 1 to 100 values.";
        return Err(ApiError::new("InvalidInstanceInformationFilterValue", text));
    }
    match filter.key.as_str() {
        "InstanceIds" => match filter.values.iter().find(|id| !is_instance_id(id)) {
            Some(id) => Err(ApiError::new("InvalidInstanceId", format!("Invalid instance id: {id}"))),
            None => Ok(()),
        },
        "AgentVersion" | "PingStatus" | "PlatformTypes" | "ActivationIds" | "IamRole" | "ResourceType"
        | "AssociationStatus" => Ok(()),
        "tag-key" if may_name_tags => Ok(()),
        key if may_name_tags && key.starts_with("tag:") => Ok(()),
        _ => Err(ApiError::new("InvalidFilterKey", "")),
    }
}

/// `i-` and 8 or 17 characters, or `mi-` and 17.
fn is_instance_id(id: &str) -> bool {
    let (rest, hybrid) = match id.strip_prefix("mi-") {
        Some(rest) => (rest, true),
        None => (id.strip_prefix("i-").unwrap_or_default(), false),
    };
    let length = rest.len() == 17 || rest.len() == 8 && !hybrid;
    length && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn matches(filter: &Filter, instance: &Instance, ping: Ping) -> bool {
    let any = |value: &str| filter.values.iter().any(|wanted| wanted == value);
    match filter.key.as_str() {
        "InstanceIds" => any(&instance.id),
        "AgentVersion" => any(&instance.agent_version),
        "PingStatus" => any(ping.name()),
        "PlatformTypes" => any(instance.platform.name()),
        "ResourceType" => any(resource_type(instance)),
        "tag-key" => instance.tags.keys().any(|key| any(key)),
        key => match key.strip_prefix("tag:") {
            Some(tag) => instance.tags.get(tag).is_some_and(|value| any(value)),
            // Nothing here has an activation, a role or an association.
            None => false,
        },
    }
}

fn resource_type(instance: &Instance) -> &'static str {
    if instance.is_hybrid() { "ManagedInstance" } else { "EC2Instance" }
}

fn describe(instance: &Instance, ping: Ping) -> Value {
    let now = SystemTime::now();
    let usual = if ping == Ping::Online { now } else { now - LOST_FOR };
    let last_ping = instance.last_ping.unwrap_or(usual);
    let mut output = json!({
        "InstanceId": instance.id,
        "PingStatus": ping.name(),
        "LastPingDateTime": seconds(last_ping),
        "AgentVersion": instance.agent_version,
        "IsLatestVersion": false,
        "PlatformType": instance.platform.name(),
        "PlatformName": instance.platform_name,
        "PlatformVersion": instance.platform_version,
        "ResourceType": resource_type(instance),
        "IPAddress": instance.private_ip.to_string(),
        "ComputerName": instance.private_dns_name(),
        "SourceId": instance.id,
        "SourceType": if instance.is_hybrid() { "AWS::SSM::ManagedInstance" } else { "AWS::EC2::Instance" },
    });
    if instance.is_hybrid() {
        output["RegistrationDate"] = json!(seconds(instance.launched));
        if let Some(name) = instance.name() {
            output["Name"] = json!(name);
        }
    }
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_instance_ids() {
        for good in ["i-12345678", "i-0123456789abcdef0", "mi-0123456789abcdef0"] {
            assert!(is_instance_id(good), "{good}");
        }
        for bad in ["", "i-", "i-123", "mi-12345678", "web-1", "i-0123456789abcdefää"] {
            assert!(!is_instance_id(bad), "{bad}");
        }
    }

    #[test]
    fn only_the_newer_filters_name_tags() {
        let filter = |key: &str| Filter { key: key.to_owned(), values: vec!["x".to_owned()] };
        assert!(check(&filter("tag:Env"), true).is_ok());
        assert_eq!(check(&filter("tag:Env"), false).unwrap_err().code, "InvalidFilterKey");
        assert_eq!(check(&filter("Name"), true).unwrap_err().code, "InvalidFilterKey");
        assert_eq!(check(&filter("InstanceIds"), true).unwrap_err().code, "InvalidInstanceId");
    }
}
