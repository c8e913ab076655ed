//! A table of facts, and what follows from them.

use std::time::{Duration, SystemTime};

use super::*;
use crate::aws::{HybridTier, Platform};
use crate::fleet::model::place::Place;

const HOUR: Duration = Duration::from_hours(1);

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_hours(500_000)
}

/// An instance that runs, with an instance profile and a recent agent that is connected.
fn fine() -> Facts {
    let place = Place { profile: None, region: "eu-west-1".to_owned() };
    Facts {
        ec2: Answer::Given(Some(Ec2Facts {
            state: InstanceState::Running,
            name: Some("web-1".to_owned()),
            platform: None,
            instance_profile: Some("arn:aws:iam::123456789012:instance-profile/ssm".to_owned()),
            has_public_ip: false,
            launched: Some(now() - HOUR * 24),
        })),
        agent: Answer::Given(Some(AgentFacts {
            ping: PingStatus::Online,
            last_ping: Some(now() - Duration::from_mins(1)),
            version: Some("3.3.3050.0".to_owned()),
            platform: Some(Platform::Linux),
            platform_name: Some("Amazon Linux 2023".to_owned()),
            name: None,
        })),
        connected: Answer::Given(true),
        ..Facts::none("i-0123456789abcdef0", place, Purpose::Shell, now())
    }
}

/// A hybrid node that is connected.
fn hybrid() -> Facts {
    Facts {
        id: "mi-0123456789abcdef0".to_owned(),
        ec2: Answer::NotAsked,
        tier: Answer::Given(HybridTier::Advanced),
        ..fine()
    }
}

fn down(state: InstanceState) -> Facts {
    let mut facts = fine();
    if let Answer::Given(Some(instance)) = &mut facts.ec2 {
        instance.state = state;
    }
    facts.agent = Answer::Given(None);
    facts.connected = Answer::Given(false);
    facts
}

fn unregistered(profile: bool) -> Facts {
    let mut facts = fine();
    if let Answer::Given(Some(instance)) = &mut facts.ec2
        && !profile
    {
        instance.instance_profile = None;
    }
    facts.agent = Answer::Given(None);
    facts.connected = Answer::Given(false);
    facts
}

fn with_agent(mut facts: Facts, change: impl FnOnce(&mut AgentFacts)) -> Facts {
    if let Answer::Given(Some(agent)) = &mut facts.agent {
        change(agent);
    }
    facts
}

fn lost() -> Facts {
    let facts = with_agent(fine(), |agent| {
        agent.ping = PingStatus::ConnectionLost;
        agent.last_ping = Some(now() - HOUR * 5);
    });
    Facts { connected: Answer::Given(false), ..facts }
}

fn denied<T>(action: &str) -> Answer<T> {
    Answer::Refused(Refusal {
        kind: ErrorKind::Permission,
        action: action.to_owned(),
        resource: None,
        code: Some("AccessDeniedException".to_owned()),
        message: format!("{action} failed: no"),
        request_id: Some("r".to_owned()),
        hints: vec![format!("ask for an IAM policy that allows {action}")],
    })
}

fn no_ec2(facts: Facts) -> Facts {
    Facts { ec2: denied("ec2:DescribeInstances"), ..facts }
}

fn no_agent(facts: Facts) -> Facts {
    Facts { agent: denied("ssm:DescribeInstanceInformation"), ..facts }
}

fn no_status(facts: Facts) -> Facts {
    Facts { connected: denied("ssm:GetConnectionStatus"), ..facts }
}

fn nowhere() -> Facts {
    Facts { ec2: Answer::Given(None), agent: Answer::Given(None), connected: Answer::Given(false), ..fine() }
}

fn seen_in(places: &[(&str, Option<&str>)]) -> Option<Elsewhere> {
    let place =
        |region: &str, profile: Option<&str>| Place { region: region.to_owned(), profile: profile.map(str::to_owned) };
    let known = places
        .iter()
        .map(|(region, profile)| Sighting { place: place(region, *profile), id: "i-0123456789abcdef0".to_owned() });
    let asked = vec![place("us-east-1", None), place("us-west-2", None)];
    Some(Elsewhere { asked, known: known.collect(), unanswered: Vec::new() })
}

