//! Where a path leads.

use crate::modules::Crate;

impl Crate {
    /// Where a path leads that stands in a module: the module that defines its last name that is no module, or the module
    /// itself, through whatever is handed on by others. None if that is another crate.
    pub(crate) fn resolve(&self, from: usize, segments: &[String]) -> Option<Found> {
        self.resolve_within(from, segments, 0)
    }

    fn resolve_within(&self, from: usize, segments: &[String], depth: usize) -> Option<Found> {
        let (mut place, mut at) = (from, 0);
        match segments.first()?.as_str() {
            "crate" => (place, at) = (0, 1),
            "self" => at = 1,
            "super" => {
                while segments.get(at).is_some_and(|segment| segment == "super") {
                    place = self.modules[place].parent?;
                    at += 1;
                }
            }
            first if !self.knows(from, first) => return None,
            _ => {}
        }
        while let Some(segment) = segments.get(at) {
            if let Some(child) = self.modules[place].children.get(segment) {
                place = *child;
                at += 1;
                continue;
            }
            let here = Found { module: place, is_module: false };
            let rest = &segments[at + 1..];
            return if depth < MOST_HANDS { self.handed_on(here, segment, rest, depth) } else { Some(here) };
        }
        Some(Found { module: place, is_module: true })
    }

    fn knows(&self, module: usize, name: &str) -> bool {
        let module = &self.modules[module];
        module.children.contains_key(name)
            || module.block.imports.iter().any(|import| import.name.as_deref() == Some(name))
    }

    /// Follows a name that a module does not define but imports; a name that it defines leads to itself.
    fn handed_on(&self, here: Found, name: &str, rest: &[String], depth: usize) -> Option<Found> {
        let imports = &self.modules[here.module].block.imports;
        if let Some(import) = imports.iter().find(|import| import.name.as_deref() == Some(name)) {
            let path: Vec<_> = import.segments.iter().chain(rest).cloned().collect();
            return self.resolve_within(here.module, &path, depth + 1);
        }
        for glob in imports.iter().filter(|import| import.name.is_none()) {
            let Some(found) = self.resolve_within(here.module, &glob.segments, depth + 1) else { continue };
            if found.module != here.module && self.knows(found.module, name) {
                let path: Vec<_> = glob.segments.iter().chain([&name.to_owned()]).chain(rest).cloned().collect();
                return self.resolve_within(here.module, &path, depth + 1);
            }
        }
        Some(here)
    }
}

/// How often a name is handed on at most.
const MOST_HANDS: usize = 16;

/// Where a path leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) module: usize,
    /// It names the module itself, and nothing in it.
    pub(crate) is_module: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::Sources;

    fn found(krate: &Crate, from: &str, path: &str) -> Option<String> {
        let from = krate.modules.iter().position(|module| module.path.join("::") == from).unwrap();
        let segments: Vec<_> = path.split("::").map(str::to_owned).collect();
        krate.resolve(from, &segments).map(|found| krate.modules[found.module].file.clone())
    }

    #[test]
    fn a_name_is_followed_to_the_file_that_defines_it() {
        let files = [
            ("src/lib.rs", "mod a; mod b; #[cfg(test)] mod testing { mod deep; }"),
            ("src/a/mod.rs", "mod c; pub use c::d::Item; pub use self::c::*; use std::fmt; fn own() {}"),
            ("src/a/c.rs", "pub mod d; pub use d::Other;"),
            ("src/a/c/d.rs", "pub struct Item; pub struct Other;"),
            ("src/b.rs", "use crate::a::{self, Item};"),
            ("src/testing/deep.rs", ""),
        ];
        let sources: Sources = files.map(|(path, text)| (path.to_owned(), text.to_owned())).into();
        let krate = Crate::read(&sources, "src/lib.rs");
        assert_eq!(krate.files().collect::<std::collections::BTreeSet<_>>().len(), files.len());
        assert!(krate.modules.iter().all(|module| module.is_test == module.path.starts_with(&["testing".to_owned()])));
        let leads = |from: &str, path: &str| found(&krate, from, path).unwrap_or_default();
        assert_eq!(leads("b", "crate::a::Item"), "src/a/c/d.rs");
        assert_eq!(leads("b", "a::Item::new"), "src/a/c/d.rs");
        assert_eq!(leads("b", "Item::new"), "src/a/c/d.rs");
        assert_eq!(leads("b", "a::Other"), "src/a/c/d.rs");
        assert_eq!(leads("b", "a::own"), "src/a/mod.rs");
        assert_eq!(leads("a::c::d", "super::super::own"), "src/a/mod.rs");
        assert_eq!(leads("a", "fmt::Display"), "");
        assert_eq!(leads("a", "std::fmt::Display"), "");
    }
}
