//! Systems Manager, asked by the SDK's client.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_ssm::Client;
use aws_sdk_ssm::error::ProvideErrorMetadata;
use aws_sdk_ssm::operation::RequestId;
use aws_sdk_ssm::types::{
    ConnectionStatus, InstanceInformationStringFilter, PingStatus, SessionFilter, SessionFilterKey, SessionState,
};

use super::super::{ApiFault, Fleet, Options, Preferences};
use super::helpers::*;

fn filter(key: &str, value: &str) -> InstanceInformationStringFilter {
    InstanceInformationStringFilter::builder().key(key).values(value).build().unwrap()
}

#[tokio::test]
async fn instances_come_in_pages() {
    let mut options = options();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "generate = { count = 312, seed = 5 }").unwrap();
    options.fleet = Fleet::read(file.path(), "us-east-1").unwrap();
    let sandbox = start(options).await;
    let mut pages = ssm(&sandbox).describe_instance_information().max_results(50).into_paginator().send();
    let (mut ids, mut sizes) = (BTreeSet::new(), Vec::new());
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        sizes.push(page.instance_information_list().len());
        ids.extend(page.instance_information_list().iter().map(|instance| instance.instance_id().unwrap().to_owned()));
    }
    assert_eq!(sizes, [50, 50, 50, 50, 50, 50, 12]);
    assert_eq!(ids.len(), 312);

    let ssm = ssm(&sandbox);
    let error = ssm.describe_instance_information().max_results(51).send().await.unwrap_err();
    assert_eq!(error.code(), Some("ValidationException"));
    let error = ssm.describe_instance_information().next_token("x").send().await.unwrap_err().into_service_error();
    assert!(error.is_invalid_next_token(), "{error:?}");
}

#[tokio::test]
async fn instances_are_filtered() {
    let sandbox = start(options()).await;
    let ssm = ssm(&sandbox);
    let count = async |filters: &[InstanceInformationStringFilter]| {
        let call = ssm.describe_instance_information().set_filters(Some(filters.to_vec()));
        call.send().await.unwrap().instance_information_list().len()
    };
    assert_eq!(count(&[]).await, 8);
    assert_eq!(count(&[filter("PingStatus", "Online")]).await, 6);
    assert_eq!(count(&[filter("PingStatus", "Online"), filter("PlatformTypes", "Linux")]).await, 5);
    assert_eq!(count(&[filter("tag:Env", "prod"), filter("tag:Role", "web")]).await, 3);
    assert_eq!(count(&[filter("InstanceIds", WEB_1)]).await, 1);
    assert_eq!(count(&[filter("PlatformTypes", "Windows")]).await, 1);
    assert_eq!(count(&[filter("tag-key", "Role")]).await, 4);
    let both = [filter("PingStatus", "Online"), filter("tag:Role", "web")];
    let call = ssm.describe_instance_information().set_filters(Some(both.to_vec()));
    assert_eq!(call.send().await.unwrap_err().code(), Some("InvalidInstanceInformationFilterValue"));
    let call = ssm.describe_instance_information().filters(filter("Colour", "red"));
    assert!(call.send().await.unwrap_err().into_service_error().is_invalid_filter_key());

    let output = ssm.describe_instance_information().filters(filter("InstanceIds", WEB_1)).send().await.unwrap();
    let web = &output.instance_information_list()[0];
    assert_eq!(web.ping_status(), Some(&PingStatus::Online));
    assert_eq!(web.ip_address(), Some("10.0.0.11"));
    assert!(web.last_ping_date_time().is_some());
}

#[tokio::test]
async fn connection_status() {
    let sandbox = start(options()).await;
    let ssm = ssm(&sandbox);
    for (target, expected) in [
        (WEB_1, ConnectionStatus::Connected),
        ("i-0ba7c40000000006f", ConnectionStatus::NotConnected),
        ("i-01e9ac00000000070", ConnectionStatus::NotConnected),
        ("i-0fffffffffffffff0", ConnectionStatus::NotConnected),
    ] {
        let output = ssm.get_connection_status().target(target).send().await.unwrap();
        assert_eq!((output.target(), output.status()), (Some(target), Some(&expected)));
    }
}