fn refused_for_its_tier() -> Option<Refusal> {
    let Answer::Refused(refusal) = denied::<()>("ssm:StartSession") else { return None };
    let message = "Enable advanced-instances tier to use Session Manager with your on-premises instances".to_owned();
    Some(Refusal { kind: ErrorKind::NotConnected, message, ..refusal })
}

/// The codes of the reasons, in order; those that are only possible end with a question mark.
fn codes(reasons: &[Reason]) -> Vec<String> {
    let code = |reason: &Reason| format!("{}{}", reason.code, if reason.certain { "" } else { "?" });
    reasons.iter().map(code).collect()
}

const DENIED: Verdict = Verdict::Undetermined(ErrorKind::Permission);

#[test]
fn each_case_has_its_verdict_and_its_reasons_in_order() {
    use Verdict::{NoSuchTarget, NotConnected, Reachable};
    let old = |facts, purpose, version: &str| Facts {
        purpose,
        ..with_agent(facts, |agent| agent.version = Some(version.to_owned()))
    };
    let check: &[&str] = &["permission-unchecked?", "agent-missing?", "no-route?"];
    let cases: Vec<(&str, Facts, Verdict, Vec<&str>)> = vec![
        ("fine", fine(), Reachable, vec![]),
        ("hybrid", hybrid(), Reachable, vec![]),
        ("stopped", down(InstanceState::Stopped), NotConnected, vec!["stopped"]),
        (
            "stopping",
            Facts { connected: Answer::Given(true), ..down(InstanceState::Stopping) },
            NotConnected,
            vec!["stopping"],
        ),
        (
            "stopped, agent still online",
            Facts { agent: fine().agent, ..down(InstanceState::Stopped) },
            NotConnected,
            vec!["stopped"],
        ),
        ("terminated", down(InstanceState::Terminated), NotConnected, vec!["terminated"]),
        ("going", down(InstanceState::ShuttingDown), NotConnected, vec!["terminated"]),
        ("starting", down(InstanceState::Pending), NotConnected, vec!["starting"]),
        (
            "starting and there",
            Facts { connected: Answer::Given(true), ..down(InstanceState::Pending) },
            Reachable,
            vec![],
        ),
        ("no profile", unregistered(false), NotConnected, vec!["no-instance-profile", "agent-missing?", "no-route?"]),
        ("unregistered", unregistered(true), NotConnected, check.to_vec()),
        ("lost", lost(), NotConnected, vec!["agent-silent"]),
        (
            "lost with its profile",
            Facts { ec2: unregistered(false).ec2, ..lost() },
            NotConnected,
            vec!["agent-silent", "no-instance-profile"],
        ),
        ("too old for anything", old(fine(), Purpose::Shell, "2.3.50.0"), NotConnected, vec!["agent-too-old"]),
        ("too old for tunnels", old(fine(), Purpose::RemotePort, "3.0.1124.0"), NotConnected, vec!["agent-too-old"]),
        ("new enough", old(fine(), Purpose::Command, "3.0.1124.0"), Reachable, vec![]),
        (
            "lost and old",
            old(lost(), Purpose::Command, "2.3.672.0"),
            NotConnected,
            vec!["agent-silent", "agent-too-old"],
        ),
        ("a version that is none", old(fine(), Purpose::Command, "new"), Reachable, vec![]),
        ("no channel", Facts { connected: Answer::Given(false), ..fine() }, NotConnected, vec!["no-channel"]),
        (
            "hybrid, standard tier",
            Facts { tier: Answer::Given(HybridTier::Standard), connected: Answer::Given(false), ..hybrid() },
            NotConnected,
            vec!["hybrid-tier?", "no-channel"],
        ),
        (
            "hybrid, tier without effect",
            Facts { tier: Answer::Given(HybridTier::Standard), ..hybrid() },
            Reachable,
            vec![],
        ),
        ("hybrid, refused", Facts { refused: refused_for_its_tier(), ..hybrid() }, NotConnected, vec!["hybrid-tier"]),
        (
            "hybrid, gone",
            Facts { agent: Answer::Given(None), connected: Answer::Given(false), ..hybrid() },
            NoSuchTarget,
            vec!["unknown-here"],
        ),
        ("nowhere", nowhere(), NoSuchTarget, vec!["unknown-here"]),
        ("not there either", Facts { elsewhere: seen_in(&[]), ..nowhere() }, NoSuchTarget, vec!["unknown-here"]),
        (
            "elsewhere",
            Facts { elsewhere: seen_in(&[("us-west-2", Some("prod"))]), ..nowhere() },
            NoSuchTarget,
            vec!["elsewhere"],
        ),
        ("no EC2", no_ec2(fine()), Reachable, vec![]),
        ("no EC2, lost", no_ec2(lost()), NotConnected, vec!["agent-silent", "denied"]),
        (
            "no EC2, unregistered",
            no_ec2(unregistered(true)),
            NotConnected,
            [&["may-not-run?"], check, &["denied"]].concat(),
        ),
        (
            "no EC2, elsewhere",
            Facts { elsewhere: seen_in(&[("us-west-2", None)]), ..no_ec2(unregistered(true)) },
            NotConnected,
            [&["elsewhere", "may-not-run?"], check, &["denied"]].concat(),
        ),
        ("no agent, connected", no_agent(fine()), Reachable, vec![]),
        ("no agent, stopped", no_agent(down(InstanceState::Stopped)), NotConnected, vec!["stopped", "denied"]),
        ("no agent", no_agent(unregistered(true)), NotConnected, [check, &["denied"]].concat()),
        ("no status", no_status(fine()), Reachable, vec![]),
        ("no status, lost", no_status(lost()), NotConnected, vec!["agent-silent", "denied"]),
        (
            "no status, unregistered",
            no_status(unregistered(false)),
            NotConnected,
            vec!["no-instance-profile", "agent-missing?", "no-route?", "denied"],
        ),
        ("status alone, connected", no_ec2(no_agent(fine())), Reachable, vec![]),
        (
            "status alone",
            no_ec2(no_agent(unregistered(true))),
            NotConnected,
            [&["may-not-run?"], check, &["denied", "denied"]].concat(),
        ),
        ("EC2 alone", no_status(no_agent(fine())), DENIED, vec!["denied", "denied"]),
        (
            "EC2 alone, stopped",
            no_status(no_agent(down(InstanceState::Stopped))),
            NotConnected,
            vec!["stopped", "denied", "denied"],
        ),
        ("nothing", no_status(no_ec2(no_agent(fine()))), DENIED, vec!["denied", "denied", "denied"]),
        (
            "a container",
            Facts { connected: Answer::Given(false), ..Facts::none("ecs:c_t_r", fine().place, Purpose::Shell, now()) },
            NotConnected,
            vec!["container"],
        ),
    ];
    for (name, facts, verdict, reasons) in cases {
        let diagnosis = diagnose(&facts);
        assert_eq!(diagnosis.verdict, verdict, "{name}: {diagnosis:?}");
        assert_eq!(codes(&diagnosis.reasons), reasons, "{name}");
        assert_eq!(diagnosis.summary.is_empty(), verdict == Reachable, "{name}");
        for reason in diagnosis.reasons.iter().chain(&diagnosis.cautions) {
            assert!(!reason.what.is_empty() && !reason.seen.is_empty() && !reason.fix.is_empty(), "{name}: {reason:?}");
        }
    }
}

