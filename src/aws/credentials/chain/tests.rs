use aws_smithy_runtime_api::client::http::SharedHttpClient;

use super::*;
use crate::aws::credentials::{CredentialStore, Source};
use crate::aws::net::NetSettings;
use crate::aws::proxy::Proxies;
use crate::testing::{Answer, Fake};

const CONFIG: &str = "\
[profile keys]
aws_access_key_id = AKIDKEYS
aws_secret_access_key = s
[profile role]
role_arn = arn:aws:iam::1:role/r
source_profile = keys
external_id = ext
role_session_name = me
[profile code]
role_arn = arn:aws:iam::1:role/r
source_profile = keys
mfa_serial = arn:aws:iam::1:mfa/me
[profile token]
role_arn = arn:aws:iam::1:role/w
web_identity_token_file = /nowhere/token
[profile lost]
role_arn = arn:aws:iam::1:role/r
source_profile = nobody
";

fn http() -> SharedHttpClient {
    NetSettings::new(None, Proxies::none()).unwrap().http_client()
}

async fn find(profile: &str, sts: &str) -> Result<Credentials, Error> {
    let chain = Chain {
        ambient: Ambient::of(&[], &[("/home/me/.aws/config", CONFIG)]),
        profile: Some(profile.to_owned()),
        explicit: true,
        region: Region::from_static("eu-west-1"),
        http: http(),
        sts: Some(sts.to_owned()),
    };
    chain.credentials().await.map_err(|err| Error::credentials(&err))
}

const ASSUMED: &str = "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAROLE</AccessKeyId>\
    <SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>\
    </Credentials></AssumeRoleResult></AssumeRoleResponse>";

#[tokio::test]
async fn a_role_is_assumed_with_the_keys_of_its_source() {
    let fake = Fake::start(|_| Answer::xml(ASSUMED)).await;
    assert_eq!(find("keys", fake.url()).await.unwrap().access_key_id(), "AKIDKEYS");
    let found = find("role", fake.url()).await.unwrap();
    assert_eq!((found.access_key_id(), found.session_token()), ("ASIAROLE", Some("t")));
    assert!(found.expiry().is_some());
    let seen = fake.seen();
    assert_eq!((seen.len(), seen[0].action.as_str(), seen[0].access_key()), (1, "AssumeRole", "AKIDKEYS"));
    assert!(seen[0].body.contains("ExternalId=ext") && seen[0].body.contains("RoleSessionName=me"), "{}", seen[0].body);
}

#[tokio::test]
async fn a_role_that_may_not_be_assumed_is_told_in_words() {
    let message =
        "User: arn:aws:iam::1:user/a is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::1:role/r";
    let fake = Fake::start(move |_| Answer::sts_error(403, "AccessDenied", message)).await;
    let err = find("role", fake.url()).await.unwrap_err();
    assert_eq!(err.kind(), ErrorKind::Permission);
    insta::assert_snapshot!(format!("{err}\n{}", err.hints().join("\n")), @"
    sts:AssumeRole failed for arn:aws:iam::1:role/r: User: arn:aws:iam::1:user/a is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::1:role/r (AccessDenied, request id fake-request-id)
    ask for an IAM policy that allows sts:AssumeRole on arn:aws:iam::1:role/r
    the trust policy of the role must name you as well
    ");
}

#[tokio::test]
async fn what_keeps_a_profile_from_its_credentials_is_told() {
    let fake = Fake::start(|_| unreachable!("nothing is asked")).await;
    let mut said = String::new();
    for profile in ["code", "token", "lost"] {
        let err = find(profile, fake.url()).await.unwrap_err();
        said.push_str(&format!("{err}\n  {}\n", err.hints().join("\n  ")));
    }
    insta::assert_snapshot!(said, @r#"
    the AWS profile `code` needs an MFA code (`mfa_serial`), which ssmx cannot ask for yet
      let the AWS CLI ask: `eval "$(aws configure export-credentials --profile code --format env)"`
    cannot read the web identity token file /nowhere/token: No such file or directory (os error 2)
      the file is named by `web_identity_token_file` in the profile, or AWS_WEB_IDENTITY_TOKEN_FILE
    the AWS profile `lost` has the `source_profile` `nobody`, which does not exist
      `aws configure list-profiles` lists the available profiles
    "#);
    assert!(fake.seen().is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn a_person_who_gave_no_code_is_asked_once_for_all_who_wait() {
    let dir = tempfile::TempDir::new().unwrap();
    let runs = dir.path().join("runs");
    let config = format!("[default]\ncredential_process = sh -c 'echo run >> {}; exit 1'\n", runs.display());
    let chain = Chain {
        ambient: Ambient::of(&[], &[("/home/me/.aws/config", config.leak())]),
        profile: Some("default".to_owned()),
        explicit: true,
        region: Region::from_static("eu-west-1"),
        http: http(),
        sts: None,
    };
    let store = CredentialStore::new(Source::Chain(Box::new(chain)));
    let (one, two) = tokio::join!(store.current(), store.current());
    let said = [one, two].map(|found| Error::credentials(&found.unwrap_err()).to_string());
    assert_eq!(said[0], said[1]);
    let count = || std::fs::read_to_string(&runs).unwrap().lines().count();
    assert_eq!(count(), 1);
    // Whoever comes later may try again.
    assert!(store.current().await.is_err());
    assert_eq!(count(), 2);
}
