//! The obstacles that there are between a person and an instance, each with its words and its fix.

use super::facts::{Answer, Elsewhere, Facts, Refusal};
use super::purpose::Purpose;
use super::reason::Reason;
use crate::aws::{ErrorKind, HybridTier, InstanceState, Partition, PingStatus, Platform};
use crate::moment::{age, rfc3339};
use crate::protocol::Version;

/// It does not run; none if it does, or if EC2 did not answer.
pub(crate) fn down(facts: &Facts) -> Option<Reason> {
    let state = facts.instance()?.state;
    let (code, what) = match state {
        InstanceState::Stopped => ("stopped", "it is stopped"),
        InstanceState::Stopping => ("stopping", "it is stopping"),
        InstanceState::Terminated => ("terminated", "it is terminated"),
        InstanceState::ShuttingDown => ("terminated", "it is being terminated"),
        InstanceState::Pending => ("starting", "it is still starting"),
        InstanceState::Running | InstanceState::Unknown => return None,
    };
    let reason = Reason::seen(code, what, format!("EC2 reports its state as {}", state.as_str()));
    let start = format!("`aws ec2 start-instances --instance-ids {}{}`", facts.id, place_flags(facts));
    Some(match state {
        InstanceState::Stopped => reason.fix(format!("start it first: {start}")),
        InstanceState::Stopping => reason.fix(format!("wait until it has stopped, then start it: {start}")),
        InstanceState::Pending => reason.fix("wait a minute or two, then try again"),
        _ => reason.fix("it cannot be brought back: look for its replacement with `ssmx ls`"),
    })
}

/// Unknown in this account and region.
pub(crate) fn unknown_here(facts: &Facts) -> Reason {
    let (who, noun) = if facts.is_hybrid() { ("Systems Manager", "node") } else { ("EC2", "instance") };
    let region = &facts.place.region;
    let searched = facts.elsewhere.as_ref().filter(|elsewhere| !elsewhere.asked.is_empty());
    let mut seen = format!("{who} in {} does not list it", facts.place);
    if let Some(elsewhere) = searched {
        seen.push_str(&format!("; {} also checked", were(&elsewhere.asked(), elsewhere.asked.len())));
    }
    let reason = Reason::seen("unknown-here", format!("there is no such {noun} in {region}"), seen);
    let reason = reason.fix("check the id, the region (`--region`) and the account (`--profile`)");
    if facts.is_hybrid() {
        return reason.fix("a deregistered node must be activated again, and gets a new id");
    }
    reason.fix("a terminated instance disappears after an hour: look for its replacement with `ssmx ls`")
}

/// It is in another region or account.
pub(crate) fn elsewhere(facts: &Facts, elsewhere: &Elsewhere) -> Option<Reason> {
    let first = elsewhere.known.first()?;
    let places: Vec<_> = elsewhere.known.iter().map(|sighting| sighting.place.to_string()).collect();
    let what = format!("it is not in {}, but in {}", facts.place, places.join(" and in "));
    let seen = format!("{} checked", were(&elsewhere.asked(), elsewhere.asked.len()));
    Some(Reason::seen("elsewhere", what, seen).fix(format!("add `{}`", first.flags(&facts.place))))
}

/// It may not run, which EC2 could not be asked about.
pub(crate) fn may_be_down(facts: &Facts) -> Reason {
    let what = "it may be stopped, terminated, or in another region or account";
    let command = format!("`aws ec2 describe-instances --instance-ids {}{}`", facts.id, place_flags(facts));
    Reason::possible("may-not-run", what, "EC2 did not say").fix(format!("with permission for EC2, {command} shows it"))
}

/// It runs, and Systems Manager has not heard of it: the causes in the order in which they are checked.
pub(crate) fn unregistered(facts: &Facts) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if let Some(launched) = facts.instance().and_then(|instance| instance.launched)
        && facts.now.duration_since(launched).is_ok_and(|age| age < REGISTERING)
    {
        let seen = format!("EC2 started it {} ago", age(facts.now, launched));
        let young = Reason::seen("not-yet-registered", "its agent may not have registered yet", seen);
        reasons.push(young.fix("an agent takes a few minutes to register after the start: wait, then try again"));
    }
    reasons.extend([permission(facts), agent_missing(facts), no_way_out(facts)].into_iter().flatten());
    reasons
}

