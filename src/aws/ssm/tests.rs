use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::aws::ErrorKind;
use crate::testing::{Answer, Fake};

const STARTED: &str = r#"{"SessionId":"alice-0123","TokenValue":"AAEAAtoken","StreamUrl":"wss://gateway/x"}"#;

fn request() -> StartSession {
    StartSession { target: "i-0123456789abcdef0".to_owned(), ..StartSession::default() }
}

#[tokio::test]
async fn a_session_starts_with_what_was_asked_and_its_token_does_not_show() {
    let fake = Fake::start(|_| Answer::json(STARTED)).await;
    let request = StartSession {
        document: Some("AWS-StartNonInteractiveCommand".to_owned()),
        parameters: [("command".to_owned(), vec!["uptime".to_owned()])].into(),
        reason: Some("incident 42".to_owned()),
        ..request()
    };
    let started = fake.aws().await.start_session(&request).await.unwrap();
    assert_eq!((started.session_id.as_str(), started.token.expose()), ("alice-0123", "AAEAAtoken"));
    assert!(!format!("{started:?}").contains("AAEAA"), "{started:?}");
    let seen = &fake.seen()[0];
    assert_eq!(seen.action, "StartSession");
    let body: serde_json::Value = serde_json::from_str(&seen.body).unwrap();
    assert_eq!(body["Target"], "i-0123456789abcdef0");
    assert_eq!(body["Parameters"]["command"][0], "uptime");
    assert_eq!(body["Reason"], "incident 42");
}

#[tokio::test]
async fn a_throttled_start_backs_off_and_goes_on() {
    let count = AtomicUsize::new(0);
    let fake = Fake::start(move |_| match count.fetch_add(1, Ordering::Relaxed) {
        0..3 => Answer::json_error(400, "ThrottlingException", "Rate exceeded"),
        _ => Answer::json(STARTED),
    })
    .await;
    fake.aws().await.start_session(&request()).await.unwrap();
    assert_eq!(fake.seen().len(), 4);
}

#[tokio::test]
async fn throttling_ends_after_the_stated_number_of_attempts() {
    let fake = Fake::start(|_| Answer::json_error(400, "ThrottlingException", "Rate exceeded")).await;
    let err = fake.aws().await.resume_session("alice-0123").await.unwrap_err();
    assert_eq!((err.kind(), fake.seen().len()), (ErrorKind::Throttled, 3));
    assert!(err.is_retryable_for_resume());
}

#[tokio::test]
async fn refusals_keep_their_kind_code_and_request_id() {
    let refused = async |status, code: &'static str, message: &'static str| {
        let fake = Fake::start(move |_| Answer::json_error(status, code, message)).await;
        fake.aws().await.start_session(&request()).await.unwrap_err()
    };
    let err = refused(400, "TargetNotConnected", "i-0123456789abcdef0 is not connected.").await;
    assert_eq!(err.kind(), ErrorKind::NotConnected);
    assert_eq!(
        err.to_string(),
        "ssm:StartSession failed for i-0123456789abcdef0: i-0123456789abcdef0 is not connected. \
             (TargetNotConnected, request id fake-request-id)"
    );
    assert!(!err.hints().is_empty() && !err.is_retryable_for_resume());

    let message = "User: arn:aws:iam::1:user/a is not authorized to perform: ssm:StartSession on resource: \
                       arn:aws:ec2:eu-west-1:1:instance/i-0 because no policy allows it";
    let err = refused(400, "AccessDeniedException", message).await;
    assert_eq!(err.kind(), ErrorKind::Permission);
    let hint = "ask for an IAM policy that allows ssm:StartSession on arn:aws:ec2:eu-west-1:1:instance/i-0";
    assert_eq!(err.hints(), [hint]);

    assert_eq!(refused(400, "InvalidDocument", "no such document").await.kind(), ErrorKind::Usage);
    assert_eq!(refused(400, "ExpiredTokenException", "expired").await.kind(), ErrorKind::Credentials);
}

