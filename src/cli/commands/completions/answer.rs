//! The answer to a shell when Tab is pressed. This runs at a key press, so no thread is started and AWS is not asked.

use std::env;
use std::io::{self, Write};

use clap_complete::CompletionCandidate;

use super::Shell;
use super::quoting::{Word, quote, quote_for_powershell, split};
use super::values::candidates;
use crate::cli::exit::Exit;
use crate::environment::{COMPLETE, COMPLETE_BREAKS, COMPLETE_LINE, Variable};
use crate::text::printable;

/// Answers, if it is a shell that has called ssmx, and returns how to exit. To be asked before anything else is done.
///
/// A failure is as good as no answer: it could be shown nowhere.
pub(crate) fn answer() -> Option<Exit> {
    let shell = COMPLETE.text()?;
    let Some(shell) = Shell::named(&shell) else { return Some(Exit::USAGE) };
    let request = Request::read(shell);
    let answer = request.text(&candidates(&request.words));
    let written = io::stdout().lock().write_all(answer.as_bytes());
    Some(if written.is_ok() { Exit::FINE } else { Exit::FAILED })
}

/// A question of a shell.
struct Request {
    shell: Shell,
    /// From the program's name to the word at the cursor, of which only what is in front of the cursor.
    words: Vec<String>,
    /// How the last word is typed.
    last: Word,
}

impl Request {
    fn read(shell: Shell) -> Self {
        let args: Vec<String> = env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect();
        let text = |variable: Variable| variable.text().unwrap_or_default();
        match shell {
            Shell::Bash => Self::of_line(shell, &text(COMPLETE_LINE), &text(COMPLETE_BREAKS)),
            Shell::Powershell => Self::of_lines(shell, &text(COMPLETE_LINE), &text(COMPLETE_BREAKS)),
            // Behind the program's name and `--`.
            _ => Self::of_words(shell, args.into_iter().skip(2).collect()),
        }
    }

    fn of_line(shell: Shell, line: &str, separators: &str) -> Self {
        let mut words = split(line, separators);
        let last = words.pop().unwrap_or_default();
        let words = words.into_iter().map(|word| word.value).collect();
        Self::new(shell, words, last)
    }

    /// Of words that are on a line each, without their quotes. Of the last one the shell keeps what stands in front of the
    /// last separator.
    fn of_lines(shell: Shell, lines: &str, separators: &str) -> Self {
        let mut words: Vec<String> = lines.split('\n').map(str::to_owned).collect();
        let value = words.pop().unwrap_or_default();
        let kept = value.rfind(|c| separators.contains(c)).map_or(0, |at| at + 1);
        Self::new(shell, words, Word { value, kept, open: None })
    }

    fn of_words(shell: Shell, mut words: Vec<String>) -> Self {
        let last = words.pop().unwrap_or_default();
        match shell {
            Shell::Zsh => {
                let words = words.iter().map(|raw| Word::read(raw, "").value).collect();
                Self::new(shell, words, Word::read(&last, ""))
            }
            Shell::Fish => Self::new(shell, words, Word::read(&last, "")),
            // These hand over what words mean.
            _ => Self::new(shell, words, Word { value: last, ..Word::default() }),
        }
    }

