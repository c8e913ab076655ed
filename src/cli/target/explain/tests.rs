use std::path::Path;

use super::*;

fn profile(name: &str, region: Option<&str>, asks: bool) -> aws::Profile {
    aws::Profile { name: name.to_owned(), region: region.map(str::to_owned), asks }
}

#[test]
fn other_regions_come_before_other_accounts_each_of_them_once() {
    let text = "[defaults]\nregion = \"eu-west-1\"\n[profiles.prod]\nregion = \"eu-west-2\"\n\
                    [targets.db]\nid = \"i-0123abcd\"\nregion = \"us-east-1\"\n";
    let config = Config::parse(text, Path::new("config.toml")).unwrap();
    let profiles = [
        profile("dev", Some("us-east-1"), false),
        profile("mfa", Some("ap-south-1"), true),
        profile("prod", Some("eu-north-1"), false),
        profile("work", Some("eu-west-1"), false),
    ];
    let here = Place { profile: Some("work".to_owned()), region: "eu-west-1".to_owned() };
    let places = configured(&here, &config, &profiles, |name| name == "work");
    let places: Vec<_> = places.iter().map(Place::to_string).collect();
    assert_eq!(
        places,
        [
            "eu-west-2 (work)",
            "us-east-1 (work)",
            "ap-south-1 (work)",
            "eu-north-1 (work)",
            "eu-west-1 (dev)",
            "us-east-1 (dev)",
            "eu-west-1 (prod)",
            "eu-west-2 (prod)",
        ]
    );
}

#[test]
fn documents_have_their_purposes() {
    assert_eq!(purpose(None), Purpose::Shell);
    assert_eq!(purpose(Some("SSM-SessionManagerRunShell")), Purpose::Shell);
    assert_eq!(purpose(Some("Corp-Shell")), Purpose::Shell);
    assert_eq!(purpose(Some(Document::RemotePort.name())), Purpose::RemotePort);
}

fn not_connected() -> CliError {
    CliError::new(ErrorKind::NotConnected, "i-1 is not connected").hint("the usual")
}

fn reason(code: &'static str, certain: bool) -> Reason {
    Reason { code, certain, what: code.to_owned(), seen: "seen".to_owned(), fix: vec![format!("fix {code}")] }
}

#[test]
fn what_was_found_out_takes_the_place_of_what_is_usual() {
    let reasons = vec![reason("a", true), reason("b", false), reason("denied", true)];
    let diagnosis =
        |verdict| Diagnosis { verdict, summary: "a".to_owned(), reasons: reasons.clone(), cautions: Vec::new() };
    let known = explained(not_connected(), &diagnosis(Verdict::NotConnected));
    assert_eq!((known.message(), known.causes()), ("i-1 is not connected", &["a (seen)".to_owned()][..]));
    assert_eq!(known.hints(), ["fix a", "b: fix b", "denied: fix denied"]);
    assert_eq!(known.kind(), ErrorKind::NotConnected);

    let unknown = explained(not_connected(), &diagnosis(Verdict::Undetermined(aws::ErrorKind::Permission)));
    assert_eq!((unknown.causes().len(), unknown.hints()[0].as_str()), (0, "the usual"));
    let passed = explained(not_connected(), &diagnosis(Verdict::Reachable));
    assert_eq!(passed.hints().len(), 2);
}
