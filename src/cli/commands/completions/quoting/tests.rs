use super::*;

/// What PowerShell takes a word on its command line for, by the rules of its tokenizer (`ScanStringLiteral`,
/// `ScanGenericToken`, `CharTraits`); none if it is more than one word, or has something to run or to expand.
fn read_by_powershell(word: &str) -> Option<String> {
    let mut chars = word.chars().peekable();
    let quote = is_single_quote_of_powershell;
    if chars.next_if(|c| quote(*c)).is_none() {
        let special = |c: char| c.is_whitespace() || c.is_control() || "&(),;{|}`$\"<>#@".contains(c) || quote(c);
        return (!word.is_empty() && !word.chars().any(special)).then(|| word.to_owned());
    }
    let mut text = String::new();
    loop {
        match chars.next()? {
            c if quote(c) => match chars.next_if(|next| quote(*next)) {
                Some(next) => text.push(next),
                // The word ends here, or another one would begin.
                None => return chars.next().is_none().then_some(text),
            },
            c => text.push(c),
        }
    }
}

#[test]
fn powershell_reads_what_was_quoted_as_it_was() {
    for value in [
        "web-1",
        "web server (1)",
        "it's",
        "it\u{2019}s",
        "\u{2018}; whoami \u{2019}",
        "\u{201a}\u{201b}'",
        "$(whoami)",
        "`x",
        "a;b",
        "a,b",
        "@x",
        "",
        "{}",
        "\u{2013}x",
        "\u{201c}x\u{201d}",
        "münchen",
        "#x",
        "--flag=a/b:c",
        "\u{a0}",
    ] {
        assert_eq!(read_by_powershell(&quote_for_powershell(value)).as_deref(), Some(value), "{value}");
    }
    assert_eq!(quote_for_powershell("it\u{2019}s"), "'it\u{2019}\u{2019}s'");
}

fn values(line: &str) -> Vec<String> {
    split(line, ":=@").into_iter().map(|word| word.value).collect()
}

#[test]
fn a_line_is_taken_apart_as_a_shell_does() {
    for (line, expected) in [
        ("ssmx", &["ssmx"][..]),
        ("ssmx ", &["ssmx", ""]),
        ("  ssmx  a\t'b c' ", &["ssmx", "a", "b c", ""]),
        (r#"ssmx a\ b "c \"d\" \e" 'f\'"#, &["ssmx", "a b", "c \"d\" \\e", "f\\"]),
        ("ssmx 'web ser", &["ssmx", "web ser"]),
        ("ssmx '' x", &["ssmx", "", "x"]),
        ("ssmx we\\", &["ssmx", "we"]),
        ("", &[""]),
    ] {
        assert_eq!(values(line), expected, "{line}");
    }
}

#[test]
fn what_the_shell_keeps_ends_at_a_separator_or_an_open_quote() {
    let kept = |raw: &str| {
        let word = Word::read(raw, ":=@");
        word.value[..word.kept].to_owned()
    };
    assert_eq!(kept("web-1"), "");
    assert_eq!(kept("root@web-1"), "root@");
    assert_eq!(kept("--profile=wo"), "--profile=");
    assert_eq!(kept("web-1:/etc/h"), "web-1:");
    assert_eq!(kept("--profile='my wo"), "--profile=");
    assert_eq!(kept("'root@web"), "");
    assert_eq!(kept(r"a\:b"), "");
    assert_eq!(Word::read("root@web", "").kept, 0);
}

#[test]
fn what_was_quoted_reads_as_it_was() {
    for value in ["web-1", "web server (1)", "it's", r#"a"$b`\c"#, "*?[x]", "#x;&|<>", "münchen", "!x"] {
        for open in [None, Some('\''), Some('"')] {
            let typed = format!("{}{}", open.map_or(String::new(), String::from), quote(value, open));
            assert_eq!(Word::read(&typed, "").value, value, "{typed}");
        }
    }
    assert_eq!(quote("~/a:b@c=d", None), "~/a:b@c=d");
}

proptest::proptest! {
    #[test]
    fn powershell_finds_nothing_to_run(value in "[^\\x00-\\x1f\\x7f]{0,12}|[a'‘’‚‛$(;`,]{0,8}") {
        proptest::prop_assert_eq!(read_by_powershell(&quote_for_powershell(&value)), Some(value));
    }

    #[test]
    fn no_line_brings_it_down(line in r#"[a '"\\@:]{0,30}"#) {
        let words = split(&line, ":=@");
        proptest::prop_assert!(words.iter().all(|word| word.value.is_char_boundary(word.kept)));
    }
}
