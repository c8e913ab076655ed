use tokio::process::Command;

use super::*;
use crate::aws::ConnectionStatus;
use crate::testing::{Answer, Fake};

const THIS: &str = "aws::client::tests::the_environment_and_the_files_are_read_as_documented";

/// The environment of a process can only be set from outside, so this test runs itself in another one, which asks
/// for a connection status. What arrives here, and what it checks itself, is what the settings led to.
#[tokio::test]
async fn the_environment_and_the_files_are_read_as_documented() {
    if let Some(messages) = crate::environment::of_tests("SSMX_TEST_MESSAGES") {
        let profile = crate::environment::of_tests("SSMX_TEST_PROFILE");
        let ambient = Ambient::of_process();
        let aws = Aws::load(&ambient.settings(profile.as_deref(), None), &ambient).await.unwrap();
        assert_eq!((aws.region(), aws.messages_endpoint().unwrap_or("none")), ("eu-west-3", messages.as_str()));
        assert_eq!(aws.connection_status("i-0").await.unwrap(), ConnectionStatus::Connected);
        return;
    }
    let fake = Fake::start(|_| Answer::json(r#"{"Status":"connected"}"#)).await;
    let dir = tempfile::TempDir::new().unwrap();
    let config = dir.path().join("config");
    let text = format!(
        "[profile work]\nregion = eu-west-3\nservices = own\nendpoint_url = http://127.0.0.1:1\n\
             aws_access_key_id = AKIDFILE\naws_secret_access_key = x\n\
             [services own]\nssm =\n  endpoint_url = {}\nssmmessages =\n  endpoint_url = https://gateway.test\n",
        fake.url()
    );
    std::fs::write(&config, text).unwrap();
    let config = config.to_str().unwrap();
    let keys = [("AWS_ACCESS_KEY_ID", "AKIDENV"), ("AWS_SECRET_ACCESS_KEY", "x")];
    // Nothing listens on port 1: neither a proxy nor the common endpoint may be used.
    let dead = [("HTTP_PROXY", "http://127.0.0.1:1"), ("AWS_ENDPOINT_URL", "http://127.0.0.1:1")];
    let ssm = ("AWS_ENDPOINT_URL_SSM", fake.url());
    let region = ("AWS_DEFAULT_REGION", "eu-west-3");
    let file = ("AWS_CONFIG_FILE", config);

    let none = ("SSMX_TEST_MESSAGES", "none");
    run(&[&keys[..], &dead, &[ssm, region, none]].concat()).await;
    let messages = [("AWS_ENDPOINT_URL_SSMMESSAGES", "ws://127.0.0.1:2"), ("SSMX_TEST_MESSAGES", "ws://127.0.0.1:2")];
    run(&[&keys[..], &dead, &messages, &[ssm, region]].concat()).await;
    let gateway = ("SSMX_TEST_MESSAGES", "https://gateway.test");
    run(&[file, gateway, ("AWS_PROFILE", "work")]).await;
    // As with the AWS CLI: keys in the environment stand before AWS_PROFILE, and a flag stands before both.
    run(&[&keys[..], &[file, gateway, ("AWS_PROFILE", "work")]].concat()).await;
    run(&[&keys[..], &[file, gateway, ("SSMX_TEST_PROFILE", "work")]].concat()).await;

    let seen = fake.seen();
    let used: Vec<_> = seen.iter().map(|seen| seen.access_key()).collect();
    assert_eq!(used, ["AKIDENV", "AKIDENV", "AKIDFILE", "AKIDENV", "AKIDFILE"]);
}

async fn run(env: &[(&str, &str)]) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", THIS]).env_clear().env("AWS_EC2_METADATA_DISABLED", "true");
    // Windows cannot open a socket without it.
    command.envs(crate::environment::of_tests("SystemRoot").map(|root| ("SystemRoot", root)));
    let output = command.envs(env.iter().copied()).output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{env:?}: {text}");
}
