use super::*;
use crate::sandbox::testing::{self, session};

#[test]
fn a_new_token_replaces_the_older_one() {
    let session = session(1);
    let first = session.token();
    assert!(session.opens_with(&first));
    let second = session.renew_token().unwrap();
    assert!(!session.opens_with(&first));
    assert!(session.opens_with(&second));
    assert!(!session.opens_with(""));
    session.over();
    assert!(session.renew_token().is_none());
    assert!(!format!("{session:?}").contains(second.as_str()));
}

#[test]
fn the_status_follows_client_and_agent() {
    let session = Arc::new(session(1));
    assert_eq!(session.status(), "Connecting");
    let older = session.attach();
    assert_eq!(session.status(), "Connected");
    let newer = session.attach();
    assert!(!older.is_current() && newer.is_current());
    drop(older);
    assert_eq!(session.status(), "Connected");
    drop(newer);
    assert_eq!(session.status(), "Disconnected");
    assert!(session.terminate());
    assert!(!session.terminate());
    assert_eq!(session.status(), "Terminating");
    session.close(Outcome::failed("x"));
    session.over();
    assert_eq!((session.status(), session.output().as_str()), ("Failed", "x"));
    assert!(session.ended().is_some());
}

#[test]
fn long_output_is_cut_at_a_character() {
    let session = session(1);
    session.close(Outcome::failed("ä".repeat(MOST_OUTPUT)));
    assert_eq!(session.output().len(), MOST_OUTPUT);
    let session = testing::session(2);
    session.close(Outcome::failed(format!("x{}", "ä".repeat(MOST_OUTPUT))));
    assert_eq!(session.output().len(), MOST_OUTPUT - 1);
}
