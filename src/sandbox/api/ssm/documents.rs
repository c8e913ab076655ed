//! Systems Manager: session documents, the account's preferences among them.

use aws_lc_rs::digest;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::api::call::Call;
use crate::sandbox::api::error::ApiError;
use crate::sandbox::api::json::input;
use crate::sandbox::documents::Documents;
use crate::sandbox::ids::ACCOUNT;
use crate::sandbox::services::sigv4::hex;

/// Documents have one version here, and were made on the day that Session Manager was announced.
const CREATED: f64 = 1_536_710_400.0;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    name: String,
    document_version: Option<String>,
    document_format: Option<String>,
}

/// `GetDocument`
pub(crate) fn get_document(call: &Call<'_>, body: &[u8]) -> Result<String, ApiError> {
    let request: Document = input(body)?;
    let content = content(call, &request)?;
    if !matches!(request.document_format.as_deref(), None | Some("JSON")) {
        return Err(ApiError::new("ValidationException", "The sandbox has only JSON documents."));
    }
    let text = serde_json::to_string_pretty(&content).unwrap_or_default();
    Ok(json!({
        "Name": request.name,
        "CreatedDate": CREATED,
        "DocumentVersion": "1",
        "Status": "Active",
        "Content": text,
        "DocumentType": "Session",
        "DocumentFormat": "JSON",
    })
    .to_string())
}

/// `DescribeDocument`
pub(crate) fn describe_document(call: &Call<'_>, body: &[u8]) -> Result<String, ApiError> {
    let request: Document = input(body)?;
    let content = content(call, &request)?;
    let text = serde_json::to_string_pretty(&content).unwrap_or_default();
    let parameters: Vec<_> = Documents::parameters(&content)
        .into_iter()
        .map(|(name, parameter)| {
            let mut output = json!({ "Name": name, "Type": parameter.kind });
            if let Some(description) = parameter.description {
                output["Description"] = json!(description);
            }
            if let Some(default) = parameter.default {
                output["DefaultValue"] = json!(default);
            }
            output
        })
        .collect();
    let own = !request.name.starts_with("AWS-");
    let mut document = json!({
        "Name": request.name,
        "Hash": hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref()),
        "HashType": "Sha256",
        "Owner": if own { ACCOUNT } else { "Amazon" },
        "CreatedDate": CREATED,
        "Status": "Active",
        "DocumentVersion": "1",
        "LatestVersion": "1",
        "DefaultVersion": "1",
        "PlatformTypes": ["Windows", "Linux", "MacOS"],
        "DocumentType": "Session",
        "SchemaVersion": content.get("schemaVersion").and_then(Value::as_str).unwrap_or("1.0"),
        "DocumentFormat": "JSON",
        "Parameters": parameters,
        "Tags": [],
    });
    if let Some(description) = content.get("description") {
        document["Description"] = description.clone();
    }
    Ok(json!({ "Document": document }).to_string())
}

fn content(call: &Call<'_>, request: &Document) -> Result<Value, ApiError> {
    let account = call.account;
    let content = account
        .documents
        .content(&request.name, &account.kms, call.region)
        .map_err(|error| ApiError::new("InvalidDocument", error.to_string()))?;
    match request.document_version.as_deref() {
        None | Some("1" | "$LATEST" | "$DEFAULT") => Ok(content),
        Some(version) => {
            let text = format!("Document {} has no version {version}.", request.name);
            Err(ApiError::new("InvalidDocumentVersion", text))
        }
    }
}
