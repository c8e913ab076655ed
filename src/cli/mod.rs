//! What a person types and sees: commands, messages, exit codes.
//!
//! One file a command: its arguments, whose doc comments are the help, and `run`. Failures of the rooms below become a
//! [`CliError`] with advice in [`error`]; everything that is said goes through [`Ui`], so that standard output carries
//! remote bytes or the asked-for data and nothing else.

mod advice;
pub mod args;
pub mod completions;
mod completions_answer;
mod completions_aws_files;
mod completions_grammar;
mod completions_known;
mod completions_programs;
mod completions_quoting;
mod completions_regions;
mod config_check;
mod config_error;
mod connect;
mod context;
mod core_dump;
mod default_command;
pub mod error;
pub mod exec;
pub mod exit;
pub mod faults;
mod forward_plan;
mod forward_reporter;
mod forward_run;
pub mod forward_spec;
pub mod fwd;
pub mod logging;
pub mod ls;
mod ls_columns;
mod ls_json;
mod ls_places;
mod ls_troubles;
pub mod man;
pub mod openssh;
mod openssh_words;
pub mod parameters;
pub mod plugin;
mod plugin_answer;
mod plugin_call;
mod plugin_link;
mod plugin_port;
pub mod proxy;
mod reason;
mod run;
pub mod sandbox;
pub mod scp;
mod screen;
pub mod shell;
pub mod ssh;
pub mod ssh_config;
mod ssh_config_edit;
mod table;
mod throwaway_key;
pub mod ui;
mod waiting;

pub use args::{Cli, Globals};
pub use completions_answer::answer as answer_completion;
pub use context::Context;
pub use error::{CliError, ErrorKind};
pub use exit::Exit;
pub use run::run;
pub use ui::Ui;
pub use waiting::Waiting;
