//! [`Completes`]: what the values of an argument name, said beside the argument so that Tab can offer them.

use clap::builder::ArgExt;

/// What the values of an argument name: `#[arg(add = Completes::Targets)]`.
///
/// What there is of each, `completions` finds out when Tab is pressed. An ordinary run has nothing to do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Completes {
    /// AWS profiles; several with commas between them.
    Profiles,
    /// AWS regions; several with commas between them.
    Regions,
    /// Aliases and instances.
    Targets,
    /// Aliases alone.
    Aliases,
    /// Tunnels of the configuration.
    Tunnels,
    /// Tunnels, aliases and instances.
    TunnelsAndTargets,
    /// Session documents.
    Documents,
    /// Columns of a listing; several with commas between them.
    Columns,
    /// Sessions that are open on this machine.
    Sessions,
    /// Settings, and places in the configuration.
    Keys,
}

impl ArgExt for Completes {}
