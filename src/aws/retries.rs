//! How often a request is made: as the person's AWS settings say, else as suits the request.

use std::{fmt, marker::PhantomData, time::Duration};

use aws_config::{
    retry::{RetryConfig, RetryMode},
    timeout::TimeoutConfig,
};
use aws_smithy_runtime_api::client::{
    interceptors::context::InterceptorContext,
    retries::classifiers::{ClassifyRetry, RetryAction},
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::{
    ambient::Ambient,
    codes::is_throttling,
    error::{Cause, Error, ErrorKind},
};

/// The most attempts that can be asked for.
const MOST_ATTEMPTS: u32 = 100;

/// The person's settings for requests that are made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Retries {
    /// Attempts of each request, if the person says how many.
    attempts: Option<u32>,
    mode: RetryMode,
    /// The first pause is shorter than this; the bound doubles with each, up to 20 s.
    pub(super) backoff: Duration,
}

impl Retries {
    /// What the environment says, and the profile in effect.
    ///
    /// # Errors
    ///
    /// A value makes no sense.
    pub(super) fn of(ambient: &Ambient, profile: &str, backoff: Duration) -> Result<Self, Error> {
        let attempts = ambient.max_attempts(profile).map(|(source, text)| match text.trim().parse() {
            Ok(attempts @ 1..=MOST_ATTEMPTS) => Ok(attempts),
            _ => Err(usage(&source, &text, &format!("a number from 1 to {MOST_ATTEMPTS}"))),
        });
        let mode = ambient.retry_mode(profile).map(|(source, text)| match text.trim().to_ascii_lowercase().as_str() {
            // The pauses of the oldest mode are no longer to be had.
            "standard" | "legacy" => Ok(RetryMode::Standard),
            "adaptive" => Ok(RetryMode::Adaptive),
            _ => Err(usage(&source, &text, "`standard`, `adaptive` or `legacy`")),
        });
        Ok(Self { attempts: attempts.transpose()?, mode: mode.transpose()?.unwrap_or(RetryMode::Standard), backoff })
    }

    /// For a request that is usually made so many times at most.
    pub(super) fn config(&self, usually: u32) -> RetryConfig {
        let config = match self.mode {
            RetryMode::Adaptive => RetryConfig::adaptive(),
            _ => RetryConfig::standard(),
        };
        config.with_max_attempts(self.attempts.unwrap_or(usually)).with_initial_backoff(self.backoff)
    }

    /// For a request that has its [`Pace`](super::pace::Pace). The adaptive mode would slow it down a second time, and by
    /// what one client has seen of one region.
    pub(super) fn paced(&self, usually: u32) -> RetryConfig {
        Self { mode: RetryMode::Standard, ..*self }.config(usually)
    }
}

/// Forbids the SDK to make a request of the error `E` again that was one too many: whoever keeps the pace has to hear of
/// each.
pub(super) struct LeavesThrottling<E>(PhantomData<fn() -> E>);

impl<E> LeavesThrottling<E> {
    pub(super) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static> ClassifyRetry for LeavesThrottling<E> {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let error = context.output_or_error().and_then(|result| result.err()?.as_operation_error());
        let code = error.and_then(|error| error.downcast_ref::<E>()?.code());
        match code.is_some_and(is_throttling) {
            true => RetryAction::RetryForbidden,
            false => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "requests that were too many"
    }
}

impl<E> fmt::Debug for LeavesThrottling<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeavesThrottling").finish()
    }
}

fn usage(source: &str, text: &str, expected: &str) -> Error {
    let message = format!("`{text}` in {source} makes no sense: expected {expected}");
    Error::new(ErrorKind::Usage, Cause::Configuration, "configuration", message)
}

/// Connecting, one attempt, and all attempts together.
pub(super) fn timeouts(operation: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .operation_attempt_timeout(Duration::from_secs(10))
        .operation_timeout(operation)
        .build()
}

/// Time for a request with all its attempts.
pub(super) const OPERATION_TIMEOUT: Duration = Duration::from_secs(30);

/// Attempts of a request, with a growing random pause between them.
pub(super) const ATTEMPTS: u32 = 3;

/// The first pause is shorter than this; the bound doubles with each, up to 20 s.
pub(super) const BACKOFF: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "[default]\nmax_attempts = 7\nretry_mode = adaptive\n[profile x]\nmax_attempts = 0\n";

    fn retries(variables: &[(&str, &str)], profile: &str) -> Result<(u32, RetryMode), String> {
        let ambient = Ambient::of(variables, &[("/home/me/.aws/config", CONFIG)]);
        let retries = Retries::of(&ambient, profile, Duration::from_secs(1)).map_err(|error| error.to_string())?;
        let config = retries.config(5);
        Ok((config.max_attempts(), config.mode()))
    }

    #[test]
    fn the_variable_counts_before_the_profile_and_the_profile_before_us() {
        assert_eq!(retries(&[], "none"), Ok((5, RetryMode::Standard)));
        assert_eq!(retries(&[], "default"), Ok((7, RetryMode::Adaptive)));
        let variables = [("AWS_MAX_ATTEMPTS", "1"), ("AWS_RETRY_MODE", "Legacy")];
        assert_eq!(retries(&variables, "default"), Ok((1, RetryMode::Standard)));
        assert_eq!(retries(&variables, "x"), Ok((1, RetryMode::Standard)));
    }

    #[test]
    fn only_one_slows_a_list_down() {
        let ambient = Ambient::of(&[], &[("/home/me/.aws/config", CONFIG)]);
        let paced = Retries::of(&ambient, "default", Duration::from_secs(1)).unwrap().paced(5);
        assert_eq!((paced.max_attempts(), paced.mode()), (7, RetryMode::Standard));
    }

    #[test]
    fn what_makes_no_sense_is_named_with_its_place() {
        let error = |variables: &[(&str, &str)], profile| retries(variables, profile).unwrap_err();
        insta::assert_snapshot!(error(&[], "x"), @"`0` in `max_attempts` of the profile `x` makes no sense: expected a number from 1 to 100");
        insta::assert_snapshot!(error(&[("AWS_MAX_ATTEMPTS", "many")], "x"), @"`many` in `AWS_MAX_ATTEMPTS` makes no sense: expected a number from 1 to 100");
        insta::assert_snapshot!(error(&[("AWS_RETRY_MODE", "often")], "none"), @"`often` in `AWS_RETRY_MODE` makes no sense: expected `standard`, `adaptive` or `legacy`");
    }
}
