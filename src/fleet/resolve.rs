//! From what a person typed to the one instance that is meant.

use std::collections::BTreeMap;

use super::{
    error::FleetError,
    near::near,
    target::{Target, TargetState},
};
use crate::aws::{self, Aws, Instance, InstanceState, ManagedInstance};

/// Finds the instance that `target` names: by its id, without asking anybody, or by its exact Name tag.
///
/// EC2 and Systems Manager are asked side by side, and one is enough if the other refuses: many people may use only
/// one of them, and hybrid instances are known to Systems Manager alone. Terminated instances are left out. Of several
/// instances with the name, the one that is online is meant, or else the one that runs, as long as there is only one.
///
/// # Errors
///
/// If there is none, several equally good ones, or nobody answered.
pub async fn resolve(aws: &Aws, target: &str) -> Result<Target, FleetError> {
    if target.is_empty() {
        return Err(FleetError::Empty);
    }
    if is_id(target) {
        return Ok(Target::by_id(target));
    }
    let filter = [("tag:Name".to_owned(), vec![target.to_owned()])];
    let (ec2, ssm) = tokio::join!(aws.instances_named(target), aws.describe_instance_information(&filter));
    let ssm_asked = ssm.is_ok();
    let (instances, managed, missing) = match (ec2, ssm) {
        (Ok(instances), Ok(managed)) => (instances, managed, None),
        (Ok(instances), Err(err)) => (instances, Vec::new(), Some(err)),
        (Err(err), Ok(managed)) => (Vec::new(), managed, Some(err)),
        (Err(err), Err(_)) => return Err(err.into()),
    };
    if let Some(err) = &missing {
        tracing::debug!(error = %err, "looking for the name with one service only");
    }
    let mut found = join(target, &instances, &managed, ssm_asked);
    found.sort_by(|a, b| (a.state.rank(), &a.id).cmp(&(b.state.rank(), &b.id)));
    match found.as_slice() {
        [] => Err(not_found(aws, target, missing).await),
        [only] => Ok(only.clone()),
        [first, second, ..] if first.state.rank() < second.state.rank() && is_up(first.state) => Ok(first.clone()),
        _ => {
            let total = found.len();
            found.truncate(MATCHES_SHOWN);
            Err(FleetError::Ambiguous { target: target.to_owned(), matches: found, total })
        }
    }
}

fn join(name: &str, instances: &[Instance], managed: &[ManagedInstance], ssm_asked: bool) -> Vec<Target> {
    let mut both: BTreeMap<&str, (Option<&Instance>, Option<&ManagedInstance>)> = BTreeMap::new();
    for instance in instances {
        both.entry(&instance.id).or_default().0 = Some(instance);
    }
    for managed in managed {
        both.entry(&managed.id).or_default().1 = Some(managed);
    }
    let gone = |instance: Option<&Instance>| {
        instance.is_some_and(|it| matches!(it.state, InstanceState::Terminated | InstanceState::ShuttingDown))
    };
    both.into_iter()
        .filter(|(_, (instance, _))| !gone(*instance))
        .map(|(id, (instance, managed))| Target::join(id.to_owned(), name, instance, managed, ssm_asked))
        .collect()
}

async fn not_found(aws: &Aws, target: &str, missing: Option<aws::Error>) -> FleetError {
    // A guess is worth one request, and none at all where the first was refused.
    let known = match &missing {
        None => aws.some_instances().await.unwrap_or_default(),
        Some(_) => Vec::new(),
    };
    let living = known.iter().filter(|instance| instance.state != InstanceState::Terminated);
    let near = near(target, living.filter_map(|instance| instance.name.as_deref()));
    FleetError::NotFound { target: target.to_owned(), region: aws.region().to_owned(), near, missing }
}

fn is_up(state: TargetState) -> bool {
    matches!(state, TargetState::Online | TargetState::Running)
}

