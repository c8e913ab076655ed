use super::*;

fn parse(text: &str) -> Query {
    Query::parse(text, true)
}

#[test]
fn words_values_and_their_opposites() {
    let query = parse("Web !old env=prod !Role=db* x=y=z");
    assert_eq!(query.terms()[0], Term::Word(Word { text: "Web".into(), cased: true }));
    assert_eq!(query.terms()[1], Term::NotWord(Word { text: "old".into(), cased: false }));
    let Term::Value(env) = &query.terms()[2] else { panic!("{query:?}") };
    assert!(env.is_key("Env") && env.is_value("PROD") && !env.is_value("production") && !env.unfinished);
    let Term::NotValue(role) = &query.terms()[3] else { panic!("{query:?}") };
    assert!(role.is_key("Role") && !role.is_key("role") && role.is_value("db-1"));
    let Term::Value(last) = &query.terms()[4] else { panic!("{query:?}") };
    assert!(last.is_value("y=z") && last.unfinished);
    assert_eq!(query.words().count(), 1);
}

#[test]
fn what_is_not_yet_a_term_asks_for_nothing() {
    for text in ["", "  ", "!", "! ", "!env="] {
        assert_eq!(parse(text), Query::default(), "{text:?}");
    }
    assert_eq!(parse("=x").words().count(), 1);
}

#[test]
fn a_value_that_is_being_typed_needs_only_begin_so() {
    let value = |text: &str, unfinished| match &Query::parse(text, unfinished).terms()[0] {
        Term::Value(value) => value.clone(),
        other => panic!("{other:?}"),
    };
    assert!(value("env=pr", true).is_value("prod"));
    assert!(!value("env=pr ", true).is_value("prod"));
    assert!(!value("env=pr", false).is_value("prod"));
    assert!(value("env=", true).is_value("prod"));
    assert!(!value("env=", false).is_value("prod"));
}

#[test]
fn what_narrows_and_what_does_not() {
    let narrows = |from: &str, to: &str| parse(to).narrows(&parse(from));
    for (from, to) in
        [("", "a"), ("a", "a"), ("a", "ab"), ("a", "aB"), ("a", "a b"), ("a b", "a bc"), ("!a", "!a b"), ("A", "Ab")]
    {
        assert!(narrows(from, to), "{from:?} {to:?}");
    }
    for (from, to) in [
        ("ab", "a"),
        ("a", "ba"),
        ("!a", "!ab"),
        ("a b", "ab b"),
        ("A", "ab"),
        ("a", "a="),
        ("e=p", "e=p*d"),
        ("a b", "a"),
    ] {
        assert!(!narrows(from, to), "{from:?} {to:?}");
    }
}
