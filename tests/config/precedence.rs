//! Which of several values counts.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::support::command::run;
use crate::support::snapshot::case;

use super::lab::Lab;

#[test]
fn flag_variable_target_profile_and_defaults_count_in_this_order() {
    let lab = Lab::new(
        "[defaults]\nreason = 'of the defaults'\n[profiles.work]\nreason = 'of the profile'\n\
         [targets.x]\nname = 'web-1'\nreason = 'of the target'\n",
    );
    lab.give_credentials(&["work"]);
    let reason = |environment: &[(&str, &str)], args: &[&str]| {
        let before = lab.reasons();
        let mut command = lab.ssmx();
        let finished = run(command.envs(environment.iter().copied()).args(args).args(["--", "true"]));
        assert_eq!(finished.code(), 0, "{finished:?}");
        let mut after = lab.reasons();
        for known in before {
            let place = after.iter().position(|reason| *reason == known).unwrap();
            after.remove(place);
        }
        assert_eq!(after.len(), 1);
        after.remove(0).unwrap_or_default()
    };
    let work = ("AWS_PROFILE", "work");
    let variable = ("SSMX_REASON", "of the environment");
    assert_eq!(reason(&[], &["exec", "web-1"]), "of the defaults");
    assert_eq!(reason(&[work], &["exec", "web-1"]), "of the profile");
    assert_eq!(reason(&[], &["--profile", "work", "exec", "web-1"]), "of the profile");
    assert_eq!(reason(&[work], &["exec", "x"]), "of the target");
    assert_eq!(reason(&[work, variable], &["exec", "x"]), "of the environment");
    assert_eq!(reason(&[work, variable], &["exec", "x", "--reason", "of the flag"]), "of the flag");
}

