//! The flags that every command has.

use std::path::PathBuf;

use clap::{ArgAction, ColorChoice};

use crate::cli::completes::Completes;
use crate::syntax::{HTTP, is_url};

/// The flags that every command has.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Globals {
    /// AWS profile [default: from the AWS environment]
    #[arg(long, short, global = true, value_name = "NAME", add = Completes::Profiles)]
    pub profile: Option<String>,

    /// AWS region [default: from the AWS environment or the profile]
    #[arg(long, short, global = true, value_name = "NAME", add = Completes::Regions)]
    pub region: Option<String>,

    /// Endpoint for all AWS APIs, instead of the region's own
    #[arg(long, global = true, value_name = "URL", value_parser = endpoint_url)]
    pub endpoint_url: Option<String>,

    /// Allow http:// endpoints on other machines: credentials travel in the clear
    #[arg(long, global = true)]
    pub insecure_endpoint: bool,

    /// Verbose logging (-vv logs every frame). Safe to share: no secrets, no session data
    #[arg(long, short, global = true, action = ArgAction::Count)]
    pub verbose: u8,

    /// Print only warnings and errors
    #[arg(long, short, global = true)]
    pub quiet: bool,

    /// When to use colours; NO_COLOR is respected
    #[arg(long, global = true, value_name = "WHEN", default_value_t = ColorChoice::Auto)]
    pub color: ColorChoice,

    /// Log to a file instead of standard error
    #[arg(long, global = true, value_name = "FILE")]
    pub log_file: Option<PathBuf>,
}

fn endpoint_url(text: &str) -> Result<String, String> {
    text.parse::<http::Uri>().map_err(|error| error.to_string())?;
    if is_url(text, &HTTP) {
        Ok(text.to_owned())
    } else {
        Err("expected a URL that begins with `https://` or `http://` and has a host".to_owned())
    }
}