/// Whether a text is what Session Manager itself calls a target: an EC2 instance (8 or 17 hexadecimal digits), a hybrid
/// one (17), or a container of ECS (`ecs:CLUSTER_TASK_RUNTIME`).
fn is_id(text: &str) -> bool {
    let is_hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if let Some(digits) = text.strip_prefix("i-") {
        return matches!(digits.len(), 8 | 17) && is_hex(digits);
    }
    if let Some(digits) = text.strip_prefix("mi-") {
        return digits.len() == 17 && is_hex(digits);
    }
    text.strip_prefix("ecs:").is_some_and(|rest| !rest.is_empty())
}

/// How many matches an error lists.
const MATCHES_SHOWN: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::{Answer, ErrorKind, Fake, Platform};

    /// EC2 instances as (id, state); the name of all is `web`, unless asked without a filter.
    fn ec2(instances: &[(&str, &str)], name: &str) -> Answer {
        let items = instances.iter().map(|(id, state)| {
            format!(
                "<item><instanceId>{id}</instanceId><instanceState><name>{state}</name></instanceState>\
                 <tagSet><item><key>Name</key><value>{name}</value></item></tagSet></item>"
            )
        });
        let items: String = items.collect();
        Answer::xml(&format!(
            "<DescribeInstancesResponse><reservationSet><item><instancesSet>{items}</instancesSet></item>\
             </reservationSet></DescribeInstancesResponse>"
        ))
    }

    fn ssm(instances: &[(&str, &str)]) -> Answer {
        let list = instances
            .iter()
            .map(|(id, ping)| serde_json::json!({ "InstanceId": id, "PingStatus": ping, "PlatformType": "Linux" }));
        let list: Vec<_> = list.collect();
        Answer::json(&serde_json::json!({ "InstanceInformationList": list }).to_string())
    }

    type Known = &'static [(&'static str, &'static str)];

    async fn fleet(in_ec2: Known, in_ssm: Known) -> Fake {
        Fake::start(move |seen| match seen.action.as_str() {
            "DescribeInstances" => ec2(in_ec2, "web"),
            _ => ssm(in_ssm),
        })
        .await
    }

    async fn find(in_ec2: Known, in_ssm: Known) -> Result<Target, FleetError> {
        resolve(&fleet(in_ec2, in_ssm).await.aws().await, "web").await
    }

    #[tokio::test]
    async fn an_id_is_taken_as_it_is_and_nobody_is_asked() {
        let fake = fleet(&[], &[]).await;
        let aws = fake.aws().await;
        for id in ["i-0123abcd", "i-0123456789abcdef0", "mi-0123456789abcdef0", "ecs:c_t_r"] {
            let target = resolve(&aws, id).await.unwrap();
            assert_eq!((target.id.as_str(), target.state), (id, TargetState::Unknown));
        }
        assert!(fake.seen().is_empty());
        for name in ["i-web", "i-0123ABCD", "mi-0123abcd", "ecs:", "i-0123456789abcdef01"] {
            assert!(!is_id(name), "{name}");
        }
    }

    #[tokio::test]
    async fn the_only_instance_is_found_with_what_both_services_know() {
        let target = find(&[("i-1", "running")], &[("i-1", "Online")]).await.unwrap();
        assert_eq!((target.id.as_str(), target.state), ("i-1", TargetState::Online));
        assert_eq!((target.name.as_deref(), target.platform), (Some("web"), Some(Platform::Linux)));

        assert_eq!(find(&[("i-1", "running")], &[]).await.unwrap().state, TargetState::Unmanaged);
        assert_eq!(find(&[], &[("mi-1", "ConnectionLost")]).await.unwrap().state, TargetState::Offline);
        let stopped = find(&[("i-1", "stopped")], &[("i-1", "Online")]).await.unwrap();
        assert_eq!(stopped.state, TargetState::Down(InstanceState::Stopped));
    }

    #[tokio::test]
    async fn what_can_be_entered_stands_before_what_cannot_and_the_dead_do_not_count() {
        let target = find(&[("i-1", "stopped"), ("i-2", "running"), ("i-3", "terminated")], &[("i-2", "Online")]).await;
        assert_eq!(target.unwrap().id, "i-2");
        let target = find(&[("i-1", "terminated"), ("i-2", "stopped")], &[("i-1", "Online")]).await;
        assert_eq!(target.unwrap().id, "i-2");
    }

    #[tokio::test]
    async fn several_equals_are_an_error_that_lists_them() {
        let err = find(&[("i-2", "running"), ("i-1", "running")], &[("i-1", "Online"), ("i-2", "Online")]).await;
        let err = err.unwrap_err();
        assert_eq!(err.to_string(), "2 instances are named `web`: i-1 web (online), i-2 web (online)");
        assert_eq!((err.kind(), err.hints().len()), (ErrorKind::NotFound, 1));

        // Nothing is to be entered: neither is better.
        assert!(find(&[("i-1", "stopped"), ("i-2", "running")], &[]).await.is_err());
    }

    #[tokio::test]
    async fn a_long_list_is_cut_and_says_so() {
        let ids: Vec<String> = (0..25).map(|n| format!("i-{n:02}")).collect();
        let fake = Fake::start(move |seen| match seen.action.as_str() {
            "DescribeInstances" => ec2(&ids.iter().map(|id| (id.as_str(), "running")).collect::<Vec<_>>(), "web"),
            _ => ssm(&[]),
        })
        .await;
        let err = resolve(&fake.aws().await, "web").await.unwrap_err();
        assert!(err.to_string().ends_with("and 5 more"), "{err}");
        assert!(matches!(err, FleetError::Ambiguous { matches, total: 25, .. } if matches.len() == 20));
    }

    #[tokio::test]
    async fn one_service_is_enough() {
        let denied_ec2 = Fake::start(|seen| match seen.action.as_str() {
            "DescribeInstances" => Answer::ec2_error(403, "UnauthorizedOperation", "no"),
            _ => ssm(&[("i-1", "Online")]),
        })
        .await;
        let aws = denied_ec2.aws().await;
        assert_eq!(resolve(&aws, "web").await.unwrap().state, TargetState::Online);

        let denied_ssm = Fake::start(|seen| match seen.action.as_str() {
            "DescribeInstances" => ec2(&[("i-1", "running")], "web"),
            _ => Answer::json_error(400, "AccessDeniedException", "no"),
        })
        .await;
        let aws = denied_ssm.aws().await;
        assert_eq!(resolve(&aws, "web").await.unwrap().state, TargetState::Running);
        let err = resolve(&aws, "other").await.unwrap_err();
        assert!(err.hints().iter().any(|hint| hint.contains("ssm:DescribeInstanceInformation")), "{:?}", err.hints());

        let denied_both = Fake::start(|seen| match seen.action.as_str() {
            "DescribeInstances" => Answer::ec2_error(403, "UnauthorizedOperation", "no"),
            _ => Answer::json_error(400, "AccessDeniedException", "no"),
        })
        .await;
        let err = resolve(&denied_both.aws().await, "web").await.unwrap_err();
        assert_eq!(err.kind(), ErrorKind::Permission);
    }

    #[tokio::test]
    async fn a_name_that_nobody_has_gets_those_that_are_near() {
        let fake = Fake::start(|seen| match seen.action.as_str() {
            "DescribeInstances" if seen.body.contains("Filter") => ec2(&[], ""),
            "DescribeInstances" => ec2(&[("i-1", "running")], "web-1"),
            _ => ssm(&[]),
        })
        .await;
        let err = resolve(&fake.aws().await, "wbe-1").await.unwrap_err();
        assert_eq!(err.to_string(), "no instance is named `wbe-1` in eu-west-1");
        assert_eq!(err.hints()[0], "did you mean web-1?");
        assert_eq!(fake.seen().len(), 3);
        assert!(matches!(resolve(&fake.aws().await, "").await, Err(FleetError::Empty)));
    }
}
