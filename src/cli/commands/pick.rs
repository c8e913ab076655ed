//! `ssmx pick`.

use super::ls::json;
use crate::cli::command::Run;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::globals::Globals;
use crate::cli::target::choose::{self, Question};
use crate::cli::ui::Ui;

/// Choose an instance, and print its id
///
/// The picker is drawn on standard error, so that `id=$(ssmx pick)` works. Type to narrow the list: letters of a name, an
/// id, an address or a tag; `key=value` for a tag or a column, with `*` for any letters; `!word` for what is not wanted.
/// Without a choice nothing is printed, and the exit code is 1.
///
/// Keys: arrows, Page Up and Page Down move, and Ctrl-P, Ctrl-N, Ctrl-K, Ctrl-J too; Alt-< and Alt-> go to the ends. Enter
/// chooses. Tab marks where several may be chosen, Ctrl-A marks all that match. Ctrl-R looks again, Ctrl-Y copies the id.
/// Ctrl-W, Ctrl-U and the other usual keys edit the line. Esc and Ctrl-C leave.
///
/// On a terminal that cannot draw (TERM=dumb), or with SSMX_PICKER=plain, it asks with numbered lines.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What is typed into the picker already
    #[arg(value_name = "QUERY")]
    pub query: Vec<String>,

    /// Let several be chosen, each printed on a line of its own
    #[arg(long, short)]
    pub multi: bool,

    /// What to print
    #[arg(long, short, value_name = "FORMAT", value_enum, default_value_t = Format::Ids)]
    pub output: Format,
}

/// What to print of the chosen instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Their ids, a line each.
    Ids,
    /// All that is known of them, as `ssmx ls -o json` writes it.
    Json,
}

impl Run for Args {
    async fn run(self, ui: &Ui, globals: &Globals) -> Result<Exit, CliError> {
        let context = Context::load(ui, globals)?;
        let mut query = self.query.join(" ");
        if !query.is_empty() {
            // What was given is finished: the next word is another one.
            query.push(' ');
        }
        let question = Question { query, multi: self.multi, ..Question::default() };
        let chosen = choose::from_fleet(&context, question).await?;
        match self.output {
            Format::Ids => ui.data(chosen.iter().map(|one| format!("{}\n", one.id)).collect::<String>())?,
            Format::Json => {
                let json = json::array(&chosen);
                ui.data(json.map_err(|error| CliError::failed("JSON cannot be written").caused_by(&error))?)?;
            }
        }
        Ok(Exit::FINE)
    }
}
