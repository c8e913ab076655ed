//! EC2, STS, KMS and Instance Connect, asked by the SDK's clients where there is one.

use std::time::SystemTime;

use aws_sdk_ec2::Client as Ec2;
use aws_sdk_ec2::error::ProvideErrorMetadata;
use aws_sdk_ec2::operation::RequestId;
use aws_sdk_ec2::types::Filter;
use aws_sdk_kms::Client as Kms;
use aws_sdk_kms::primitives::Blob;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client as Http;
use hyper_util::rt::TokioExecutor;

use super::super::{ApiFault, Fleet, Sandbox};
use super::helpers::*;
use crate::sandbox::testing::signed;

fn filter(name: &str, values: &[&str]) -> Filter {
    Filter::builder().name(name).set_values(Some(values.iter().map(|value| (*value).to_owned()).collect())).build()
}

#[tokio::test]
async fn instances_with_all_that_a_list_shows() {
    let sandbox = start(options()).await;
    let ec2 = Ec2::new(&config(&sandbox));
    let output = ec2.describe_instances().filters(filter("tag:Name", &["bastion"])).send().await.unwrap();
    let [reservation] = output.reservations() else { panic!("{output:?}") };
    let [bastion] = reservation.instances() else { panic!("{output:?}") };
    assert_eq!(reservation.owner_id(), Some("123456789012"));
    assert_eq!(bastion.instance_id(), Some("i-0ba5710000000005e"));
    assert_eq!(bastion.private_ip_address(), Some("10.0.0.5"));
    assert_eq!(bastion.public_ip_address(), Some("198.51.100.5"));
    assert_eq!(bastion.private_dns_name(), Some("ip-10-0-0-5.ec2.internal"));
    assert_eq!(bastion.placement().unwrap().availability_zone(), Some("us-east-1a"));
    assert_eq!(bastion.state().unwrap().name().unwrap().as_str(), "running");
    assert_eq!(bastion.state().unwrap().code(), Some(16));
    assert_eq!(bastion.instance_type().unwrap().as_str(), "t3.nano");
    assert!(bastion.launch_time().unwrap().secs() > 1_700_000_000);
    assert!(bastion.tags().iter().any(|tag| tag.key() == Some("Env") && tag.value() == Some("ops")));

    let web = filter("tag:Name", &["web-*"]);
    let running = filter("instance-state-name", &["running", "pending"]);
    let output = ec2.describe_instances().filters(web).filters(running).send().await.unwrap();
    assert_eq!(output.reservations().len(), 3);
    let output = ec2.describe_instances().instance_ids(WEB_1).send().await.unwrap();
    assert_eq!(output.reservations().len(), 1);
}

#[tokio::test]
async fn instances_come_in_pages() {
    let mut options = options();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "generate = { count = 2_345, regions = [\"us-east-1\", \"eu-west-1\"] }").unwrap();
    options.fleet = Fleet::read(file.path(), "us-east-1").unwrap();
    let sandbox = start(options).await;
    let mut pages = Ec2::new(&config(&sandbox)).describe_instances().into_paginator().send();
    let mut sizes = Vec::new();
    while let Some(page) = pages.next().await {
        sizes.push(page.unwrap().reservations().len());
    }
    assert_eq!(sizes, [1_000, 173], "the half of one region");
}

#[tokio::test]
async fn ec2_refuses_as_ec2_does() {
    let mut options = options();
    options.api_faults = vec![
        ApiFault::Throttle { action: "ec2:DescribeRegions".to_owned(), calls: 1 },
        ApiFault::Deny { action: "ec2:DescribeRegions".to_owned() },
    ];
    let sandbox = start(options).await;
    let ec2 = Ec2::new(&config(&sandbox));
    let code = async |call: aws_sdk_ec2::operation::describe_instances::builders::DescribeInstancesFluentBuilder| {
        let error = call.send().await.unwrap_err().into_service_error();
        assert!(error.meta().request_id().is_some(), "{error:?}");
        error.code().unwrap().to_owned()
    };
    assert_eq!(code(ec2.describe_instances().instance_ids("web-1")).await, "InvalidInstanceID.Malformed");
    assert_eq!(code(ec2.describe_instances().instance_ids("i-0fffffffffffffff0")).await, "InvalidInstanceID.NotFound");
    assert_eq!(code(ec2.describe_instances().max_results(4)).await, "InvalidParameterValue");
    assert_eq!(code(ec2.describe_instances().filters(filter("nope", &["x"]))).await, "InvalidParameterValue");
    let both = ec2.describe_instances().instance_ids(WEB_1).max_results(5);
    assert_eq!(code(both).await, "InvalidParameterCombination");
    let error = ec2.describe_vpcs().send().await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidAction"));
    let error = ec2.describe_regions().send().await.unwrap_err();
    assert_eq!(error.code(), Some("RequestLimitExceeded"));
    let error = ec2.describe_regions().send().await.unwrap_err();
    assert_eq!(error.code(), Some("UnauthorizedOperation"));

    let wrong = aws_credential_types::Credentials::new("AKIA", "secret", None, None, "test");
    let ec2 = Ec2::new(&config_with(&sandbox, wrong, "us-east-1"));
    assert_eq!(code(ec2.describe_instances()).await, "AuthFailure");
}

