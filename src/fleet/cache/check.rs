//! What must hold for any file in the cache: one function for the test that runs the corpus and for the fuzzer, which
//! includes this file.

use super::format::{decode, encode, header, names};
use crate::fleet::model::place::Place;

/// Reads `bytes` as the file of the account and region that it says it is of.
///
/// # Panics
/// When something does not hold: what was read is written otherwise, or a completion sees other names.
pub(crate) fn check(bytes: &[u8]) {
    let shown = names(bytes);
    let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let Some(of) = std::str::from_utf8(first).ok().and_then(header) else { return };
    assert_eq!(of.key().len(), 32);
    let place = Place::default();
    let Ok(mut cached) = decode(bytes, &of, &place) else { return };
    let known: Vec<_> = cached.instances.iter().map(|one| (&one.id, &one.name, one.status.word())).collect();
    assert_eq!(shown.iter().map(|one| (&one.id, &one.name, one.status.word())).collect::<Vec<_>>(), known);

    let written = encode(&cached, &of).expect("what was read can be written");
    let again = decode(&written, &of, &place).expect("what was written can be read");
    cached.instances.sort_by(|one, other| one.order(other));
    assert_eq!(again, cached);
}
