use super::*;
use crate::cli::commands::shell;

impl Refusal {
    fn exit_code(&self) -> i32 {
        match self {
            Self::Clap(error) => error.exit_code(),
            Self::Explained(error) => error.exit().code().into(),
        }
    }
}

fn parse(line: &str) -> Result<Cli, Refusal> {
    parse_at(line, false)
}

fn parse_at(line: &str, asks: bool) -> Result<Cli, Refusal> {
    let words = shlex::split(line).unwrap();
    Cli::read(words.into_iter().map(OsString::from).collect(), asks)
}

fn shell(line: &str) -> (Globals, shell::Args) {
    match parse(line) {
        Ok(Cli { globals, command: Command::Shell(args), .. }) => (globals, args),
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn a_target_alone_is_a_shell() {
    assert_eq!(shell("ssmx web-1").1.target.as_deref(), Some("web-1"));
    assert_eq!(shell("ssmx sh web-1").1.target.as_deref(), Some("web-1"));
    assert_eq!(shell("ssmx shell shell").1.target.as_deref(), Some("shell"));
    let (_, args) = shell("ssmx -- top -b");
    assert_eq!((args.target, args.command), (None, vec!["top".to_owned(), "-b".to_owned()]));
    let (globals, args) = shell("ssmx -vp work --region=eu-west-1 web-1 --document D -q -- top -b 'a b'");
    assert_eq!(args.target.as_deref(), Some("web-1"));
    assert_eq!(args.document.as_deref(), Some("D"));
    assert_eq!(args.command, ["top", "-b", "a b"]);
    assert_eq!((globals.profile.as_deref(), globals.region.as_deref()), (Some("work"), Some("eu-west-1")));
    assert!(globals.quiet && globals.verbose == 1);
    assert_eq!(shell("ssmx --reason why web-1").1.reason.as_deref(), Some("why"));
    assert_eq!(shell("ssmx -p exec web-1").0.profile.as_deref(), Some("exec"));
}

#[test]
fn nothing_is_a_shell_where_the_person_can_choose() {
    for line in ["ssmx", "ssmx -p work"] {
        let Ok(Cli { command: Command::Shell(args), .. }) = parse_at(line, true) else { panic!("{line}") };
        assert_eq!(args.target, None);
    }
    assert_eq!(parse_at("ssmx --help", true).unwrap_err().exit_code(), 0);
    assert_eq!(parse_at("ssmx -V", true).unwrap_err().exit_code(), 0);
    assert_eq!(parse_at("ssmx -p", true).unwrap_err().exit_code(), 2);
    assert!(matches!(parse_at("ssmx ssh-config", true).unwrap().command, Command::SshConfig(_)));
}

#[test]
fn a_mistyped_command_is_remembered() {
    assert_eq!(parse("ssmx exce").unwrap().meant.as_deref(), Some("ssmx exec"));
    assert_eq!(parse("ssmx -p work exce -- id").unwrap().meant.as_deref(), Some("ssmx -p work exec -- id"));
    assert_eq!(parse("ssmx web-1").unwrap().meant, None);
    assert_eq!(parse("ssmx shell exce").unwrap().meant, None);
}

/// The message and the hints about a line that is refused; None where they are clap's.
fn explained(line: &str) -> Option<Vec<String>> {
    match parse(line).unwrap_err() {
        Refusal::Clap(_) => None,
        Refusal::Explained(error) => {
            assert_eq!(error.exit().code(), 2);
            Some(
                [error.message()]
                    .into_iter()
                    .chain(error.hints().iter().map(String::as_str))
                    .map(str::to_owned)
                    .collect(),
            )
        }
    }
}

#[test]
fn a_mistyped_command_with_more_words_names_the_nearest_one() {
    assert_eq!(
        explained("ssmx shel web-1").unwrap(),
        [
            "`shel` is not a command",
            "did you mean `ssmx shell web-1`?",
            "if `shel` is a target, put a command to run after `--`: `ssmx shel -- web-1`",
        ]
    );
    assert_eq!(
        explained("ssmx -q exce web-1 -- sh -c 'a b'").unwrap(),
        ["`exce` is not a command", "did you mean `ssmx -q exec web-1 -- sh -c 'a b'`?"]
    );
    assert_eq!(
        explained("ssmx lss --all-regions").unwrap(),
        ["`lss` is not a command", "did you mean `ssmx ls --all-regions`?"]
    );
    assert_eq!(
        explained("ssmx exce web-1").unwrap()[..2],
        ["`exce` is not a command", "did you mean `ssmx exec web-1`?"]
    );
}

#[test]
fn a_line_that_no_command_takes_is_not_offered() {
    for line in ["ssmx fw --nonsense", "ssmx proxy-1 --frist"] {
        assert_eq!(explained(line), None, "{line}");
    }
    assert_eq!(parse("ssmx proxy-1 --document D").unwrap().meant.as_deref(), Some("ssmx proxy --document D"));
    assert_eq!(parse("ssmx pik --document D").unwrap().meant, None);
}

#[test]
fn a_command_stands_behind_dashes() {
    let hint = |line: &str| explained(line).unwrap()[1..].to_vec();
    assert_eq!(explained("ssmx web-1 uptime").unwrap()[0], "unexpected argument `uptime`");
    let expected = "put a command to run after `--`: `ssmx web-1 -- uptime`";
    assert_eq!(hint("ssmx web-1 uptime"), [expected]);
    assert_eq!(hint("ssmx web-1 web-1"), [expected.replace("uptime", "web-1")]);
    assert_eq!(hint("ssmx shell web-1 ls -l /"), ["put a command to run after `--`: `ssmx shell web-1 -- ls -l /`"]);
    assert_eq!(
        hint("ssmx -r eu-west-1 --document D web-1 uptime"),
        ["put a command to run after `--`: `ssmx -r eu-west-1 --document D web-1 -- uptime`"]
    );
    for other in ["ssmx web-1 --nonsense", "ssmx web-1 a -- b", "ssmx ls --nonsense", "ssmx exec web-1 uptime"] {
        assert_eq!(explained(other), None, "{other}");
    }
}

#[test]
fn hints_name_commands_that_exist() {
    let mut cli = Cli::command();
    cli.build();
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                // Tests quote mistakes.
                folders.extend(Some(path).filter(|path| !path.ends_with("args")));
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for (at, _) in text.match_indices("`ssmx ") {
                let rest = &text[at + "`ssmx ".len()..];
                let word = rest.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).next().unwrap_or_default();
                let stands_for_a_command =
                    !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
                if stands_for_a_command && !word.starts_with('-') {
                    seen += 1;
                    assert!(cli.find_subcommand(word).is_some(), "{}: `ssmx {word}`", path.display());
                }
            }
        }
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn exec_takes_targets_and_a_command_exactly_as_given() {
    let Ok(Cli { command: Command::Exec(args), .. }) = parse("ssmx exec a b --binary -- echo '' ' $x' -v --") else {
        panic!()
    };
    assert_eq!(args.targets, ["a", "b"]);
    assert_eq!(args.command, ["echo", "", " $x", "-v", "--"]);
    assert!(args.binary);
    for incomplete in ["ssmx exec a", "ssmx exec", "ssmx exec a --"] {
        assert_eq!(parse(incomplete).unwrap_err().exit_code(), 2, "{incomplete}");
    }
}

#[test]
fn fwd_takes_forwards_and_a_command() {
    let Ok(Cli { command: Command::Fwd(args), .. }) = parse("ssmx fwd db 5432 8080:web:80 -- psql -p {port} --") else {
        panic!()
    };
    assert_eq!((args.target.as_str(), args.forwards.len()), ("db", 2));
    assert_eq!(args.command, ["psql", "-p", "{port}", "--"]);
    for bad in ["ssmx fwd", "ssmx fwd db --bind nowhere 80", "ssmx fwd db 80 -o x"] {
        assert_eq!(parse(bad).unwrap_err().exit_code(), 2, "{bad}");
    }
}

#[test]
fn endpoints_are_urls() {
    assert!(parse("ssmx --endpoint-url http://127.0.0.1:4566 x").is_ok());
    for bad in ["127.0.0.1:80", "ftp://x", "https://", "/x"] {
        assert!(parse(&format!("ssmx --endpoint-url {bad} x")).is_err(), "{bad}");
    }
}

#[test]
fn help_is_help_and_nothing_is_usage() {
    for line in ["ssmx --help", "ssmx help", "ssmx help exec", "ssmx -V", "ssmx sandbox --help"] {
        assert_eq!(parse(line).unwrap_err().exit_code(), 0, "{line}");
    }
    assert_eq!(parse("ssmx").unwrap_err().exit_code(), 2);
    assert_eq!(parse("ssmx -q -p work").unwrap_err().exit_code(), 2);
}
