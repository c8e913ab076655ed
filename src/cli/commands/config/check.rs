//! Values of the configuration whose grammar belongs to commands.

use crate::cli::commands::fwd::spec::{ForwardSpec, bind};
use crate::config::{Config, ConfigError, MOST_MISTAKES, Mistake};

/// Checks the forwards of tunnels and their addresses to listen on.
///
/// # Errors
/// Some make no sense; the error has the line of each.
pub(crate) fn forwards(config: &Config) -> Result<(), ConfigError> {
    let mut mistakes = Vec::new();
    for (name, tunnel) in &config.tunnels {
        for forward in &tunnel.forward {
            if let Err(problem) = forward.value.parse::<ForwardSpec>() {
                let message = format!("`{}` in [tunnels.{name}]: {problem}", forward.value);
                mistakes.push(Mistake { line: forward.line, message });
            }
        }
        if let Some(address) = &tunnel.bind
            && let Err(problem) = bind(&address.value)
        {
            mistakes.push(Mistake { line: address.line, message: format!("`bind` in [tunnels.{name}]: {problem}") });
        }
    }
    if mistakes.is_empty() {
        return Ok(());
    }
    mistakes.sort_by_key(|mistake| mistake.line);
    mistakes.truncate(MOST_MISTAKES);
    Err(ConfigError::Invalid { path: config.path.clone().unwrap_or_default(), mistakes })
}
