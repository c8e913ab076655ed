//! `ssmx config explain`: each setting that is in force, and where it came from.

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::json;

use super::Output;
use crate::aws;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::config::{Effective, Found, Key, Origin};
use crate::nearest;

/// Show each setting that is in force, and where it came from
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The setting, with all that is said of it [default: all settings]
    #[arg(value_name = "KEY")]
    pub key: Option<String>,

    /// The alias whose settings to show
    #[arg(long, value_name = "ALIAS")]
    pub target: Option<String>,

    /// How to print
    #[arg(long, short, value_name = "FORMAT", value_enum, default_value_t = Format::Table)]
    pub output: Format,
}

/// How to print an explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Lines.
    Table,
    /// JSON.
    Json,
}

/// How a setting stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) key: Key,
    /// What holds, if that is a value of its own.
    pub(crate) value: Option<String>,
    /// Where it came from.
    from: String,
    /// What is said more weakly, and where.
    unused: Vec<(String, String)>,
}

/// Runs the command.
///
/// # Errors
/// There is no such setting or alias, or the AWS configuration cannot be read.
pub(crate) async fn run(context: &Context, args: Args) -> Result<Exit, CliError> {
    let key = args.key.as_deref().map(named).transpose()?;
    if let Some(alias) = args.target.as_deref().filter(|alias| !context.config.targets.contains_key(*alias)) {
        let known = context.config.targets.keys().map(String::as_str);
        let error = CliError::usage(format!("`{alias}` is no alias of the configuration"));
        return Err(nearest::did_you_mean(alias, known).into_iter().fold(error, CliError::hint));
    }
    let mut standings = standings(context, args.target.as_deref()).await?;
    standings.retain(|standing| key.is_none_or(|key| standing.key == key));
    let text = match (args.output, key) {
        (Format::Json, _) => format!("{:#}\n", standings.iter().map(Standing::json).collect::<serde_json::Value>()),
        (Format::Table, None) => table(&standings),
        (Format::Table, Some(_)) => standings.iter().map(Standing::story).collect(),
    };
    context.ui.data(text)?;
    Ok(Exit::FINE)
}

/// Prints the settings in force: those that have a value of their own.
///
/// # Errors
/// The AWS configuration cannot be read.
pub(crate) async fn effective(context: &Context, output: Output) -> Result<Exit, CliError> {
    let settings = context.settings()?;
    let standings = standings(context, None).await?;
    let values = standings.into_iter().filter_map(|standing| {
        let value =
            settings.get(standing.key).map(|found| found.value.clone()).or_else(|| standing.key.default().value());
        let value = value.map(|value| value.to_toml()).or_else(|| standing.value.map(toml_edit::Value::from))?;
        Some((standing.key.name(), value))
    });
    let mut document = toml_edit::DocumentMut::new();
    document.extend(values);
    let text = document.to_string();
    context.ui.data(match output {
        Output::Toml => text,
        Output::Json => {
            let json: serde_json::Value = toml::from_str(&text)
                .map_err(|error| CliError::failed("the settings cannot be shown").caused_by(&error))?;
            format!("{json:#}\n")
        }
    })?;
    Ok(Exit::FINE)
}

fn named(text: &str) -> Result<Key, CliError> {
    let text = text.strip_prefix("defaults.").unwrap_or(text);
    Key::named(text).ok_or_else(|| {
        CliError::usage(format!("`{text}` is no setting")).hint(nearest::suggestion(text, Key::all().map(Key::name)))
    })
}

/// How all settings stand, for an alias or for no target in particular.
///
/// # Errors
/// A variable makes no sense, or the AWS configuration cannot be read.
pub(crate) async fn standings(context: &Context, alias: Option<&str>) -> Result<Vec<Standing>, CliError> {
    let settings = context.settings_for(alias)?;
    let path = context.config.path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
    let profiles = aws::profiles().await?;
    Ok(Key::all().map(|key| standing(key, &settings, &path, &profiles)).collect())
}