#[tokio::test]
async fn sessions_are_refused_for_the_right_reasons() {
    let sandbox = start(options()).await;
    let ssm = ssm(&sandbox);
    for target in ["i-0ba7c40000000006f", "i-01e9ac00000000070", "i-0317d0000000008a1", "i-0fffffffffffffff0"] {
        let error = ssm.start_session().target(target).send().await.unwrap_err().into_service_error();
        assert!(error.is_target_not_connected(), "{error:?}");
        assert!(error.message().unwrap().starts_with(&format!("{target} is not connected.")), "{error:?}");
        assert!(error.meta().request_id().is_some());
    }
    let call = ssm.start_session().target(WEB_1).document_name("Corp-Shell");
    let error = call.send().await.unwrap_err().into_service_error();
    assert!(error.is_invalid_document());
    assert_eq!(error.message(), Some("Document with name Corp-Shell does not exist."));
    for parameters in [None, Some(HashMap::from([("shell".to_owned(), vec!["x".to_owned()])]))] {
        let call = ssm.start_session().target(WEB_1).document_name("AWS-StartNonInteractiveCommand");
        let error = call.set_parameters(parameters).send().await.unwrap_err();
        assert_eq!(error.code(), Some("InvalidParameters"));
    }
    let error = ssm.start_session().target(WEB_1).reason("x".repeat(257)).send().await.unwrap_err();
    assert_eq!(error.code(), Some("ValidationException"));
}

#[tokio::test]
async fn sessions_are_listed_from_their_start_to_their_end() {
    let sandbox = start(options()).await;
    let ssm = ssm(&sandbox);
    let mut ids = Vec::new();
    for n in 0..5 {
        let output = ssm.start_session().target(WEB_1).reason(format!("reason {n}")).send().await.unwrap();
        ids.push(output.session_id.unwrap());
    }
    let mut pages = ssm.describe_sessions().state(SessionState::Active).max_results(2).into_paginator().send();
    let mut listed = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        assert!(page.sessions().len() <= 2);
        listed.extend(page.sessions().iter().map(|session| session.session_id().unwrap().to_owned()));
    }
    assert_eq!(listed, ids.iter().rev().cloned().collect::<Vec<_>>(), "the newest first");

    ssm.terminate_session().session_id(&ids[0]).send().await.unwrap();
    reaches_status(&sandbox, &ids[0], "Terminated").await;
    let by_id = SessionFilter::builder().key(SessionFilterKey::SessionId).value(&ids[0]).build().unwrap();
    let output = ssm.describe_sessions().state(SessionState::History).filters(by_id).send().await.unwrap();
    let [session] = output.sessions() else { panic!("{output:?}") };
    assert_eq!(session.reason(), Some("reason 0"));
    assert_eq!(session.target(), Some(WEB_1));
    assert_eq!(session.document_name(), Some("SSM-SessionManagerRunShell"));
    assert!(session.owner().unwrap().starts_with("arn:aws:sts::123456789012:assumed-role/"));
    assert!(session.end_date().unwrap() >= session.start_date().unwrap());

    let output = ssm.resume_session().session_id(&ids[0]).send().await.unwrap();
    assert_eq!((output.token_value(), output.stream_url()), (None, None), "over");
    let error = ssm.terminate_session().session_id(&ids[0]).send().await.unwrap_err();
    assert_eq!(error.code(), Some("ValidationException"));
    let error = ssm.resume_session().session_id("sandbox-nope").send().await.unwrap_err().into_service_error();
    assert!(error.is_does_not_exist_exception());
}