#[tokio::test]
async fn regions_include_those_of_the_fleet() {
    let mut options = options();
    options.fleet = Fleet::builtin("xx-test-1");
    let sandbox = start(options).await;
    let output = Ec2::new(&config(&sandbox)).describe_regions().send().await.unwrap();
    let names: Vec<_> = output.regions().iter().filter_map(|region| region.region_name()).collect();
    assert!(names.contains(&"xx-test-1") && names.contains(&"eu-central-1"), "{names:?}");
}

#[tokio::test]
async fn the_caller_is_known() {
    let sandbox = start(options()).await;
    let sts = aws_sdk_sts::Client::new(&config(&sandbox));
    let output = sts.get_caller_identity().send().await.unwrap();
    assert_eq!(output.account(), Some("123456789012"));
    assert_eq!(output.arn(), Some("arn:aws:sts::123456789012:assumed-role/ssmx-sandbox/sandbox"));
    let wrong = aws_credential_types::Credentials::new("AKIA", "secret", None, None, "test");
    let sts = aws_sdk_sts::Client::new(&config_with(&sandbox, wrong, "us-east-1"));
    assert_eq!(sts.get_caller_identity().send().await.unwrap_err().code(), Some("InvalidClientTokenId"));
}

#[tokio::test]
async fn data_keys_open_with_their_context_only() {
    let sandbox = start(options()).await;
    let kms = Kms::new(&config(&sandbox));
    let call = kms.generate_data_key().key_id("alias/ssmx-sandbox").number_of_bytes(64);
    let key = call.encryption_context("aws:ssm:SessionId", "s-1").send().await.unwrap();
    assert_eq!(key.plaintext().unwrap().as_ref().len(), 64);
    let blob = key.ciphertext_blob().unwrap().clone();
    let call = kms.decrypt().ciphertext_blob(blob.clone()).encryption_context("aws:ssm:SessionId", "s-1");
    let opened = call.send().await.unwrap();
    assert_eq!(opened.plaintext(), key.plaintext());
    assert_eq!(opened.key_id(), key.key_id());
    for call in [
        kms.decrypt().ciphertext_blob(blob.clone()),
        kms.decrypt().ciphertext_blob(blob).encryption_context("aws:ssm:SessionId", "s-2"),
        kms.decrypt().ciphertext_blob(Blob::new("short")),
    ] {
        assert!(call.send().await.unwrap_err().into_service_error().is_invalid_ciphertext_exception());
    }
    let error = kms.generate_data_key().key_id("alias/other").number_of_bytes(64).send().await.unwrap_err();
    assert!(error.into_service_error().is_not_found_exception());
    let error = kms.generate_data_key().key_id("alias/ssmx-sandbox").send().await.unwrap_err();
    assert_eq!(error.code(), Some("ValidationException"));
}

/// Sends a signed request of the JSON protocol.
async fn call(sandbox: &Sandbox, scope: (&str, &str), target: &str, body: &str) -> (u16, serde_json::Value) {
    let request = Request::post(format!("{}/", sandbox.endpoint()))
        .header("host", sandbox.endpoint().trim_start_matches("http://"))
        .header("x-amz-target", target)
        .body(body.as_bytes().to_vec())
        .unwrap();
    let request = signed(&sandbox.account.credentials, scope, SystemTime::now(), request);
    let http = Http::builder(TokioExecutor::new()).build_http();
    let response = http.request(request.map(|body| Full::new(bytes::Bytes::from(body)))).await.unwrap();
    let status = response.status().as_u16();
    assert!(response.headers().contains_key("x-amzn-requestid"));
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn public_keys_are_kept_for_the_agents() {
    let sandbox = start(options()).await;
    let key = format!("ssh-ed25519 {} me@here", "A".repeat(68));
    let send = async |instance: &str, key: &str| {
        let body = serde_json::json!({ "InstanceId": instance, "InstanceOSUser": "ec2-user", "SSHPublicKey": key });
        let scope = ("ec2-instance-connect", "us-east-1");
        call(&sandbox, scope, "AWSEC2InstanceConnectService.SendSSHPublicKey", &body.to_string()).await
    };
    let (status, answer) = send(WEB_1, &key).await;
    assert_eq!((status, &answer["Success"]), (200, &serde_json::json!(true)), "{answer}");
    assert_eq!(sandbox.account.pushed_keys.valid(WEB_1, "ec2-user"), [key.as_str()]);
    for (instance, key, code) in [
        (WEB_1, "not a key", "InvalidArgsException"),
        ("i-0fffffffffffffff0", key.as_str(), "EC2InstanceNotFoundException"),
        ("i-0ba7c40000000006f", key.as_str(), "EC2InstanceStateInvalidException"),
    ] {
        let (status, answer) = send(instance, key).await;
        assert_eq!((status, answer["__type"].as_str()), (400, Some(code)), "{answer}");
    }
}

#[tokio::test]
async fn services_that_are_not_here_are_told_so() {
    let sandbox = start(options()).await;
    let (status, answer) = call(&sandbox, ("s3", "us-east-1"), "X.Y", "{}").await;
    assert_eq!((status, answer["__type"].as_str()), (400, Some("UnknownOperationException")));
}
