use super::*;

const STARTED: &str = r#"{"SessionId":"alice-0123","TokenValue":"AAEAAtoken","StreamUrl":"wss://gateway/x"}"#;
const ASKED: &str = r#"{"Target":"i-0123456789abcdef0"}"#;
const SSM: &str = "https://ssm.eu-west-1.amazonaws.com";

fn parse(args: &[&str]) -> Result<Invocation, CallError> {
    Invocation::parse(&args.iter().map(Into::into).collect::<Vec<_>>())
}

fn call(args: &[&str]) -> Call {
    match parse(args) {
        Ok(Invocation::Start(call)) => *call,
        other => panic!("{args:?}: {other:?}"),
    }
}

fn mistake(args: &[&str]) -> (Mistake, Option<String>) {
    let error = parse(args).unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(!text.contains("AAEAA"), "{text}");
    (error.mistake, error.orphan.map(|orphan| orphan.session_id))
}

#[test]
fn all_six_arguments_are_taken_up() {
    let asked = r#"{"Target":"i-1","DocumentName":"D","Parameters":{"portNumber":["80"]},"Reason":"why"}"#;
    let call = call(&[STARTED, "eu-west-1", "StartSession", "work", asked, SSM]);
    assert_eq!((call.session.session_id.as_str(), call.session.token.expose()), ("alice-0123", "AAEAAtoken"));
    assert_eq!(call.session.stream_url, "wss://gateway/x");
    assert_eq!((call.account.region.as_deref(), call.account.profile.as_deref()), (Some("eu-west-1"), Some("work")));
    let request = call.request.as_ref().unwrap();
    assert_eq!((request.target.as_str(), request.document.as_deref()), ("i-1", Some("D")));
    assert_eq!((request.parameter("portNumber"), request.parameter("host")), (Some("80"), None));
    let shown = format!("{call:?}");
    assert!(!shown.contains("AAEAA") && !shown.contains("gateway"), "{shown}");
}

