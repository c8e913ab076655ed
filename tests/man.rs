//! The man pages, as man shows them.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::command::run;

#[test]
fn man_shows_every_page_and_finds_nothing_wrong() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/man");
    let mut pages = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let mut man = Command::new("man");
        man.args(["--warnings", "-E", "UTF-8", "-l"]).arg(&path);
        let shown = run(man.env("MANROFFSEQ", "").env("MANWIDTH", "80").env("LC_ALL", "C.UTF-8"));
        assert!(shown.code() == 0 && shown.stderr.is_empty(), "{}: {shown:?}", path.display());
        let (name, text) = (path.file_stem().unwrap().to_str().unwrap(), shown.out().replace('‐', "-"));
        assert!(text.contains("SYNOPSIS") && text.contains(name), "{}: {text}", path.display());
        pages += 1;
    }
    assert!(pages > 10, "{pages}");
}
