//! The accounts and regions that are meant: one, or all those that `--profile a,b`, `--region a,b` and `--all-regions`
//! name.

use crate::aws::Aws;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::config::{Column, Resolved};
use crate::fleet::Place;

/// Accounts and regions, and what kept others from being among them.
#[derive(Debug)]
pub(crate) struct Places {
    /// At least one.
    pub(crate) accounts: Vec<Aws>,
    /// How many profiles were named.
    pub(crate) profiles: usize,
    /// One for each that cannot be used.
    pub(crate) failures: Vec<CliError>,
}

impl Places {
    /// The settings of the first of them: a list of profiles does not name one.
    ///
    /// # Errors
    /// A variable of the environment makes no sense.
    pub(crate) fn settings(&self, context: &Context) -> Result<Resolved, CliError> {
        let mut first = context.clone();
        first.globals.profile = self.accounts.first().and_then(|account| account.profile().map(str::to_owned));
        first.settings()
    }

    /// The columns of a list of them.
    pub(crate) fn columns(&self, settings: &Resolved) -> Vec<Column> {
        with_profile(settings.columns(), self.profiles)
    }
}

/// Which profile an instance is of matters where there are several.
fn with_profile(mut columns: Vec<Column>, profiles: usize) -> Vec<Column> {
    if profiles > 1 && !columns.contains(&Column::Profile) {
        let status = columns.iter().position(|column| *column == Column::Status);
        columns.insert(status.map_or(columns.len(), |at| at + 1), Column::Profile);
    }
    columns
}

/// The regions to ask for the regions where none is set. It is enabled for every account.
const FIRST_REGION: &str = "us-east-1";

/// The accounts and regions that are meant.
///
/// # Errors
/// None of them can be used, or the flags contradict each other.
pub(crate) async fn places(context: &Context, all_regions: bool) -> Result<Places, CliError> {
    let globals = &context.globals;
    if all_regions && globals.region.is_some() {
        return Err(CliError::usage("`--all-regions` and `--region` cannot be used together"));
    }
    let profiles = list(globals.profile.as_deref(), "--profile")?;
    let regions = list(globals.region.as_deref(), "--region")?;
    let mut places = Places { accounts: Vec::new(), profiles: profiles.len(), failures: Vec::new() };
    for profile in &profiles {
        let (accounts, failures) = of_profile(context, profile.as_deref(), &regions, all_regions).await;
        let is_new = |known: &[Aws], account: &Aws| known.iter().all(|known| Place::of(known) != Place::of(account));
        for account in accounts {
            if is_new(&places.accounts, &account) {
                places.accounts.push(account);
            }
        }
        let about = |failure: CliError| match profile {
            Some(profile) if profiles.len() > 1 => failure.about(profile),
            _ => failure,
        };
        places.failures.extend(failures.into_iter().map(about));
    }
    if places.accounts.is_empty() && !places.failures.is_empty() {
        return Err(places.failures.swap_remove(0));
    }
    Ok(places)
}

async fn of_profile(
    context: &Context,
    profile: Option<&str>,
    regions: &[Option<String>],
    all_regions: bool,
) -> (Vec<Aws>, Vec<CliError>) {
    let mut failures = Vec::new();
    let mut accounts = Vec::new();
    let first = match load(context, profile, regions.first().cloned().flatten()).await {
        Err(_) if all_regions => load(context, profile, Some(FIRST_REGION.to_owned())).await,
        loaded => loaded,
    };
    let first = match first {
        Ok(first) => first,
        Err(failure) => return (accounts, vec![failure]),
    };
    let others = if all_regions {
        match first.regions().await {
            Ok(names) => names,
            Err(error) => return (accounts, vec![error.into()]),
        }
    } else {
        accounts.push(first.clone());
        regions.iter().skip(1).flatten().cloned().collect()
    };
    for region in others {
        match first.in_region(&region) {
            Ok(account) => accounts.push(account),
            Err(error) => failures.push(error.into()),
        }
    }
    (accounts, failures)
}

async fn load(context: &Context, profile: Option<&str>, region: Option<String>) -> Result<Aws, CliError> {
    let mut context = context.clone();
    context.globals.profile = profile.map(str::to_owned);
    context.globals.region = region;
    context.aws(&context.settings()?).await
}

/// The words of a list with commas; one that is none for a flag that was not given.
fn list(text: Option<&str>, flag: &str) -> Result<Vec<Option<String>>, CliError> {
    let Some(text) = text else { return Ok(vec![None]) };
    let words: Vec<_> = text.split(',').map(str::trim).filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        return Err(CliError::usage(format!("`{flag}` is empty")));
    }
    Ok(words.into_iter().map(|word| Some(word.to_owned())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_stands_after_the_status_where_there_are_several() {
        let columns = crate::config::settings::COLUMNS.to_vec();
        assert_eq!(with_profile(columns.clone(), 1), columns);
        assert_eq!(with_profile(columns.clone(), 2)[3], Column::Profile);
        assert_eq!(with_profile(vec![Column::Id], 2), [Column::Id, Column::Profile]);
        assert_eq!(with_profile(vec![Column::Profile], 2), [Column::Profile]);
    }

    #[test]
    fn lists_have_commas() {
        let list = |text| list(text, "--region").unwrap();
        assert_eq!(list(None), [None]);
        assert_eq!(list(Some("a")), [Some("a".to_owned())]);
        assert_eq!(list(Some("a, b,")), [Some("a".to_owned()), Some("b".to_owned())]);
        assert!(super::list(Some(","), "--region").is_err());
    }
}
