//! Session documents: those of AWS, the account's preferences, and its own; and what they make of parameters.

mod builtin;
mod parameter_store;
mod template;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::agent::work::{PortWork, Work};
use super::preferences::Preferences;
use super::services::kms::Kms;
use builtin::{builtin, preferences_document};
use parameter_store::ParameterStoreError;
use template::fill;

/// The document of shells, which holds the account's preferences.
pub(crate) const SHELL: &str = "SSM-SessionManagerRunShell";

/// The longest value of a parameter, in characters, by the description of the API.
const LONGEST_VALUE: usize = 65_535;

/// The session documents of the account: their content by name.
#[derive(Debug)]
pub(crate) struct Documents {
    by_name: BTreeMap<String, Value>,
}

/// The parts of a document that decide what a session does.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    session_type: String,
    #[serde(default)]
    parameters: BTreeMap<String, Parameter>,
    #[serde(default)]
    inputs: Inputs,
    #[serde(default)]
    properties: Value,
}

/// A parameter of a document.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Parameter {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) description: Option<String>,
    pub(crate) default: Option<String>,
    allowed_values: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Inputs {
    run_as_enabled: bool,
    run_as_default_user: String,
    shell_profile: BTreeMap<String, String>,
}

/// Why a session cannot be started with a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DocumentError {
    #[error("Document with name {0} does not exist.")]
    Unknown(String),
    #[error("{0}")]
    Invalid(String),
    #[error("{0}")]
    Parameters(String),
}

impl Documents {
    /// # Errors
    /// [`DocumentError::Invalid`] when one of the account's own documents is not a session document.
    pub(crate) fn new(preferences: &Preferences, own: &BTreeMap<String, String>) -> Result<Self, DocumentError> {
        let mut by_name: BTreeMap<_, _> = builtin().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        by_name.insert(SHELL.to_owned(), preferences_document(preferences));
        for (name, content) in own {
            let invalid = |error| DocumentError::Invalid(format!("document {name}: {error}"));
            let value: Value = serde_json::from_str(content).map_err(invalid)?;
            serde_json::from_value::<Content>(value.clone()).map_err(invalid)?;
            by_name.insert(name.clone(), value);
        }
        Ok(Self { by_name })
    }

    /// A document's content, with the account's key for a region filled in.
    pub(crate) fn content(&self, name: &str, kms: &Kms, region: &str) -> Result<Value, DocumentError> {
        let mut content = self.by_name.get(name).ok_or_else(|| DocumentError::Unknown(name.to_owned()))?.clone();
        if let Some(key) = content.pointer_mut("/inputs/kmsKeyId")
            && key.as_str() == Some(Kms::ALIAS)
        {
            *key = json!(kms.key_arn(region));
        }
        Ok(content)
    }

    /// The parameters of a document, by name.
    pub(crate) fn parameters(content: &Value) -> BTreeMap<String, Parameter> {
        let parameters = content.get("parameters").cloned().unwrap_or_default();
        serde_json::from_value(parameters).unwrap_or_default()
    }

    /// What a session with a document and these parameters is to run.
    pub(crate) fn work(&self, name: &str, given: &BTreeMap<String, Vec<String>>) -> Result<Work, DocumentError> {
        let value = self.by_name.get(name).ok_or_else(|| DocumentError::Unknown(name.to_owned()))?;
        let invalid = |error| DocumentError::Invalid(format!("document {name}: {error}"));
        let content: Content = serde_json::from_value(value.clone()).map_err(invalid)?;
        let values = content.values(given)?;
        // The real agent looks for references to Parameter Store in the values too, before it fills them in, and ends the
        // session where one cannot be resolved. Here the session does not begin.
        for value in values.values() {
            parameter_store::resolve(value)?;
        }
        let shell: Content = serde_json::from_value(self.by_name[SHELL].clone()).map_err(invalid)?;
        content.work(&values, &shell.inputs)
    }
}

