//! What to do about an [`Error`]: the one place where a failure of AWS turns into advice.

use super::error::{Cause, Error, ErrorKind};
use crate::syntax::DEFAULT_PROFILE;

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
        ErrorKind::Permission => permission(err),
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
        Cause::Unreadable => "correct it there, or choose another profile with --profile or AWS_PROFILE",
        Cause::CaBundle => "it must be a readable file of PEM certificates",
        Cause::CodeNeeded => return code_needed(err.profile().unwrap_or(DEFAULT_PROFILE)),
        Cause::TokenFile => {
            "the file is named by `web_identity_token_file` in the profile, or AWS_WEB_IDENTITY_TOKEN_FILE"
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
        Cause::Foreign => {
            "check the endpoint URL, and whether a login page of the network or a proxy stands between this machine and \
             AWS"
        }
        Cause::Insecure => {
            "use https://, or allow it with --insecure-endpoint or `insecure_endpoint = true` in the configuration"
        }
        Cause::Proxy => "check HTTPS_PROXY and NO_PROXY, with user and password if the proxy needs them",
        Cause::Refused => "nothing is listening there: check the endpoint URL, or that the sandbox is still running",
        Cause::Timeout => "check the network, and HTTPS_PROXY if there is a proxy",
        Cause::Broken => "check the network, then try again",
    };
    vec![hint.to_owned()]
}

/// The AWS CLI asks for the code, and hands out what it got.
fn code_needed(profile: &str) -> Vec<String> {
    let quoted = shlex::try_quote(profile).unwrap_or_default();
    vec![format!("let the AWS CLI ask: `eval \"$(aws configure export-credentials --profile {quoted} --format env)\"`")]
}

fn renew(profile: Option<&str>) -> String {
    match profile {
        Some(profile) => {
            format!("log in again: `aws sso login --profile {profile}`, or renew the keys of that profile")
        }
        None => "log in again: `aws sso login`, or renew the keys in the environment".to_owned(),
    }
}

/// Who can lift a refusal: it says itself what kind of policy it comes from.
fn permission(err: &Error) -> Vec<String> {
    let (action, resource) = denied(err.message());
    let action = action.unwrap_or(err.action());
    let on = resource.or(err.resource()).map(|resource| format!(" on {resource}")).unwrap_or_default();
    let mut hints = match policy(err.message()) {
        Some((policy, Verdict::Denies)) => vec![format!(
            "an explicit deny outweighs every policy that allows {action}{on}: ask whoever manages that {policy} for an \
             exception"
        )],
        Some((policy, Verdict::Lacks)) if policy != "identity-based policy" => {
            vec![format!("the {policy} must allow {action}{on} too: ask whoever manages it")]
        }
        _ => vec![format!("ask for an IAM policy that allows {action}{on}")],
    };
    if err.action().starts_with("sts:AssumeRole") {
        hints.push("the trust policy of the role must name you as well".to_owned());
    }
    hints
}

/// What a policy has to do with a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Denies,
    /// It does not allow it.
    Lacks,
}

/// The kind of policy that a refusal names: "… with an explicit deny in a service control policy: ARN", "… because no
/// permissions boundary allows the … action".
fn policy(message: &str) -> Option<(&'static str, Verdict)> {
    let kind = |rest: &str| KINDS.into_iter().find(|kind| rest.starts_with(kind));
    let denies = message.split_once("explicit deny in a").map(|(_, rest)| rest.trim_start_matches('n').trim_start());
    let lacks = message.split_once("because no ").map(|(_, rest)| rest);
    match (denies, lacks) {
        (Some(rest), _) => Some((kind(rest)?, Verdict::Denies)),
        (None, Some(rest)) => Some((kind(rest)?, Verdict::Lacks)),
        (None, None) => None,
    }
}

/// The kinds of policies, as AWS names them in refusals.
const KINDS: [&str; 7] = [
    "service control policy",
    "resource control policy",
    "identity-based policy",
    "resource-based policy",
    "permissions boundary",
    "session policy",
    "VPC endpoint policy",
];

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_that_refuses_is_named() {
        let user = "User: arn:aws:iam::1:user/a is not authorized to perform: ssm:StartSession on resource: arn:r";
        for (ending, expected) in [
            ("with an explicit deny in a service control policy", Some(("service control policy", Verdict::Denies))),
            (
                "with an explicit deny in a service control policy: arn:p",
                Some(("service control policy", Verdict::Denies)),
            ),
            ("with an explicit deny in an identity-based policy", Some(("identity-based policy", Verdict::Denies))),
            (
                "because no permissions boundary allows the ssm:StartSession action",
                Some(("permissions boundary", Verdict::Lacks)),
            ),
            ("because no identity-based policy allows the x", Some(("identity-based policy", Verdict::Lacks))),
            ("", None),
        ] {
            assert_eq!(policy(&format!("{user} {ending}")), expected, "{ending}");
        }
    }
}
