//! The source files of the package, and where its crates begin.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Texts by their paths from the root of the package, with `/` between the parts.
pub(crate) type Sources = BTreeMap<String, String>;

/// The folders with source in them.
const FOLDERS: [&str; 3] = ["src", "tests", "benches"];

/// The package that is looked at: this one, unless [`ROOT`] names another.
pub(crate) fn root() -> PathBuf {
    env::var_os(ROOT).filter(|root| !root.is_empty()).map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from)
}

/// The variable that names the root of a package to look at, say of an older version; `.` is this one.
pub(crate) const ROOT: &str = "SSMX_HOUSE";

/// Reads all files of Rust under [`FOLDERS`].
pub(crate) fn read(root: &Path) -> io::Result<Sources> {
    let mut sources = Sources::new();
    for folder in FOLDERS {
        read_folder(root, folder, &mut sources)?;
    }
    Ok(sources)
}

fn read_folder(root: &Path, folder: &str, sources: &mut Sources) -> io::Result<()> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            read_folder(root, &path, sources)?;
        } else if entry.path().extension().is_some_and(|extension| extension == "rs") {
            sources.insert(path, fs::read_to_string(entry.path())?);
        }
    }
    Ok(())
}

/// Where crates begin: the files that the manifests name.
pub(crate) fn roots(root: &Path) -> io::Result<Vec<String>> {
    let mut roots = vec!["src/lib.rs".to_owned(), "src/main.rs".to_owned()];
    for folder in ["", "tests/fuzz/"] {
        let manifest = fs::read_to_string(root.join(folder).join("Cargo.toml"))?;
        let paths = manifest.lines().filter_map(|line| line.strip_prefix("path = \"")?.strip_suffix('"'));
        roots.extend(paths.map(|path| format!("{folder}{path}")));
    }
    roots.sort();
    roots.dedup();
    Ok(roots)
}