impl Content {
    /// The value of each parameter: the one that was given, else the default.
    fn values(&self, given: &BTreeMap<String, Vec<String>>) -> Result<BTreeMap<&str, String>, DocumentError> {
        if let Some(unknown) = given.keys().find(|name| !self.parameters.contains_key(*name)) {
            let text = format!("Parameter \"{unknown}\" is not defined in the document.");
            return Err(DocumentError::Parameters(text));
        }
        let mut values = BTreeMap::new();
        for (name, parameter) in &self.parameters {
            // A list for a parameter of type String holds one value.
            let value = given.get(name).and_then(|values| values.first()).or(parameter.default.as_ref());
            if value.is_some_and(|value| value.chars().count() > LONGEST_VALUE) {
                let text = format!(
                    "1 validation error detected: Value at 'parameters.{name}.1.member' failed to satisfy constraint: \
                     Member must have length less than or equal to {LONGEST_VALUE}"
                );
                return Err(DocumentError::Parameters(text));
            }
            let value = value.ok_or_else(|| {
                DocumentError::Parameters(format!("Parameter \"{name}\" is required and has no value."))
            })?;
            if let Some(allowed) = &parameter.allowed_values
                && !allowed.contains(value)
            {
                let text = format!("Parameter \"{name}\": value {value} is not one of {}.", allowed.join(", "));
                return Err(DocumentError::Parameters(text));
            }
            values.insert(name.as_str(), value.clone());
        }
        Ok(values)
    }

    fn work(&self, values: &BTreeMap<&str, String>, preferences: &Inputs) -> Result<Work, DocumentError> {
        // Commands stand under the platform's name, or directly in the properties.
        let property = |name: &str| {
            let properties = [self.properties.get("linux"), Some(&self.properties)];
            let value = properties.into_iter().flatten().find_map(|properties| properties.get(name));
            let text =
                |value: &Value| value.as_str().map_or_else(|| Ok(value.to_string()), |text| resolved(text, values));
            value.map(text).transpose()
        };
        let command = || {
            property("commands")?
                .filter(|command| !command.trim().is_empty())
                .ok_or_else(|| DocumentError::Parameters("The document has no commands to run.".to_owned()))
        };
        let inputs = if self.inputs.run_as_enabled { &self.inputs } else { preferences };
        let user = Some(inputs.run_as_default_user.clone()).filter(|user| inputs.run_as_enabled && !user.is_empty());
        match self.session_type.as_str() {
            "Standard_Stream" => {
                let profile = self.inputs.shell_profile.get("linux").cloned().unwrap_or_default();
                Ok(Work::Shell { profile, run_as: user })
            }
            "InteractiveCommands" => Ok(Work::InteractiveCommand { command: command()?, run_as: user }),
            "NonInteractiveCommands" => Ok(Work::NonInteractiveCommand {
                command: command()?,
                separate_output: property("separateOutputStream")?.is_some_and(|text| text == "true"),
                stdout_prefix: property("stdOutSeparatorPrefix")?.unwrap_or_default(),
                stderr_prefix: property("stdErrSeparatorPrefix")?.unwrap_or_default(),
                run_as: user,
            }),
            "Port" => self.port(values),
            other => Err(DocumentError::Invalid(format!("Session type {other} is not supported."))),
        }
    }

    fn port(&self, values: &BTreeMap<&str, String>) -> Result<Work, DocumentError> {
        let mut properties = Map::new();
        for (name, value) in self.properties.as_object().into_iter().flatten() {
            let text = value.as_str().map_or_else(|| Ok(value.to_string()), |text| resolved(text, values))?;
            properties.insert(name.clone(), json!(text));
        }
        let text = |name| properties.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let number = |name| {
            text(name).map_or(Ok(None), |text| match text.parse::<u16>() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(DocumentError::Parameters(format!("Parameter \"{name}\": {text} is not a port number."))),
            })
        };
        let port_number = number("portNumber")?;
        if port_number == Some(0) {
            return Err(DocumentError::Parameters("Parameter \"portNumber\": 0 is not a port number.".to_owned()));
        }
        Ok(Work::Port(PortWork {
            port_number,
            local_port_number: number("localPortNumber")?,
            kind: text("type").map(str::to_owned),
            host: text("host").map(str::to_owned),
            properties: Value::Object(properties.clone()),
        }))
    }
}

/// A text of a document as the agent makes use of it.
fn resolved(template: &str, values: &BTreeMap<&str, String>) -> Result<String, DocumentError> {
    Ok(parameter_store::resolve(&fill(template, values))?)
}

impl From<ParameterStoreError> for DocumentError {
    fn from(error: ParameterStoreError) -> Self {
        Self::Parameters(error.to_string())
    }
}

#[cfg(test)]
mod tests;