#[test]
fn what_a_call_hands_over_is_read_as_go_reads_it() {
    let lower =
        r#"{"sessionId":"alice-0123","streamUrl":"wss://gateway/x","tokenValue":"AAEAAtoken","more":[1e999,null]}"#;
    let called = call(&[lower, "eu-west-1", "StartSession", "", r#"{"Target":"ecs:c_t_r"}"#, SSM]);
    assert_eq!((called.session.session_id.as_str(), called.session.token.expose()), ("alice-0123", "AAEAAtoken"));
    assert_eq!(called.session.stream_url, "wss://gateway/x");
    assert_eq!(called.request.unwrap().target, "ecs:c_t_r");
    for (asked, target, document) in [
        (r#"{"Target":"i-1","DocumentName":null,"Parameters":null,"Reason":null}"#, "i-1", None),
        (r#"{"Target":"i-1","DocumentName":7,"Parameters":"x","Reason":"\ud800"}"#, "i-1", None),
        (r#"{"target":"i-1","documentName":"D"}"#, "i-1", Some("D")),
        (r#"{"Target":"i-1","Target":"i-2","target":"i-3"}"#, "i-2", None),
        (r#"{"Target":""}"#, "", None),
    ] {
        let request = call(&[STARTED, "eu-west-1", "StartSession", "", asked, SSM]).request.unwrap();
        assert_eq!((request.target.as_str(), request.document.as_deref()), (target, document), "{asked}");
        assert_eq!(request.parameter("x"), None);
    }
}

#[cfg(unix)]
#[test]
fn what_is_not_text_is_refused_where_it_counts() {
    use std::os::unix::ffi::OsStringExt;
    let bad = || OsString::from_vec(b"\xff".to_vec());
    let args = |at: usize, arg: OsString| {
        let mut args = [STARTED, "eu-west-1", "StartSession", "", ASKED, SSM, "more"].map(OsString::from);
        args[at] = arg;
        Invocation::parse(&args).map(drop).map_err(|error| error.mistake)
    };
    assert_eq!(args(1, bad()), Err(Mistake::NotText(2)));
    assert_eq!(args(6, bad()), Ok(()));
    let asked = OsString::from_vec(b"{\"Target\":\"i-1\",\"Reason\":\"\xff\"}".to_vec());
    assert_eq!(args(4, asked), Ok(()));
}

#[test]
fn the_endpoint_is_for_ssm_alone_unless_it_plays_all_of_aws() {
    let of = |asked, endpoint| call(&[STARTED, "eu-west-1", "StartSession", "", asked, endpoint]).account;
    let account = |endpoint| of(ASKED, endpoint);
    let real = account(SSM);
    assert_eq!((real.endpoint_url, real.ssm_endpoint_url.as_deref()), (None, Some(SSM)));
    let played = account("http://127.0.0.1:4566");
    assert_eq!((played.endpoint_url.as_deref(), played.ssm_endpoint_url), (Some("http://127.0.0.1:4566"), None));
    // That of a container is the endpoint of ECS.
    let container = of(r#"{"Target":"ecs:c_t_r"}"#, "https://ecs.eu-west-1.amazonaws.com");
    assert_eq!((container.endpoint_url, container.ssm_endpoint_url), (None, None));
    let none = account("");
    assert_eq!((none.endpoint_url, none.ssm_endpoint_url, none.profile), (None, None, None));
}

#[test]
fn a_cli_from_before_encryption_tells_no_target() {
    assert!(call(&[STARTED, "eu-west-1", "StartSession"]).request.is_none());
    assert!(call(&[STARTED, "eu-west-1", "StartSession", "work"]).request.is_none());
}

#[test]
fn presence_and_version_are_asked_for_without_a_session() {
    assert!(matches!(parse(&[]), Ok(Invocation::Presence)));
    assert!(matches!(parse(&["--version"]), Ok(Invocation::Version)));
    assert_eq!(mistake(&["--help"]), (Mistake::TooFew, None));
    assert_eq!(mistake(&[STARTED, "eu-west-1"]), (Mistake::TooFew, None));
}

#[test]
fn a_session_that_is_known_by_its_id_is_not_forgotten() {
    let id = || Some("alice-0123".to_owned());
    let of = |started: &str, asked: &str| mistake(&[started, "eu-west-1", "StartSession", "", asked, SSM]);
    assert_eq!(of(STARTED, "{}"), (Mistake::Missing(REQUEST, "Target"), id()));
    for asked in ["{", "7", "[]"] {
        let (mistake, orphan) = of(STARTED, asked);
        assert!(matches!(mistake, Mistake::Json { what: REQUEST, .. }), "{asked}: {mistake:?}");
        assert_eq!(orphan, id(), "{asked}");
    }
    assert_eq!(of(STARTED, r#"{"Target":7}"#), (Mistake::NoString(REQUEST, "Target"), id()));
    assert_eq!(of(STARTED, r#"{"Target":null}"#), (Mistake::Missing(REQUEST, "Target"), id()));
    let wrong = r#"{"SessionId":"alice-0123","TokenValue":7,"StreamUrl":"wss://gateway/x"}"#;
    assert_eq!(of(wrong, ASKED), (Mistake::NoString(ANSWER, "TokenValue"), id()));
    let token = r#"{"SessionId":"alice-0123","StreamUrl":"wss://gateway/x"}"#;
    assert_eq!(of(token, ASKED), (Mistake::Missing(ANSWER, "TokenValue"), id()));
    let url = r#"{"SessionId":"alice-0123","TokenValue":"AAEAAtoken"}"#;
    assert_eq!(of(url, ASKED), (Mistake::Missing(ANSWER, "StreamUrl"), id()));
    let nothing = r#"{"SessionId":null,"TokenValue":"AAEAAtoken"}"#;
    assert_eq!(of(nothing, ASKED), (Mistake::Missing(ANSWER, "SessionId"), None));
    assert_eq!(mistake(&[STARTED, "eu-west-1", "StopSession"]), (Mistake::Operation, id()));
}

#[test]
fn errors_do_not_quote_what_was_handed_over() {
    let of = |bad: &str| mistake(&[bad, "eu-west-1", "StartSession", "", ASKED, SSM]);
    for bad in ["", "{", r#""AAEAAtoken""#, r#"{"TokenValue":"AAEAAtoken"#] {
        let (mistake, orphan) = of(bad);
        assert!(matches!(mistake, Mistake::Json { what: ANSWER, .. }), "{bad}: {mistake:?}");
        assert_eq!(orphan, None);
    }
    assert_eq!(of(r#"{"SessionId":["AAEAAtoken"]}"#), (Mistake::NoString(ANSWER, "SessionId"), None));
    assert_eq!(of(r#"{"TokenValue":{"AAEAA":1}}"#), (Mistake::Missing(ANSWER, "SessionId"), None));
    let variable = "AWS_SSM_START_SESSION_RESPONSE_NOT_SET";
    assert_eq!(mistake(&[variable, "eu-west-1", "StartSession"]), (Mistake::Variable, None));
}

#[test]
fn every_seed_of_the_fuzzer_passes() {
    crate::testing::every_seed_passes("plugin", super::super::check::check);
}
