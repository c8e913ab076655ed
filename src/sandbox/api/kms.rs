//! KMS: data keys for the client's end of an encrypted session.

use aws_lc_rs::rand;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::call::Call;
use super::error::ApiError;
use super::json::input;
use crate::sandbox::services::kms::EncryptionContext;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GenerateDataKey {
    key_id: String,
    #[serde(default)]
    encryption_context: EncryptionContext,
    number_of_bytes: Option<i64>,
    key_spec: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Decrypt {
    key_id: Option<String>,
    ciphertext_blob: String,
    #[serde(default)]
    encryption_context: EncryptionContext,
}

/// `GenerateDataKey`
pub(crate) fn generate_data_key(call: &Call<'_>, body: &[u8]) -> Result<String, ApiError> {
    let request: GenerateDataKey = input(body)?;
    let kms = &call.account.kms;
    if !kms.is_key(call.region, &request.key_id) {
        return Err(unknown_key(call, &request.key_id));
    }
    let length = match (request.number_of_bytes, request.key_spec.as_deref()) {
        (Some(length @ 1..=1024), None) => length as usize,
        (Some(length), None) => {
            let rule = "have value less than or equal to 1024 and greater than or equal to 1";
            return Err(ApiError::constraint(&length.to_string(), "numberOfBytes", rule));
        }
        (None, Some("AES_256")) => 32,
        (None, Some("AES_128")) => 16,
        (None, Some(other)) => {
            return Err(ApiError::constraint(other, "keySpec", "satisfy enum value set: [AES_256, AES_128]"));
        }
        _ => {
            let text = "Please specify either number of bytes or key spec.";
            return Err(ApiError::new("ValidationException", text));
        }
    };
    let mut plaintext = Zeroizing::new(vec![0; length]);
    rand::fill(&mut plaintext).map_err(|_| ApiError::new("KMSInternalException", ""))?;
    let blob = kms.encrypt(&plaintext, &request.encryption_context);
    Ok(json!({
        "CiphertextBlob": BASE64_STANDARD.encode(blob),
        "Plaintext": BASE64_STANDARD.encode(plaintext.as_slice()),
        "KeyId": kms.key_arn(call.region),
    })
    .to_string())
}

/// `Decrypt`
pub(crate) fn decrypt(call: &Call<'_>, body: &[u8]) -> Result<String, ApiError> {
    let request: Decrypt = input(body)?;
    let kms = &call.account.kms;
    if let Some(key) = &request.key_id
        && !kms.is_key(call.region, key)
    {
        return Err(unknown_key(call, key));
    }
    // The real service has no text for this one.
    let invalid = || ApiError::new("InvalidCiphertextException", "");
    let blob = BASE64_STANDARD.decode(&request.ciphertext_blob).map_err(|_| invalid())?;
    let plaintext = kms.decrypt(&blob, &request.encryption_context).map_err(|_| invalid())?;
    Ok(json!({
        "KeyId": kms.key_arn(call.region),
        "Plaintext": BASE64_STANDARD.encode(plaintext.as_slice()),
        "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
    })
    .to_string())
}

fn unknown_key(call: &Call<'_>, name: &str) -> ApiError {
    let account = crate::sandbox::ids::ACCOUNT;
    let what = if name.contains("alias/") { "Alias" } else { "Key" };
    let arn = match name {
        name if name.starts_with("arn:") => name.to_owned(),
        name if name.starts_with("alias/") => format!("arn:aws:kms:{}:{account}:{name}", call.region),
        name => format!("arn:aws:kms:{}:{account}:key/{name}", call.region),
    };
    let text =
        if what == "Alias" { format!("Alias {arn} is not found.") } else { format!("Key '{arn}' does not exist") };
    ApiError::new("NotFoundException", text)
}
