//! `ssmx status`, and the reasons that every command gives when a target is not connected.

mod automatic;
mod cases;
mod denied;
mod elsewhere;
mod json;
mod screen;

use ssmx::sandbox::{ApiFault, Fleet, Options};

use crate::support::cloud::Cloud;
use crate::support::command::{Finished, run};
use crate::support::snapshot::cases;

/// One instance of each kind.
const FLEET: &str = r#"
    region = "us-east-1"
    [[instance]]
    name = "fine"
    id = "i-00000000000000001"
    [[instance]]
    name = "stopped"
    id = "i-00000000000000002"
    state = "stopped"
    [[instance]]
    name = "bare"
    id = "i-00000000000000003"
    ping = "Never"
    [[instance]]
    name = "unregistered"
    id = "i-00000000000000004"
    ping = "Never"
    instance_profile = "app"
    [[instance]]
    name = "lost"
    id = "i-00000000000000005"
    ping = "ConnectionLost"
    last_ping = "2026-01-31T23:59:59Z"
    [[instance]]
    name = "ancient"
    id = "i-00000000000000006"
    agent_version = "2.3.50.0"
    [[instance]]
    name = "old"
    id = "i-00000000000000007"
    agent_version = "2.3.672.0"
    [[instance]]
    name = "rack"
    id = "mi-00000000000000008"
    [[instance]]
    id = "i-00000000000000009"
    state = "terminated"
    [[instance]]
    name = "far"
    id = "i-0000000000000000a"
    region = "eu-west-1"
    [[instance]]
    name = "twin"
    id = "i-0000000000000000b"
    [[instance]]
    name = "twin"
    id = "i-0000000000000000c"
    [[instance]]
    name = "pc"
    id = "i-0000000000000000d"
    ping = "ConnectionLost"
    platform = "Windows"
"#;

fn cloud() -> Cloud {
    cloud_with(|_| {})
}

fn cloud_with(change: impl FnOnce(&mut Options)) -> Cloud {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), FLEET).unwrap();
    Cloud::with(|options| {
        options.fleet = Fleet::read(file.path(), "us-east-1").unwrap();
        change(options);
    })
}

fn denying(actions: &[&str]) -> Cloud {
    let faults = actions.iter().map(|action| ApiFault::Deny { action: (*action).to_owned() });
    cloud_with(|options| options.api_faults = faults.collect())
}

fn status(cloud: &Cloud, args: &[&str]) -> Finished {
    run(cloud.ssmx().arg("status").args(args))
}

/// What is told of each of several targets, for a snapshot.
fn each(cloud: &Cloud, targets: &[&str]) -> String {
    cases(targets.iter().map(|target| (target, status(cloud, &[target]).shown())))
}
