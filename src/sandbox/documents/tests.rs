use super::*;

fn documents() -> Documents {
    Documents::new(&Preferences::default(), &BTreeMap::new()).unwrap()
}

fn given(pairs: &[(&str, &str)]) -> BTreeMap<String, Vec<String>> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), vec![(*value).to_owned()])).collect()
}

#[test]
fn shells_follow_the_preferences() {
    let preferences = Preferences {
        run_as: Some("app".to_owned()),
        shell_profile: "cd /srv".to_owned(),
        encrypt: true,
        idle_timeout: Some(std::time::Duration::from_secs(61)),
        ..Preferences::default()
    };
    let documents = Documents::new(&preferences, &BTreeMap::new()).unwrap();
    let shell = Work::Shell { profile: "cd /srv".to_owned(), run_as: Some("app".to_owned()) };
    assert_eq!(documents.work(SHELL, &BTreeMap::new()), Ok(shell));
    let kms = Kms::new("123456789012");
    let content = documents.content(SHELL, &kms, "eu-west-1").unwrap();
    assert_eq!(content["inputs"]["kmsKeyId"], kms.key_arn("eu-west-1"));
    assert_eq!(content["inputs"]["idleSessionTimeout"], "2");
}

#[test]
fn commands_are_filled_in_once() {
    let work = documents().work(
        "AWS-StartNonInteractiveCommand",
        &given(&[("command", "echo {{ command }} {{ separateOutputStream }}"), ("separateOutputStream", "true")]),
    );
    let expected = Work::NonInteractiveCommand {
        command: "echo {{ command }} {{ separateOutputStream }}".to_owned(),
        separate_output: true,
        stdout_prefix: String::new(),
        stderr_prefix: String::new(),
        run_as: None,
    };
    assert_eq!(work, Ok(expected));
}

#[test]
fn ports_keep_their_properties_as_text() {
    let parameters = given(&[("host", "db.internal"), ("portNumber", "5432")]);
    let work = documents().work("AWS-StartPortForwardingSessionToRemoteHost", &parameters).unwrap();
    let Work::Port(port) = &work else { panic!("{work:?}") };
    assert_eq!((port.port_number, port.local_port_number), (Some(5432), Some(0)));
    assert_eq!(port.host.as_deref(), Some("db.internal"));
    let properties = json!({
        "host": "db.internal", "portNumber": "5432", "type": "LocalPortForwarding", "localPortNumber": "0",
    });
    assert_eq!(work.handshake_properties(), properties);

    let ssh = documents().work("AWS-StartSSHSession", &BTreeMap::new()).unwrap();
    let Work::Port(port) = &ssh else { panic!("{ssh:?}") };
    assert_eq!((port.port_number, port.kind.as_deref()), (Some(22), None));
}

#[test]
fn bad_parameters_are_told() {
    let documents = documents();
    for (name, parameters) in [
        ("AWS-StartNonInteractiveCommand", given(&[])),
        ("AWS-StartNonInteractiveCommand", given(&[("command", " ")])),
        ("AWS-StartNonInteractiveCommand", given(&[("command", "id"), ("separateOutputStream", "maybe")])),
        ("AWS-StartInteractiveCommand", given(&[("command", "id"), ("other", "x")])),
        ("AWS-StartPortForwardingSession", given(&[("portNumber", "65536")])),
        ("AWS-StartPortForwardingSession", given(&[("portNumber", "0")])),
        (SHELL, given(&[("command", "id")])),
    ] {
        let result = documents.work(name, &parameters);
        assert!(matches!(result, Err(DocumentError::Parameters(_))), "{name} {parameters:?}: {result:?}");
    }
    assert_eq!(documents.work("Nope", &given(&[])), Err(DocumentError::Unknown("Nope".to_owned())));
}

#[test]
fn the_account_may_have_its_own() {
    let own = r#"{"schemaVersion":"1.0","sessionType":"InteractiveCommands",
            "parameters":{"lines":{"type":"String","default":"10"}},
            "properties":{"linux":{"commands":"tail -n {{lines}} log"}}}"#;
    let own = BTreeMap::from([("Corp-Tail".to_owned(), own.to_owned())]);
    let documents = Documents::new(&Preferences::default(), &own).unwrap();
    let work = documents.work("Corp-Tail", &given(&[("lines", "5")])).unwrap();
    assert_eq!(work, Work::InteractiveCommand { command: "tail -n 5 log".to_owned(), run_as: None });

    let broken = BTreeMap::from([("Broken".to_owned(), "{}".to_owned())]);
    assert!(Documents::new(&Preferences::default(), &broken).is_err());
}
