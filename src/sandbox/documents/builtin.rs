//! The session documents that every account has: those of AWS, and the one that holds the preferences.

use std::time::Duration;

use serde_json::{Value, json};

use crate::sandbox::preferences::Preferences;
use crate::sandbox::services::kms::Kms;

/// Pattern of port numbers, as the documents of AWS have it. The sandbox reads the number instead.
const PORT_PATTERN: &str =
    "^([1-9]|[1-9][0-9]{1,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$";

/// The content of the account's preferences. The KMS key is named by its alias, as its ARN differs by region.
pub(crate) fn preferences_document(preferences: &Preferences) -> Value {
    // The document counts in whole minutes, and names no time that is off.
    let minutes =
        |limit: Option<Duration>| limit.map_or(String::new(), |limit| limit.as_secs().div_ceil(60).to_string());
    json!({
        "schemaVersion": "1.0",
        "description": "Document to hold regional settings for Session Manager",
        "sessionType": "Standard_Stream",
        "inputs": {
            "s3BucketName": "",
            "s3KeyPrefix": "",
            "s3EncryptionEnabled": true,
            "cloudWatchLogGroupName": "",
            "cloudWatchEncryptionEnabled": true,
            "cloudWatchStreamingEnabled": false,
            "kmsKeyId": if preferences.encrypt { Kms::ALIAS } else { "" },
            "runAsEnabled": preferences.run_as.is_some(),
            "runAsDefaultUser": preferences.run_as.clone().unwrap_or_default(),
            "idleSessionTimeout": minutes(preferences.idle_timeout),
            "maxSessionDuration": minutes(preferences.max_duration),
            "shellProfile": { "windows": "", "linux": preferences.shell_profile },
        },
    })
}

/// The documents that every account has, by name.
pub(crate) fn builtin() -> Vec<(&'static str, Value)> {
    let port = |description: &str, default: Option<&str>| {
        let mut parameter = json!({ "type": "String", "description": description, "allowedPattern": PORT_PATTERN });
        if let Some(default) = default {
            parameter["default"] = json!(default);
        }
        parameter
    };
    let text = |description: &str| json!({ "type": "String", "description": description });
    let defaulted =
        |description: &str, default: &str| json!({ "type": "String", "description": description, "default": default });
    let document = |description: &str, kind: &str, parameters: Value, properties: Value| {
        json!({
            "schemaVersion": "1.0",
            "description": description,
            "sessionType": kind,
            "parameters": parameters,
            "properties": properties,
        })
    };
    let every_platform = |properties: Value| json!({ "linux": properties, "windows": properties, "macos": properties });
    let remote = || port("Port number of the server", Some("80"));
    let local = || port("Port number on the local machine; 0 chooses a free one", Some("0"));
    vec![
        (
            "AWS-StartInteractiveCommand",
            document(
                "Runs one command with a terminal",
                "InteractiveCommands",
                json!({ "command": text("The command to run") }),
                every_platform(json!({ "commands": "{{ command }}", "runAsElevated": false })),
            ),
        ),
        (
            "AWS-StartNonInteractiveCommand",
            document(
                "Runs one command without a terminal",
                "NonInteractiveCommands",
                json!({
                    "command": text("The command to run"),
                    "separateOutputStream": {
                        "type": "String",
                        "description": "Whether to send output, errors and exit code separately",
                        "allowedValues": ["true", "false"],
                        // Recorded sessions without the parameter have separate streams.
                        "default": "true",
                    },
                    "stdoutSeparatorPrefix": defaulted("Prefix of each chunk of standard output", ""),
                    "stderrSeparatorPrefix": defaulted("Prefix of each chunk of standard error", ""),
                }),
                every_platform(json!({
                    "commands": "{{ command }}",
                    "runAsElevated": false,
                    "separateOutputStream": "{{ separateOutputStream }}",
                    "stdOutSeparatorPrefix": "{{ stdoutSeparatorPrefix }}",
                    "stdErrSeparatorPrefix": "{{ stderrSeparatorPrefix }}",
                })),
            ),
        ),
        (
            "AWS-StartPortForwardingSession",
            document(
                "Forwards a port of the instance",
                "Port",
                json!({ "portNumber": remote(), "localPortNumber": local() }),
                json!({
                    "portNumber": "{{ portNumber }}",
                    "type": "LocalPortForwarding",
                    "localPortNumber": "{{ localPortNumber }}",
                }),
            ),
        ),
        (
            "AWS-StartPortForwardingSessionToRemoteHost",
            document(
                "Forwards a port of a host that the instance can reach",
                "Port",
                json!({
                    "host": defaulted("Name or address of the server", "localhost"),
                    "portNumber": remote(),
                    "localPortNumber": local(),
                }),
                json!({
                    "host": "{{ host }}",
                    "portNumber": "{{ portNumber }}",
                    "type": "LocalPortForwarding",
                    "localPortNumber": "{{ localPortNumber }}",
                }),
            ),
        ),
        (
            "AWS-StartPortForwardingSessionToSocket",
            document(
                "Forwards a port of the instance to a local socket",
                "Port",
                json!({ "portNumber": remote(), "localUnixSocket": text("Path of the local socket") }),
                json!({
                    "portNumber": "{{ portNumber }}",
                    "type": "LocalPortForwarding",
                    "localConnectionType": "Socket",
                    "localUnixSocket": "{{ localUnixSocket }}",
                }),
            ),
        ),
        (
            "AWS-StartSSHSession",
            document(
                "Carries an SSH connection to the instance",
                "Port",
                json!({ "portNumber": port("Port number of the SSH server", Some("22")) }),
                json!({ "portNumber": "{{ portNumber }}" }),
            ),
        ),
    ]
}
