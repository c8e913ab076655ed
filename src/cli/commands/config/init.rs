//! `ssmx config init`: a first file, commented.

use std::path::Path;

use dialoguer::console::Term;
use dialoguer::{Input, Select};

use super::file;
use crate::aws;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::globals::Globals;
use crate::cli::ui::Ui;
use crate::cli::ui::prompt;
use crate::config::{Key, Kind, Level, Value};
use crate::syntax::DEFAULT_PROFILE;
use crate::terminal;

/// Create a commented configuration file
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Overwrite an existing file
    #[arg(long)]
    pub force: bool,

    /// Ask nothing: use `--profile` and `--region` if given, and leave the rest to the AWS configuration
    #[arg(long)]
    pub no_input: bool,
}

/// Runs the command.
///
/// # Errors
/// There is a file, it cannot be written, or the AWS configuration cannot be read.
pub(crate) fn run(ui: &Ui, globals: &Globals, args: Args, path: &Path) -> Result<Exit, CliError> {
    if path.exists() && !args.force {
        return Err(CliError::failed(format!("`{}` already exists", path.display()))
            .hint("change it with `ssmx config edit`, or overwrite it with `--force`"));
    }
    let ambient = aws::Ambient::of_process();
    let profiles = ambient.profiles();
    globals.profile.as_deref().map_or(Ok(()), |name| ambient.check_profile(name))?;
    if let Some(region) = &globals.region {
        Value::from_text(Kind::Region, region).map_err(|problem| CliError::usage(format!("`--region`: {problem}")))?;
    }
    let asks = !args.no_input && terminal::can_ask();
    let (profile, region) = if asks {
        ui.status(format!("This writes {}.", path.display()));
        prompt::ask(|term| ask(term, globals, &profiles))?
    } else {
        (globals.profile.clone(), globals.region.clone())
    };
    file::write(path, &template(profile.as_deref(), region.as_deref()))?;
    ui.status(format!("Wrote {}", path.display()));
    ui.hint("`ssmx config edit` opens it; `ssmx config explain` shows the settings in effect");
    Ok(Exit::FINE)
}

type Answers = (Option<String>, Option<String>);

/// Asks for what flags leave open. Ctrl-C ends the program before anything is written.
fn ask(term: &Term, globals: &Globals, profiles: &[aws::Profile]) -> dialoguer::Result<Answers> {
    const LEFT_TO_AWS: &str = "none: use AWS_PROFILE";
    let profile = match &globals.profile {
        Some(profile) => Some(profile.clone()),
        None if profiles.is_empty() => None,
        None => {
            let items = std::iter::once(LEFT_TO_AWS).chain(profiles.iter().map(|profile| profile.name.as_str()));
            let select = Select::new().with_prompt("Default AWS profile").items(items).default(0).max_length(12);
            let chosen = select.interact_on(term)?;
            chosen.checked_sub(1).map(|at| profiles[at].name.clone())
        }
    };
    let region = match &globals.region {
        Some(region) => Some(region.clone()),
        None => {
            let name = profile.as_deref().unwrap_or(DEFAULT_PROFILE);
            let known =
                profiles.iter().find(|profile| profile.name == name).and_then(|profile| profile.region.as_deref());
            let prompt = match known {
                Some(known) => {
                    format!("Default region for all profiles (empty: each profile's own; {known} for {name})")
                }
                None => "Default region for all profiles (empty: each profile's own)".to_owned(),
            };
            let check = |text: &String| match text.trim() {
                "" => Ok(()),
                text => Value::from_text(Kind::Region, text).map(drop),
            };
            let region = Input::<String>::new().with_prompt(prompt).allow_empty(true).validate_with(check);
            Some(region.interact_on(term)?.trim().to_owned()).filter(|region| !region.is_empty())
        }
    };
    Ok((profile, region))
}

/// A file that shows every setting, in comments.
pub(crate) fn template(profile: Option<&str>, region: Option<&str>) -> String {
    let mut text = HEAD.to_owned();
    for key in Key::of(Level::Defaults) {
        let given = match key {
            Key::Profile => profile,
            Key::Region => region,
            _ => None,
        };
        let name = key.name();
        text.push_str(&format!("\n# {}. Default: {}.\n", key.summary(), key.default()));
        text.push_str(&match given {
            Some(given) => format!("{name} = {}\n", toml_edit::Value::from(given)),
            None => format!("# {name} = {}\n", example(key)),
        });
    }
    text.push_str(TAIL);
    text
}

fn example(key: Key) -> String {
    let text = match (key.default().value(), key.kind(), key) {
        (Some(Value::Switch(on)), ..) => return (!on).to_string(),
        (Some(value), ..) => return value.to_toml().to_string(),
        (None, Kind::Port, _) => return "2222".to_owned(),
        (None, Kind::Region, _) => "eu-west-1",
        (None, _, Key::EndpointUrl) => "http://localhost:4566",
        (None, Kind::Url | Kind::StreamUrl, key) => {
            let service = key.service().unwrap_or_default().replace('_', "-");
            let url = format!("https://vpce-0123456789abcdef0-abcdefgh.{service}.eu-west-1.vpce.amazonaws.com");
            return toml_edit::Value::from(url).to_string();
        }
        (None, _, Key::Profile) => "work",
        (None, _, Key::SshUser) => "ubuntu",
        (None, _, Key::ShellDocument) => "Corp-Shell",
        (None, _, Key::Reason) => "on call",
        (None, ..) => "",
    };
    toml_edit::Value::from(text).to_string()
}

const HEAD: &str = "\
# The configuration of ssmx. Lines that begin with # have no effect.
# `ssmx config explain` shows the settings in effect and where each comes from.

[defaults]
";

const TAIL: &str = "
# Settings for one AWS profile: all of the above except `profile`.
# [profiles.prod]
# region = \"eu-west-1\"
# ssh_user = \"ubuntu\"
# reason_required = true

# An alias: one of id, name, tags or address, and its own settings.
# [targets.db]
# tags = { Role = \"postgres\", Env = \"prod\" }
# profile = \"prod\"

# A tunnel: `ssmx fwd pg`.
# [tunnels.pg]
# target = \"db\"
# forward = [\"5432:orders.internal:5432\"]
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn parse(text: &str) -> Config {
        Config::parse(text, Path::new("x")).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    #[test]
    fn the_template_loads_and_so_does_all_that_it_shows() {
        assert_eq!(parse(&template(None, None)).defaults.values.len(), 0);
        let config = parse(&template(Some("it's \"mine\""), Some("eu-west-1")));
        assert_eq!(config.defaults.get(Key::Profile), Some(&Value::Text("it's \"mine\"".into())));
        assert_eq!(config.defaults.values.len(), 2);
        let shown = template(None, None).lines().fold(String::new(), |text, line| {
            // Prose begins with a capital letter or ends a sentence.
            let code = line.strip_prefix("# ").filter(|code| code.starts_with('[') || code.contains(" = "));
            text + code.unwrap_or(if line.starts_with('#') { "" } else { line }) + "\n"
        });
        let config = parse(&shown);
        let all = Key::of(Level::Defaults);
        assert_eq!(config.defaults.values.keys().copied().collect::<Vec<_>>(), all.collect::<Vec<_>>());
        assert_eq!((config.profiles.len(), config.targets.len(), config.tunnels.len()), (1, 1, 1));
    }
}
