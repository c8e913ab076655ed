//! `ssmx config explain -o json`, for programs.

use serde_json::Value;

use super::explain::FILE;
use super::lab::Home;

#[test]
fn programs_get_json() {
    let home = Home::with(FILE);
    let printed = home.run(&["config", "explain", "--target", "db", "-o", "json"]);
    insta::assert_snapshot!(printed.shown(), @r#"
    exit code: 0
    --- stdout
    [
      {
        "from": "/tmp/TEMPORARY/config/ssmx/config.toml:8 [targets.db]",
        "key": "profile",
        "unused": [
          {
            "from": "/tmp/TEMPORARY/config/ssmx/config.toml:2 [defaults]",
            "value": "work"
          }
        ],
        "value": "prod"
      },
      {
        "from": "not set",
        "key": "region",
        "unused": [],
        "value": null
      },
      {
        "from": "the built-in default",
        "key": "columns",
        "unused": [],
        "value": "name,id,status,platform,zone,ip"
      },
      {
        "from": "the built-in default",
        "key": "name_tag",
        "unused": [],
        "value": "Name"
      },
      {
        "from": "the built-in default",
        "key": "cache",
        "unused": [],
        "value": "1m"
      },
      {
        "from": "/tmp/TEMPORARY/config/ssmx/config.toml:5 [profiles.prod]",
        "key": "ssh_user",
        "unused": [
          {
            "from": "/tmp/TEMPORARY/config/ssmx/config.toml:3 [defaults]",
            "value": "me"
          }
        ],
        "value": "ubuntu"
      },
      {
        "from": "/tmp/TEMPORARY/config/ssmx/config.toml:9 [targets.db]",
        "key": "ssh_port",
        "unused": [],
        "value": "2222"
      },
      {
        "from": "the account's default",
        "key": "shell_document",
        "unused": [],
        "value": null
      },
      {
        "from": "the built-in default",
        "key": "exec_document",
        "unused": [],
        "value": "AWS-StartNonInteractiveCommand"
      },
      {
        "from": "the built-in default",
        "key": "ssh_document",
        "unused": [],
        "value": "AWS-StartSSHSession"
      },
      {
        "from": "the built-in default",
        "key": "forward_document",
        "unused": [],
        "value": "AWS-StartPortForwardingSession"
      },
      {
        "from": "the built-in default",
        "key": "remote_forward_document",
        "unused": [],
        "value": "AWS-StartPortForwardingSessionToRemoteHost"
      },
      {
        "from": "the built-in default",
        "key": "forward_stall",
        "unused": [],
        "value": "30s"
      },
      {
        "from": "the built-in default",
        "key": "lanes",
        "unused": [],
        "value": "auto"
      },
      {
        "from": "not set",
        "key": "reason",
        "unused": [],
        "value": null
      },
      {
        "from": "the built-in default",
        "key": "reason_required",
        "unused": [],
        "value": "false"
      },
      {
        "from": "the built-in default",
        "key": "require_encryption",
        "unused": [],
        "value": "false"
      },
      {
        "from": "the region's own",
        "key": "endpoint_url",
        "unused": [],
        "value": null
      },
      {
        "from": "the region's own",
        "key": "ssm_endpoint_url",
        "unused": [],
        "value": null
      },
      {
        "from": "the one that each session names",
        "key": "ssmmessages_endpoint_url",
        "unused": [],
        "value": null
      },
      {
        "from": "the region's own",
        "key": "ec2_endpoint_url",
        "unused": [],
        "value": null
      },
      {
        "from": "the region's own",
        "key": "ec2_instance_connect_endpoint_url",
        "unused": [],
        "value": null
      },
      {
        "from": "the region's own",
        "key": "kms_endpoint_url",
        "unused": [],
        "value": null
      },
      {
        "from": "the region's own",
        "key": "sts_endpoint_url",
        "unused": [],
        "value": null
      },
      {
        "from": "the built-in default",
        "key": "insecure_endpoint",
        "unused": [],
        "value": "false"
      }
    ]
    "#);
    let all: Value = serde_json::from_slice(&printed.stdout).unwrap();
    let of = |key: &str| all.as_array().unwrap().iter().find(|one| one["key"] == key).unwrap().clone();
    assert_eq!(of("ssh_port")["value"], "2222");
    assert_eq!(of("profile")["value"], "prod");
    assert_eq!(of("ssh_user")["unused"][0]["value"], "me");
    assert_eq!(of("reason")["value"], Value::Null);
}
