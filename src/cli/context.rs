//! [`Context`]: what a command has besides its arguments: the person to speak to, the global flags, the configuration.

use std::sync::Arc;

use tokio::sync::Mutex;

use super::commands::config::check;
use super::error::CliError;
use super::globals::Globals;
use super::ui::Ui;
use crate::aws::{Ambient, Aws, Endpoints, Settings};
use crate::config::{self, Config, ConfigError, Flags, Key, Resolved, Selector, Variables};
use crate::environment;

/// What a command has besides its arguments. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Context {
    /// Speaks to the person.
    pub ui: Ui,
    /// The flags that every command has.
    pub globals: Globals,
    pub config: Arc<Config>,
    /// The AWS environment.
    pub ambient: Ambient,
    /// Each account and region once: several targets in the same one share clients and credentials.
    accounts: Arc<Mutex<Vec<(Settings, Aws)>>>,
}

/// A target as it was typed, with its settings.
#[derive(Clone, Debug)]
pub(crate) struct TargetRequest {
    /// What was typed.
    pub(crate) text: String,
    /// Which instance an alias means. None if it is not an alias.
    pub(crate) selector: Option<Selector>,
    /// The settings in effect for it.
    pub(crate) settings: Resolved,
}

impl Context {
    /// Reads the configuration.
    ///
    /// # Errors
    /// The file cannot be read, or has mistakes.
    pub(crate) fn load(ui: &Ui, globals: &Globals) -> Result<Self, CliError> {
        Ok(Self::with(ui, globals, load_config()?))
    }

    /// With this configuration.
    pub(crate) fn with(ui: &Ui, globals: &Globals, config: Config) -> Self {
        Self {
            ui: ui.clone(),
            globals: globals.clone(),
            config: Arc::new(config),
            ambient: ambient(ui),
            accounts: Arc::default(),
        }
    }

    /// The same for a command that is quiet whether or not it was asked to be.
    pub(crate) fn quieted(&self) -> Self {
        Self { ui: self.ui.quieted(), ..self.clone() }
    }

    /// The settings in effect for no target in particular.
    ///
    /// # Errors
    /// A variable of the environment makes no sense.
    pub(crate) fn settings(&self) -> Result<Resolved, CliError> {
        self.settings_for(None)
    }

    /// The settings in effect for an alias, if it is one.
    ///
    /// # Errors
    /// A variable of the environment makes no sense.
    pub(crate) fn settings_for(&self, alias: Option<&str>) -> Result<Resolved, CliError> {
        let target = alias.and_then(|alias| Some((alias, self.config.targets.get(alias)?)));
        let variables = Variables::read(environment::setting)?;
        Ok(self.config.resolve(flags(&self.globals), variables, target, Arc::new(self.ambient.clone())))
    }

    /// A target as it was typed, and its settings.
    ///
    /// # Errors
    /// A variable of the environment makes no sense.
    pub(crate) fn request_for(&self, text: &str) -> Result<TargetRequest, CliError> {
        let selector = self.config.targets.get(text).map(|target| target.selector.clone());
        Ok(TargetRequest { text: text.to_owned(), selector, settings: self.settings_for(Some(text))? })
    }

    /// AWS as the settings say.
    ///
    /// # Errors
    /// No region is set, the profile does not exist, or the AWS configuration cannot be used.
    pub(crate) async fn aws(&self, settings: &Resolved) -> Result<Aws, CliError> {
        let settings = aws_settings(settings);
        let mut accounts = self.accounts.lock().await;
        if let Some((_, aws)) = accounts.iter().find(|(known, _)| *known == settings) {
            return Ok(aws.clone());
        }
        let _waiting = self.ui.waiting("Reading the AWS configuration");
        let aws = Aws::load(&settings, &self.ambient).await?;
        self.warn(&settings, accounts.is_empty());
        accounts.push((settings, aws.clone()));
        Ok(aws)
    }
}

impl Context {
    /// Says what does not keep an account from being used and should be known. `first`: of all accounts.
    fn warn(&self, settings: &Settings, first: bool) {
        let mistakes = self.ambient.mistakes_elsewhere(settings.profile_name());
        for mistake in mistakes.iter().filter(|_| first).take(MISTAKES_SHOWN) {
            self.ui.warning(mistake);
        }
        if first && mistakes.len() > MISTAKES_SHOWN {
            self.ui.warning(format!(
                "{} more lines of the AWS configuration cannot be read",
                mistakes.len() - MISTAKES_SHOWN
            ));
        }
        for url in settings.insecure_endpoints() {
            self.ui.warning(format!("credentials travel in the clear to {url}"));
        }
    }
}

/// Lines of the AWS configuration that cannot be read and are shown, at most.
const MISTAKES_SHOWN: usize = 3;

/// The AWS environment, of which programs that ask for a code or a PIN have the terminal for themselves.
pub(crate) fn ambient(ui: &Ui) -> Ambient {
    let ui = ui.clone();
    Ambient::of_process().lending(Box::new(move || Box::new(ui.lend())))
}

/// Reads `config.toml`, and checks what is in the grammar of commands.
///
/// # Errors
/// The file cannot be read, or has mistakes.
pub(crate) fn load_config() -> Result<Config, ConfigError> {
    let config = Config::load(&config::location()?)?;
    check::forwards(&config)?;
    Ok(config)
}

/// The values of the global flags.
pub(crate) fn flags(globals: &Globals) -> Flags {
    Flags::default()
        .text(Key::Profile, "--profile", globals.profile.as_deref())
        .text(Key::Region, "--region", globals.region.as_deref())
        .text(Key::EndpointUrl, "--endpoint-url", globals.endpoint_url.as_deref())
        .switch(Key::InsecureEndpoint, "--insecure-endpoint", globals.insecure_endpoint)
}

/// The account, region and endpoints that the settings lead to.
pub(crate) fn aws_settings(resolved: &Resolved) -> Settings {
    let text = |key| resolved.text(key).map(str::to_owned);
    Settings {
        profile: text(Key::Profile),
        explicit_profile: resolved.has_explicit_profile(),
        region: text(Key::Region),
        endpoints: Endpoints::new(text(Key::EndpointUrl), |service| text(Key::endpoint_of(service)?)),
        allow_insecure: resolved.allows_insecure_endpoints(),
        require_encryption: resolved.requires_encryption(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::{GATEWAY, SERVICES};

    #[test]
    fn every_service_has_a_setting_for_its_endpoint() {
        let services = SERVICES.into_iter().chain([GATEWAY]);
        let keys: Vec<_> = services.map(|service| Key::endpoint_of(service).expect(service)).collect();
        assert!(Key::all().filter(|key| key.service().is_some()).all(|key| keys.contains(&key)));
    }
}
