//! The name under which others find the plugin: a link to this very program.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::NAME;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::program::{is_program, this_program};
use crate::cli::ui::Ui;
use crate::environment;
use crate::files::{self, Leftover, TemporaryFolder};

/// Makes the link in `dir`, and says whether it will be found.
///
/// # Errors
/// It cannot be made, or something else has the name and is not to be replaced.
pub(crate) fn install(ui: &Ui, dir: &Path, force: bool) -> Result<Exit, CliError> {
    let cannot =
        |error: &io::Error| CliError::failed(format!("cannot install into `{}`", dir.display())).caused_by(error);
    let dir = dir.canonicalize().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => cannot(&error).hint(format!("create it first: `mkdir -p {}`", dir.display())),
        _ => cannot(&error),
    })?;
    let program = real_program().map_err(|error| cannot(&error))?;
    let path = dir.join(file_name());
    match Present::at(&path, &program).map_err(|error| cannot(&error))? {
        Present::ThisProgram => ui.status(format!("`{}` is already this program", path.display())),
        Present::Folder => return Err(CliError::failed(format!("`{}` is a folder", path.display()))),
        Present::Other if !force => {
            return Err(CliError::failed(format!("`{}` already exists and is not ssmx", path.display()))
                .hint("`--force` overwrites it"));
        }
        _ => {
            files::replace_by_link(&program, &path).map_err(|error| cannot(&error))?;
            let (path, program) = (path.display(), program.display());
            ui.status(match cfg!(unix) {
                true => format!("Linked `{path}` to `{program}`"),
                false => format!("Copied `{program}` to `{path}`"),
            });
        }
    }
    match found() {
        Some(found) if is_same(&found, &path) => ui.status("It is on PATH: the AWS CLI will use it."),
        Some(found) => ui.warning(format!("the AWS CLI will use `{}`, which comes first on PATH", found.display())),
        None => ui.warning(format!("`{}` is not on PATH, so the AWS CLI will not find it", dir.display())),
    }
    Ok(Exit::FINE)
}

/// The plugin that is found on PATH.
pub(crate) fn found() -> Option<PathBuf> {
    let path = environment::PATH.value()?;
    std::env::split_paths(&path).map(|dir| dir.join(file_name())).find(|file| is_program(file))
}

/// How the name of a folder with a link begins.
const PREFIX: &str = "ssmx-plugin-";

/// A link in a private folder, both of which are removed when this is dropped.
#[derive(Debug)]
pub(crate) struct TemporaryLink(TemporaryFolder);

impl TemporaryLink {
    /// Makes it.
    ///
    /// # Errors
    /// It cannot be made.
    pub(crate) fn new() -> io::Result<Self> {
        files::leftovers(PREFIX).into_iter().for_each(Leftover::remove);
        let folder = TemporaryFolder::new(PREFIX)?;
        files::link(&real_program()?, &folder.path().join(file_name()))?;
        Ok(Self(folder))
    }

    /// The folder with the link in it.
    pub(crate) fn dir(&self) -> &Path {
        self.0.path()
    }
}

/// What has the name so far.
#[derive(Debug, PartialEq, Eq)]
enum Present {
    Nothing,
    ThisProgram,
    /// A link to a program called ssmx, of another version perhaps, or one that is gone.
    Ssmx,
    Folder,
    Other,
}

impl Present {
    fn at(path: &Path, program: &Path) -> io::Result<Self> {
        let metadata = match fs::symlink_metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::Nothing),
            Err(error) => return Err(error),
        };
        if metadata.is_dir() {
            return Ok(Self::Folder);
        }
        if !metadata.is_symlink() {
            return Ok(Self::Other);
        }
        let target = fs::read_link(path)?;
        Ok(match target.file_stem() {
            _ if is_same(path, program) => Self::ThisProgram,
            Some(stem) if stem == env!("CARGO_PKG_NAME") => Self::Ssmx,
            _ => Self::Other,
        })
    }
}

/// The file of this program, behind all links.
fn real_program() -> io::Result<PathBuf> {
    this_program()?.canonicalize()
}

fn file_name() -> String {
    format!("{NAME}{}", std::env::consts::EXE_SUFFIX)
}

fn is_same(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_has_the_name_is_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("ssmx");
        fs::write(&program, "").unwrap();
        let at = |name: &str| Present::at(&dir.path().join(name), &program).unwrap();
        files::link(&program, &dir.path().join("ours")).unwrap();
        files::link(Path::new("/gone/ssmx"), &dir.path().join("old")).unwrap();
        files::link(Path::new("/gone/session-manager-plugin"), &dir.path().join("theirs")).unwrap();
        assert_eq!(at("none"), Present::Nothing);
        assert_eq!(at("ours"), Present::ThisProgram);
        assert_eq!(at("old"), Present::Ssmx);
        assert_eq!(at("theirs"), Present::Other);
        assert_eq!(at("ssmx"), Present::Other);
        assert_eq!(at("."), Present::Folder);
    }

    #[test]
    fn a_temporary_link_leads_here_and_goes() {
        let link = TemporaryLink::new().unwrap();
        let dir = link.dir().to_owned();
        assert!(is_same(&dir.join(NAME), &std::env::current_exe().unwrap()));
        drop(link);
        assert!(!dir.exists());
    }
}
