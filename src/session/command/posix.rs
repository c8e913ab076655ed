//! The text of a command for an agent that splits it by the rules of a shell, or hands it to `sh -c`.
//!
//! Before an agent does so, it replaces `{{ssm:NAME}}` in it by a parameter of Parameter Store, and where a document puts
//! text around the command, old agents expand `$1` and `${x}` as Go's `ReplaceAllString` does, and new ones make one `$`
//! of two. Quotes between the characters keep them from it, and are gone when the program is given its arguments.

use super::error::CommandError;

/// What puts a command's standard output through `base64`. Descriptor 3 carries the exit code around the encoder, 4 is the
/// real standard output. Where the encoder fails, or is not there, the `!` makes the output one that cannot be decoded, so
/// that nothing is taken for whole that is not.
pub(super) const ENCODER: [&str; 4] = [
    "sh",
    "-c",
    r#"exec 4>&1; code=$( { { "$@" 3>&- 4>&-; echo $? >&3; } | { base64 || echo '!'; } >&4 3>&- 4>&-; } 3>&1 ); exit "$code""#,
    "ssmx",
];

/// The words as one text that is split into them again.
pub(super) fn join(words: &[String]) -> Result<String, CommandError> {
    let words: Result<Vec<_>, _> = words.iter().map(|word| quoted(word)).collect();
    Ok(words?.join(" "))
}

/// A line for `sh -c`. It stays as it is, unless the agent would change it: `in_document` says that it may stand amid
/// other text, where a `$` is not safe.
pub(super) fn line(line: &str, in_document: bool) -> Result<String, CommandError> {
    if line.contains("{{") || (in_document && line.contains('$')) {
        return Ok(format!("eval {}", quoted(line)?));
    }
    Ok(line.to_owned())
}

/// A word in quotes that end between two braces and after each `$`, and begin again.
fn quoted(word: &str) -> Result<String, CommandError> {
    let mut quoted = String::new();
    let mut rest = word;
    loop {
        let end = piece_end(rest);
        quoted.push_str(&shlex::try_quote(&rest[..end]).map_err(|_| CommandError::Nul)?);
        rest = &rest[end..];
        if rest.is_empty() {
            return Ok(quoted);
        }
    }
}

/// Where a text that is not empty has to be broken first, else its end.
fn piece_end(text: &str) -> usize {
    let brace = text.find("{{").map(|at| at + 1);
    let dollar = text.find('$').map(|at| at + 1);
    brace.into_iter().chain(dollar).min().unwrap_or(text.len())
}
