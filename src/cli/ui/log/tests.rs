use tracing::Level;

use super::*;
use crate::cli::ui::screen::Screen;
use crate::testing::Written;

#[test]
fn verbosity_opens_our_targets_and_never_the_talkative_ones() {
    let one = targets(1, None).unwrap();
    assert!(one.would_enable("ssmx::channel", &Level::DEBUG));
    assert!(!one.would_enable("ssmx::channel", &Level::TRACE));
    assert!(one.would_enable("aws_config::profile", &Level::WARN));
    let two = targets(2, None).unwrap();
    assert!(two.would_enable("ssmx::protocol", &Level::TRACE));
    for target in [
        "aws_smithy_runtime::client::orchestrator",
        "aws_sigv4::http_request",
        "aws_runtime::auth",
        "aws_credential_types",
        "aws_sdk_ssm",
        "hyper::proto",
        "hyper_util::client",
        "tungstenite::protocol",
        "rustls::client",
        "h2",
    ] {
        assert!(!two.would_enable(target, &Level::ERROR), "{target}");
    }
    assert!(!two.would_enable("aws_config", &Level::INFO));
}

#[test]
fn the_environment_speaks_of_our_targets_only() {
    let some = targets(0, Some("info, ssmx::channel=trace")).unwrap();
    assert!(some.would_enable("ssmx::fleet", &Level::INFO));
    assert!(!some.would_enable("ssmx::fleet", &Level::DEBUG));
    assert!(some.would_enable("ssmx::channel::dial", &Level::TRACE));
    for bad in ["aws_sigv4=trace", "ssmxx=trace", "loud", "ssmx=loud", "ssmx::channel"] {
        let error = targets(2, Some(bad)).unwrap_err();
        assert!(error.message().contains(bad), "{error}");
    }
}

#[test]
fn lines_are_held_back_while_a_session_has_the_terminal() {
    let written = Written::default();
    let ui = Ui::with_screen(Screen::new(Box::new(written.clone()), true), false, false);
    let layer = fmt::layer().with_ansi(false).without_time().with_writer(ToScreen(ui.clone()));
    tracing::subscriber::with_default(registry().with(layer), || {
        let hold = ui.hold();
        tracing::info!("kept");
        assert_eq!(written.text(), "");
        drop(hold);
        tracing::info!("said");
    });
    let lines: Vec<_> = written.text().lines().map(str::to_owned).collect();
    assert!(lines.len() == 2 && lines[0].ends_with("kept") && lines[1].ends_with("said"), "{lines:?}");
}

#[cfg(unix)]
#[test]
fn a_new_log_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ssmx.log");
    open(&path).unwrap();
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}
