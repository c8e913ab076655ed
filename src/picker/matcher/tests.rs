use super::*;
use crate::fleet::Instance;
use crate::testing::instance;

fn quality(query: &str, instance: Instance) -> Option<Quality> {
    let row = Row::new(instance, 0);
    let mut matcher = Matcher::new();
    matcher.set_query(Query::parse(query, false));
    matcher.quality(&row, row.letters())
}

fn kind(query: &str) -> Option<Kind> {
    let mut one = instance("i-0a1b2c3d", "orders-db-1");
    one.tags.insert("Role".into(), "Postgres".into());
    one.tags.insert("aws:cloudformation:stack-name".into(), "orders-stack".into());
    quality(query, one).map(|quality| quality.kind)
}

#[test]
fn name_id_address_and_tags_are_looked_through() {
    assert_eq!(kind("orders-db-1"), Some(Kind::Exact));
    assert_eq!(kind("i-0a1b2c3d"), Some(Kind::Exact));
    assert_eq!(kind("10.1.0.10"), Some(Kind::Exact));
    assert_eq!(kind("orders"), Some(Kind::Name));
    assert_eq!(kind("0a1b"), Some(Kind::Id));
    assert_eq!(kind("orders 10.1"), Some(Kind::Id));
    assert_eq!(kind("postgres"), Some(Kind::Anywhere));
    assert_eq!(kind("eu-west"), Some(Kind::Anywhere));
    assert_eq!(kind("stack"), Some(Kind::Anywhere));
    assert_eq!(kind("ordb"), Some(Kind::Letters));
    assert_eq!(kind("postgrs"), Some(Kind::Letters));
    assert_eq!(kind("bdro"), None);
    assert_eq!(kind("0a3d"), None, "letters of an id in order mean nothing");
}

#[test]
fn several_words_hold_in_any_order() {
    assert_eq!(kind("db orders"), Some(Kind::Name));
    assert_eq!(kind("prod orders"), Some(Kind::Anywhere));
    assert_eq!(kind("orders nowhere"), None);
}

#[test]
fn an_upper_case_letter_makes_case_count() {
    assert_eq!(kind("ORDERS"), None);
    assert_eq!(kind("Postgres"), Some(Kind::Anywhere));
    assert_eq!(kind("postGres"), None);
}

#[test]
fn values_of_tags_and_columns() {
    for holds in [
        "env=prod",
        "Env=p*",
        "role=postgres",
        "platform=linux",
        "name=orders-*",
        "status=online",
        "!env=dev",
        "region=eu-*",
    ] {
        assert!(kind(holds).is_some(), "{holds}");
    }
    for fails in ["env=pro", "ENV=prod", "env=*x", "!env=prod", "role=", "nothing=x", "public_ip=*", "platform=windows"]
    {
        assert_eq!(kind(fails), None, "{fails}");
    }
}

#[test]
fn what_is_excluded_is_excluded_as_a_whole_word() {
    assert_eq!(kind("orders !postgres"), None);
    assert_eq!(kind("orders !0a1b"), None);
    assert_eq!(kind("orders !0a"), Some(Kind::Name), "of an id it is too little");
    assert_eq!(kind("orders !ordb"), Some(Kind::Name));
}

#[test]
fn accents_and_scripts() {
    let name = |name: &str| instance("i-1", name);
    assert!(quality("cafe", name("café-1")).is_some());
    assert!(quality("café", name("cafe-1")).is_none());
    assert!(quality("日語", name("日本語")).is_some());
    assert!(quality("straße", name("STRASSE")).is_none());
}

#[test]
fn the_letters_that_matched_are_known() {
    let places = |query: &str, text: &str, scattered| {
        let mut matcher = Matcher::new();
        matcher.set_query(Query::parse(query, true));
        let mut places = Vec::new();
        matcher.places(&Text::new(text), scattered, &mut places);
        places
    };
    assert_eq!(places("db ord", "orders-db-1", true), [0, 1, 2, 7, 8]);
    assert_eq!(places("ordb", "orders-db-1", true), [0, 1, 7, 8]);
    assert_eq!(places("ordb", "orders-db-1", false), [0_u32; 0]);
    assert_eq!(places("本", "日本語", true), [1]);
    assert_eq!(places("b", "\x07b", true), [5], "after the control character was written out");
}
