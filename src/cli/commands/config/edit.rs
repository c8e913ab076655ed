//! `ssmx config set`, `unset` and `edit`: changes are saved only if the file still loads.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use dialoguer::Confirm;

use super::{file, init};
use crate::cli::advice;
use crate::cli::commands::config;
use crate::cli::descriptors::as_at_start;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::ui::Ui;
use crate::cli::ui::prompt;
use crate::config::{KeyPath, edit as text_edit};
use crate::environment::{EDITOR, VISUAL, Variable};
use crate::terminal;

/// Sets values.
///
/// # Errors
/// The words make no sense, the file would not load, or cannot be written.
pub(crate) fn set(ui: &Ui, path: &Path, words: &[String]) -> Result<Exit, CliError> {
    let values = assignments(words)?;
    let before = file::text(path)?.unwrap_or_default();
    let after = text_edit::set(&before, &values).map_err(|problem| refused(path, &before, problem))?;
    replace(ui, path, &before, &after)
}

/// Takes values away.
///
/// # Errors
/// One is not there, the file would not load, or cannot be written.
pub(crate) fn unset(ui: &Ui, path: &Path, keys: &[String]) -> Result<Exit, CliError> {
    let before = file::text(path)?.unwrap_or_default();
    let mut after = before.clone();
    for key in keys {
        let key_path: KeyPath = key.parse().map_err(CliError::usage)?;
        let without = text_edit::unset(&after, &key_path).map_err(|problem| refused(path, &before, problem))?;
        after = without.ok_or_else(|| CliError::failed(format!("`{key_path}` is not set in `{}`", path.display())))?;
    }
    replace(ui, path, &before, &after)
}

/// `KEY VALUE`, or `KEY=VALUE…`.
fn assignments(words: &[String]) -> Result<Vec<(KeyPath, String)>, CliError> {
    let pairs: Vec<(&str, &str)> = match words {
        [key, value] if !key.contains('=') => vec![(key, value)],
        several => several
            .iter()
            .map(|word| word.split_once('='))
            .collect::<Option<_>>()
            .ok_or_else(|| CliError::usage("expected KEY VALUE, or one or more KEY=VALUE"))?,
    };
    let values = pairs.into_iter().map(|(key, value)| Ok((key.parse()?, value.to_owned())));
    values.collect::<Result<_, String>>().map_err(CliError::usage)
}

/// Whether the change is to blame, or the text before it.
fn refused(path: &Path, before: &str, problem: String) -> CliError {
    match file::check(before, path) {
        Ok(()) => CliError::usage(problem),
        Err(_) => config::unusable(path, problem),
    }
}

fn replace(ui: &Ui, path: &Path, before: &str, after: &str) -> Result<Exit, CliError> {
    if let Err(error) = file::check(after, path) {
        // The lines are those of the file that would be.
        let was_broken = file::check(before, path).is_err();
        let refused = advice::mistakes(&error).about("nothing was changed, because the file would be invalid");
        return Err(if was_broken { refused.hint("correct it with `ssmx config edit`") } else { refused });
    }
    if before == after {
        ui.status(format!("Nothing to change in {}", path.display()));
        return Ok(Exit::FINE);
    }
    file::write(path, after)?;
    ui.status(format!("Changed {}", path.display()));
    Ok(Exit::FINE)
}