/// What lets the agent register: the instance profile.
fn permission(facts: &Facts) -> Option<Reason> {
    let usual =
        "or turn on Default Host Management Configuration for the account and region (agent 3.2.582.0 or newer)";
    let instance = match &facts.ec2 {
        Answer::Given(instance) => instance.as_ref()?,
        _ => {
            let what = "it may have no instance profile, or one whose role lacks AmazonSSMManagedInstanceCore";
            let reason = Reason::possible("permission-unchecked", what, "EC2 did not say");
            return Some(reason.fix(format!("give it an instance profile whose role has {CORE}")).fix(usual));
        }
    };
    let Some(profile) = &instance.instance_profile else { return Some(no_profile(facts).fix(usual)) };
    let name = profile.rsplit('/').next().unwrap_or(profile);
    let what = format!("the role of its instance profile `{name}` may lack {CORE}");
    let reason = Reason::possible("permission-unchecked", what, format!("EC2 reports the profile; {NOT_READ}"));
    let role = format!("`aws iam get-instance-profile --instance-profile-name {name}` names the role");
    let policies = "`aws iam list-attached-role-policies --role-name ROLE` lists its policies";
    Some(reason.fix(format!("{role}, and {policies}: attach {CORE} if it is not there")))
}

fn no_profile(facts: &Facts) -> Reason {
    let command = format!(
        "`aws ec2 associate-iam-instance-profile --instance-id {} --iam-instance-profile Name=PROFILE{}`",
        facts.id,
        place_flags(facts)
    );
    Reason::seen("no-instance-profile", "it has no instance profile", "EC2 lists none for it")
        .fix(format!("give it one whose role has {CORE}: {command}"))
}

/// The profile was taken away since the agent registered.
pub(crate) fn profile_gone(facts: &Facts) -> Option<Reason> {
    facts.instance().filter(|instance| instance.instance_profile.is_none()).map(|_| no_profile(facts))
}

fn agent_missing(facts: &Facts) -> Option<Reason> {
    let reason = Reason::possible("agent-missing", "its agent may be missing, or not running", not_listed(facts));
    let check = match facts.platform() {
        Some(Platform::Windows) => "`Get-Service AmazonSSMAgent`",
        Some(Platform::MacOs) => "`sudo launchctl list com.amazon.aws.ssm`",
        _ => "`systemctl status amazon-ssm-agent` (on Ubuntu `snap services amazon-ssm-agent`)",
    };
    Some(reason.fix(format!(
        "on the instance, through the EC2 serial console or SSH, {check} shows its state: install or start it, and check its log"
    )))
}

fn no_way_out(facts: &Facts) -> Option<Reason> {
    let hosts = hosts(facts, &["ssm", "ssmmessages", "ec2messages"]);
    let what = format!("it may be unable to reach {hosts} on port 443");
    let seen = match facts.instance() {
        Some(instance) if instance.has_public_ip => {
            "it has a public address, so its route table and security group decide"
        }
        Some(_) => "it has no public IPv4 address",
        None => "EC2 did not say whether it has a public address",
    };
    let reason = Reason::possible("no-route", what, seen);
    Some(reason.fix(
        "it needs a NAT gateway, or an internet gateway and a public address, or VPC endpoints for the three whose security group lets it in; its own security group must let it out",
    ))
}

/// Its agent was registered and is not heard from.
pub(crate) fn silent(facts: &Facts) -> Option<Reason> {
    let agent = facts.known_agent()?;
    let status = format!("Systems Manager reports its ping status as {}", agent.ping.as_str());
    let (what, seen) = match agent.last_ping {
        Some(time) => (
            format!("its agent was last heard from {} ago", age(facts.now, time)),
            rfc3339(time).map_or(status.clone(), |at| format!("{status}, the last ping at {at}")),
        ),
        None => ("its agent is silent".to_owned(), status),
    };
    let reason = Reason::seen("agent-silent", what, seen);
    let mut reason = reason.fix(format!("restart the agent ({}), or the machine", restart(facts)));
    if !facts.is_hybrid() {
        let reboot = format!("`aws ec2 reboot-instances --instance-ids {}{}`", facts.id, place_flags(facts));
        reason = reason.fix(format!("if you cannot log in: {reboot}"));
    }
    let hosts = hosts(facts, &["ssm", "ssmmessages", "ec2messages"]);
    Some(reason.fix(format!("check what has changed since then: its access to {hosts}, its role, a full disk")))
}

/// Its agent reports, and has no connection for sessions.
pub(crate) fn no_channel(facts: &Facts) -> Reason {
    let what = "its agent reports, but has no connection to Session Manager";
    let seen = "Systems Manager reports the agent as online, but ssm:GetConnectionStatus as not connected";
    let host = hosts(facts, &["ssmmessages"]);
    Reason::seen("no-channel", what, seen)
        .fix(format!(
            "check its access to {host} on port 443: a VPC endpoint for ssmmessages, security groups, a proxy"
        ))
        .fix(format!(
            "check that its role allows ssmmessages:CreateControlChannel and OpenControlChannel, as {CORE} does"
        ))
        .fix(format!("restart the agent: {}", restart(facts)))
}

