//! `credential_process`: a program that prints credentials, and may ask the person for a code, a PIN or a touch.

use std::time::Duration;

use aws_config::credential_process::CredentialProcessProvider;
use aws_credential_types::provider::{ProvideCredentials, Result as ProviderResult, error::CredentialsError};
use tokio::{sync::Mutex, time::timeout};

use crate::aws::ambient::Ambient;
use crate::aws::error::{Cause, Error, ErrorKind};

/// How long a program may take, with a person who looks for a code; less than all of finding credentials.
const PROCESS_TIMEOUT: Duration = Duration::from_secs(110);

/// Questions of two programs at once could not be told apart.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// Runs the program of a profile. Meanwhile the terminal is its own.
///
/// # Errors
///
/// If it fails, with what it said last and before, or prints something else than credentials.
pub(super) async fn run(ambient: &Ambient, profile: &str, command: &str) -> ProviderResult {
    let _turn = ONE_AT_A_TIME.lock().await;
    let _terminal = ambient.lend();
    let found =
        timeout(PROCESS_TIMEOUT, CredentialProcessProvider::new(command.to_owned()).provide_credentials()).await;
    let error = match found {
        Ok(Ok(found)) => return Ok(found),
        Ok(Err(err)) => failure(profile, &err),
        Err(_) => broken(format!("{} did not end within {} s", program(profile), PROCESS_TIMEOUT.as_secs())),
    };
    Err(CredentialsError::provider_error(error))
}

fn program(profile: &str) -> String {
    format!("the `credential_process` of the AWS profile `{profile}`")
}

fn broken(message: String) -> Error {
    Error::new(ErrorKind::Credentials, Cause::CredentialsBroken, "credentials", message)
}

fn failure(profile: &str, err: &CredentialsError) -> Error {
    let text = std::error::Error::source(err).map_or_else(|| err.to_string(), ToString::to_string);
    let prefix = program(profile);
    let Some((status, said)) = text.split_once(EXITED).and_then(|(_, rest)| rest.split_once(STDERR)) else {
        let reason = text.strip_prefix("Error retrieving credentials from external process").unwrap_or(&text);
        let reason = reason.trim_start_matches([':', ',', ' ']);
        return broken(format!("{prefix} gave no credentials: {reason}"));
    };
    let lines: Vec<_> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    // Programs say at the end why they gave up: the last line of a traceback is the reason, the first one is not.
    match lines.last() {
        Some(last) if lines.len() == 1 => broken(format!("{prefix} failed ({status}): {}", last.trim())),
        Some(last) => broken(format!("{prefix} failed ({status}): {}", last.trim())).with_output(&lines),
        None => broken(format!("{prefix} failed ({status}) and said nothing")),
    }
}

/// Around the status and the standard error in the SDK's text.
const EXITED: &str = "external process exited with code ";
const STDERR: &str = ". Stderr: ";

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    async fn said(command: &str) -> Error {
        let err = run(&Ambient::of(&[], &[]), "work", command).await.unwrap_err();
        Error::credentials(&err)
    }

    #[tokio::test]
    async fn the_last_line_says_why_and_the_others_are_kept() {
        let err = said("echo 'Traceback:' >&2; echo '  File x' >&2; echo 'Error: token expired' >&2; exit 3").await;
        assert_eq!(
            err.to_string(),
            "the `credential_process` of the AWS profile `work` failed (exit status: 3): Error: token expired"
        );
        assert_eq!(err.output(), Some("Traceback:\n  File x\nError: token expired"));
        assert_eq!((err.kind(), err.hints().len()), (ErrorKind::Credentials, 1));

        let short = said("echo no >&2; exit 1").await;
        assert!(short.to_string().ends_with("failed (exit status: 1): no") && short.output().is_none(), "{short}");
        assert!(said("exit 1").await.to_string().ends_with("and said nothing"));
        let many = said("seq 100000 >&2; exit 1").await;
        assert!(many.to_string().ends_with(": 100000") && many.output().unwrap().lines().count() < 30);
    }

    #[tokio::test]
    async fn an_answer_that_is_none_is_told() {
        let err = said("echo hello").await;
        assert!(err.to_string().contains("gave no credentials: could not parse"), "{err}");
    }

    #[tokio::test]
    async fn the_terminal_is_lent_to_one_program_at_a_time() {
        use std::sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        };
        struct Lent(Arc<AtomicUsize>);
        impl Drop for Lent {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::SeqCst);
            }
        }
        let (lent, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (now, highest) = (Arc::clone(&lent), Arc::clone(&most));
        let ambient = Ambient::of(&[], &[]).lending(Box::new(move || {
            highest.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            Box::new(Lent(Arc::clone(&now)))
        }));
        let answer = r#"echo '{"Version":1,"AccessKeyId":"A","SecretAccessKey":"s"}'"#;
        let (one, two) = tokio::join!(run(&ambient, "a", answer), run(&ambient, "b", answer));
        assert_eq!((one.unwrap().access_key_id(), two.unwrap().access_key_id()), ("A", "A"));
        assert_eq!((lent.load(Ordering::SeqCst), most.load(Ordering::SeqCst)), (0, 1));
    }
}
