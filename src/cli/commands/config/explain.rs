//! `ssmx config explain`: each setting that is in effect, and where it came from.

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::json;

use super::Output;
use crate::cli::completes::Completes;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::config::settings::Default;
use crate::config::{Found, Key, Origin, Resolved, Value};
use crate::nearest;
use crate::syntax::DEFAULT_PROFILE;
use crate::text::printable_json;

/// Show each setting in effect and where it comes from
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Show this setting with every value given for it [default: all settings]
    #[arg(value_name = "KEY", add = Completes::Keys)]
    pub key: Option<String>,

    /// Show the settings for this alias
    #[arg(long, value_name = "ALIAS", add = Completes::Aliases)]
    pub target: Option<String>,

    /// Output format
    #[arg(long, short, value_name = "FORMAT", value_enum, default_value_t = Format::Table)]
    pub output: Format,
}

/// How to print an explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Lines, for people
    Table,
    /// JSON, for programs
    Json,
}

/// The value of a setting, and why it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExplainedSetting {
    pub(crate) key: Key,
    /// The value that counts, unless it is found elsewhere.
    pub(crate) value: Option<Value>,
    /// Where it came from, or where it is found.
    from: String,
    /// Weaker values, and where they came from.
    unused: Vec<(String, String)>,
}

/// Runs the command.
///
/// # Errors
/// There is no such setting or alias, or the AWS configuration cannot be read.
pub(crate) fn run(context: &Context, args: Args) -> Result<Exit, CliError> {
    let key = args.key.as_deref().map(named).transpose()?;
    if let Some(alias) = args.target.as_deref().filter(|alias| !context.config.targets.contains_key(*alias)) {
        let known = context.config.targets.keys().map(String::as_str);
        let error = CliError::usage(format!("unknown alias `{alias}`"));
        return Err(nearest::did_you_mean(alias, known).into_iter().fold(error, CliError::hint));
    }
    let mut settings = settings(context, args.target.as_deref())?;
    settings.retain(|setting| key.is_none_or(|key| setting.key == key));
    let text = match (args.output, key) {
        (Format::Json, _) => {
            format!("{:#}\n", settings.iter().map(ExplainedSetting::json).collect::<serde_json::Value>())
        }
        (Format::Table, None) => table(&settings),
        (Format::Table, Some(_)) => settings.iter().map(ExplainedSetting::story).collect(),
    };
    context.ui.data(text)?;
    Ok(Exit::FINE)
}

/// Prints the settings in effect: those that have a value of their own.
///
/// # Errors
/// The AWS configuration cannot be read.
pub(crate) fn effective(context: &Context, output: Output) -> Result<Exit, CliError> {
    let settings = settings(context, None)?;
    let values = settings.into_iter().filter_map(|setting| Some((setting.key.name(), setting.value?.to_toml())));
    let mut document = toml_edit::DocumentMut::new();
    document.extend(values);
    let text = document.to_string();
    context.ui.data(match output {
        Output::Toml => text,
        Output::Json => {
            let json: serde_json::Value = toml::from_str(&text)
                .map_err(|error| CliError::failed("cannot print the settings").caused_by(&error))?;
            printable_json(&format!("{json:#}\n")).into_owned()
        }
    })?;
    Ok(Exit::FINE)
}

fn named(text: &str) -> Result<Key, CliError> {
    let text = text.strip_prefix("defaults.").unwrap_or(text);
    Key::named(text).ok_or_else(|| {
        CliError::usage(format!("unknown setting `{text}`")).hint(nearest::suggestion(text, Key::all().map(Key::name)))
    })
}

/// All settings, for an alias or for no target in particular.
///
/// # Errors
/// A variable makes no sense, or the AWS configuration cannot be read.
pub(crate) fn settings(context: &Context, alias: Option<&str>) -> Result<Vec<ExplainedSetting>, CliError> {
    let resolved = context.settings_for(alias)?;
    let path = context.config.path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
    let has_default_profile = context.ambient.profiles().iter().any(|profile| profile.name == DEFAULT_PROFILE);
    let explained = Key::all().map(|key| match key {
        Key::Profile => profile(&resolved, &path, has_default_profile),
        key => setting(key, &resolved, &path),
    });
    Ok(explained.collect())
}

