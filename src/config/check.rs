//! What must hold for any configuration file and any change of it: one function for the test that runs the corpus and
//! for the fuzzer, which includes this file.

use std::path::Path;

use crate::config::{Config, ConfigError, KeyPath, MOST_MISTAKES, edit};

/// Reads `bytes` as a path, a value to put there, and a file, with a line feed after each of the first two.
///
/// # Panics
/// When something does not hold: a mistake stands on no line, a change leaves no TOML, a value that was set is not
/// there, or one that was removed is.
pub(crate) fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    read(text);
    let mut parts = text.splitn(3, '\n');
    let (Some(path), Some(value), Some(file)) = (parts.next(), parts.next(), parts.next()) else { return };
    read(file);
    let Ok(path) = path.parse::<KeyPath>() else { return };
    assert_eq!(path.to_string().parse().as_ref(), Ok(&path), "{path}");
    if let Ok(changed) = edit::set(file, &[(path.clone(), value.to_owned())]) {
        let there = edit::get(&changed, &path).expect("a change leaves TOML");
        assert!(there.is_some(), "{path} was set in {changed:?}");
        let again = edit::set(&changed, &[(path.clone(), value.to_owned())]).expect("what was set can be set again");
        assert_eq!(edit::get(&again, &path).expect("TOML"), there, "{path} in {again:?}");
        read(&changed);
    }
    if let Ok(Some(without)) = edit::unset(file, &path) {
        assert_eq!(edit::get(&without, &path).expect("a removal leaves TOML"), None, "{path} in {without:?}");
    }
}

fn read(text: &str) {
    let Err(error) = Config::parse(text, Path::new("config.toml")) else { return };
    let ConfigError::Invalid { mistakes, .. } = error else { panic!("{error}") };
    assert!((1..=MOST_MISTAKES).contains(&mistakes.len()));
    // A mistake at the end may stand on the line that would follow.
    let lines = text.matches('\n').count() + 1;
    assert!(mistakes.iter().all(|mistake| (1..=lines).contains(&mistake.line)), "{mistakes:?} in {text:?}");
    assert!(mistakes.is_sorted_by_key(|mistake| mistake.line));
}