    /// Settings for this one command may stand in front of it.
    fn new(shell: Shell, mut words: Vec<String>, last: Word) -> Self {
        let is_setting = |word: &String| {
            let name = word.split_once('=').map_or("", |(name, _)| name);
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        let settings = words.iter().take_while(|word| is_setting(word)).count();
        words.drain(..settings);
        words.push(last.value.clone());
        Self { shell, words, last }
    }

    /// The answer as the shell expects it.
    fn text(&self, candidates: &[CompletionCandidate]) -> String {
        let mut text = String::new();
        for candidate in candidates {
            // One that is not valid UTF-8 cannot be handed over, and one that could command the terminal must not be.
            let Some(value) = candidate.get_value().to_str().filter(|value| printable(value) == **value) else {
                continue;
            };
            let help = candidate.get_help().filter(|_| self.shell.shows_help()).map(ToString::to_string);
            let help = help.unwrap_or_default();
            let help = printable(help.lines().next().unwrap_or_default()).into_owned();
            if let Some(line) = self.line(value, &help) {
                text.push_str(&line);
                text.push('\n');
            }
        }
        text
    }

    fn line(&self, value: &str, help: &str) -> Option<String> {
        let described = |value: &str, separator: char| {
            if help.is_empty() { value.to_owned() } else { format!("{value}{separator}{help}") }
        };
        Some(match self.shell {
            Shell::Bash => quote(value.strip_prefix(&self.last.value[..self.last.kept])?, self.last.open),
            Shell::Zsh => {
                let mark = if value.ends_with(['/', ':', '=']) { '+' } else { '=' };
                let escaped = value.replace('\\', "\\\\").replace(':', "\\:");
                format!("{mark}{}", described(&escaped, ':'))
            }
            Shell::Fish => described(value, '\t'),
            Shell::Powershell => {
                described(&quote_for_powershell(value.strip_prefix(&self.last.value[..self.last.kept])?), '\t')
            }
            Shell::Elvish => value.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(request: &Request) -> Vec<&str> {
        request.words.iter().map(String::as_str).collect()
    }

    fn candidates() -> Vec<CompletionCandidate> {
        let named = |value: &str, help: &str| CompletionCandidate::new(value).help(Some(help.to_owned().into()));
        vec![named("root@web server:", "i-1\nonline"), named("evil\x1b]0;x", ""), CompletionCandidate::new("root@a:b")]
    }

    #[test]
    fn bash_gets_what_follows_its_last_separator_with_quotes() {
        let request = Request::of_line(Shell::Bash, "A=1 ssmx 'x y' root@we", " :=@");
        assert_eq!(words(&request), ["ssmx", "x y", "root@we"]);
        assert_eq!(request.text(&candidates()), "web\\ server:\na:b\n");
        let request = Request::of_line(Shell::Bash, "ssmx 'root@we", " :=@");
        assert_eq!(request.text(&candidates()), "root@web server:\nroot@a:b\n");
        assert_eq!(words(&Request::of_line(Shell::Bash, "ssmx ", "")), ["ssmx", ""]);
        assert_eq!(words(&Request::of_line(Shell::Bash, "", "")), [""]);
    }

    #[test]
    fn the_others_get_lines_in_their_own_form() {
        let raw = ["FOO=1", "ssmx", "a\\ b", "we"].map(str::to_owned).to_vec();
        let request = Request::of_words(Shell::Zsh, raw.clone());
        assert_eq!(words(&request), ["ssmx", "a b", "we"]);
        assert_eq!(request.text(&candidates()), "+root@web server\\::i-1\n=root@a\\:b\n");
        let fish = Request::of_words(Shell::Fish, raw.clone());
        assert_eq!(fish.text(&candidates()), "root@web server:\ti-1\nroot@a:b\n");
        let elvish = Request::of_words(Shell::Elvish, raw.clone());
        assert_eq!(elvish.text(&candidates()), "root@web server:\nroot@a:b\n");
    }

    #[test]
    fn powershell_hands_over_a_word_a_line_and_keeps_the_head_of_a_list() {
        let request = Request::of_lines(Shell::Powershell, "ssmx\na b\n\nwe", "");
        assert_eq!(words(&request), ["ssmx", "a b", "", "we"]);
        assert_eq!(request.text(&candidates()), "'root@web server:'\ti-1\n'root@a:b'\n");
        let regions = [CompletionCandidate::new("us-east-1,us-west-2"), CompletionCandidate::new("us-east-1,b c")];
        let request = Request::of_lines(Shell::Powershell, "ssmx\nls\n--region\nus-east-1,", ",");
        assert_eq!(words(&request), ["ssmx", "ls", "--region", "us-east-1,"]);
        assert_eq!(request.text(&regions), "us-west-2\n'b c'\n");
        assert_eq!(words(&Request::of_lines(Shell::Powershell, "", "")), [""]);
    }
}
