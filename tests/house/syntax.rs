//! What a source file declares and names: modules, imports, paths. It knows as much of Rust as that needs.

use std::collections::BTreeSet;

use crate::tokens::{Kind, Token, tokens};

/// A module as it stands in a file: the file itself, or a `mod name { … }` in it.
#[derive(Debug, Default)]
pub(crate) struct Block {
    /// `mod name;` and `mod name { … }`.
    pub(crate) children: Vec<Child>,
    pub(crate) imports: Vec<Import>,
    /// Paths of two segments or more outside of imports.
    pub(crate) paths: Vec<Path>,
    /// Every word outside of imports.
    pub(crate) words: BTreeSet<String>,
}

#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) name: String,
    pub(crate) line: usize,
    /// Compiled for tests only.
    pub(crate) is_test: bool,
    /// What `#[path = "…"]` says.
    pub(crate) path: Option<String>,
    /// What `#[cfg_attr(…, path = "…")]` says: the file of another system.
    pub(crate) other_path: Option<String>,
    pub(crate) body: Body,
}

#[derive(Debug)]
pub(crate) enum Body {
    /// It is in a file of its own.
    Elsewhere,
    /// It stands here, and ends on this line.
    Here(Block, usize),
}

/// One name that a `use` brings.
#[derive(Debug)]
pub(crate) struct Import {
    pub(crate) segments: Vec<String>,
    /// What it is called here; none for `*`.
    pub(crate) name: Option<String>,
    /// It is handed on to others.
    pub(crate) is_export: bool,
    pub(crate) line: usize,
}

#[derive(Debug)]
pub(crate) struct Path {
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
}

/// Reads a file. What is compiled for tests only is left out, but for the modules it declares.
pub(crate) fn parse(text: &str) -> Block {
    let tokens = tokens(text);
    let mut parser = Parser { tokens: &tokens, at: 0 };
    parser.block()
}

struct Parser<'a> {
    tokens: &'a [Token<'a>],
    at: usize,
}

/// What stands in front of an item.
#[derive(Default)]
struct Attributes {
    is_test: bool,
    path: Option<String>,
    other_path: Option<String>,
    is_public: bool,
}

impl<'a> Parser<'a> {
    /// Reads up to the brace that closes the block, or to the end of the file.
    fn block(&mut self) -> Block {
        let mut block = Block::default();
        let mut attributes = Attributes::default();
        let mut depth = 0_usize;
        while let Some(token) = self.peek(0) {
            if token.is('#') && (self.sign(1, '[') || self.sign(1, '!') && self.sign(2, '[')) {
                self.attribute(&mut block, &mut attributes);
                continue;
            }
            match token.word() {
                Some("pub") => {
                    self.at += 1;
                    let inside = self.peek(1).and_then(|token| token.word());
                    if self.sign(0, '(') && matches!(inside, Some("crate" | "super" | "self" | "in")) {
                        self.skip_group();
                    }
                    attributes.is_public = true;
                    continue;
                }
                Some("mod") if self.peek(1).is_some_and(|token| token.word().is_some()) => {
                    let child = self.child(std::mem::take(&mut attributes));
                    block.children.push(child);
                    continue;
                }
                _ if attributes.is_test => self.skip_item(),
                Some("use") if !self.sign(1, '<') => {
                    self.at += 1;
                    self.import(&mut block.imports, &[], attributes.is_public);
                }
                Some(_) => self.path(&mut block),
                None => {
                    self.at += 1;
                    if token.is('{') {
                        depth += 1;
                    } else if token.is('}') {
                        let Some(less) = depth.checked_sub(1) else { return block };
                        depth = less;
                    }
                }
            }
            attributes = Attributes::default();
        }
        block
    }

