//! The man pages, a page for each command, made from the definition of the command line.

use std::io;

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, italic, roman};

use crate::cli::args::Cli;
use crate::environment;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    /// The name of its file, as `ssmx-shell.1`.
    pub file: String,
    /// The page, for troff with the `man` macros.
    pub text: Vec<u8>,
}

/// All pages, that of ssmx itself first.
///
/// # Errors
/// None that can come of writing to memory.
pub(crate) fn pages() -> io::Result<Vec<Page>> {
    let mut cli = Cli::command().disable_help_subcommand(true);
    cli.build();
    let mut pages = Vec::new();
    add(&cli, &mut pages)?;
    Ok(pages)
}

fn add(command: &Command, pages: &mut Vec<Page>) -> io::Result<()> {
    let is_ssmx = pages.is_empty();
    let man = Man::new(command.clone()).manual("ssmx").source(concat!("ssmx ", env!("CARGO_PKG_VERSION")));
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    synopsis(command).to_writer(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if command.get_subcommands().any(|sub| !sub.is_hide_set()) {
        man.render_subcommands_section(&mut text)?;
    }
    if is_ssmx {
        common().to_writer(&mut text)?;
    }
    pages.push(Page { file: man.get_filename(), text });
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        add(sub, pages)?;
    }
    Ok(())
}

/// The usage as `--help` has it: what clap_mangen makes of the arguments knows nothing of one that was written by hand.
fn synopsis(command: &Command) -> Roff {
    let usage = command.clone().render_usage().to_string();
    let mut roff = Roff::default();
    roff.control("SH", ["SYNOPSIS"]);
    let lines = usage.trim_start_matches("Usage:").lines().map(str::trim).filter(|line| !line.is_empty());
    for (number, line) in lines.enumerate() {
        if number > 0 {
            roff.control("br", []);
        }
        let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
        match line.strip_prefix(name) {
            Some(rest) => roff.text([bold(name), roman(rest)]),
            None => roff.text([roman(line)]),
        };
    }
    roff
}

/// What holds for all commands.
fn common() -> Roff {
    let mut roff = Roff::default();
    let mut table = |title: &str, about: Option<&str>, entries: &[(&str, &str)]| {
        roff.control("SH", [title]);
        if let Some(about) = about {
            roff.text([roman(about)]);
        }
        for (name, text) in entries {
            roff.control("TP", []);
            roff.text([if title == "FILES" { italic(*name) } else { bold(*name) }]);
            roff.text([roman(*text)]);
        }
    };
    let codes = [
        ("0", "success"),
        ("1", "failure"),
        ("2", "usage error"),
        ("3", "target not found, or several match"),
        ("4", "the target is not connected"),
        ("5", "credentials or permission"),
        ("6", "the session was lost"),
    ];
    let passed =
        "exec, ssh, scp, and fwd with a command exit with the program's code, and with 255 when ssmx itself fails.";
    table("EXIT STATUS", Some(passed), &codes);
    let own = environment::ALL.into_iter().filter(|variable| variable.is_documented());
    let own: Vec<_> = own.map(|variable| (variable.name, format!("{}.", variable.summary))).collect();
    let mut variables: Vec<_> = own.iter().map(|(name, text)| (*name, text.as_str())).collect();
    variables.extend([
        ("SSMX_REGION, SSMX_SSH_USER and others", "Settings: their names in the configuration file, in capitals."),
        ("AWS_PROFILE, AWS_REGION and others", "As in the AWS CLI."),
        ("HTTPS_PROXY, NO_PROXY", "The proxy, and the hosts to reach without it."),
        ("NO_COLOR", "Turns colours off."),
    ]);
    table("ENVIRONMENT", None, &variables);
    let files = [
        ("~/.config/ssmx/config.toml", "The configuration: defaults, profiles, aliases and tunnels."),
        ("~/.cache/ssmx/", "The cache: the instances as last listed."),
        ("~/.aws/config, ~/.aws/credentials", "Profiles, regions and credentials of AWS."),
    ];
    table("FILES", None, &files);
    roff
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn the_committed_pages_are_those_of_the_commands() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/man");
        let made: BTreeMap<_, _> = pages().unwrap().into_iter().map(|page| (page.file, page.text)).collect();
        if environment::of_tests("UPDATE_MAN").is_some() {
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir_all(&folder).unwrap();
            made.iter().for_each(|(file, text)| fs::write(folder.join(file), text).unwrap());
        }
        let committed: BTreeMap<_, _> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
            .collect();
        let names: std::collections::BTreeSet<_> = made.keys().chain(committed.keys()).collect();
        let stale: Vec<_> = names.into_iter().filter(|name| made.get(*name) != committed.get(*name)).collect();
        assert!(stale.is_empty(), "stale: {stale:?}; `UPDATE_MAN=1 cargo test --lib man` writes them anew");
    }
}