/// Nothing more is known than that it is not connected.
pub(crate) fn container() -> Reason {
    let what = "the container has no connection to Session Manager";
    Reason::seen("container", what, "ssm:GetConnectionStatus reports it as not connected")
        .fix("check that the task runs, and was started with `--enable-execute-command`")
        .fix("check that the task role allows the four ssmmessages actions, and that the task can reach that service")
}

/// Its agent is too old for something.
pub(crate) fn too_old(facts: &Facts, purpose: Purpose) -> Option<Reason> {
    let agent = facts.known_agent()?;
    let text = agent.version.as_deref()?;
    let needed = purpose.needs();
    if text.parse::<Version>().ok()? >= needed {
        return None;
    }
    let what = format!("its agent {text} is too old for {purpose}, which needs {needed}");
    let reason = Reason::seen("agent-too-old", what, "Systems Manager reports the version");
    let fix = match agent.ping {
        PingStatus::Online => format!(
            "update the agent: `aws ssm send-command --document-name AWS-UpdateSSMAgent --targets \
             Key=InstanceIds,Values={}{}`",
            facts.id,
            place_flags(facts)
        ),
        _ => "update the agent on the machine itself".to_owned(),
    };
    Some(reason.fix(fix))
}

/// A hybrid node in an account without the tier that allows sessions on those. The service dropped the requirement in
/// June 2026, so the setting alone proves nothing.
pub(crate) fn tier(facts: &Facts) -> Option<Reason> {
    if !facts.is_hybrid() {
        return None;
    }
    let is_refused = facts.refused.as_ref().is_some_and(|refusal| refusal.message.contains("advanced-instances tier"));
    let seen = if is_refused {
        "the service said so when ssmx tried to start a session"
    } else if facts.tier.given() == Some(&HybridTier::Standard) {
        "the setting /ssm/managed-instance/activation-tier is `standard`, which since June 2026 should not matter"
    } else {
        return None;
    };
    let what = "sessions on hybrid nodes need the advanced-instances tier";
    let reason =
        if is_refused { Reason::seen("hybrid-tier", what, seen) } else { Reason::possible("hybrid-tier", what, seen) };
    let command =
        "`aws ssm update-service-setting --setting-id /ssm/managed-instance/activation-tier --setting-value advanced";
    Some(reason.fix(format!("turn it on for the account and region (it may cost): {command}{}`", place_flags(facts))))
}

/// A question that was not answered.
pub(crate) fn unanswered(refusal: &Refusal) -> Reason {
    let (code, what) = match refusal.kind {
        ErrorKind::Permission => {
            let on = refusal.resource.as_ref().map(|resource| format!(" on {resource}")).unwrap_or_default();
            ("denied", format!("you may not call {}{on}", refusal.action))
        }
        ErrorKind::Credentials => ("credentials", "AWS rejects the credentials".to_owned()),
        // It may have been answered: with an error of the service's own, or that the caller asks too often.
        _ => ("unanswered", format!("{} failed", refusal.action)),
    };
    let reason = Reason::seen(code, what, refusal.message.clone());
    refusal.hints.iter().cloned().fold(reason, Reason::fix)
}

fn were(subject: &str, count: usize) -> String {
    format!("{subject} {}", if count == 1 { "was" } else { "were" })
}

fn not_listed(facts: &Facts) -> &'static str {
    match facts.agent {
        Answer::Given(_) => "ssm:DescribeInstanceInformation does not list it",
        _ => "Systems Manager did not say whether it has registered",
    }
}

fn restart(facts: &Facts) -> &'static str {
    match facts.platform() {
        Some(Platform::Windows) => "`Restart-Service AmazonSSMAgent`",
        Some(Platform::MacOs) => "`sudo launchctl kickstart -k system/com.amazon.aws.ssm`",
        _ => "`sudo systemctl restart amazon-ssm-agent`, on Ubuntu `sudo snap restart amazon-ssm-agent`",
    }
}

fn hosts(facts: &Facts, services: &[&str]) -> String {
    let region = &facts.place.region;
    let domain = Partition::of(region).domain;
    let hosts: Vec<_> = services.iter().map(|service| format!("{service}.{region}.{domain}")).collect();
    match hosts.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => hosts.concat(),
    }
}

/// What makes a command of the AWS CLI ask the same account and region.
fn place_flags(facts: &Facts) -> String {
    let profile = facts.place.profile.as_ref().map(|profile| format!(" --profile {profile}")).unwrap_or_default();
    format!(" --region {}{profile}", facts.place.region)
}

const CORE: &str = "AmazonSSMManagedInstanceCore";

const NOT_READ: &str = "ssmx does not read policies";

/// How long an agent may take from the start of its instance until it has registered.
const REGISTERING: std::time::Duration = std::time::Duration::from_mins(5);
