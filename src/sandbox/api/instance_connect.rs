//! EC2 Instance Connect: leaves a public key on an instance for a minute.

use serde::Deserialize;
use serde_json::json;

use super::call::Call;
use super::error::ApiError;
use super::json::input;
use crate::sandbox::fleet::InstanceState;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendSshPublicKey {
    instance_id: String,
    #[serde(rename = "InstanceOSUser")]
    user: String,
    #[serde(rename = "SSHPublicKey")]
    key: String,
    availability_zone: Option<String>,
}

/// `SendSSHPublicKey`
pub(crate) fn send_ssh_public_key(call: &Call<'_>, body: &[u8]) -> Result<String, ApiError> {
    let request: SendSshPublicKey = input(body)?;
    let unusual = |byte: u8| !(byte.is_ascii_alphanumeric() || b"_.@-$".contains(&byte));
    if request.user.is_empty() || request.user.len() > 32 || request.user.bytes().any(unusual) {
        return Err(ApiError::new("InvalidArgsException", "Invalid InstanceOSUser"));
    }
    if !(80..=4096).contains(&request.key.len()) || !is_public_key(&request.key) {
        return Err(ApiError::new("InvalidArgsException", "Invalid SSHPublicKey"));
    }
    let account = call.account;
    let found = account.options.fleet.find(call.region, &request.instance_id);
    let instance = found
        .filter(|instance| !instance.is_hybrid())
        .ok_or_else(|| ApiError::new("EC2InstanceNotFoundException", "Instance not found"))?;
    if request.availability_zone.is_some_and(|zone| zone != instance.zone) {
        return Err(ApiError::new("EC2InstanceNotFoundException", "Instance not found"));
    }
    if instance.state != InstanceState::Running {
        let text = "Instance is not in a valid state";
        return Err(ApiError::new("EC2InstanceStateInvalidException", text));
    }
    if !account.pushed_keys.push(&instance.id, &request.user, request.key.trim()) {
        return Err(ApiError::new("ThrottlingException", "Rate exceeded"));
    }
    Ok(json!({ "RequestId": call.request_id, "Success": true }).to_string())
}

/// One line: type, base 64, and perhaps a comment.
fn is_public_key(key: &str) -> bool {
    let key = key.trim();
    let known = ["ssh-ed25519 ", "ssh-rsa ", "ecdsa-sha2-nistp"].iter().any(|kind| key.starts_with(kind));
    known && !key.contains('\n')
}