    fn attribute(&mut self, block: &mut Block, attributes: &mut Attributes) {
        self.at += if self.sign(1, '!') { 2 } else { 1 };
        let start = self.at;
        self.skip_group();
        let inside = &self.tokens[start + 1..self.at.saturating_sub(1).max(start + 1)];
        let has = |word| inside.iter().any(|token| token.word() == Some(word));
        match inside.first().and_then(Token::word) {
            Some("cfg") => attributes.is_test |= has("test") && !has("not") && !has("any"),
            Some("path") => attributes.path = path_in(inside),
            Some("cfg_attr") if has("path") => attributes.other_path = path_in(inside),
            _ => {
                // `#[arg(value_parser = room::function)]` names things too.
                let mut parser = Parser { tokens: inside, at: 0 };
                while parser.peek(0).is_some() {
                    parser.path(block);
                }
            }
        }
    }

    fn child(&mut self, attributes: Attributes) -> Child {
        let line = self.tokens[self.at].line;
        let name = self.tokens[self.at + 1].word().unwrap_or_default().to_owned();
        self.at += 2;
        let body = if self.sign(0, '{') {
            self.at += 1;
            let block = self.block();
            Body::Here(block, self.tokens.get(self.at - 1).map_or(line, |token| token.line))
        } else {
            self.at += 1;
            Body::Elsewhere
        };
        let Attributes { is_test, path, other_path, .. } = attributes;
        Child { name, line, is_test, path, other_path, body }
    }

