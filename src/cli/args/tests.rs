use super::*;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    parse_at(line, false)
}

fn parse_at(line: &str, asks: bool) -> Result<Cli, clap::Error> {
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
fn nothing_is_a_shell_where_somebody_can_be_asked() {
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
    assert_eq!(parse("ssmx exce").unwrap().mistyped.as_deref(), Some("exec"));
    assert_eq!(parse("ssmx web-1").unwrap().mistyped, None);
    assert_eq!(parse("ssmx shell exce").unwrap().mistyped, None);
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
