//! What `ssmx fwd` is to do: from its words and the configuration to targets, each with its forwards.

use super::Args;
use super::spec::{ForwardSpec, bind};
use crate::cli::context::{Context, TargetRequest};
use crate::cli::error::CliError;
use crate::cli::target::reason::reasons;
use crate::config::{Key, Lanes, Origin, Resolved, Tunnel};
use crate::nearest;

/// A target, and what is forwarded through it.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The name of the tunnel, if it has one in the configuration.
    pub(crate) name: Option<String>,
    pub(crate) target: TargetRequest,
    /// At least one, unless there is `--socks`.
    pub(crate) forwards: Vec<ForwardSpec>,
    /// Whether to be ready only when the destinations accept connections.
    pub(crate) wait: bool,
    /// How many sessions lead to each destination.
    pub(crate) lanes: Lanes,
    pub(crate) reason: Option<String>,
}

/// The plans for the words that were typed: a target with forwards, or names of tunnels. A name without a forward is
/// that of a tunnel, be there a target of that name or not.
///
/// # Errors
/// The words cannot be understood, or a reason is required and there is none.
pub(crate) fn plans(context: &Context, args: &Args) -> Result<Vec<Plan>, CliError> {
    let forwards: Result<Vec<ForwardSpec>, String> = args.forwards.iter().map(|text| text.parse()).collect();
    let mut plans = match forwards {
        Ok(forwards) if !forwards.is_empty() || args.socks.socks.is_some() => {
            let target = context.request_for(&args.target)?;
            let lanes = args.lanes.unwrap_or(target.settings.lanes());
            vec![Plan { name: None, target, forwards, wait: args.wait, lanes, reason: None }]
        }
        // Words that are neither; if one of them is a tunnel, tunnels were meant.
        Err(problem) if !words(args).any(|word| context.config.tunnels.contains_key(word)) => {
            return Err(CliError::usage(problem).hint("write FORWARD like 5432, 8080:80 or 5433:db.internal:5432"));
        }
        _ => words(args).map(|name| named(context, args, name)).collect::<Result<Vec<_>, _>>()?,
    };
    let reasons = reasons(args.reason.as_deref(), plans.iter().map(|plan| &plan.target.settings))?;
    for (plan, reason) in plans.iter_mut().zip(reasons) {
        plan.reason = reason;
        if let Some(address) = args.bind {
            plan.forwards = plan.forwards.drain(..).map(|spec| spec.bound_to(address)).collect();
        }
    }
    for host in plans.iter().flat_map(|plan| &plan.forwards).filter_map(|spec| spec.out_of_reach.as_deref()) {
        context.ui.warning(format!(
            "{host} is the instance itself, which sessions reach as `localhost`; a program that listens on {host} alone \
             cannot be reached"
        ));
    }
    Ok(plans)
}

/// Whether all words are forwards, and none can be a target: `ssmx fwd 5432`, `ssmx fwd 8080:80 5432`.
pub(crate) fn lacks_target(context: &Context, args: &Args) -> bool {
    let ports = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
    let known = context.config.tunnels.contains_key(&args.target) || context.config.targets.contains_key(&args.target);
    !known && ports(&args.target) && words(args).all(|word| word.parse::<ForwardSpec>().is_ok())
}

fn words(args: &Args) -> impl Iterator<Item = &str> {
    std::iter::once(args.target.as_str()).chain(args.forwards.iter().map(String::as_str))
}

fn named(context: &Context, args: &Args, name: &str) -> Result<Plan, CliError> {
    let tunnel = context.config.tunnels.get(name).ok_or_else(|| unknown(context, args, name))?;
    let cannot = |problem| CliError::usage(format!("the tunnel `{name}` cannot be used: {problem}"));
    let target = context.request_for(&tunnel.target.value)?;
    Ok(Plan {
        name: Some(name.to_owned()),
        forwards: specs(tunnel, args).map_err(cannot)?,
        wait: args.wait || tunnel.wait,
        lanes: lanes(tunnel, args, &target.settings),
        target,
        reason: None,
    })
}

/// A flag counts for most, then a variable, then what is set for the tunnel, and then for all.
fn lanes(tunnel: &Tunnel, args: &Args, settings: &Resolved) -> Lanes {
    let is_variable = settings.get(Key::Lanes).is_some_and(|found| matches!(found.origin, Origin::Variable(_)));
    args.lanes.or(tunnel.lanes.filter(|_| !is_variable)).unwrap_or(settings.lanes())
}

fn specs(tunnel: &Tunnel, args: &Args) -> Result<Vec<ForwardSpec>, String> {
    let address =
        tunnel.bind.as_ref().filter(|_| args.bind.is_none()).map(|address| bind(&address.value)).transpose()?;
    let bound = |spec: ForwardSpec| address.map_or(spec.clone(), |address| spec.bound_to(address));
    tunnel.forward.iter().map(|forward| forward.value.parse().map(bound)).collect()
}

fn unknown(context: &Context, args: &Args, name: &str) -> CliError {
    let known = &context.config.tunnels;
    let mut error = CliError::usage(format!("no tunnel is named `{name}` in the configuration"));
    if !known.is_empty() {
        error = error.hint(nearest::suggestion(name, known.keys().map(String::as_str)));
    }
    if args.forwards.is_empty() {
        return error.hint(format!("to reach a port of an instance, add the port: `ssmx fwd {name} 5432`"));
    }
    error
}
