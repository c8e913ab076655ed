use super::*;
use crate::testing::{Answer, Fake};

#[test]
fn a_message_is_one_line_that_cannot_steer_a_terminal() {
    assert_eq!(clean("one\x1b[2J\x07 line\nx-amz-security-token:SECRET"), "one[2J line");
    assert_eq!(clean(&"é".repeat(2_000)).chars().count(), MESSAGE_LIMIT + 1);
    assert_eq!(clean(""), "");
}

#[tokio::test]
async fn a_refused_signature_does_not_repeat_the_session_token() {
    let message = "The request signature we calculated does not match.\n\nThe Canonical String for this request \
                   should have been\nx-amz-security-token:SECRET";
    let fake = Fake::start(move |_| Answer::sts_error(403, "SignatureDoesNotMatch", message)).await;
    let err = fake.aws().await.caller_identity().await.unwrap_err();
    assert_eq!(err.kind(), ErrorKind::Credentials);
    assert!(!format!("{err} {err:?} {:?}", err.hints()).contains("SECRET"), "{err}");
}

#[test]
fn an_sso_login_that_ended_is_told_from_other_troubles_with_credentials() {
    let hints = |err: CredentialsError| Error::credentials(&err).under_profile(Some("work")).hints();
    let sso = hints(CredentialsError::provider_error("the SSO token has expired and cannot be refreshed"));
    assert!(sso[0].contains("aws sso login --profile work"), "{sso:?}");
    let none = Error::credentials(&CredentialsError::not_loaded_no_source());
    assert_eq!(none.to_string(), "no AWS credentials were found");
    assert!(none.hints()[0].contains("AWS_PROFILE"));
    let broken = Error::credentials(&CredentialsError::provider_error("credential_process exited with 1"));
    assert_eq!((broken.kind(), broken.cause()), (ErrorKind::Credentials, Cause::CredentialsBroken));
}

#[tokio::test]
async fn an_explicit_deny_is_nothing_that_another_policy_lifts() {
    let message = "User: arn:u is not authorized to perform: ssm:StartSession on resource: arn:r with an explicit \
                   deny in a service control policy";
    let fake = Fake::start(move |_| Answer::json_error(400, "AccessDeniedException", message)).await;
    let err = fake.aws().await.resume_session("alice-0123").await.unwrap_err();
    let expected = "an explicit deny outweighs every policy that allows ssm:StartSession on arn:r: ask whoever \
                    manages that service control policy for an exception";
    assert_eq!(err.hints(), [expected]);
}

#[tokio::test]
async fn a_clock_that_is_off_gets_its_own_advice() {
    let message = "Signature expired: 20261121T100000Z is now earlier than 20261121T105500Z";
    let fake = Fake::start(move |_| Answer::json_error(400, "InvalidSignatureException", message)).await;
    let err = fake.aws().await.resume_session("alice-0123").await.unwrap_err();
    assert_eq!(err.kind(), ErrorKind::Credentials);
    assert!(err.hints()[0].contains("clock"), "{:?}", err.hints());
}

const PAGE: &str = "<!DOCTYPE html><style>x</style><TITLE>Welcome to\n the hotel</TITLE><p>log in";

#[tokio::test]
async fn an_answer_that_is_no_answer_is_a_matter_of_the_network_or_the_service() {
    let said = async |answer: fn() -> Answer| {
        let fake = Fake::start(move |_| answer()).await;
        let err = fake.aws().await.connection_status("i-0").await.unwrap_err();
        (err.kind(), err.status(), err.to_string())
    };
    let (kind, status, text) = said(|| Answer::page(200, PAGE)).await;
    assert_eq!((kind, status), (ErrorKind::Network, Some(200)));
    assert_eq!(
        text,
        "cannot call ssm:GetConnectionStatus: something other than AWS answered: status 200 OK, text/html: \
         “Welcome to the hotel”"
    );
    let (kind, _, text) = said(|| Answer::page(302, "").with_location("https://login.corp/sso?token=SECRET")).await;
    assert_eq!(kind, ErrorKind::Network);
    assert!(text.ends_with("status 302 Found, text/html, redirecting to https://login.corp/sso"), "{text}");
    let (kind, status, text) = said(|| Answer::page(403, "<html><body><h1>Access</h1>blocked")).await;
    assert_eq!((kind, status), (ErrorKind::Network, Some(403)), "a page is no refusal of IAM");
    assert!(text.ends_with("“Access blocked”"), "{text}");
    assert_eq!(said(|| Answer::xml("<html>Welcome</html>")).await.0, ErrorKind::Network);
    let (kind, _, text) = said(|| Answer::json("nonsense")).await;
    assert_eq!(kind, ErrorKind::Network);
    assert!(!text.contains("something other"), "{text}");

    let fake = Fake::start(|_| Answer::json_error(503, "ServiceUnavailable", "try later")).await;
    let err = fake.aws().await.resume_session("alice-0123").await.unwrap_err();
    assert_eq!((err.kind(), err.status()), (ErrorKind::Service, Some(503)));
    assert!(err.is_retryable_for_resume());
    assert_eq!(fake.seen().len(), 3);
}
