//! A configuration that cannot be used, as the person is told.

use super::error::{CliError, ErrorKind};
use crate::config::ConfigError;

/// What is wrong, every mistake with its line.
pub(crate) fn mistakes(error: &ConfigError) -> CliError {
    let told = CliError::usage(error.to_string());
    match error {
        ConfigError::Invalid { mistakes, .. } if mistakes.len() > 1 => {
            mistakes.iter().fold(told, |told, mistake| told.cause(mistake.to_string()))
        }
        _ => told,
    }
}

/// What is wrong, every mistake with its line, and what to do about it.
pub(crate) fn told(error: ConfigError) -> CliError {
    match &error {
        ConfigError::Invalid { .. } => mistakes(&error).hint("correct it with `ssmx config edit`"),
        ConfigError::Variable { .. } => CliError::usage(error.to_string()),
        ConfigError::Missing(_) => CliError::usage(error.to_string())
            .hint("make it with `ssmx config init`, or unset the variable to use the usual file"),
        ConfigError::NoHome => CliError::failed(error.to_string()).hint("set HOME, or name a file with `SSMX_CONFIG`"),
        _ => CliError::new(ErrorKind::Failed, error.to_string()).caused_by(&error),
    }
}
