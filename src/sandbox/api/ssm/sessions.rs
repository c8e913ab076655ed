//! Systems Manager: starting, resuming, ending and listing sessions.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::agent::contract::AgentSession;
use crate::sandbox::agent::work::Work;
use crate::sandbox::api::call::Call;
use crate::sandbox::api::error::ApiError;
use crate::sandbox::api::json::{input, seconds};
use crate::sandbox::api::page::Pager;
use crate::sandbox::documents::{DocumentError, SHELL};
use crate::sandbox::fleet::{Instance, Platform};
use crate::sandbox::gateway;
use crate::sandbox::ids::USER;
use crate::sandbox::link::{AgentLink, Lane};
use crate::sandbox::sessions::session::{NewSession, Phase, Session};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StartSession {
    target: String,
    document_name: Option<String>,
    reason: Option<String>,
    #[serde(default)]
    parameters: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SessionId {
    session_id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeSessions {
    state: String,
    #[serde(default)]
    filters: Vec<Filter>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

/// Unlike most members, those of this filter are spelled small.
#[derive(Debug, Deserialize)]
struct Filter {
    key: String,
    value: String,
}

/// `StartSession`
pub(crate) fn start_session(call: &Call<'_>, body: &[u8]) -> Result<String, ApiError> {
    let request: StartSession = input(body)?;
    length("target", &request.target, 400)?;
    if let Some(reason) = &request.reason {
        length("reason", reason, 256)?;
    }
    let account = call.account;
    let document = request.document_name.as_deref().unwrap_or(SHELL);
    let work = account.documents.work(document, &request.parameters).map_err(|error| {
        let code = match error {
            DocumentError::Unknown(_) | DocumentError::Invalid(_) => "InvalidDocument",
            DocumentError::Parameters(_) => "InvalidParameters",
        };
        ApiError::new(code, error.to_string())
    })?;
    let instance = target(call, &request.target, &work)?;

    let options = &account.options;
    let started = account.sessions.start(USER, |number| NewSession {
        region: call.region.to_owned(),
        instance: Arc::clone(&instance),
        document: document.to_owned(),
        reason: request.reason,
        owner: account.caller_arn(),
        // Each direction of each session has its own sequence of faults.
        to_agent: Lane::new(options.faults_to_agent, options.seed ^ (2 * number).rotate_left(32)),
        to_client: Lane::new(options.faults_to_client, options.seed ^ (2 * number + 1).rotate_left(32)),
    });
    let session = started.ok_or_else(|| ApiError::new("ThrottlingException", "Rate exceeded"))?;
    tokio::spawn(gateway::supervise(Arc::clone(account), Arc::clone(&session), job(call, &session, work)));
    let token = session.token();
    Ok(opened(call, &session, Some(&token)))
}

/// `ResumeSession`
pub(crate) fn resume_session(call: &Call<'_>, body: &[u8]) -> Result<String, ApiError> {
    let request: SessionId = input(body)?;
    length("sessionId", &request.session_id, 96)?;
    let session = call.account.sessions.find(call.region, &request.session_id).ok_or_else(|| {
        ApiError::new("DoesNotExistException", format!("Session {} does not exist", request.session_id))
    })?;
    // A session that is over is answered without a token; that is how clients learn of it.
    let token = session.renew_token();
    Ok(opened(call, &session, token.as_ref().map(|token| token.as_str())))
}

/// `TerminateSession`
pub(crate) fn terminate_session(call: &Call<'_>, body: &[u8]) -> Result<String, ApiError> {
    let request: SessionId = input(body)?;
    length("sessionId", &request.session_id, 96)?;
    // The API's reference names no error for a session that the service does not know, other than for ResumeSession: it is
    // "terminated" without a complaint.
    if let Some(session) = call.account.sessions.find(call.region, &request.session_id)
        && !session.terminate()
        && session.phase() == Phase::Over
    {
        return Err(ApiError::new("ValidationException", "Session is not in a valid state"));
    }
    Ok(json!({ "SessionId": request.session_id }).to_string())
}

/// `DescribeSessions`
pub(crate) fn describe_sessions(call: &Call<'_>, body: &[u8]) -> Result<String, ApiError> {
    let request: DescribeSessions = input(body)?;
    let active = match request.state.as_str() {
        "Active" => true,
        "History" => false,
        other => return Err(ApiError::constraint(other, "state", "satisfy enum value set: [Active, History]")),
    };
    let most = match request.max_results.unwrap_or(200) {
        most @ 1..=200 => most as usize,
        0 => return Err(ApiError::constraint("0", "maxResults", "have value greater than or equal to 1")),
        most => {
            return Err(ApiError::constraint(&most.to_string(), "maxResults", "have value less than or equal to 200"));
        }
    };
    let query = format!("{} {active} {:?}", call.region, request.filters);
    let pager = Pager::new(&query, request.next_token.as_deref())
        .map_err(|_| ApiError::new("InvalidNextToken", "The specified token is not valid."))?;
    let conditions = request.filters.iter().map(condition).collect::<Result<Vec<_>, _>>()?;
    let sessions = call.account.sessions.newest_first();
    let chosen = sessions.iter().filter(|session| {
        session.region == call.region
            && active == (session.phase() != Phase::Over)
            && conditions.iter().all(|condition| condition(session))
    });
    // Pages count upwards, from the newest to the oldest.
    let (page, token) = pager.page(chosen.map(|session| (u64::MAX - session.number, session)), most);
    let page: Vec<_> = page.into_iter().map(|session| describe(call, session)).collect();
    let mut output = json!({ "Sessions": page });
    if let Some(token) = token {
        output["NextToken"] = json!(token);
    }
    Ok(output.to_string())
}

type Condition<'a> = Box<dyn Fn(&Session) -> bool + 'a>;

fn condition(filter: &Filter) -> Result<Condition<'_>, ApiError> {
    let value = filter.value.as_str();
    let date = || {
        humantime::parse_rfc3339_weak(value).map_err(|_| {
            ApiError::new("ValidationException", format!("{} is not a time in ISO 8601 format", filter.value))
        })
    };
    Ok(match filter.key.as_str() {
        "Target" => Box::new(move |session| session.instance.id == value),
        "Owner" => Box::new(move |session| session.owner == value),
        "Status" => Box::new(move |session| session.status() == value),
        "SessionId" => Box::new(move |session| session.id == value),
        "AccessType" => Box::new(move |_| value == "Standard"),
        "InvokedAfter" => {
            let date = date()?;
            Box::new(move |session| session.started >= date)
        }
        "InvokedBefore" => {
            let date = date()?;
            Box::new(move |session| session.started < date)
        }
        _ => return Err(ApiError::new("InvalidFilterKey", "")),
    })
}

fn describe(call: &Call<'_>, session: &Session) -> Value {
    let mut output = json!({
        "SessionId": session.id,
        "Target": session.instance.id,
        "Status": session.status(),
        "StartDate": seconds(session.started),
        "DocumentName": session.document,
        "Owner": session.owner,
        "AccessType": "Standard",
    });
    if let Some(ended) = session.ended() {
        output["EndDate"] = json!(seconds(ended));
        output["OutputUrl"] = json!({});
    }
    if let Some(reason) = &session.reason {
        output["Reason"] = json!(reason);
    }
    if let Some(limit) = call.account.options.preferences.max_duration {
        output["MaxSessionDuration"] = json!(limit.as_secs().div_ceil(60).to_string());
    }
    output
}

/// The instance that a session is to be started on.
fn target(call: &Call<'_>, id: &str, work: &Work) -> Result<Arc<Instance>, ApiError> {
    // An instance that the service has never heard of is no more and no less connected than one that is down.
    let absent = || ApiError::new("TargetNotConnected", format!("{id} is not connected."));
    let instance = call.account.options.fleet.find(call.region, id).ok_or_else(absent)?;
    if !instance.is_online() {
        return Err(absent());
    }
    if call.lacks_tier(instance) {
        let text = "Enable advanced-instances tier to use Session Manager with your on-premises instances";
        return Err(ApiError::new("BadRequest", text));
    }
    // Of commands it plays what this machine can run.
    let is_command = matches!(work, Work::InteractiveCommand { .. } | Work::NonInteractiveCommand { .. });
    if instance.platform == Platform::Windows && !is_command {
        let text = format!("{id} is not connected. (This is a sandbox: of Windows it plays commands only.)");
        return Err(ApiError::new("TargetNotConnected", text));
    }
    Ok(Arc::clone(instance))
}

fn job(call: &Call<'_>, session: &Session, work: Work) -> AgentSession {
    let account = call.account;
    let options = &account.options;
    AgentSession {
        session_id: session.id.clone(),
        instance: Arc::clone(&session.instance),
        fleet: options.fleet.clone(),
        work,
        kms_key: options.preferences.encrypt.then(|| account.kms.key_arn(call.region)),
        kms: Arc::clone(&account.kms),
        pushed_keys: Arc::clone(&account.pushed_keys),
        pace: options.pace,
        agent_version: options.agent_version.as_ref().unwrap_or(&session.instance.agent_version).clone(),
        handshake: options.handshake,
        link: AgentLink { from_client: Arc::clone(&session.to_agent), to_client: Arc::clone(&session.to_client) },
    }
}

/// The answer that leads a client to the gateway.
fn opened(call: &Call<'_>, session: &Session, token: Option<&str>) -> String {
    let Some(token) = token else { return json!({ "SessionId": session.id }).to_string() };
    let url = format!("{}/v1/data-channel/{}?role=publish_subscribe", call.account.endpoint("ws"), session.id);
    json!({ "SessionId": session.id, "TokenValue": token, "StreamUrl": url }).to_string()
}

fn length(member: &str, value: &str, most: usize) -> Result<(), ApiError> {
    match value.chars().count() {
        0 => Err(ApiError::constraint("", member, "have length greater than or equal to 1")),
        count if count > most => {
            Err(ApiError::constraint(value, member, &format!("have length less than or equal to {most}")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::testing::session;

    #[test]
    fn filters_by_time_and_member() {
        let session = session(1);
        let holds = |key: &str, value: &str| {
            let filter = Filter { key: key.to_owned(), value: value.to_owned() };
            condition(&filter).map(|condition| condition(&session))
        };
        assert_eq!(holds("InvokedAfter", "2018-08-29T00:00:00Z"), Ok(true));
        assert_eq!(holds("InvokedBefore", "2018-08-29T00:00:00Z"), Ok(false));
        assert_eq!(holds("Status", "Connecting"), Ok(true));
        assert_eq!(holds("Target", "i-0"), Ok(false));
        assert_eq!(holds("SessionId", "me-1"), Ok(true));
        assert_eq!(holds("Nope", "x").unwrap_err().code, "InvalidFilterKey");
        assert_eq!(holds("InvokedAfter", "soon").unwrap_err().code, "ValidationException");
        assert!(session.started <= std::time::SystemTime::now());
    }

    #[test]
    fn lengths_are_those_of_the_model() {
        assert!(length("reason", &"ä".repeat(256), 256).is_ok());
        assert!(length("reason", &"a".repeat(257), 256).is_err());
        assert!(length("reason", "", 256).is_err());
    }
}
