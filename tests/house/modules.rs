//! A crate as a tree of modules, read from its files.

use std::collections::BTreeMap;

use crate::sources::Sources;
use crate::syntax::{Block, Body, Child, parse};

/// A crate: its modules, the root first.
#[derive(Debug)]
pub(crate) struct Crate {
    pub(crate) modules: Vec<Module>,
}

#[derive(Debug)]
pub(crate) struct Module {
    /// The names that lead to it from the root.
    pub(crate) path: Vec<String>,
    pub(crate) file: String,
    pub(crate) parent: Option<usize>,
    /// Compiled for tests only.
    pub(crate) is_test: bool,
    pub(crate) children: BTreeMap<String, usize>,
    pub(crate) block: Block,
}

impl Crate {
    /// Reads the crate that begins in a file.
    pub(crate) fn read(sources: &Sources, root: &str) -> Self {
        let mut modules = Self { modules: Vec::new() };
        let text = sources.get(root).map_or("", String::as_str);
        let folder = root.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        let start = Start { path: Vec::new(), parent: None, is_test: false, file: root.to_owned(), folder };
        modules.add(sources, start, parse(text));
        modules
    }

    /// The files that it is made of.
    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        self.modules.iter().map(|module| module.file.as_str())
    }

    fn add(&mut self, sources: &Sources, start: Start, mut block: Block) -> usize {
        let place = self.modules.len();
        let declared = std::mem::take(&mut block.children);
        let Start { path, parent, is_test, file, folder } = start;
        self.modules.push(Module { path, file, parent, is_test, children: BTreeMap::new(), block });
        for mut child in declared {
            let name = child.name.clone();
            if let Some(path) = child.other_path.take() {
                let other =
                    Child { name: name.clone(), path: Some(path), other_path: None, body: Body::Elsewhere, ..child };
                if let Some((start, block)) = self.child(sources, place, &folder, other) {
                    self.add(sources, start, block);
                }
            }
            let Some((start, block)) = self.child(sources, place, &folder, child) else { continue };
            let place_of_child = self.add(sources, start, block);
            // Of several variants for different systems the first one counts.
            self.modules[place].children.entry(name).or_insert(place_of_child);
        }
        place
    }

    fn child(&self, sources: &Sources, parent: usize, folder: &str, child: Child) -> Option<(Start, Block)> {
        let above = &self.modules[parent];
        let path = above.path.iter().cloned().chain([child.name.clone()]).collect();
        let is_test = above.is_test || child.is_test;
        let start = |file: String, folder: String| Start { path, parent: Some(parent), is_test, file, folder };
        let inside = joined(folder, &child.name);
        match (child.body, child.path) {
            (Body::Here(block, _), _) => Some((start(above.file.clone(), inside), block)),
            (Body::Elsewhere, Some(path)) => {
                let file = joined(above.file.rsplit_once('/').map_or("", |(folder, _)| folder), &path);
                let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
                let block = parse(sources.get(&file)?);
                Some((start(file, folder), block))
            }
            (Body::Elsewhere, None) => {
                let file = [format!("{inside}.rs"), format!("{inside}/mod.rs")];
                let file = file.into_iter().find(|file| sources.contains_key(file))?;
                let block = parse(&sources[&file]);
                Some((start(file, inside), block))
            }
        }
    }
}

struct Start {
    path: Vec<String>,
    parent: Option<usize>,
    is_test: bool,
    file: String,
    /// Where the files of its children are.
    folder: String,
}

/// A path that goes on from a folder, perhaps upwards.
fn joined(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    parts.join("/")
}
