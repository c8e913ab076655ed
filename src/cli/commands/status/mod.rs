//! `ssmx status`.

mod json;
mod report;
mod text;

use std::collections::HashMap;
use std::io::{self, IsTerminal};
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use futures_util::{StreamExt, stream};

use crate::aws::Aws;
use crate::cli::command::Run;
use crate::cli::completes::Completes;
use crate::cli::context::{Context, TargetRequest};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::globals::Globals;
use crate::cli::target::lookup::Lookup;
use crate::cli::target::{choose, explain};
use crate::cli::ui::{Ui, color, wrap};
use crate::fleet::diagnose::{Facts, Purpose, diagnose};
use crate::fleet::probe::{Probe, look_elsewhere};
use crate::fleet::{CacheUse, FleetError, Place, TargetSpec};
use report::{Finding, LookupError, Report};

/// Check whether instances are reachable, and say how to fix those that are not
///
/// Exit code: 0 all reachable, 1 could not find out, 3 not found or ambiguous, 4 not connected, 5 no credentials or
/// permission; the highest wins.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The instances: ids (i-…, mi-…), Names, addresses, tags as key=value, or aliases [default: choose on the
    /// terminal]
    #[arg(value_name = "TARGET", add = Completes::Targets)]
    pub targets: Vec<String>,

    /// If TARGET matches several instances, use the best match
    #[arg(long, conflicts_with = "all")]
    pub first: bool,

    /// Check every instance TARGET matches
    #[arg(long)]
    pub all: bool,

    /// Feature to check for; old agents lack some
    #[arg(long = "for", value_name = "WHAT", default_value = "shell", value_parser = purpose())]
    pub purpose: Purpose,

    /// Output format
    #[arg(long, short, value_name = "FORMAT", value_enum, default_value_t = Format::Table)]
    pub output: Format,
}

/// How reports are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Text
    Table,
    /// JSON
    Json,
}

fn purpose() -> impl TypedValueParser<Value = Purpose> {
    let words = PossibleValuesParser::new(Purpose::ALL.map(Purpose::word));
    // Only words of the list come here.
    words.map(|word| Purpose::ALL.into_iter().find(|purpose| purpose.word() == word).unwrap_or_default())
}

/// How long one answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// How long it is looked for in other places, all of them together.
const ELSEWHERE_TIMEOUT: Duration = Duration::from_secs(5);

/// Targets that are looked for at the same time.
const SIDE_BY_SIDE: usize = 8;

/// Unknown ids that are looked for in other places: each may take a request to each of them.
const SOUGHT: usize = 8;

/// Instances that are asked about at most: each is a request of its own.
const MOST: usize = 500;

impl Run for Args {
    async fn run(self, ui: &Ui, globals: &Globals) -> Result<Exit, CliError> {
        run(&Context::load(ui, globals)?, self).await
    }
}

/// Runs the command.
///
/// # Errors
/// The reports cannot be written, too many instances match, or the person is to choose and leaves. A target that cannot
/// be found is part of the reports.
async fn run(context: &Context, args: Args) -> Result<Exit, CliError> {
    let ui = &context.ui;
    let mut wanted = choose::several(context, &args.targets).await?;
    let what = match wanted.as_slice() {
        [one] => one.text.clone(),
        several => format!("{} targets", several.len()),
    };
    let located: Vec<_> = match (wanted.pop(), wanted.is_empty()) {
        (Some(only), true) => vec![find_asking(context, &args, only).await?],
        (last, _) => {
            let _waiting = ui.waiting(format!("Looking for {what}"));
            let all = stream::iter(wanted.into_iter().chain(last));
            all.map(|wanted| find(context, &args, wanted)).buffered(SIDE_BY_SIDE).collect().await
        }
    };
    let reports = {
        let _waiting = ui.waiting(format!("Checking {what}"));
        let count: usize = located.iter().filter_map(|one| Some(one.outcome.as_ref().ok()?.ids.len())).sum();
        if count > MOST {
            return Err(CliError::usage(format!("{count} instances match, more than the limit of {MOST}"))
                .hint("narrow it down, or use `ssmx ls`, which checks all of them at once"));
        }
        reports(context, &args, located).await
    };
    let exit = reports.iter().map(Report::exit).fold(Exit::FINE, Exit::worse);
    if context.globals.quiet && args.output == Format::Table {
        // Then the code is the answer.
        reports.iter().filter_map(|one| one.outcome.as_ref().err()).for_each(|error| ui.error(&error.failure));
        return Ok(exit);
    }
    match args.output {
        Format::Json => {
            let text = json::array(&reports, args.purpose);
            ui.json(text.map_err(|error| CliError::failed("cannot write the report").caused_by(&error))?)?;
        }
        Format::Table => {
            let colored = color::is_colored(context.globals.color, &io::stdout());
            let width = wrap::width().filter(|_| io::stdout().is_terminal());
            for report in &reports {
                match &report.outcome {
                    Ok(finding) => ui.data(text::finding(finding, colored, width))?,
                    Err(error) => ui.error(&error.failure),
                }
            }
        }
    }
    Ok(exit)
}

/// A target as it was typed, and what it means.
struct Located {
    text: String,
    outcome: Result<Match, LookupError>,
}

/// The instances that a target means, in one account and region.
struct Match {
    aws: Aws,
    ids: Vec<String>,
    name_tag: String,
}

