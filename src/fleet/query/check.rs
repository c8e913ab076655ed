//! What must hold for any target and any query: one function for the test that runs the corpus and for the fuzzer, which
//! includes this file.

use super::glob;
use super::spec::TargetSpec;
use super::terms::{Query, Term};
use crate::fleet::model::instance::Instance;

/// Reads `bytes` as a target and as a query, and as both a pattern and a text with a line feed between them.
///
/// # Panics
/// When something does not hold: what was understood is something else when it is written out, an instance is not found
/// by its own name, or a pattern matches what it should not.
pub(crate) fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut named = Instance::unknown("i-0123456789abcdef0", Default::default());
    named.name = Some(text.to_owned());
    named.tags.insert("Name".to_owned(), text.to_owned());
    if let Ok(spec) = text.parse::<TargetSpec>() {
        assert_eq!(spec.to_string().parse::<TargetSpec>().ok(), Some(spec.clone()), "{text:?}");
        let is_id = matches!(spec, TargetSpec::Id(_));
        assert!(is_id || spec.is_named(&named), "{text:?} is not found by its name");
        let _ = (spec.in_common(), spec.of_none(), spec.is_exactly(&named), TargetSpec::is_dns_name(text));
    }
    let Ok(query) = text.parse::<Query>();
    assert_eq!(query.to_string().parse(), Ok(query.clone()), "{text:?}");
    let is_text = query.terms().iter().all(|term| matches!(term, Term::Text(_)));
    assert!(!is_text || query.matches(&named), "{text:?} does not find its name");
    if let Some((pattern, text)) = text.split_once('\n')
        && text.len() <= 64
        && pattern.len() <= 64
    {
        assert_eq!(glob::matches(pattern, text), slowly(pattern, text), "{pattern:?} {text:?}");
    }
}

/// A pattern by its definition.
fn slowly(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<_>, Vec<_>) = (pattern.chars().collect(), text.chars().collect());
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for wanted in pattern {
        if wanted == '*' {
            let first = reached.iter().position(|is| *is).unwrap_or(reached.len());
            reached[first..].fill(true);
        } else {
            let step = |at: usize| at > 0 && reached[at - 1] && text[at - 1] == wanted;
            reached = (0..reached.len()).map(step).collect();
        }
    }
    reached[text.len()]
}