#[tokio::test]
async fn documents_and_preferences() {
    let mut options = options();
    options.preferences = Preferences { encrypt: true, run_as: Some("app".to_owned()), ..Preferences::default() };
    let sandbox = start(options).await;
    let ssm = ssm(&sandbox);
    let output = ssm.get_document().name("SSM-SessionManagerRunShell").send().await.unwrap();
    let content: serde_json::Value = serde_json::from_str(output.content().unwrap()).unwrap();
    assert!(content["inputs"]["kmsKeyId"].as_str().unwrap().starts_with("arn:aws:kms:us-east-1:123456789012:key/"));
    assert_eq!(content["inputs"]["runAsDefaultUser"], "app");
    assert_eq!(content["sessionType"], "Standard_Stream");

    let output = ssm.describe_document().name("AWS-StartSSHSession").send().await.unwrap();
    let document = output.document().unwrap();
    assert_eq!(document.parameters()[0].default_value(), Some("22"));
    assert_eq!(document.owner(), Some("Amazon"));
    let error = ssm.get_document().name("Nope").send().await.unwrap_err().into_service_error();
    assert!(error.is_invalid_document());
    let error = ssm.get_document().name("AWS-StartSSHSession").document_version("2").send().await.unwrap_err();
    assert!(error.into_service_error().is_invalid_document_version());
}

#[tokio::test]
async fn wrong_credentials_are_refused() {
    let sandbox = start(options()).await;
    let good = credentials(&sandbox);
    let code = async |key: &str, secret: &str, token: Option<&str>| {
        let credentials = Credentials::new(key, secret, token.map(str::to_owned), None, "test");
        let ssm = Client::new(&config_with(&sandbox, credentials, "us-east-1"));
        let error = ssm.get_connection_status().target(WEB_1).send().await.unwrap_err();
        error.code().unwrap().to_owned()
    };
    let (key, secret, token) = (good.access_key_id(), good.secret_access_key(), good.session_token());
    assert_eq!(code(key, "wrong", token).await, "InvalidSignatureException");
    assert_eq!(code("ASIAAAAAAAAAAAAAAAAA", secret, token).await, "UnrecognizedClientException");
    assert_eq!(code(key, secret, None).await, "UnrecognizedClientException");
    assert_eq!(code(key, secret, Some("wrong")).await, "UnrecognizedClientException");
}

#[tokio::test]
async fn expired_credentials_are_refused() {
    let sandbox = start(Options { credentials_lifetime: Some(Duration::ZERO), ..options() }).await;
    let error = ssm(&sandbox).get_connection_status().target(WEB_1).send().await.unwrap_err();
    assert_eq!(error.code(), Some("ExpiredTokenException"));
}

#[tokio::test]
async fn faults_of_the_api() {
    let mut options = options();
    options.api_faults = vec![
        ApiFault::Throttle { action: "ssm:GetConnectionStatus".to_owned(), calls: 2 },
        ApiFault::Deny { action: "ssm:StartSession".to_owned() },
    ];
    let sandbox = start(options).await;
    let ssm = ssm(&sandbox);
    for _ in 0..2 {
        let error = ssm.get_connection_status().target(WEB_1).send().await.unwrap_err();
        assert_eq!((error.code(), error.message()), (Some("ThrottlingException"), Some("Rate exceeded")));
    }
    ssm.get_connection_status().target(WEB_1).send().await.unwrap();
    let error = ssm.start_session().target(WEB_1).send().await.unwrap_err();
    assert_eq!(error.code(), Some("AccessDeniedException"));
    let expected = format!(
        "User: arn:aws:sts::123456789012:assumed-role/ssmx-sandbox/sandbox is not authorized to perform: \
         ssm:StartSession on resource: arn:aws:ec2:us-east-1:123456789012:instance/{WEB_1} because no identity-based \
         policy allows the ssm:StartSession action"
    );
    assert_eq!(error.message(), Some(expected.as_str()));
}

#[tokio::test]
async fn unknown_operations_are_named_as_such() {
    let sandbox = start(options()).await;
    let error = ssm(&sandbox).list_commands().send().await.unwrap_err();
    assert_eq!(error.code(), Some("UnknownOperationException"));
}

#[tokio::test]
async fn regions_have_their_own_instances() {
    let sandbox = start(options()).await;
    let ssm = Client::new(&config_with(&sandbox, credentials(&sandbox), "eu-west-1"));
    assert!(ssm.describe_instance_information().send().await.unwrap().instance_information_list().is_empty());
    let error = ssm.start_session().target(WEB_1).send().await.unwrap_err().into_service_error();
    assert!(error.is_target_not_connected());
}
