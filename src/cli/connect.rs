//! From a target as it was typed to an open session.

use super::context::Wanted;
use super::diagnosis;
use super::error::CliError;
use super::ui::Ui;
use crate::aws::{Aws, StartSession};
use crate::channel::{self, Channel, Notice, Options};
use crate::config::Selector;
use crate::fleet::{self, Target};
use crate::session::Observer;

/// The one instance that is meant.
pub(super) async fn target(ui: &Ui, aws: &Aws, wanted: &Wanted) -> Result<Target, CliError> {
    let text = &wanted.text;
    let _waiting = ui.waiting(format!("Looking for {text} in {}", aws.region()));
    let query = query(wanted);
    fleet::resolve(aws, &query).await.map_err(|error| {
        let error = CliError::from(error);
        if wanted.selector.is_some() { error.about(text) } else { error }
    })
}

/// What the fleet is to look for: what an alias stands for, else what was typed.
pub(super) fn query(wanted: &Wanted) -> String {
    match &wanted.selector {
        None => wanted.text.clone(),
        Some(Selector::Id(text) | Selector::Name(text) | Selector::Address(text)) => text.clone(),
        Some(Selector::Tags(tags)) => {
            let tags: Vec<_> = tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
            tags.join(",")
        }
    }
}

/// Starts a session on `target`. A target that is not connected is asked why.
pub(super) async fn session(
    ui: &Ui,
    aws: &Aws,
    target: &Target,
    request: StartSession,
    options: Options,
) -> Result<Channel, CliError> {
    let waiting = ui.waiting(format!("Starting a session on {target}"));
    let request = StartSession { target: target.id.clone(), ..request };
    match channel::open(aws, &request, options).await {
        Ok(channel) => Ok(channel),
        Err(error) => Err(diagnosis::explain(&waiting, aws, &request, error.into()).await),
    }
}

/// As [`session`], for one of several attempts: the next one follows, so nobody looks into why this one failed.
pub(super) async fn session_again(
    ui: &Ui,
    aws: &Aws,
    target: &Target,
    request: StartSession,
    options: Options,
) -> Result<Channel, CliError> {
    let _waiting = ui.waiting(format!("Starting a session on {target}"));
    let request = StartSession { target: target.id.clone(), ..request };
    Ok(channel::open(aws, &request, options).await?)
}

/// Says to the person what a session has to say.
pub(super) struct Says {
    pub(super) ui: Ui,
    /// Named when several sessions run side by side.
    pub(super) name: Option<String>,
}

impl Observer for Says {
    fn notice(&self, notice: &Notice) {
        let name = self.name.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
        self.ui.notice(match notice {
            Notice::Lost(reason) => format!("{name}connection lost ({reason}); reconnecting…"),
            Notice::Waiting(reason) => format!("{name}still no connection: {reason}"),
            Notice::Restored(after) => {
                format!("{name}connection restored after {:.1} s; nothing was lost", after.as_secs_f64())
            }
        });
    }

    fn message(&self, text: &str) {
        let name = self.name.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
        self.ui.notice(format!("{name}{}", text.trim_end()));
    }
}
