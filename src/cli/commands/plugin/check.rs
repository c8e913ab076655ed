//! What must hold for any call of the plugin: one function for the test that runs the corpus and for the fuzzer, which
//! includes this file.

use super::call::Invocation;

/// Reads `bytes` as the arguments of a call, with a line feed between them.
///
/// # Panics
/// When something does not hold: a session is taken over without an id or a token, or a message repeats a token.
pub(crate) fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    // These name a variable or an open file of this process.
    if text.starts_with("/dev/") || text.starts_with("AWS_") {
        return;
    }
    let args: Vec<_> = text.split('\n').map(Into::into).collect();
    match Invocation::parse(&args) {
        Ok(Invocation::Start(call)) => {
            assert!(!call.session.session_id.is_empty() && !call.session.token.expose().is_empty());
            assert!(call.request.as_ref().is_none_or(|request| !request.target.is_empty()));
            let _ = call.request.as_ref().map(|request| request.parameter("portNumber"));
        }
        Ok(Invocation::Presence | Invocation::Version) => {}
        Err(error) => {
            assert!(error.orphan.as_ref().is_none_or(|orphan| !orphan.session_id.is_empty()));
            assert!(!error.to_string().contains(SECRET), "{error}");
        }
    }
}

/// The token in the seeds.
const SECRET: &str = "AAEAAToken";
