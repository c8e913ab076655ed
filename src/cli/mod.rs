//! What a person types and sees: commands, messages, exit codes.
//!
//! One file a command: its arguments, whose doc comments are the help, and `run`. Failures of the rooms below become a
//! [`CliError`] with advice in [`error`]; everything that is said goes through [`Ui`], so that standard output carries
//! remote bytes or the asked-for data and nothing else.

mod advice;
pub mod args;
mod choose;
pub mod config;
mod config_change;
mod config_check;
mod config_error;
mod config_explain;
mod config_file;
mod config_init;
mod connect;
mod context;
mod core_dump;
mod default_command;
pub mod error;
pub mod exec;
pub mod exit;
pub mod faults;
mod fleet_feed;
mod forward_open;
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
pub mod openssh;
mod openssh_words;
pub mod parameters;
pub mod pick;
pub mod plugin;
mod plugin_answer;
mod plugin_call;
mod plugin_link;
mod plugin_port;
mod prompt;
pub mod proxy;
mod reason;
mod run;
pub mod sandbox;
mod sandbox_config;
pub mod scp;
mod screen;
pub mod shell;
pub mod socks;
pub mod ssh;
pub mod ssh_config;
mod ssh_config_edit;
mod table;
mod throwaway_key;
pub mod ui;
mod waiting;

pub use args::{Cli, Globals};
pub use context::Context;
pub use error::{CliError, ErrorKind};
pub use exit::Exit;
pub use run::run;
pub use ui::Ui;
pub use waiting::Waiting;
