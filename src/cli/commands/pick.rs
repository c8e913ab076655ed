//! `ssmx pick`.

use super::ls::json;
use crate::cli::command::Run;
use crate::cli::completes::Completes;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::globals::Globals;
use crate::cli::target::choose::{self, Question};
use crate::cli::ui::Ui;
use crate::text::printable;

/// Choose an instance and print its id
///
/// The picker is drawn on standard error, so `id=$(ssmx pick)` works. Type to narrow the list: letters of a name, id,
/// address or tag; `key=value` for a tag or column, where `*` matches anything; `!word` to exclude. If you leave
/// without choosing, nothing is printed and the exit code is 1.
///
/// Keys: arrows, Page Up, Page Down, Ctrl-P, Ctrl-N, Ctrl-K and Ctrl-J move; Alt-< and Alt-> go to the ends. Enter
/// chooses. With `--multi`, Tab marks an instance and Ctrl-A marks all that match. Ctrl-R refreshes, Ctrl-Y copies
/// the id. Ctrl-W, Ctrl-U and the other usual keys edit the line. Esc and Ctrl-C leave.
///
/// On a terminal that cannot draw (TERM=dumb), or with SSMX_PICKER=plain, ssmx asks with a numbered list.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Text to start the picker with
    #[arg(value_name = "QUERY", add = Completes::Targets)]
    pub query: Vec<String>,

    /// Choose several instances; each id is printed on its own line
    #[arg(long, short)]
    pub multi: bool,

    /// Output format
    #[arg(long, short, value_name = "FORMAT", value_enum, default_value_t = Format::Ids)]
    pub output: Format,
}

/// What to print of the chosen instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// One id per line
    Ids,
    /// Everything known about them, like `ssmx ls -o json`
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
            Format::Ids => ui.data(chosen.iter().map(|one| format!("{}\n", printable(&one.id))).collect::<String>())?,
            Format::Json => {
                let json = json::array(&chosen);
                ui.json(json.map_err(|error| CliError::failed("cannot write the JSON").caused_by(&error))?)?;
            }
        }
        Ok(Exit::FINE)
    }
}
