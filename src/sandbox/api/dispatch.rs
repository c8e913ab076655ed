//! From a request to the action that it asks for: credentials first, then the faults that were asked for.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::Response;
use http::request::Parts;
use http_body_util::Full;

use super::call::Call;
use super::error::ApiError;
use super::form::Form;
use super::service::Service;
use super::ssm::{documents, instances, sessions, settings};
use super::{ec2, instance_connect, kms, sts};
use crate::sandbox::account::Account;
use crate::sandbox::faults::api::Fate;
use crate::sandbox::ids::ACCOUNT;
use crate::sandbox::random;
use crate::sandbox::services::sigv4::{self, Refused, SignedRequest};

/// An answer that is kept back for so long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Late(pub(crate) Duration);

/// Answers a request of the control plane. One that a fault makes late says so in its extensions ([`Late`]).
pub(crate) fn answer(account: &Arc<Account>, head: &Parts, body: &Bytes) -> Response<Full<Bytes>> {
    let request_id = random::uuid().to_string();
    let claimed = sigv4::claimed_scope(&head.headers);
    // Requests without a signature, or for other services, are refused in the most common way.
    let service = claimed.as_ref().and_then(|scope| Service::signed_for(&scope.service));
    let style = service.unwrap_or(Service::Ssm);
    let request = SignedRequest { method: &head.method, uri: &head.uri, headers: &head.headers, body };
    let result = match (sigv4::verify(&account.credentials, &request, SystemTime::now()), service) {
        (Err(Refused::Missing), _) => Err(style.refusal(&Refused::Missing)),
        (Err(refused), _) => Err(style.refusal(&refused)),
        (Ok(_), None) => Err(style.unknown_action("")),
        (Ok(scope), Some(service)) => {
            let call = Call { account, region: &scope.region, request_id: &request_id };
            Ok(call.run(service, head, body))
        }
    };
    let (result, late) = match result {
        Ok(Answer { result, late }) => (result, late),
        Err(error) => (Err(error), None),
    };
    let mut response = match result {
        Ok(body) => style.success(&request_id, body),
        Err(error) => {
            tracing::debug!(service = style.prefix(), code = error.code, "call refused");
            style.failure(&request_id, &error)
        }
    };
    late.map(|time| response.extensions_mut().insert(Late(time)));
    response
}

/// What an action says, and how late.
struct Answer {
    result: Result<String, ApiError>,
    late: Option<Duration>,
}

impl Call<'_> {
    fn run(&self, service: Service, head: &Parts, body: &[u8]) -> Answer {
        let form = if service.target().is_none() { Form::parse(body) } else { Form::default() };
        let action = match service.target() {
            Some(target) => (head.headers.get("x-amz-target").and_then(|value| value.to_str().ok()))
                .and_then(|name| name.strip_prefix(target)?.strip_prefix('.')),
            None => form.field("Action"),
        };
        let action = action.unwrap_or_default();
        let is_boundless =
            ["MaxResults", "Filter.1.Name", "InstanceId.1"].iter().all(|name| form.field(name).is_none());
        let (late, fate) = self.fate(&format!("{}:{action}", service.prefix()), is_boundless);
        let refused = self.refusal(fate, service, action, body);
        Answer { result: refused.map_or_else(|| self.act(service, action, body, &form), Err), late }
    }

    fn act(&self, service: Service, action: &str, body: &[u8], form: &Form) -> Result<String, ApiError> {
        tracing::debug!(service = service.prefix(), action, region = self.region, "call");
        match (service, action) {
            (Service::Ssm, "StartSession") => sessions::start_session(self, body),
            (Service::Ssm, "ResumeSession") => sessions::resume_session(self, body),
            (Service::Ssm, "TerminateSession") => sessions::terminate_session(self, body),
            (Service::Ssm, "DescribeSessions") => sessions::describe_sessions(self, body),
            (Service::Ssm, "GetConnectionStatus") => instances::get_connection_status(self, body),
            (Service::Ssm, "DescribeInstanceInformation") => instances::describe_instance_information(self, body),
            (Service::Ssm, "GetServiceSetting") => settings::get_service_setting(self, body),
            (Service::Ssm, "GetDocument") => documents::get_document(self, body),
            (Service::Ssm, "DescribeDocument") => documents::describe_document(self, body),
            (Service::Kms, "GenerateDataKey") => kms::generate_data_key(self, body),
            (Service::Kms, "Decrypt") => kms::decrypt(self, body),
            (Service::InstanceConnect, "SendSSHPublicKey") => instance_connect::send_ssh_public_key(self, body),
            (Service::Ec2, "DescribeInstances") => ec2::describe_instances(self, form),
            (Service::Ec2, "DescribeRegions") => ec2::describe_regions(self, form),
            (Service::Sts, "GetCallerIdentity") => Ok(sts::caller_identity(self)),
            _ => Err(service.unknown_action(action)),
        }
    }

    /// What the options have in store for a call: how late it is answered, and what becomes of it.
    fn fate(&self, action: &str, is_boundless: bool) -> (Option<Duration>, Fate) {
        let mut throttle = self.account.api_throttle.lock().unwrap_or_else(PoisonError::into_inner);
        let is_too_much = throttle.is_too_much(action, self.region, is_boundless, Instant::now());
        let mut faults = self.account.api_faults.lock().unwrap_or_else(PoisonError::into_inner);
        let late = faults.lateness(action);
        let fate = if is_too_much { Fate::Throttled } else { faults.next(action) };
        let mut calls = self.account.api_calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.count(action, fate == Fate::Throttled);
        (late, fate)
    }

    /// Why a call fails that the options have this in store for.
    fn refusal(&self, fate: Fate, service: Service, action: &str, body: &[u8]) -> Option<ApiError> {
        match fate {
            Fate::Served => None,
            Fate::Throttled => Some(service.throttled()),
            Fate::BrokenOff => Some(service.expired_page()),
            Fate::Denied => {
                let action = format!("{}:{action}", service.prefix());
                let resource = self.resource(service, &action, body);
                Some(service.denied(&self.account.caller_arn(), &action, &resource))
            }
        }
    }

    /// The resource that a denial names.
    fn resource(&self, service: Service, action: &str, body: &[u8]) -> String {
        let input: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
        let member = |name| input.get(name).and_then(serde_json::Value::as_str);
        let region = self.region;
        match action {
            "ssm:StartSession" | "ssm:GetConnectionStatus" => {
                format!("arn:aws:ec2:{region}:{ACCOUNT}:instance/{}", member("Target").unwrap_or("*"))
            }
            "ec2-instance-connect:SendSSHPublicKey" => {
                format!("arn:aws:ec2:{region}:{ACCOUNT}:instance/{}", member("InstanceId").unwrap_or("*"))
            }
            "ssm:ResumeSession" | "ssm:TerminateSession" => {
                format!("arn:aws:ssm:{region}:{ACCOUNT}:session/{}", member("SessionId").unwrap_or("*"))
            }
            "ssm:GetDocument" | "ssm:DescribeDocument" => {
                format!("arn:aws:ssm:{region}:{ACCOUNT}:document/{}", member("Name").unwrap_or("*"))
            }
            "ssm:GetServiceSetting" => settings::arn(region, member("SettingId").unwrap_or("*")),
            "kms:GenerateDataKey" | "kms:Decrypt" => self.account.kms.key_arn(region),
            _ => format!("arn:aws:{}:{region}:{ACCOUNT}:*", service.prefix()),
        }
    }
}
