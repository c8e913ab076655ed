//! What to do about an [`Error`]: the one place where a failure of AWS turns into advice.

use super::error::{Cause, Error, ErrorKind};

pub(crate) fn hints(err: &Error) -> Vec<String> {
    match err.cause() {
        Cause::Answer => answer(err),
        cause => local(err, cause),
    }
}

fn answer(err: &Error) -> Vec<String> {
    let code = err.code().unwrap_or_default();
    if is_clock_skew(code, err.message()) {
        return vec!["the clock of this machine is off: set it (for instance with NTP), then try again".to_owned()];
    }
    match err.kind() {
        ErrorKind::Credentials if code.contains("Expired") || code == "TokenRefreshRequired" => {
            vec![renew(err.profile())]
        }
        ErrorKind::Credentials if code == "OptInRequired" => {
            vec!["the account is not signed up for this service or region: choose another with --region".to_owned()]
        }
        ErrorKind::Credentials => vec![
            "AWS does not know these credentials: check that they belong to this partition and are still active"
                .to_owned(),
            renew(err.profile()),
        ],
        ErrorKind::Permission => {
            let (action, resource) = denied(err.message());
            let action = action.unwrap_or(err.action());
            let on = resource.or(err.resource()).map(|resource| format!(" on {resource}")).unwrap_or_default();
            vec![format!("ask for an IAM policy that allows {action}{on}")]
        }
        ErrorKind::NotConnected => vec![
            "the instance may be stopped, its SSM agent may not be running, or it may lack an instance profile or access to the Systems Manager endpoints"
                .to_owned(),
            "also check that the region and the account are right".to_owned(),
        ],
        ErrorKind::NotFound if err.action() == "ssm:ResumeSession" || err.action() == "ssm:TerminateSession" => {
            vec!["the session has ended: start a new one".to_owned()]
        }
        ErrorKind::NotFound => vec!["check the id, the region and the account".to_owned()],
        ErrorKind::Usage if code == "InvalidDocument" => {
            vec!["the session document does not exist in this account and region, or is not of type Session".to_owned()]
        }
        ErrorKind::Throttled => {
            vec!["other callers in this account and region are using up the limit: wait a little".to_owned()]
        }
        ErrorKind::Service if err.action().starts_with("kms:") => {
            vec!["the key of the Session Manager preferences must exist and be enabled in this region".to_owned()]
        }
        ErrorKind::Service if err.status().is_some_and(|status| status >= 500) => {
            vec!["the service is having trouble: try again in a moment".to_owned()]
        }
        _ => Vec::new(),
    }
}

fn local(err: &Error, cause: Cause) -> Vec<String> {
    let hint = match cause {
        Cause::Answer | Cause::Configuration => return Vec::new(),
        Cause::RegionMissing => "name one with --region, AWS_REGION, or `region` in the AWS profile",
        Cause::ProfileMissing => "`aws configure list-profiles` lists the available profiles",
        Cause::CaBundle => {
            "AWS_CA_BUNDLE, or ca_bundle in the AWS profile, must name a readable file of PEM certificates"
        }
        Cause::CredentialsAbsent => {
            "choose a profile with --profile or AWS_PROFILE, log in with `aws sso login`, or set AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY"
        }
        Cause::SsoExpired => return vec![renew(err.profile())],
        Cause::CredentialsBroken => "`aws sts get-caller-identity` shows whether the AWS CLI can use this profile",
        Cause::Dns => "the name cannot be resolved: check the network, the region, and HTTPS_PROXY if there is a proxy",
        Cause::UnknownIssuer => {
            "the certificate was signed by an authority that this machine does not trust; if a proxy inspects TLS, set \
             AWS_CA_BUNDLE to its certificate"
        }
        Cause::Tls => "something between here and AWS answers instead: check proxies and the endpoint URL",
        Cause::Proxy => "check HTTPS_PROXY and NO_PROXY, with user and password if the proxy needs them",
        Cause::Refused => "nothing is listening there: check the endpoint URL, or that the sandbox is still running",
        Cause::Timeout => "check the network, and HTTPS_PROXY if there is a proxy",
        Cause::Broken => "check the network, then try again",
    };
    vec![hint.to_owned()]
}

fn renew(profile: Option<&str>) -> String {
    match profile {
        Some(profile) => {
            format!("log in again: `aws sso login --profile {profile}`, or renew the keys of that profile")
        }
        None => "log in again: `aws sso login`, or renew the keys in the environment".to_owned(),
    }
}

/// The action and the resource that a refusal names: "… is not authorized to perform: A on resource: R because …".
fn denied(message: &str) -> (Option<&str>, Option<&str>) {
    let word_after = |mark: &str| {
        let (_, rest) = message.split_once(mark)?;
        let word = rest.split_whitespace().next()?.trim_end_matches([',', '.', ';']);
        (word.contains(':') && !word.starts_with(':')).then_some(word)
    };
    (word_after("to perform: "), word_after("on resource: "))
}

fn is_clock_skew(code: &str, message: &str) -> bool {
    matches!(code, "RequestTimeTooSkewed" | "RequestInTheFuture")
        || message.starts_with("Signature expired")
        || message.starts_with("Signature not yet current")
}