#[tokio::test]
async fn a_session_that_is_gone_is_not_asked_for_again() {
    let fake = Fake::start(|_| Answer::json_error(400, "DoesNotExistException", "Session does not exist")).await;
    let err = fake.aws().await.resume_session("alice-0123").await.unwrap_err();
    assert!(!err.is_retryable_for_resume());

    let fake = Fake::start(|_| Answer::json(r#"{"SessionId":"alice-0123"}"#)).await;
    assert!(fake.aws().await.resume_session("alice-0123").await.unwrap().token.is_none());
}

#[tokio::test]
async fn a_service_that_is_not_there_is_a_matter_of_the_network() {
    let fake = Fake::start(|_| Answer::json("{}")).await;
    let aws = fake.aws().await;
    drop(fake);
    let err = aws.terminate_session("alice-0123").await.unwrap_err();
    assert_eq!(err.kind(), ErrorKind::Network);
    assert!(err.is_retryable_for_resume() && !err.hints().is_empty(), "{err}");
}

#[tokio::test]
async fn credentials_that_were_renewed_outside_are_taken_up() {
    let fake = Fake::start(|seen| match seen.access_key() {
        "OLD" => Answer::json_error(400, "ExpiredTokenException", "The security token has expired"),
        _ => Answer::json(r#"{"SessionId":"alice-0123","TokenValue":"t","StreamUrl":"wss://g/x"}"#),
    })
    .await;
    let aws = fake.aws_with(&["OLD", "NEW"]).await;
    assert!(aws.resume_session("alice-0123").await.unwrap().token.is_some());
    assert_eq!(fake.seen().iter().map(|seen| seen.access_key()).collect::<Vec<_>>(), ["OLD", "NEW"]);

    let aws = fake.aws_with(&["OLD"]).await;
    let err = aws.resume_session("alice-0123").await.unwrap_err();
    assert_eq!((err.kind(), err.is_retryable_for_resume()), (ErrorKind::Credentials, true));
    assert_eq!(fake.seen().len(), 3);
}

#[tokio::test]
async fn the_connection_status_is_asked_for() {
    let fake = Fake::start(|seen| match seen.action.as_str() {
        "GetConnectionStatus" => Answer::json(r#"{"Target":"i-0","Status":"connected"}"#),
        other => unreachable!("{other}"),
    })
    .await;
    let aws = fake.aws().await;
    assert_eq!(aws.connection_status("i-0").await.unwrap(), ConnectionStatus::Connected);
}

#[test]
fn debug_shows_nothing_that_opens_a_session() {
    let url = "wss://gateway/x?X-Amz-Signature=s3cr3t";
    let token = || Secret::new("AAEAAtoken".to_owned());
    let started = StartedSession { session_id: "alice-1".to_owned(), token: token(), stream_url: url.to_owned() };
    let resumed = ResumedSession { token: Some(token()), stream_url: Some(url.to_owned()) };
    assert_eq!(format!("{started:?}"), "StartedSession { session_id: \"alice-1\", .. }");
    assert_eq!(format!("{resumed:?}"), "ResumedSession { ended: false, .. }");
}

#[tokio::test]
async fn a_start_that_may_have_arrived_is_not_made_again() {
    type Make = fn() -> Answer;
    let cases: [(&str, Make); 4] = [
        ("no answer", Answer::none),
        ("the service failed", || Answer::json_error(500, "InternalServerError", "oops")),
        ("the service is away", || Answer::json_error(503, "ServiceUnavailable", "later")),
        ("what answers is not the service", || Answer::xml("<html>")),
    ];
    for (what, answer) in cases {
        let fake = Fake::start(move |_| answer()).await;
        let err = fake.aws().await.start_session(&request()).await.unwrap_err();
        assert_eq!(fake.seen().len(), 1, "{what}: {err}");
        // Other calls are, as they have no such consequence.
        let fake = Fake::start(move |_| answer()).await;
        fake.aws().await.terminate_session("alice-0123").await.unwrap_err();
        assert!(fake.seen().len() == 3 || what.starts_with("what"), "{what}");
    }
}

#[tokio::test]
async fn a_start_that_has_not_left_is_made_again() {
    // No handshake of TLS, and so no request.
    let place = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = place.local_addr().unwrap();
    let aws = crate::aws::Aws::for_tests(&format!("https://{address}"), vec![crate::testing::keys("AKIDTEST")]).await;
    let request = request();
    let start = aws.start_session(&request);
    tokio::pin!(start);
    let mut connections = 0;
    let err = loop {
        tokio::select! {
            Ok((connection, _)) = place.accept() => {
                connections += 1;
                drop(connection);
            }
            started = &mut start => break started.unwrap_err(),
        }
    };
    assert_eq!(connections, 5, "{err}");
}