#[test]
fn the_words_say_what_was_seen_and_what_to_do() {
    let stopped = diagnose(&Facts {
        place: Place { profile: Some("prod".to_owned()), region: "eu-west-1".to_owned() },
        ..down(InstanceState::Stopped)
    });
    assert_eq!(stopped.summary, "it is stopped");
    let command = "`aws ec2 start-instances --instance-ids i-0123456789abcdef0 --region eu-west-1 --profile prod`";
    assert_eq!(stopped.reasons[0].fix, [format!("start it first: {command}")]);

    let lost = diagnose(&lost());
    assert_eq!(lost.summary, "its agent was last heard from 5 hours ago");
    assert!(lost.reasons[0].seen.contains("2027-01-15T03:00:00Z"), "{lost:?}");
    let nonsense = now() + HOUR * 24 * 366 * 8_000;
    let odd = diagnose(&with_agent(self::lost(), |agent| agent.last_ping = Some(nonsense)));
    assert_eq!(odd.reasons[0].seen, "Systems Manager reports its ping status as ConnectionLost");

    let unregistered = diagnose(&unregistered(true));
    assert_eq!(unregistered.summary, "Systems Manager does not know it");
    assert!(unregistered.reasons[0].fix[0].contains("--instance-profile-name ssm`"), "{unregistered:?}");
    assert!(unregistered.reasons[2].what.contains("ssmmessages.eu-west-1.amazonaws.com and ec2messages.eu-west-1"));
    let elsewhere = diagnose(&Facts { elsewhere: seen_in(&[("us-west-2", Some("prod"))]), ..nowhere() });
    assert_eq!(elsewhere.summary, "it is not in eu-west-1, but in us-west-2 (prod)");
    assert_eq!(elsewhere.reasons[0].fix, ["add `--region us-west-2 --profile prod`"]);
}