#[test]
fn the_profile_of_the_defaults_is_used_and_gives_way() {
    let lab = Lab::new("[defaults]\nprofile = 'work'\n[profiles.work]\nexec_document = 'Of-Work'\n");
    lab.give_credentials(&["work"]);
    let keys = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
    let mut command = lab.ssmx();
    for name in keys {
        command.env_remove(name);
    }
    let by_default = run(command.args(["exec", "web-1", "--", "true"]));
    // The section of its profile holds.
    insta::assert_snapshot!(by_default.shown(), @"
    exit code: 255
    --- stderr
    error: ssm:StartSession failed for i-0a11ce0000000001a: Document with name Of-Work does not exist. (InvalidDocument, request id REQUEST-ID)
    hint: the session document does not exist in this account and region, or is not of type Session
    ");
    // Credentials in the environment are those of another account, perhaps.
    let by_keys = lab.run(&["exec", "web-1", "--", "true"]);
    assert_eq!(by_keys.code(), 0, "{by_keys:?}");
}

#[test]
fn documents_are_taken_from_the_settings() {
    let lab = Lab::new(
        "[defaults]\nshell_document = 'Corp-Shell'\nexec_document = 'Corp-Exec'\nssh_document = 'Corp-Ssh'\n\
         forward_document = 'Corp-Forward'\nremote_forward_document = 'Corp-Remote'\n",
    );
    let shown: String = [
        &["shell", "web-1"][..],
        &["exec", "web-1", "--", "true"],
        &["proxy", "web-1", "22"],
        &["fwd", "web-1", "0:80"],
        &["fwd", "web-1", "0:db:80"],
    ]
    .map(|args| case(args.join(" "), &lab.run(args).shown()))
    .concat();
    insta::assert_snapshot!(shown, @"
    === shell web-1
    exit code: 2
    --- stderr
    error: ssm:StartSession failed for i-0a11ce0000000001a: Document with name Corp-Shell does not exist. (InvalidDocument, request id REQUEST-ID)
    hint: the session document does not exist in this account and region, or is not of type Session

    === exec web-1 -- true
    exit code: 255
    --- stderr
    error: ssm:StartSession failed for i-0a11ce0000000001a: Document with name Corp-Exec does not exist. (InvalidDocument, request id REQUEST-ID)
    hint: the session document does not exist in this account and region, or is not of type Session

    === proxy web-1 22
    exit code: 2
    --- stderr
    error: ssm:StartSession failed for i-0a11ce0000000001a: Document with name Corp-Ssh does not exist. (InvalidDocument, request id REQUEST-ID)
    hint: the session document does not exist in this account and region, or is not of type Session

    === fwd web-1 0:80
    exit code: 2
    --- stderr
    error: ssm:StartSession failed for i-0a11ce0000000001a: Document with name Corp-Forward does not exist. (InvalidDocument, request id REQUEST-ID)
    hint: the session document does not exist in this account and region, or is not of type Session

    === fwd web-1 0:db:80
    exit code: 2
    --- stderr
    error: ssm:StartSession failed for i-0a11ce0000000001a: Document with name Corp-Remote does not exist. (InvalidDocument, request id REQUEST-ID)
    hint: the session document does not exist in this account and region, or is not of type Session
    ");
    let own = lab.run(&["exec", "web-1", "--document", "AWS-StartNonInteractiveCommand", "--", "echo", "x"]);
    assert_eq!((own.code(), own.out().as_str()), (0, "x\n"), "{own:?}");
}

#[test]
fn endpoints_lead_to_where_the_settings_say() {
    let lab = Lab::new("");
    let (gateway, connections) = relay(lab.cloud.address().to_owned());
    let config = format!(
        "[defaults]\nendpoint_url = 'http://127.0.0.1:1'\n[profiles.default]\nssm_endpoint_url = 'http://{0}'\n\
         ec2_endpoint_url = 'http://{0}'\nssmmessages_endpoint_url = 'ws://{gateway}'\n",
        lab.cloud.address()
    );
    std::fs::write(lab.home.config(), config).unwrap();
    let mut command = lab.ssmx();
    for (name, _) in lab.cloud.environment().iter().filter(|(name, _)| name.starts_with("AWS_ENDPOINT_URL")) {
        command.env_remove(name);
    }
    let found = run(command.args(["exec", "web-1", "--", "echo", "x"]));
    assert_eq!((found.code(), found.out().as_str()), (0, "x\n"), "{found:?}");
    assert!(connections.load(Ordering::Relaxed) > 0);
}

/// A way to a server that counts who takes it.
fn relay(to: String) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let connections = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&connections);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            counted.fetch_add(1, Ordering::Relaxed);
            let server = TcpStream::connect(&to).unwrap();
            for (from, to) in [(&client, &server), (&server, &client)] {
                let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                thread::spawn(move || {
                    let _ = io::copy(&mut from, &mut to);
                    let _ = to.shutdown(std::net::Shutdown::Write);
                });
            }
        }
    });
    (address, connections)
}

#[test]
fn a_sandbox_does_not_go_by_the_persons_own_configuration() {
    let lab = Lab::new("[defaults]\nendpoint_url = 'http://127.0.0.1:1'\nregion = 'us-east-1'\n");
    let program = env!("CARGO_BIN_EXE_ssmx");
    let inside = lab.home.run(&["-q", "sandbox", "--", program, "exec", "web-1", "--", "echo", "x"]);
    assert_eq!((inside.code(), inside.out().as_str()), (0, "x\n"), "{inside:?}");
    let script = format!("{program} -q config set reason why && {program} config get reason && {program} config path");
    let own = lab.home.run(&["-q", "sandbox", "--", "sh", "-c", &script]);
    let out = own.out();
    let (value, path) = out.split_once('\n').unwrap();
    assert_eq!((own.code(), value), (0, "why"), "{own:?}");
    assert!(!std::path::Path::new(path.trim()).exists(), "it goes with the sandbox: {path}");
    assert!(!lab.home.text().contains("why"));
    // Whoever names one means it.
    let mut command = lab.home.ssmx();
    command.env("SSMX_CONFIG", lab.home.config());
    let named = run(command.args(["-q", "sandbox", "--", program, "config", "path"]));
    assert_eq!(named.out().trim(), lab.home.config().to_str().unwrap());
}
