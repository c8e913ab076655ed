//! [`Context`]: what a command knows beside its arguments: the person to speak to, the global flags, the configuration.

use std::sync::Arc;

use tokio::sync::Mutex;

use super::commands::config::check;
use super::config_error;
use super::error::CliError;
use super::globals::Globals;
use super::ui::Ui;
use crate::aws::{Aws, ServiceEndpoints, Settings};
use crate::config::{self, Config, Effective, Flags, Key, Selector, Value};

/// What a command knows beside its arguments. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Context {
    /// Speaks to the person.
    pub ui: Ui,
    /// The flags that every command has.
    pub globals: Globals,
    /// `config.toml`.
    pub config: Arc<Config>,
    /// Each account and region once: several targets in the same one share clients and credentials.
    accounts: Arc<Mutex<Vec<(Settings, Aws)>>>,
}

/// A target as it was typed, with what the configuration says of it.
#[derive(Clone, Debug)]
pub(crate) struct TargetRequest {
    /// What was typed.
    pub(crate) text: String,
    /// Which instance an alias means. None if it is not an alias.
    pub(crate) selector: Option<Selector>,
    /// The settings that hold for it.
    pub(crate) settings: Effective,
}

impl Context {
    /// Reads the configuration.
    ///
    /// # Errors
    /// The file cannot be read, or has mistakes.
    pub(crate) fn load(ui: &Ui, globals: &Globals) -> Result<Self, CliError> {
        let location = config::location().map_err(config_error::told)?;
        let config = Config::load(&location).map_err(config_error::told)?;
        check::forwards(&config).map_err(config_error::told)?;
        Ok(Self::with(ui, globals, config))
    }

    /// With this configuration.
    pub(crate) fn with(ui: &Ui, globals: &Globals, config: Config) -> Self {
        Self { ui: ui.clone(), globals: globals.clone(), config: Arc::new(config), accounts: Arc::default() }
    }

    /// The same for a command that is quiet whether or not it was asked to be.
    pub(crate) fn quieted(&self) -> Self {
        Self { ui: self.ui.quieted(), ..self.clone() }
    }

    /// The settings in force for no target in particular.
    ///
    /// # Errors
    /// A variable of the environment makes no sense.
    pub(crate) fn settings(&self) -> Result<Effective, CliError> {
        self.settings_for(None)
    }

    /// The settings in force for an alias, if it is one.
    ///
    /// # Errors
    /// A variable of the environment makes no sense.
    pub(crate) fn settings_for(&self, alias: Option<&str>) -> Result<Effective, CliError> {
        let target = alias.and_then(|alias| Some((alias, self.config.targets.get(alias)?)));
        let variable = |name: &str| std::env::var(name).ok();
        self.config.effective(flags(&self.globals), target, variable).map_err(config_error::told)
    }

    /// What is meant by a target as it was typed.
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
    pub(crate) async fn aws(&self, settings: &Effective) -> Result<Aws, CliError> {
        let settings = aws_settings(settings);
        let mut accounts = self.accounts.lock().await;
        if let Some((_, aws)) = accounts.iter().find(|(known, _)| *known == settings) {
            return Ok(aws.clone());
        }
        let _waiting = self.ui.waiting("Reading the AWS configuration");
        let aws = Aws::load(&settings).await?;
        accounts.push((settings, aws.clone()));
        Ok(aws)
    }
}

/// What the global flags say.
pub(crate) fn flags(globals: &Globals) -> Flags {
    Flags::default()
        .text(Key::Profile, "--profile", globals.profile.as_deref())
        .text(Key::Region, "--region", globals.region.as_deref())
        .text(Key::EndpointUrl, "--endpoint-url", globals.endpoint_url.as_deref())
}

/// What the AWS room needs to know of the settings.
pub(crate) fn aws_settings(settings: &Effective) -> Settings {
    let text = |key| settings.text(key).map(str::to_owned);
    let endpoint = |key| match &settings.endpoint(key)?.value {
        Value::Text(url) => Some(url.clone()),
        _ => None,
    };
    Settings {
        profile: settings.explicit_profile().map(str::to_owned),
        default_profile: settings.default_profile().map(str::to_owned),
        region: text(Key::Region),
        endpoint_url: text(Key::EndpointUrl),
        ssm_endpoint_url: endpoint(Key::SsmEndpointUrl),
        services: ServiceEndpoints {
            ec2: endpoint(Key::Ec2EndpointUrl),
            instance_connect: endpoint(Key::Ec2InstanceConnectEndpointUrl),
            kms: endpoint(Key::KmsEndpointUrl),
            sts: endpoint(Key::StsEndpointUrl),
            messages: settings.messages_endpoint().map(str::to_owned),
        },
    }
}