#[test]
fn an_instance_that_has_just_started_is_given_time() {
    let mut facts = unregistered(true);
    if let Answer::Given(Some(instance)) = &mut facts.ec2 {
        instance.launched = Some(now() - Duration::from_secs(90));
    }
    let diagnosis = diagnose(&facts);
    assert_eq!(diagnosis.reasons[0].code, "not-yet-registered");
    assert_eq!(diagnosis.reasons[0].seen, "EC2 started it 90 seconds ago");
}

#[test]
fn what_does_not_decide_is_a_caution() {
    let old = diagnose(&with_agent(fine(), |agent| agent.version = Some("2.3.672.0".to_owned())));
    assert_eq!((old.verdict, codes(&old.cautions)), (Verdict::Reachable, vec!["agent-too-old".to_owned()]));
    assert!(old.cautions[0].what.contains("too old for a command without a terminal"), "{old:?}");
    assert_eq!(codes(&diagnose(&no_status(no_ec2(fine()))).cautions), ["denied", "denied"]);
    let tier = Facts { tier: Answer::Given(HybridTier::Standard), ..hybrid() };
    assert_eq!(codes(&diagnose(&tier).cautions), ["hybrid-tier?"]);
}

#[test]
fn one_trouble_with_all_services_is_reported_once() {
    fn expired<T>(action: &str) -> Answer<T> {
        let Answer::Refused(refusal) = denied::<T>(action) else { return Answer::NotAsked };
        Answer::Refused(Refusal { kind: ErrorKind::Credentials, ..refusal })
    }
    let facts = Facts { ec2: expired("a:B"), agent: expired("c:D"), connected: expired("e:F"), ..fine() };
    let diagnosis = diagnose(&facts);
    assert_eq!(diagnosis.verdict, Verdict::Undetermined(ErrorKind::Credentials));
    assert_eq!(codes(&diagnosis.reasons), ["credentials"]);
    assert_eq!(diagnosis.summary, "AWS rejects the credentials");
}

#[test]
fn a_service_that_asks_for_patience_has_answered() {
    let Answer::Refused(refusal) = denied::<bool>("ssm:GetConnectionStatus") else { panic!() };
    let connected = Answer::Refused(Refusal { kind: ErrorKind::Throttled, ..refusal });
    let diagnosis = diagnose(&Facts { connected, ..fine() });
    let seen = diagnosis.reasons.iter().chain(&diagnosis.cautions).find(|reason| reason.code == "unanswered");
    assert_eq!(seen.map(|reason| reason.what.as_str()), Some("ssm:GetConnectionStatus failed"), "{diagnosis:?}");
}

#[test]
fn advice_names_the_hosts_of_the_partition() {
    for (region, host) in [
        ("cn-north-1", "ssm.cn-north-1.amazonaws.com.cn,"),
        ("eusc-de-east-1", "ssm.eusc-de-east-1.amazonaws.eu,"),
        ("us-iso-east-1", "ssm.us-iso-east-1.c2s.ic.gov,"),
    ] {
        let place = Place { profile: None, region: region.to_owned() };
        let there = diagnose(&Facts { place, ..unregistered(true) });
        assert!(there.reasons[2].what.contains(host), "{there:?}");
    }
}