fn standing(key: Key, settings: &Effective, path: &str, profiles: &[aws::Profile]) -> Standing {
    let told = |found: &Found| (found.value.to_string(), origin(&found.origin, path));
    let mut said: Vec<_> = settings.all(key).map(told).collect();
    // An endpoint for all services that is said more strongly than one for this service stands before it.
    let common = settings.endpoint(key).filter(|found| is_service(key) && Some(*found) != settings.get(key));
    let common =
        common.map(|found| (found.value.to_string(), format!("endpoint_url, {}", origin(&found.origin, path))));
    said.splice(0..0, common);
    if key == Key::SsmmessagesEndpointUrl && settings.messages_endpoint().is_none() && !said.is_empty() {
        let from = format!("{}, as endpoint_url is said more strongly", key.default());
        return Standing { key, value: None, from, unused: said };
    }
    said.extend(of_aws(key, settings, profiles));
    if key == Key::Profile
        && let Some((found, variable)) = settings.ignored_profile()
    {
        let (value, at) = told(found);
        said.push((value, format!("{at}; not used, as {variable} is set")));
        if said.len() == 1 {
            return Standing { key, value: None, from: format!("credentials in {variable}"), unused: said };
        }
    }
    match said.split_first() {
        Some(((value, from), unused)) => {
            Standing { key, value: Some(value.clone()), from: from.clone(), unused: unused.to_vec() }
        }
        None => {
            let value = key.default().value().map(|value| value.to_string());
            let from = if value.is_some() { "built in".to_owned() } else { key.default().to_string() };
            Standing { key, value, from, unused: Vec::new() }
        }
    }
}

/// Whether a key is the endpoint of one service, other than the message gateway, which has rules of its own.
fn is_service(key: Key) -> bool {
    key.service().is_some() && key != Key::SsmmessagesEndpointUrl
}

/// What the variables and files of the AWS CLI say, from strong to weak.
fn of_aws(key: Key, settings: &Effective, profiles: &[aws::Profile]) -> Vec<(String, String)> {
    let name = settings.text(Key::Profile).unwrap_or("default");
    let profile = profiles.iter().find(|profile| profile.name == name);
    let of_profile = |value: Option<&String>| Some((value?.clone(), format!("AWS configuration, profile {name}")));
    let variables: &[&str] = match key {
        Key::Region => &["AWS_REGION", "AWS_DEFAULT_REGION"],
        Key::EndpointUrl => &["AWS_ENDPOINT_URL"],
        Key::SsmEndpointUrl => &["AWS_ENDPOINT_URL_SSM"],
        Key::SsmmessagesEndpointUrl => &["AWS_ENDPOINT_URL_SSMMESSAGES"],
        Key::Ec2EndpointUrl => &["AWS_ENDPOINT_URL_EC2"],
        Key::Ec2InstanceConnectEndpointUrl => &["AWS_ENDPOINT_URL_EC2_INSTANCE_CONNECT"],
        Key::KmsEndpointUrl => &["AWS_ENDPOINT_URL_KMS"],
        Key::StsEndpointUrl => &["AWS_ENDPOINT_URL_STS"],
        _ => &[],
    };
    let mut said: Vec<_> = variables
        .iter()
        .filter_map(|name| Some((std::env::var(name).ok().filter(|value| !value.is_empty())?, (*name).to_owned())))
        .collect();
    said.extend(match key {
        Key::Profile => {
            profile.filter(|_| name == "default").map(|_| (name.to_owned(), "AWS configuration".to_owned()))
        }
        Key::Region => of_profile(profile.and_then(|profile| profile.region.as_ref())),
        Key::EndpointUrl => of_profile(profile.and_then(|profile| profile.endpoint_url.as_ref())),
        _ => None,
    });
    // The profile that was named is not said a second time by being the default one.
    if key == Key::Profile && settings.get(key).is_some() {
        said.clear();
    }
    said
}

fn origin(origin: &Origin, path: &str) -> String {
    match origin {
        Origin::File { section, line } => format!("{path}:{line} {section}"),
        other => other.to_string(),
    }
}

impl Standing {
    fn json(&self) -> serde_json::Value {
        let unused = self.unused.iter().map(|(value, from)| json!({ "value": value, "from": from }));
        json!({
            "key": self.key.name(),
            "value": self.value,
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
        lines.push_str(&format!("\n{summary}: {expected}.\nIn {}, or as {variable}.\n", levels.join(", ")));
        lines
    }
}

fn table(standings: &[Standing]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["KEY", "VALUE", "FROM"]);
    for standing in standings {
        table.add_row([standing.key.name(), standing.value.as_deref().unwrap_or("-"), &standing.from]);
    }
    let lines = table.lines().map(|line| format!("{}\n", line.trim()));
    lines.collect()
}
