use std::process;

use super::*;

const AWKWARD: [&str; 14] = [
    "a b",
    "it's",
    "\"q\"",
    "$HOME `id`",
    "new\nline\ttab",
    "",
    "\\",
    "#no comment",
    "ünï ☃ 'mixed\" $x",
    "{{ssm:/x}}",
    "{{{{{",
    "'{{'",
    "$$ ${x} $1 $é $",
    "$'{{",
];

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn text(command: &Result<Command, CommandError>) -> String {
    command.clone().unwrap().text(Dialect::Posix, true).unwrap()
}

/// Nothing that an agent replaces, nor Go's `ReplaceAllString`.
fn is_left_alone(text: &str) -> bool {
    let after_dollar = |c: char| c.is_alphanumeric() || "_{$".contains(c);
    !text.contains("{{") && !text.match_indices('$').any(|(at, _)| text[at + 1..].starts_with(after_dollar))
}

#[test]
fn awkward_arguments_survive_splitting_and_are_left_alone() {
    let words = [words(&["printf"]), words(&AWKWARD)].concat();
    for command in [Command::plain(&words), Command::on_terminal(&words)] {
        let text = text(&command);
        assert_eq!(shlex::split(&text).unwrap(), words);
        assert!(is_left_alone(&text), "{text}");
    }
    let encoded = text(&Command::plain(&words).map(Command::with_encoded_output));
    assert!(is_left_alone(&encoded), "{encoded}");
    assert!(is_left_alone(&text(&Ok(Command::carrier(&Pipe::new())))));
}

#[test]
fn nothing_nul_and_what_is_too_long_are_refused() {
    assert_eq!(Command::plain(&[]), Err(CommandError::Empty));
    assert_eq!(Command::plain(&words(&[""])), Err(CommandError::Empty));
    assert_eq!(Command::on_terminal(&words(&[" "])), Err(CommandError::Empty));
    assert_eq!(Command::plain(&words(&["a", "\0"])), Err(CommandError::Nul));
    assert_eq!(Command::on_terminal(&words(&["\0"])), Err(CommandError::Nul));
    let long = |length| Command::plain(&words(&["a", &"x".repeat(length - 2)])).unwrap().text(Dialect::Posix, false);
    assert!(long(LONGEST).is_ok());
    assert_eq!(long(LONGEST + 1), Err(CommandError::Long(LONGEST + 1)));
}

#[test]
fn one_word_is_a_line_for_the_shell() {
    let line = |line: &str, in_document| {
        Command::on_terminal(&words(&[line])).unwrap().text(Dialect::Posix, in_document).unwrap()
    };
    assert_eq!(line("cd $HOME; ls | wc", false), "cd $HOME; ls | wc");
    assert_eq!(line("echo {{x}}", false), "eval 'echo {''{x}}'");
    assert_eq!(line("cd $HOME", true), "eval 'cd $'HOME");
}

#[test]
fn encoded_commands_keep_bytes_streams_and_code() {
    let script = r"printf '\377\000\n%s' '$x'; echo err >&2; exit 7";
    let encoded = Command::plain(&words(&["sh", "-c", script])).map(Command::with_encoded_output);
    let words = shlex::split(&text(&encoded)).unwrap();
    let output = process::Command::new(&words[0]).args(&words[1..]).output().unwrap();
    assert_eq!(output.status.code(), Some(7));
    assert_eq!(output.stderr, b"err\n");
    assert_eq!(output.stdout, b"/wAKJHg=\n");
}

#[test]
fn without_an_encoder_the_output_cannot_be_decoded() {
    let words = shlex::split(&text(&Command::plain(&words(&["echo", "x"])).map(Command::with_encoded_output))).unwrap();
    let output = process::Command::new("/bin/sh").args(&words[1..]).env("PATH", "/nowhere").output().unwrap();
    assert_eq!(output.stdout, b"!\n");
}