/// Opens a copy of the file in an editor, and saves it if it loads.
///
/// # Errors
/// The editor cannot be run or failed, the file would not load and the person gave up, or it cannot be written. The
/// draft is kept then, and the error says where.
pub(crate) fn edit(ui: &Ui, path: &Path) -> Result<Exit, CliError> {
    // Also while the editor runs, so that a signal between two questions is not lost.
    let _guard = prompt::Guard::new()?;
    let before = file::text(path)?;
    let start = before.clone().unwrap_or_else(|| init::template(None, None));
    let draft = Draft::write(path, &start)?;
    loop {
        if let Err(error) = run_editor(&draft.path) {
            return Err(if draft.text()? == start { draft.drop_with(error) } else { draft.keep_with(error) });
        }
        let after = draft.text()?;
        if after == start {
            ui.status(format!("Nothing changed in {}", path.display()));
            return draft.drop_with(Ok(Exit::FINE));
        }
        match file::check(&after, path) {
            Ok(()) if file::text(path)? != before => {
                let moved = CliError::failed(format!("another program changed `{}` in the meantime", path.display()));
                return Err(draft.keep_with(moved));
            }
            Ok(()) => {
                file::write(path, &after).map_err(|error| draft.keep_with(error))?;
                ui.status(format!("Changed {}", path.display()));
                return draft.drop_with(Ok(Exit::FINE));
            }
            Err(error) => {
                let mistakes = advice::mistakes(&error);
                if !terminal::can_ask() {
                    return Err(draft.keep_with(mistakes));
                }
                ui.error(&mistakes);
                let question = Confirm::new().with_prompt("Continue editing?").default(true);
                if !prompt::ask(|term| question.interact_on(term)).map_err(|error| draft.keep_with(error))? {
                    return Err(
                        draft.keep_with(CliError::failed("nothing was changed, because the file would be invalid"))
                    );
                }
            }
        }
    }
}

/// The file being edited, beside the real one, so that its owner alone can read it.
struct Draft {
    path: PathBuf,
}

impl Draft {
    fn write(beside: &Path, text: &str) -> Result<Self, CliError> {
        let path = beside.with_file_name(format!("config-edit-{}.toml", std::process::id()));
        file::write(&path, text)?;
        Ok(Self { path })
    }

    fn text(&self) -> Result<String, CliError> {
        file::text(&self.path)?.ok_or_else(|| CliError::failed("the editor removed the file"))
    }

    fn drop_with<T>(self, outcome: T) -> T {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(%error, path = %self.path.display(), "cannot remove the draft");
        }
        outcome
    }

    fn keep_with(&self, error: CliError) -> CliError {
        error.hint(format!("your changes are kept in `{}`", self.path.display()))
    }
}

/// Runs `$VISUAL`, else `$EDITOR`, which may have arguments.
fn run_editor(file: &Path) -> Result<(), CliError> {
    let program = |variable: Variable| variable.text().filter(|value| !value.trim().is_empty());
    let usual = if cfg!(windows) { "notepad" } else { "vi" };
    let editor = program(VISUAL).or_else(|| program(EDITOR)).unwrap_or_else(|| usual.to_owned());
    let words = shlex::split(&editor).filter(|words| !words.is_empty());
    let words = words.ok_or_else(|| CliError::usage(format!("cannot parse the editor command `{editor}`")))?;
    let failed = |what: &str| CliError::failed(format!("the editor `{editor}` {what}"));
    let status = as_at_start(|| Command::new(&words[0]).args(&words[1..]).arg(file).status());
    let status =
        status.map_err(|error| failed("cannot be run").caused_by(&error).hint("set another one in `EDITOR`"))?;
    if status.success() { Ok(()) } else { Err(failed("failed").hint("nothing was changed")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_come_in_two_ways() {
        let read = |words: &[&str]| {
            let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
            let read = assignments(&words)?;
            Ok::<_, CliError>(
                read.into_iter().map(|(key_path, value)| format!("{key_path} {value}")).collect::<Vec<_>>(),
            )
        };
        assert_eq!(read(&["region", "eu-west-1"]).unwrap(), ["defaults.region eu-west-1"]);
        assert_eq!(read(&["reason", "a=b"]).unwrap(), ["defaults.reason a=b"]);
        let several = read(&["targets.db.tags=Role=x,Env=y", "cache="]).unwrap();
        assert_eq!(several, ["targets.db.tags Role=x,Env=y", "defaults.cache "]);
        for bad in [&["region"][..], &["region", "a", "b"], &["region=a", "b"], &["nothing", "x"]] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }
}