    /// Reads one tree of a `use`, and what follows it: `,`, `}` or `;`.
    fn import(&mut self, imports: &mut Vec<Import>, before: &[String], is_export: bool) {
        let mut segments = before.to_vec();
        while let Some(token) = self.peek(0) {
            self.at += 1;
            match token.kind {
                Kind::Sign(':') => {}
                Kind::Sign('{') => {
                    while !self.sign(0, '}') && self.peek(0).is_some() {
                        self.import(imports, &segments, is_export);
                        if self.sign(0, ',') {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    return;
                }
                Kind::Sign('*') => {
                    imports.push(Import { segments, name: None, is_export, line: token.line });
                    return;
                }
                Kind::Word(word) => {
                    // `use a::{self}` brings `a`.
                    if word != "self" || segments.is_empty() {
                        segments.push(word.to_owned());
                    }
                    if self.sign(0, ':') {
                        continue;
                    }
                    let mut name = segments.last().cloned();
                    if self.peek(0).is_some_and(|token| token.word() == Some("as")) {
                        name = self.peek(1).and_then(|token| token.word()).map(str::to_owned);
                        self.at += 2;
                    }
                    imports.push(Import { segments, name, is_export, line: token.line });
                    return;
                }
                Kind::Sign(_) | Kind::Literal(_) => return,
            }
        }
    }

    /// Reads a path, or a single word or sign.
    fn path(&mut self, block: &mut Block) {
        let first = self.tokens[self.at];
        // `::std::…` is outside, and `<T as Trait>::name` and `name::<T>::name` go on with what is not a module.
        let goes_on = self.at >= 2 && self.tokens[self.at - 1].is(':') && self.tokens[self.at - 2].is(':');
        self.at += 1;
        let Some(word) = first.word() else { return };
        block.words.insert(word.to_owned());
        let mut segments = vec![word.to_owned()];
        while self.sign(0, ':') && self.sign(1, ':') {
            let Some(word) = self.peek(2).and_then(|token| token.word()) else { break };
            segments.push(word.to_owned());
            self.at += 3;
        }
        if segments.len() > 1 && !goes_on {
            block.paths.push(Path { segments, line: first.line });
        }
    }

    /// Skips an item, a statement, a field or a variant.
    fn skip_item(&mut self) {
        let ends_with_semicolon =
            matches!(self.peek(0).and_then(|token| token.word()), Some("use" | "const" | "static" | "let" | "type"))
                && self.peek(1).is_none_or(|token| token.word() != Some("fn"));
        let is_item = ends_with_semicolon
            || matches!(
                self.peek(0).and_then(|token| token.word()),
                Some("const" | "fn" | "async" | "unsafe" | "impl" | "struct" | "enum" | "trait" | "macro_rules")
            );
        while let Some(token) = self.peek(0) {
            if token.is('}') {
                return;
            }
            if token.is('(') || token.is('[') || token.is('{') {
                self.skip_group();
                if token.is('{') && !ends_with_semicolon {
                    return;
                }
                continue;
            }
            self.at += 1;
            if token.is(';') || token.is(',') && !is_item {
                return;
            }
        }
    }

    /// Skips what is between brackets of any kind, and the brackets.
    fn skip_group(&mut self) {
        let mut depth = 0_usize;
        while let Some(token) = self.peek(0) {
            self.at += 1;
            match token.kind {
                Kind::Sign('(' | '[' | '{') => depth += 1,
                Kind::Sign(')' | ']' | '}') => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return;
            }
        }
    }

    fn peek(&self, ahead: usize) -> Option<Token<'a>> {
        self.tokens.get(self.at + ahead).copied()
    }

    fn sign(&self, ahead: usize, sign: char) -> bool {
        self.peek(ahead).is_some_and(|token| token.is(sign))
    }
}

/// What follows `path =`.
fn path_in(tokens: &[Token<'_>]) -> Option<String> {
    let path = tokens.iter().position(|token| token.word() == Some("path"))?;
    match tokens.get(path + 2)?.kind {
        Kind::Literal(path) => Some(path.to_owned()),
        Kind::Word(_) | Kind::Sign(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imports(text: &str) -> Vec<String> {
        let shown = |import: Import| {
            let name = import.name.unwrap_or_else(|| "*".to_owned());
            format!("{}{} = {name}", if import.is_export { "pub " } else { "" }, import.segments.join("::"))
        };
        parse(text).imports.into_iter().map(shown).collect()
    }

    #[test]
    fn a_tree_of_imports_is_taken_apart() {
        assert_eq!(
            imports("use crate::a::{self, B as C, d::{e, F}, g::*}; pub(in crate::x) use super::h;"),
            [
                "crate::a = a",
                "crate::a::B = C",
                "crate::a::d::e = e",
                "crate::a::d::F = F",
                "crate::a::g = *",
                "pub super::h = h",
            ]
        );
    }

    #[test]
    fn paths_are_found_wherever_they_stand() {
        let text = "#[arg(value_parser = spec::parse)] a: crate::x::Y<super::z::Z>, \
                    fn f() -> impl Sized + use<> { ::std::a::b(); T::<u8>::c::d() }";
        let block = parse(text);
        let found: Vec<_> = block.paths.iter().map(|path| path.segments.join("::")).collect();
        assert_eq!(found, ["spec::parse", "crate::x::Y", "super::z::Z"]);
    }

    #[test]
    fn what_is_for_tests_only_is_left_out_whatever_it_is() {
        let text = "#[cfg(test)] use crate::a; #[cfg(all(test, unix))] fn f() { crate::b::c() } \
                    struct S { #[cfg(test)] d: crate::d::D, e: crate::e::E } \
                    #[cfg(test)] const F: [u8; 2] = { crate::f::g() }; #[cfg(not(test))] use crate::h; \
                    #[cfg(test)] mod tests { use crate::i; }";
        let block = parse(text);
        assert_eq!(block.imports.iter().map(|import| import.segments.join("::")).collect::<Vec<_>>(), ["crate::h"]);
        assert_eq!(block.paths.iter().map(|path| path.segments.join("::")).collect::<Vec<_>>(), ["crate::e::E"]);
        assert!(block.children.len() == 1 && block.children[0].is_test);
    }

    #[test]
    fn a_module_here_has_its_lines_and_one_elsewhere_its_path() {
        let block =
            parse("mod a {\n fn f() {}\n}\n#[path = \"b/c.rs\"]\n#[cfg_attr(x, path = \"d.rs\")]\nmod c;\nuse a::x;");
        assert!(matches!(&block.children[0], Child { name, line: 1, body: Body::Here(_, 3), .. } if name == "a"));
        let Child { name, path, other_path, body, .. } = &block.children[1];
        assert!(name == "c" && matches!(body, Body::Elsewhere));
        assert_eq!((path.as_deref(), other_path.as_deref()), (Some("b/c.rs"), Some("d.rs")));
        assert_eq!(block.imports.len(), 1);
    }
}