/// As [`find`]; if several are meant equally well, the person chooses one where there is a terminal.
async fn find_asking(context: &Context, args: &Args, wanted: TargetRequest) -> Result<Located, CliError> {
    let waiting = context.ui.waiting(format!("Looking for {}", wanted.text));
    let settings = wanted.settings.clone();
    let mut located = find(context, args, wanted).await;
    drop(waiting);
    if let Err(LookupError { matches, in_common, .. }) = &located.outcome
        && !matches.is_empty()
        && args.output == Format::Table
        && let Some(chosen) = choose::among(&context.ui, &settings, in_common.clone(), matches).await?
    {
        let aws = context.aws(&settings).await?;
        located.outcome = Ok(Match { aws, ids: vec![chosen.id], name_tag: settings.name_tag().to_owned() });
    }
    Ok(located)
}

async fn find(context: &Context, args: &Args, wanted: TargetRequest) -> Located {
    let found = async {
        let aws = context.aws(&wanted.settings).await?;
        // What is asked for is how it is now.
        let lookup = Lookup::new(&aws, &wanted, CacheUse::Off).map_err(CliError::from)?;
        let found = match args {
            Args { all: true, .. } => lookup.all().await,
            Args { first: true, .. } => lookup.best().await.map(|best| vec![best]),
            _ => lookup.one().await.map(|found| vec![found.instance]),
        };
        let ids = match found {
            Ok(instances) => instances.into_iter().map(|instance| instance.id).collect(),
            Err(error) => {
                let error = lookup_error(context, &aws, lookup.spec(), error).await;
                return Err(if wanted.selector.is_some() { error.about(&wanted.text) } else { error });
            }
        };
        Ok(Match { ids, name_tag: wanted.settings.name_tag().to_owned(), aws })
    };
    let outcome = found.await;
    Located { text: wanted.text, outcome }
}

/// Why it is not known which instance is meant, and where else there is one.
async fn lookup_error(context: &Context, aws: &Aws, spec: &TargetSpec, error: FleetError) -> LookupError {
    let not_found = matches!(error, FleetError::NotFound { .. });
    let several = match &error {
        FleetError::Ambiguous { described, matches } => Some((described.clone(), matches.clone())),
        _ => None,
    };
    let missed = LookupError::from(CliError::from(error));
    if let Some((described, matches)) = several {
        let in_common = format!("{} instances {described}", matches.len());
        let missed = LookupError { matches, in_common, ..missed };
        return missed.hint("`--all` checks all of them, `--first` the best match");
    }
    if !not_found {
        return missed;
    }
    let places = explain::places(aws, &context.config);
    let elsewhere = look_elsewhere(aws, spec, &places, ELSEWHERE_TIMEOUT).await.known;
    let here = Place::of(aws);
    let shown = elsewhere.iter().take(SIGHTINGS_SHOWN);
    let hints = shown.map(|seen| format!("{} is in {}: add `{}`", seen.id, seen.place, seen.flags(&here)));
    hints.collect::<Vec<_>>().into_iter().fold(LookupError { elsewhere, ..missed }, LookupError::hint)
}

/// Instances elsewhere that hints name.
const SIGHTINGS_SHOWN: usize = 3;

/// A report of each target, in their order.
async fn reports(context: &Context, args: &Args, located: Vec<Located>) -> Vec<Report> {
    // Targets in one account and region are asked about together.
    let mut groups: Vec<(Aws, String, Vec<String>)> = Vec::new();
    for Match { aws, ids, name_tag } in located.iter().filter_map(|one| one.outcome.as_ref().ok()) {
        let group = groups.iter_mut().find(|(known, ..)| known.is_same(aws));
        let known = match group {
            Some((.., known)) => known,
            None => {
                groups.push((aws.clone(), name_tag.clone(), Vec::new()));
                let Some((.., known)) = groups.last_mut() else { continue };
                known
            }
        };
        let new: Vec<_> = ids.iter().filter(|id| !known.contains(id)).cloned().collect();
        known.extend(new);
    }
    let mut facts: Vec<(Aws, HashMap<String, Facts>)> = Vec::new();
    for (aws, name_tag, ids) in groups {
        let probe = Probe { purpose: args.purpose, name_tag, timeout: ANSWER_TIMEOUT };
        let found = probe.run(&aws, &ids).await;
        let aws_here = &aws;
        let seek: Vec<_> =
            found.iter().filter(|facts| facts.may_be_elsewhere()).take(SOUGHT).map(|facts| facts.id.clone()).collect();
        let seek = &seek;
        let found = stream::iter(found).map(|mut facts| async move {
            if seek.contains(&facts.id) {
                explain::seek(aws_here, &context.config, &mut facts, ELSEWHERE_TIMEOUT).await;
            }
            (facts.id.clone(), facts)
        });
        let found = found.buffer_unordered(SIDE_BY_SIDE).collect().await;
        facts.push((aws, found));
    }
    let mut all = Vec::new();
    for Located { text, outcome } in located {
        match outcome {
            Err(error) => all.push(Report { target: text, outcome: Err(error) }),
            Ok(Match { aws, ids, .. }) => {
                let known = facts.iter().find(|(known, _)| known.is_same(&aws));
                let findings = ids
                    .iter()
                    .filter_map(|id| known?.1.get(id))
                    .map(|facts| Finding { facts: facts.clone(), diagnosis: diagnose(facts) });
                all.extend(findings.map(|finding| Report { target: text.clone(), outcome: Ok(finding) }));
            }
        }
    }
    all
}
