//! Systems Manager: the settings of the account.

use serde::Deserialize;
use serde_json::json;

use crate::sandbox::api::call::Call;
use crate::sandbox::api::error::ApiError;
use crate::sandbox::api::json::input;
use crate::sandbox::fleet::Instance;
use crate::sandbox::ids::ACCOUNT;

/// The tier of hybrid nodes.
const TIER: &str = "/ssm/managed-instance/activation-tier";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetServiceSetting {
    setting_id: String,
}

/// `GetServiceSetting`
pub(crate) fn get_service_setting(call: &Call<'_>, body: &[u8]) -> Result<String, ApiError> {
    let request: GetServiceSetting = input(body)?;
    // An ARN names it as well.
    if !request.setting_id.ends_with(TIER) {
        return Err(ApiError::new("ServiceSettingNotFound", ""));
    }
    let standard = call.account.options.standard_tier;
    let setting = json!({
        "SettingId": TIER,
        "SettingValue": if standard { "standard" } else { "advanced" },
        "LastModifiedUser": "System",
        "ARN": arn(call.region, TIER),
        "Status": if standard { "Default" } else { "Customized" },
    });
    Ok(json!({ "ServiceSetting": setting }).to_string())
}

/// The ARN of a setting.
pub(crate) fn arn(region: &str, setting: &str) -> String {
    format!("arn:aws:ssm:{region}:{ACCOUNT}:servicesetting{setting}")
}

impl Call<'_> {
    /// Whether no session can be started on an instance because of the tier of hybrid nodes.
    pub(crate) fn lacks_tier(&self, instance: &Instance) -> bool {
        instance.is_hybrid() && self.account.options.standard_tier
    }
}
