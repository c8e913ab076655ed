//! EC2: instances and regions.

mod filters;
mod xml;

use super::call::Call;
use super::error::ApiError;
use super::form::Form;
use super::page::Pager;
use super::xml::Xml;
use crate::sandbox::ids::ACCOUNT;
use filters::Filter;

/// Most instances of a page, as documented.
const MOST_RESULTS: usize = 1_000;

const SPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";

/// The regions that every account may use.
const REGIONS: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// `DescribeInstances`
pub(crate) fn describe_instances(call: &Call<'_>, form: &Form) -> Result<String, ApiError> {
    let ids = form.list("InstanceId");
    check_ids(call, &ids)?;
    let most = match form.field("MaxResults") {
        Some(_) if !ids.is_empty() => {
            let text = "The parameter instancesSet cannot be used with the parameter maxResults";
            return Err(ApiError::new("InvalidParameterCombination", text));
        }
        Some(text) => max_results(text)?,
        None => MOST_RESULTS,
    };
    let filters = Filter::all(form)?;
    let token = form.field("NextToken").filter(|token| !token.is_empty());
    let pager = Pager::new(&format!("{} {ids:?} {filters:?}", call.region), token)
        .map_err(|_| ApiError::new("InvalidParameterValue", "Unable to parse pagination token"))?;
    let chosen = call.account.options.fleet.of_region(call.region).filter(|(_, instance)| {
        !instance.is_hybrid()
            && (ids.is_empty() || ids.contains(&instance.id.as_str()))
            && filters.iter().all(|filter| filter.matches(instance))
    });
    let (page, token) = pager.page(chosen, most);
    let mut xml = Xml::document();
    xml.open_as("DescribeInstancesResponse", SPACE).text("requestId", call.request_id).open("reservationSet");
    for instance in page {
        let reservation = instance.id.replacen("i-", "r-", 1);
        xml.open("item").text("reservationId", &reservation).text("ownerId", ACCOUNT).open("groupSet");
        xml.close("groupSet").open("instancesSet");
        xml::instance(&mut xml, instance);
        xml.close("instancesSet").close("item");
    }
    xml.close("reservationSet").text_if("nextToken", token.as_deref()).close("DescribeInstancesResponse");
    Ok(xml.finish())
}

/// `DescribeRegions`
pub(crate) fn describe_regions(call: &Call<'_>, form: &Form) -> Result<String, ApiError> {
    let names = form.list("RegionName");
    let own = call.account.options.fleet.iter().map(|instance| instance.region.as_str());
    let mut regions: Vec<_> = REGIONS.into_iter().chain(own).collect();
    regions.sort_unstable();
    regions.dedup();
    if let Some(unknown) = names.iter().find(|name| !regions.contains(name)) {
        return Err(ApiError::new("InvalidParameterValue", format!("Invalid region provided: {unknown}")));
    }
    let mut xml = Xml::document();
    xml.open_as("DescribeRegionsResponse", SPACE).text("requestId", call.request_id).open("regionInfo");
    for region in regions.iter().filter(|region| names.is_empty() || names.contains(region)) {
        xml.open("item").text("regionName", region);
        xml.text("regionEndpoint", &format!("ec2.{region}.amazonaws.com"));
        xml.text("optInStatus", "opt-in-not-required").close("item");
    }
    xml.close("regionInfo").close("DescribeRegionsResponse");
    Ok(xml.finish())
}

fn check_ids(call: &Call<'_>, ids: &[&str]) -> Result<(), ApiError> {
    let malformed = |id: &&&str| {
        let rest = id.strip_prefix("i-").unwrap_or_default();
        !matches!(rest.len(), 8 | 17) || !rest.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    if let Some(id) = ids.iter().find(malformed) {
        return Err(ApiError::new("InvalidInstanceID.Malformed", format!("Invalid id: \"{id}\"")));
    }
    let unknown: Vec<_> =
        ids.iter().copied().filter(|id| call.account.options.fleet.find(call.region, id).is_none()).collect();
    let text = match unknown[..] {
        [] => return Ok(()),
        [id] => format!("The instance ID '{id}' does not exist"),
        _ => format!("The instance IDs '{}' do not exist", unknown.join(", ")),
    };
    Err(ApiError::new("InvalidInstanceID.NotFound", text))
}

fn max_results(text: &str) -> Result<usize, ApiError> {
    let value = text.parse().unwrap_or(0);
    if (5..=MOST_RESULTS).contains(&value) {
        return Ok(value);
    }
    let limit = if value < 5 { "greater than 5" } else { "less than 1000" };
    let text = format!("Value ( {text} ) for parameter maxResults is invalid. Expecting a value {limit}.");
    Err(ApiError::new("InvalidParameterValue", text))
}
