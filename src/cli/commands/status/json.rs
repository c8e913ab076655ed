//! What was found out of targets, for programs: every key always there, in this order, null where nothing is known. Keys
//! may be added in later versions; none goes, and none changes what it means.

use serde::Serialize;

use super::report::{Finding, LookupError, Report};
use crate::aws::HybridTier;
use crate::cli::error::ErrorKind;
use crate::fleet::diagnose::{self, Purpose, Reason, Refusal, Verdict};
use crate::moment::rfc3339;

#[derive(Default, Serialize)]
struct Entry<'a> {
    /// As it was typed.
    target: &'a str,
    id: Option<&'a str>,
    name: Option<&'a str>,
    profile: Option<&'a str>,
    region: Option<&'a str>,
    /// What it was to be reached for.
    r#for: &'a str,
    /// reachable, not-connected, no-such-target, ambiguous, undetermined, or failed.
    verdict: &'a str,
    /// Null if it could not be found out.
    reachable: Option<bool>,
    /// What `ssmx status` exits with for this target alone.
    exit_code: u8,
    /// Why it cannot be reached, in a few words.
    summary: Option<&'a str>,
    /// In the order in which a person would check them.
    reasons: Vec<Why<'a>>,
    /// What does not decide.
    cautions: Vec<Why<'a>>,
    /// What to do where it is not known which instance is meant.
    hints: &'a [String],
    /// As EC2 names it.
    state: Option<&'a str>,
    /// Times are those of RFC 3339, in UTC.
    launched: Option<String>,
    instance_profile: Option<&'a str>,
    platform: Option<&'a str>,
    platform_name: Option<&'a str>,
    /// As Systems Manager names it.
    ping: Option<&'a str>,
    last_ping: Option<String>,
    agent_version: Option<&'a str>,
    /// What ssm:GetConnectionStatus says.
    connected: Option<bool>,
    /// standard or advanced.
    hybrid_tier: Option<&'a str>,
    /// The ids of those that may be meant, if there are several.
    matches: Vec<&'a str>,
    /// Where else it is known.
    elsewhere: Vec<Sighting<'a>>,
    /// What was asked and not answered.
    unanswered: Vec<Unanswered<'a>>,
}

#[derive(Serialize)]
struct Why<'a> {
    /// A name that stays the same.
    code: &'a str,
    /// Whether it was seen, or else has to be checked.
    certain: bool,
    what: &'a str,
    seen: &'a str,
    fix: &'a [String],
}

#[derive(Serialize)]
struct Sighting<'a> {
    id: &'a str,
    profile: Option<&'a str>,
    region: &'a str,
}

#[derive(Serialize)]
struct Unanswered<'a> {
    action: &'a str,
    resource: Option<&'a str>,
    code: Option<&'a str>,
    message: &'a str,
    request_id: Option<&'a str>,
}

/// An array of objects, one a line.
pub(crate) fn array(reports: &[Report], purpose: Purpose) -> serde_json::Result<Vec<u8>> {
    let mut text = Vec::from(b"[");
    for (place, one) in reports.iter().enumerate() {
        text.extend_from_slice(if place == 0 { b"\n" } else { b",\n" });
        serde_json::to_writer(&mut text, &entry(one, purpose))?;
    }
    text.extend_from_slice(b"\n]\n");
    Ok(text)
}

fn entry(report: &Report, purpose: Purpose) -> Entry<'_> {
    let common = Entry { target: &report.target, r#for: purpose.word(), ..Entry::default() };
    match &report.outcome {
        Ok(finding) => known(common, finding),
        Err(LookupError { failure, matches, elsewhere, .. }) => {
            let (verdict, reachable) = match failure.kind() {
                ErrorKind::NoTarget if !matches.is_empty() => ("ambiguous", None),
                ErrorKind::NoTarget => ("no-such-target", Some(false)),
                ErrorKind::Denied => ("undetermined", None),
                _ => ("failed", None),
            };
            Entry {
                verdict,
                reachable,
                exit_code: failure.exit().code(),
                summary: Some(failure.message()),
                hints: failure.hints(),
                matches: matches.iter().map(|instance| instance.id.as_str()).collect(),
                elsewhere: elsewhere.iter().map(sighting).collect(),
                ..common
            }
        }
    }
}

fn known<'a>(common: Entry<'a>, finding: &'a Finding) -> Entry<'a> {
    let (facts, diagnosis) = (&finding.facts, &finding.diagnosis);
    let (instance, agent) = (facts.instance(), facts.known_agent());
    Entry {
        id: Some(&facts.id),
        name: facts.name(),
        profile: facts.place.profile.as_deref(),
        region: Some(&facts.place.region),
        verdict: finding.word(),
        reachable: match diagnosis.verdict {
            Verdict::Undetermined(_) => None,
            verdict => Some(verdict == Verdict::Reachable),
        },
        exit_code: finding.exit().code(),
        summary: Some(diagnosis.summary.as_str()).filter(|summary| !summary.is_empty()),
        reasons: diagnosis.reasons.iter().map(why).collect(),
        cautions: diagnosis.cautions.iter().map(why).collect(),
        state: instance.map(|instance| instance.state.as_str()),
        launched: instance.and_then(|instance| instance.launched.and_then(rfc3339)),
        instance_profile: instance.and_then(|instance| instance.instance_profile.as_deref()),
        platform: facts.platform().map(|platform| platform.as_str()),
        platform_name: agent.and_then(|agent| agent.platform_name.as_deref()),
        ping: agent.map(|agent| agent.ping.as_str()),
        last_ping: agent.and_then(|agent| agent.last_ping.and_then(rfc3339)),
        agent_version: agent.and_then(|agent| agent.version.as_deref()),
        connected: facts.connected.given().copied(),
        hybrid_tier: facts.tier.given().map(|tier| match tier {
            HybridTier::Standard => "standard",
            HybridTier::Advanced => "advanced",
        }),
        elsewhere: facts.elsewhere.iter().flat_map(|elsewhere| &elsewhere.known).map(sighting).collect(),
        unanswered: facts.refusals().map(unanswered).collect(),
        ..common
    }
}

fn why(reason: &Reason) -> Why<'_> {
    let Reason { code, certain, what, seen, fix } = reason;
    Why { code, certain: *certain, what, seen, fix }
}

fn sighting(seen: &diagnose::Sighting) -> Sighting<'_> {
    Sighting { id: &seen.id, profile: seen.place.profile.as_deref(), region: &seen.place.region }
}

fn unanswered(refusal: &Refusal) -> Unanswered<'_> {
    Unanswered {
        action: &refusal.action,
        resource: refusal.resource.as_deref(),
        code: refusal.code.as_deref(),
        message: &refusal.message,
        request_id: refusal.request_id.as_deref(),
    }
}
