//! The tier of the hybrid nodes of an account and region.

use super::{client::Aws, error::Error};

/// The tier of hybrid nodes. Sessions on them took the advanced one until June 2026.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HybridTier {
    /// The one that an account starts with.
    Standard,
    /// The one that has to be turned on.
    Advanced,
}

impl Aws {
    /// The tier of the hybrid nodes of the account and region: ssm:GetServiceSetting. None if the service does not name
    /// one that is known.
    ///
    /// # Errors
    ///
    /// Any.
    pub async fn hybrid_tier(&self) -> Result<Option<HybridTier>, Error> {
        let asked = self.call("ssm:GetServiceSetting", || self.ssm().get_service_setting().setting_id(SETTING).send());
        let setting = asked.await.map_err(|err| err.about(SETTING))?.service_setting;
        Ok(match setting.and_then(|setting| setting.setting_value).as_deref() {
            Some("standard") => Some(HybridTier::Standard),
            Some("advanced") => Some(HybridTier::Advanced),
            _ => None,
        })
    }
}

const SETTING: &str = "/ssm/managed-instance/activation-tier";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Answer, Fake};

    #[tokio::test]
    async fn the_tier_is_read_from_the_setting() {
        for (value, tier) in
            [("standard", Some(HybridTier::Standard)), ("advanced", Some(HybridTier::Advanced)), ("other", None)]
        {
            let body = serde_json::json!({ "ServiceSetting": { "SettingId": SETTING, "SettingValue": value } });
            let fake = Fake::start(move |_| Answer::json(&body.to_string())).await;
            assert_eq!(fake.aws().await.hybrid_tier().await.unwrap(), tier);
            assert_eq!(fake.seen()[0].action, "GetServiceSetting");
        }
    }
}