fn setting(key: Key, resolved: &Resolved, path: &str) -> ExplainedSetting {
    let counts = resolved.get(key);
    let is_other = |found: &&Found| counts.is_none_or(|counts| !std::ptr::eq(*found, counts));
    let unused: Vec<_> = resolved.all(key).filter(is_other).map(|found| said(found, path)).collect();
    let is_own = resolved.all(key).count() > unused.len();
    match counts {
        Some(found) => {
            let (_, from) = said(found, path);
            // That of all services stands before a weaker one of this service.
            let from = if is_own { from } else { format!("{}, {from}", Key::EndpointUrl) };
            ExplainedSetting { key, value: Some(found.value.clone()), from, unused }
        }
        None if !unused.is_empty() => {
            let from = format!("{}, because {} takes precedence", key.default(), Key::EndpointUrl);
            ExplainedSetting { key, value: None, from, unused }
        }
        None => {
            let value = key.default().value();
            let from = match key.default() {
                // That was looked into, and has none.
                Default::OfAws => "not set".to_owned(),
                Default::Elsewhere(words) => (*words).to_owned(),
                _ => "the built-in default".to_owned(),
            };
            ExplainedSetting { key, value, from, unused }
        }
    }
}

/// Beside what all settings have, there is the default profile of AWS, and one that keys in the environment displace.
fn profile(resolved: &Resolved, path: &str, has_default_profile: bool) -> ExplainedSetting {
    let mut explained = setting(Key::Profile, resolved, path);
    if explained.value.is_none() && has_default_profile {
        explained.value = Some(Value::Text(DEFAULT_PROFILE.to_owned()));
        "AWS configuration".clone_into(&mut explained.from);
    }
    if let Some((found, variable)) = resolved.ignored_profile() {
        let (value, from) = said(found, path);
        explained.unused.push((value, format!("{from}, because {variable} is set")));
        if explained.value.is_none() {
            explained.from = format!("credentials in {variable}");
        }
    }
    explained
}

/// A value, and where it came from.
fn said(found: &Found, path: &str) -> (String, String) {
    (found.value.to_string(), origin(&found.origin, path))
}

fn origin(origin: &Origin, path: &str) -> String {
    match origin {
        Origin::File { section, line } => format!("{path}:{line} {section}"),
        other => other.to_string(),
    }
}

impl ExplainedSetting {
    fn json(&self) -> serde_json::Value {
        let unused = self.unused.iter().map(|(value, from)| json!({ "value": value, "from": from }));
        json!({
            "key": self.key.name(),
            "value": self.value.as_ref().map(Value::to_string),
            "from": self.from,
            "unused": unused.collect::<Vec<_>>(),
        })
    }

    /// All that there is to say about it.
    fn story(&self) -> String {
        let key = self.key;
        let levels: Vec<_> = key.levels().iter().map(|level| level.header()).collect();
        let mut lines = match &self.value {
            Some(value) => format!("{key}: {value}\n  from {}\n", self.from),
            None => format!("{key}: {}\n", self.from),
        };
        for (value, from) in &self.unused {
            lines.push_str(&format!("  not used: {value}, from {from}\n"));
        }
        let (summary, expected, variable) = (key.summary(), key.kind().expected(), key.variable());
        lines.push_str(&format!("\n{summary}: {expected}.\nSet it in {}, or as {variable}.\n", levels.join(", ")));
        lines
    }
}

fn table(settings: &[ExplainedSetting]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["KEY", "VALUE", "FROM"]);
    for ExplainedSetting { key, value, from, .. } in settings {
        let value = value.as_ref().map_or_else(|| "-".to_owned(), Value::to_string);
        table.add_row([key.name(), &value, from]);
    }
    let lines = table.lines().map(|line| format!("{}\n", line.trim()));
    lines.collect()
}
