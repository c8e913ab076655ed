use super::*;
use clap::CommandFactory;

fn os(line: &str) -> Vec<OsString> {
    shlex::split(line).unwrap().into_iter().map(OsString::from).collect()
}

#[test]
fn the_destination_is_found_as_ssh_finds_it() {
    for (line, place) in [
        ("web-1", Some(0)),
        ("-p 22 web-1 uptime", Some(2)),
        ("-p22 -vvAl root web-1", Some(3)),
        ("-o User=x -L 1:h:2 -N web-1", Some(5)),
        ("-- web-1 -v", Some(1)),
        ("-Tt -i web-1 web-2", Some(3)),
        ("- x", Some(0)),
        ("-V", None),
        ("-Q cipher", None),
        ("-p", None),
        ("", None),
    ] {
        assert_eq!(Words::read(SSH, &os(line)).operands.first().copied(), place, "{line}");
    }
}

#[test]
fn options_end_where_the_remote_command_begins() {
    let words = Words::read(SSH, &os("-4 web-1 -l root -v ls -l -p 7 -- x"));
    let value = |text: &str| Some(text.to_owned());
    assert_eq!(words.options, [('4', None), ('l', value("root")), ('v', None)]);
    assert_eq!((words.operands.as_slice(), words.end_of_options()), (&[1][..], 1));
    let words = Words::read(SSH, &os("-4 -- web-1 -l"));
    assert_eq!((words.options.len(), words.end_of_options()), (1, 1));
    assert!(!Words::read(SSH, &os("web-1 -- -l x")).has("l"));
}

#[test]
fn settings_are_read_in_every_spelling() {
    for line in ["-o User=ubuntu", "-oUser=ubuntu", "-o 'user ubuntu'", "-o 'USER = \"ubuntu\"'", "-qo User=ubuntu"] {
        assert_eq!(
            Words::read(SSH, &os(&format!("{line} -o User=second h"))).setting("user"),
            Some("ubuntu"),
            "{line}"
        );
    }
    assert_eq!(Words::read(SSH, &os("-o UserKnownHostsFile=x -o User h")).setting("user"), None);
}

#[test]
fn files_of_scp_are_told_apart() {
    for (operand, expected) in [
        ("web-1:x", Some(("web-1", "x"))),
        ("me@web-1:", Some(("me@web-1", ""))),
        ("web-1:/a b:c/d", Some(("web-1", "/a b:c/d"))),
        ("./a:b", None),
        ("/a:b", None),
        (":b", None),
        ("a", None),
    ] {
        assert_eq!(split_remote(OsStr::new(operand)), expected, "{operand}");
    }
    assert_eq!(Words::read(SCP, &os("-r -P 22 a -x:y web-1:b")).operands, [3, 4, 5]);
    assert_eq!(Words::read(SCP, &os("-- -a web-1:b")).operands, [1, 2]);
}

#[test]
fn what_scp_means_otherwise_is_not_taken_for_ssh() {
    let words = Words::read(SCP, &os("-Ol 100 -P 2222 -i key a web-1:b"));
    // Its `-P` is the `-p` of ssh; its `-O` and `-l` are not those of ssh.
    let expected = [('p', "2222"), ('i', "key")].map(|(letter, value)| (letter, Some(value.to_owned())));
    assert_eq!(words.options, expected);
    assert_eq!(words.operands, [6, 7]);
}

#[test]
fn users_end_at_the_last_at() {
    assert_eq!(split_user("web-1"), (None, "web-1"));
    assert_eq!(split_user("a@corp@web-1"), (Some("a@corp"), "web-1"));
}

#[test]
fn long_options_are_ours_and_short_ones_are_not() {
    let apart = |line: &str| {
        let args = set_apart(crate::cli::args::Cli::command(), os(line));
        shlex::try_join(args.iter().map(|arg| arg.to_str().unwrap())).unwrap()
    };
    for (typed, expected) in [
        ("ssmx ssh web-1", "ssmx ssh -- web-1"),
        ("ssmx -p work ssh -p 22 web-1 -v ls --help", "ssmx -p work ssh -- -p 22 web-1 -v ls --help"),
        ("ssmx ssh --region eu-west-1 -q --no-push-key web-1", "ssmx ssh --region eu-west-1 --no-push-key -- -q web-1"),
        ("ssmx ssh web-1 --key=k --profile p ls", "ssmx ssh '--key=k' --profile p -- web-1 ls"),
        ("ssmx ssh -- --key", "ssmx ssh -- -- --key"),
        ("ssmx ssh --help", "ssmx ssh --help"),
        ("ssmx ssh --unknown web-1", "ssmx ssh -- --unknown web-1"),
        ("ssmx scp -r --key k a web-1:b", "ssmx scp --key k -- -r a web-1:b"),
        ("ssmx ssh", "ssmx ssh"),
        ("ssmx exec ssh -- ssh --key", "ssmx exec ssh -- ssh --key"),
        ("ssmx shell ssh", "ssmx shell ssh"),
    ] {
        assert_eq!(apart(typed), expected, "{typed}");
    }
}
