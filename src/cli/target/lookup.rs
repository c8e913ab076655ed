//! From a target as it was typed to the instance that is meant.

use super::choose;
use crate::aws::Aws;
use crate::channel;
use crate::cli::context::TargetRequest;
use crate::cli::error::CliError;
use crate::cli::ui::Ui;
use crate::config::Selector;
use crate::fleet::{CacheUse, FleetError, Found, Instance, Options, Resolved, Resolver, Tag, TargetSpec};

/// What happens when a target means several instances equally well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ambiguity {
    /// The person chooses, where there is a terminal to choose on.
    Ask,
    /// It is an error.
    Refuse,
}

/// The one instance that is meant, for a session. The connection for it is begun meanwhile.
///
/// # Errors
/// There is none, there are several, or the person leaves.
pub(crate) async fn target(
    ui: &Ui,
    aws: &Aws,
    request: &TargetRequest,
    ambiguity: Ambiguity,
) -> Result<Resolved, CliError> {
    channel::connect_ahead(aws);
    find(ui, aws, request, ambiguity, CacheUse::WhileFresh).await
}

/// As [`target`], asking if need be, for a session that another program starts: it would not notice that what is in the
/// cache is gone.
///
/// # Errors
/// As there.
pub(crate) async fn target_anew(ui: &Ui, aws: &Aws, request: &TargetRequest) -> Result<Resolved, CliError> {
    find(ui, aws, request, Ambiguity::Ask, CacheUse::Off).await
}

/// All instances that are meant, or the best one of them.
///
/// # Errors
/// There is none.
pub(crate) async fn instances(
    ui: &Ui,
    aws: &Aws,
    request: &TargetRequest,
    all: bool,
) -> Result<Vec<Instance>, CliError> {
    let _waiting = ui.waiting(format!("Looking for {} in {}", request.text, aws.region()));
    let find = async {
        let lookup = Lookup::new(aws, request, CacheUse::Off)?;
        if all { lookup.all().await } else { lookup.best().await.map(|best| vec![best]) }
    };
    find.await.map_err(|error| failure(error, request))
}

async fn find(
    ui: &Ui,
    aws: &Aws,
    request: &TargetRequest,
    ambiguity: Ambiguity,
    cache: CacheUse,
) -> Result<Resolved, CliError> {
    let found = {
        let _waiting = ui.waiting(format!("Looking for {} in {}", request.text, aws.region()));
        match Lookup::new(aws, request, cache) {
            Ok(lookup) => lookup.one().await.map(|found| lookup.resolver.target(&lookup.spec, found)),
            Err(error) => Err(error),
        }
    };
    if let (Ambiguity::Ask, Err(FleetError::Ambiguous { described, matches })) = (ambiguity, &found) {
        let title = format!("{} instances {described}", matches.len());
        if let Some(chosen) = choose::among(ui, &request.settings, title, matches).await? {
            return Ok(chosen.target().into());
        }
    }
    found.map_err(|error| failure(error, request))
}

/// A failure to find what an alias means names the alias.
fn failure(error: FleetError, request: &TargetRequest) -> CliError {
    let error = CliError::from(error);
    if request.selector.is_some() { error.about(&request.text) } else { error }
}

/// The search for what a request means in one account and region.
pub(crate) struct Lookup<'a> {
    request: &'a TargetRequest,
    region: String,
    resolver: Resolver,
    spec: TargetSpec,
}

/// Names that an error offers in place of one that there is not.
const NEAR: usize = 3;

impl<'a> Lookup<'a> {
    /// Prepares the search.
    ///
    /// # Errors
    /// The target is empty.
    pub(crate) fn new(aws: &Aws, request: &'a TargetRequest, cache: CacheUse) -> Result<Self, FleetError> {
        let (name_tag, age) = (request.settings.name_tag().to_owned(), request.settings.cache());
        let resolver = Resolver::new(aws, &Options { name_tag, cache, age, ..Options::default() });
        Ok(Self { request, region: aws.region().to_owned(), resolver, spec: spec(request)? })
    }

    /// What is looked for.
    pub(crate) fn spec(&self) -> &TargetSpec {
        &self.spec
    }

    /// The one instance that is meant.
    ///
    /// # Errors
    /// There is none, or several equally good ones.
    pub(crate) async fn one(&self) -> Result<Found, FleetError> {
        let found = self.resolver.one(&self.spec).await;
        match &found {
            Ok(found) => self.check(std::slice::from_ref(&found.instance))?,
            Err(FleetError::Ambiguous { matches, .. }) => self.check(matches)?,
            Err(_) => {}
        }
        found
    }

    /// The best of the instances that may be meant.
    ///
    /// # Errors
    /// There is none.
    pub(crate) async fn best(&self) -> Result<Instance, FleetError> {
        let best = self.resolver.first(&self.spec).await?.instance;
        self.check(std::slice::from_ref(&best))?;
        Ok(best)
    }

    /// All instances that may be meant.
    ///
    /// # Errors
    /// There is none.
    pub(crate) async fn all(&self) -> Result<Vec<Instance>, FleetError> {
        let all = self.resolver.all(&self.spec).await?;
        self.check(&all)?;
        Ok(all)
    }

    /// An alias means a name as a whole: an instance that only has it in its own name is another one.
    fn check(&self, found: &[Instance]) -> Result<(), FleetError> {
        let Some(Selector::Name(name)) = &self.request.selector else { return Ok(()) };
        if found.iter().any(|instance| instance.name.as_deref() == Some(name)) {
            return Ok(());
        }
        let near = found.iter().filter_map(|instance| instance.name.clone()).take(NEAR).collect();
        let (described, region) = (format!("is named `{name}`"), self.region.clone());
        Err(FleetError::NotFound { described, region, near, missing: Vec::new() })
    }
}

/// What the fleet is to look for: what an alias stands for, else what was typed.
fn spec(request: &TargetRequest) -> Result<TargetSpec, FleetError> {
    Ok(match &request.selector {
        None => request.text.parse()?,
        Some(Selector::Id(id)) => TargetSpec::Id(id.clone()),
        Some(Selector::Name(name)) => TargetSpec::Name(name.clone()),
        Some(Selector::Address(address)) => match address.parse() {
            Ok(address) => TargetSpec::Address(address),
            // A DNS name, which is looked for among names.
            Err(_) => TargetSpec::Name(address.clone()),
        },
        Some(Selector::Tags(tags)) => {
            let tag = |(key, value): (&String, &String)| Tag { key: key.clone(), value: value.clone() };
            TargetSpec::Tags(tags.iter().map(tag).collect())
        }
    })
}
