//! Turns a command and its arguments into the one text that a session document takes.

/// Why a command cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CommandError {
    /// There is none.
    #[error("the command is empty")]
    Empty,
    /// An argument has a NUL in it, which no program can be given.
    #[error("an argument contains a NUL byte")]
    Nul,
}

/// The text for a non-interactive command. Agents split it by shell quoting rules and run it without a shell, so the
/// arguments reach the program exactly as they are here.
///
/// # Errors
/// [`CommandError`]
pub(crate) fn non_interactive<S: AsRef<str>>(words: &[S]) -> Result<String, CommandError> {
    if words.first().is_none_or(|program| program.as_ref().is_empty()) {
        return Err(CommandError::Empty);
    }
    shlex::try_join(words.iter().map(AsRef::as_ref)).map_err(|_| CommandError::Nul)
}

/// The text for a non-interactive command whose standard output is to come back as base64, because the agent damages
/// bytes that are not UTF-8. The exit code is still the command's, and standard error is left alone.
///
/// # Errors
/// [`CommandError`]
pub(crate) fn encoded<S: AsRef<str>>(words: &[S]) -> Result<String, CommandError> {
    // Descriptor 3 carries the exit code around the encoder, 4 is the real standard output. Where the encoder fails, or
    // is not there, the `!` makes the output one that cannot be decoded, so that nothing is taken for whole that is not.
    const SCRIPT: &str = r#"exec 4>&1; code=$( { { "$@" 3>&- 4>&-; echo $? >&3; } | { base64 || echo '!'; } >&4 3>&- 4>&-; } 3>&1 ); exit "$code""#;
    non_interactive(words)?;
    let wrapped: Vec<&str> = ["sh", "-c", SCRIPT, "ssmx"].into_iter().chain(words.iter().map(AsRef::as_ref)).collect();
    non_interactive(&wrapped)
}

/// The text for an interactive command, which agents hand to `sh -c`. One word is taken as a line for that shell, as
/// ssh would; several are a program and its arguments, exactly as they are here.
///
/// # Errors
/// [`CommandError`]
pub(crate) fn interactive<S: AsRef<str>>(words: &[S]) -> Result<String, CommandError> {
    match words {
        [line] if line.as_ref().contains('\0') => Err(CommandError::Nul),
        [line] if !line.as_ref().trim().is_empty() => Ok(line.as_ref().to_owned()),
        [_] => Err(CommandError::Empty),
        words => non_interactive(words),
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const AWKWARD: [&str; 9] =
        ["a b", "it's", "\"q\"", "$HOME `id`", "new\nline\ttab", "", "\\", "#no comment", "ünï ☃ 'mixed\" $x"];

    #[test]
    fn awkward_arguments_survive_splitting() {
        let words: Vec<&str> = std::iter::once("printf").chain(AWKWARD).collect();
        assert_eq!(shlex::split(&non_interactive(&words).unwrap()).unwrap(), words);
        assert_eq!(shlex::split(&interactive(&words).unwrap()).unwrap(), words);
    }

    #[test]
    fn nothing_and_nul_are_refused() {
        assert_eq!(non_interactive::<&str>(&[]), Err(CommandError::Empty));
        assert_eq!(non_interactive(&[""]), Err(CommandError::Empty));
        assert_eq!(interactive(&[" "]), Err(CommandError::Empty));
        assert_eq!(non_interactive(&["a", "\0"]), Err(CommandError::Nul));
        assert_eq!(interactive(&["\0"]), Err(CommandError::Nul));
    }

    #[test]
    fn one_word_is_a_line_for_the_shell() {
        assert_eq!(interactive(&["cd /var; ls | wc"]).unwrap(), "cd /var; ls | wc");
    }

    #[cfg(unix)]
    #[test]
    fn encoded_commands_keep_bytes_streams_and_code() {
        let script = r"printf '\377\000\n%s' '$x'; echo err >&2; exit 7";
        let words = shlex::split(&encoded(&["sh", "-c", script]).unwrap()).unwrap();
        let output = Command::new(&words[0]).args(&words[1..]).output().unwrap();
        assert_eq!(output.status.code(), Some(7));
        assert_eq!(output.stderr, b"err\n");
        assert_eq!(output.stdout, b"/wAKJHg=\n");
    }

    #[cfg(unix)]
    #[test]
    fn without_an_encoder_the_output_cannot_be_decoded() {
        let words = shlex::split(&encoded(&["echo", "x"]).unwrap()).unwrap();
        let output = Command::new("/bin/sh").args(&words[1..]).env("PATH", "/nowhere").output().unwrap();
        assert_eq!(output.stdout, b"!\n");
    }
}
