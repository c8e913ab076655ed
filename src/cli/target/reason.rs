//! Why a session is started, for the audit trail.

use dialoguer::Input;

use crate::cli::error::CliError;
use crate::cli::ui::prompt;
use crate::config::{Key, Resolved};
use crate::terminal;

/// Longest reason that Session Manager takes, in characters.
const LIMIT: usize = 256;

/// The reasons of several sessions. The person is asked once.
///
/// # Errors
/// As for [`reason`].
pub(crate) fn reasons<'a>(
    flag: Option<&str>,
    settings: impl Iterator<Item = &'a Resolved> + Clone,
) -> Result<Vec<Option<String>>, CliError> {
    let shared = shared(flag, settings.clone())?;
    settings.map(|settings| reason(shared.as_deref(), settings)).collect()
}

/// The one reason that stands before those of the settings: that of the flag, or the one that the person was asked for
/// because one of the settings requires it and has none.
///
/// # Errors
/// As for [`reason`].
pub(crate) fn shared<'a>(
    flag: Option<&str>,
    mut settings: impl Iterator<Item = &'a Resolved>,
) -> Result<Option<String>, CliError> {
    if let Some(flag) = flag {
        return settings.try_fold(Some(flag.to_owned()), |_, settings| reason(Some(flag), settings));
    }
    let is_missing = |settings: &Resolved| settings.reason_required() && settings.text(Key::Reason).is_none();
    settings.find(|settings| is_missing(settings)).map(|_| ask()).transpose()
}

/// The reason of a flag, else that of the settings. Where the settings require one and there is none, the person is
/// asked, if there is a terminal to ask at.
///
/// # Errors
/// There is none and no terminal to ask at, or it is too long.
pub(crate) fn reason(flag: Option<&str>, settings: &Resolved) -> Result<Option<String>, CliError> {
    let given = flag.or_else(|| settings.text(Key::Reason)).map(str::to_owned);
    let reason = match given {
        None if settings.reason_required() => Some(ask()?),
        Some(empty) if empty.trim().is_empty() && settings.reason_required() => return Err(missing()),
        given => given,
    };
    match reason {
        Some(long) if long.chars().count() > LIMIT => Err(CliError::usage(too_long())),
        reason => Ok(reason),
    }
}

fn ask() -> Result<String, CliError> {
    if !terminal::can_ask() {
        return Err(missing());
    }
    let check = |text: &String| match text.trim() {
        "" => Err("a reason is required here".to_owned()),
        text if text.chars().any(char::is_control) => Err("the reason contains a control character".to_owned()),
        text if text.chars().count() > LIMIT => Err(too_long()),
        _ => Ok(()),
    };
    let question = Input::<String>::new().with_prompt("Reason for this session").validate_with(check);
    prompt::ask(|term| question.interact_on(term)).map(|text| text.trim().to_owned())
}

fn too_long() -> String {
    format!("the reason is longer than {LIMIT} characters, the limit of Session Manager")
}

fn missing() -> CliError {
    CliError::usage("the configuration requires a reason for every session")
        .hint("give one with `--reason TEXT`, or in `SSMX_REASON`")
}
