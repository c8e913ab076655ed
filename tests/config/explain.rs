//! `ssmx config explain`.

use serde_json::Value;

use super::lab::Home;
use crate::support::command::run;
use crate::support::snapshot::case;

pub(super) const FILE: &str = "\
[defaults]
profile = 'work'
ssh_user = 'me'
[profiles.prod]
ssh_user = 'ubuntu'
[targets.db]
name = 'db-1'
profile = 'prod'
ssh_port = 2222
";

#[test]
fn each_value_says_where_it_came_from() {
    let home = Home::with(FILE);
    insta::assert_snapshot!(home.run(&["config", "explain"]).shown(), @"
    exit code: 0
    --- stdout
    KEY                                VALUE                                       FROM
    profile                            work                                        /tmp/TEMPORARY/config/ssmx/config.toml:2 [defaults]
    region                             eu-west-1                                   AWS configuration, profile work
    columns                            name,id,status,platform,zone,ip             the built-in default
    name_tag                           Name                                        the built-in default
    cache                              1m                                          the built-in default
    ssh_user                           me                                          /tmp/TEMPORARY/config/ssmx/config.toml:3 [defaults]
    ssh_port                           -                                           from the OpenSSH configuration, else 22
    shell_document                     -                                           the account's default
    exec_document                      AWS-StartNonInteractiveCommand              the built-in default
    ssh_document                       AWS-StartSSHSession                         the built-in default
    forward_document                   AWS-StartPortForwardingSession              the built-in default
    remote_forward_document            AWS-StartPortForwardingSessionToRemoteHost  the built-in default
    forward_stall                      30s                                         the built-in default
    lanes                              auto                                        the built-in default
    reason                             -                                           not set
    reason_required                    false                                       the built-in default
    require_encryption                 false                                       the built-in default
    endpoint_url                       -                                           the region's own
    ssm_endpoint_url                   -                                           the region's own
    ssmmessages_endpoint_url           -                                           the one that each session names
    ec2_endpoint_url                   -                                           the region's own
    ec2_instance_connect_endpoint_url  -                                           the region's own
    kms_endpoint_url                   -                                           the region's own
    sts_endpoint_url                   -                                           the region's own
    insecure_endpoint                  false                                       the built-in default
    ");
    insta::assert_snapshot!(home.run(&["config", "explain", "--target", "db"]).shown(), @"
    exit code: 0
    --- stdout
    KEY                                VALUE                                       FROM
    profile                            prod                                        /tmp/TEMPORARY/config/ssmx/config.toml:8 [targets.db]
    region                             -                                           not set
    columns                            name,id,status,platform,zone,ip             the built-in default
    name_tag                           Name                                        the built-in default
    cache                              1m                                          the built-in default
    ssh_user                           ubuntu                                      /tmp/TEMPORARY/config/ssmx/config.toml:5 [profiles.prod]
    ssh_port                           2222                                        /tmp/TEMPORARY/config/ssmx/config.toml:9 [targets.db]
    shell_document                     -                                           the account's default
    exec_document                      AWS-StartNonInteractiveCommand              the built-in default
    ssh_document                       AWS-StartSSHSession                         the built-in default
    forward_document                   AWS-StartPortForwardingSession              the built-in default
    remote_forward_document            AWS-StartPortForwardingSessionToRemoteHost  the built-in default
    forward_stall                      30s                                         the built-in default
    lanes                              auto                                        the built-in default
    reason                             -                                           not set
    reason_required                    false                                       the built-in default
    require_encryption                 false                                       the built-in default
    endpoint_url                       -                                           the region's own
    ssm_endpoint_url                   -                                           the region's own
    ssmmessages_endpoint_url           -                                           the one that each session names
    ec2_endpoint_url                   -                                           the region's own
    ec2_instance_connect_endpoint_url  -                                           the region's own
    kms_endpoint_url                   -                                           the region's own
    sts_endpoint_url                   -                                           the region's own
    insecure_endpoint                  false                                       the built-in default
    ");

    let story = |change: &[(&str, &str)], args: &[&str]| {
        run(home.ssmx().envs(change.iter().copied()).args(["config", "explain"]).args(args)).shown()
    };
    insta::assert_snapshot!(story(&[], &["--target", "db", "ssh_user"]), @"
    exit code: 0
    --- stdout
    ssh_user: ubuntu
      from /tmp/TEMPORARY/config/ssmx/config.toml:5 [profiles.prod]
      not used: me, from /tmp/TEMPORARY/config/ssmx/config.toml:3 [defaults]

    User that `ssmx ssh` and `ssmx scp` log in as: a string.
    Set it in [defaults], [profiles.NAME], [targets.NAME], or as SSMX_SSH_USER.
    ");
    let of_flag =
        story(&[("SSMX_REGION", "us-east-1"), ("AWS_REGION", "us-east-2")], &["--region", "eu-west-3", "region"]);
    insta::assert_snapshot!(of_flag, @r#"
    exit code: 0
    --- stdout
    region: eu-west-3
      from --region
      not used: us-east-1, from SSMX_REGION
      not used: us-east-2, from AWS_REGION
      not used: eu-west-1, from AWS configuration, profile work

    AWS region: the name of a region such as "eu-west-1".
    Set it in [defaults], [profiles.NAME], [targets.NAME], or as SSMX_REGION.
    "#);
    insta::assert_snapshot!(story(&[("AWS_ACCESS_KEY_ID", "AKID")], &["profile"]), @"
    exit code: 0
    --- stdout
    profile: default
      from AWS configuration
      not used: work, from /tmp/TEMPORARY/config/ssmx/config.toml:2 [defaults], because AWS_ACCESS_KEY_ID is set

    AWS profile: a string.
    Set it in [defaults], [targets.NAME], or as SSMX_PROFILE.
    ");
    insta::assert_snapshot!(story(&[], &["reason"]), @"
    exit code: 0
    --- stdout
    reason: not set

    Reason for every session, for the audit trail: a string.
    Set it in [defaults], [profiles.NAME], [targets.NAME], or as SSMX_REASON.
    ");
}

#[test]
fn every_setting_is_explained() {
    let home = Home::with("");
    let all = home.run(&["config", "explain", "-o", "json"]).out();
    let all: Value = serde_json::from_str(&all).unwrap();
    let keys = all.as_array().unwrap().iter().map(|one| one["key"].as_str().unwrap());
    let shown: String = keys.map(|key| case(key, &home.run(&["config", "explain", key]).shown())).collect();
    insta::assert_snapshot!(shown, @r#"
    === profile
    exit code: 0
    --- stdout
    profile: default
      from AWS configuration

    AWS profile: a string.
    Set it in [defaults], [targets.NAME], or as SSMX_PROFILE.

    === region
    exit code: 0
    --- stdout
    region: eu-north-1
      from AWS configuration, profile default

    AWS region: the name of a region such as "eu-west-1".
    Set it in [defaults], [profiles.NAME], [targets.NAME], or as SSMX_REGION.

    === columns
    exit code: 0
    --- stdout
    columns: name,id,status,platform,zone,ip
      from the built-in default

    Columns of `ssmx ls` and the picker: a list of columns such as ["name", "id"].
    Set it in [defaults], [profiles.NAME], or as SSMX_COLUMNS.

    === name_tag
    exit code: 0
    --- stdout
    name_tag: Name
      from the built-in default

    Tag that holds an instance's name: a string.
    Set it in [defaults], [profiles.NAME], or as SSMX_NAME_TAG.

    === cache
    exit code: 0
    --- stdout
    cache: 1m
      from the built-in default

    How long to reuse a listing before asking AWS again; 0s never reuses one: a duration such as "60s" or "1h 30m".
    Set it in [defaults], [profiles.NAME], or as SSMX_CACHE.

    === ssh_user
    exit code: 0
    --- stdout
    ssh_user: from the OpenSSH configuration, else the platform's

    User that `ssmx ssh` and `ssmx scp` log in as: a string.
    Set it in [defaults], [profiles.NAME], [targets.NAME], or as SSMX_SSH_USER.

    === ssh_port
    exit code: 0
    --- stdout
    ssh_port: from the OpenSSH configuration, else 22

    Port of the instances' SSH servers: a port from 1 to 65535.
    Set it in [defaults], [profiles.NAME], [targets.NAME], or as SSMX_SSH_PORT.

    === shell_document
    exit code: 0
    --- stdout
    shell_document: the account's default

    Session document of `ssmx shell`: a string.
    Set it in [defaults], [profiles.NAME], [targets.NAME], or as SSMX_SHELL_DOCUMENT.

    === exec_document
    exit code: 0
    --- stdout
    exec_document: AWS-StartNonInteractiveCommand
      from the built-in default

    Session document of `ssmx exec`: a string.
    Set it in [defaults], [profiles.NAME], [targets.NAME], or as SSMX_EXEC_DOCUMENT.

    === ssh_document
    exit code: 0
    --- stdout
    ssh_document: AWS-StartSSHSession
      from the built-in default

    Session document of `ssmx ssh`, `scp` and `proxy`: a string.
    Set it in [defaults], [profiles.NAME], [targets.NAME], or as SSMX_SSH_DOCUMENT.

    === forward_document
    exit code: 0
    --- stdout
    forward_document: AWS-StartPortForwardingSession
      from the built-in default

    Session document of `ssmx fwd` for ports of the instance: a string.
    Set it in [defaults], [profiles.NAME], [targets.NAME], or as SSMX_FORWARD_DOCUMENT.

    === remote_forward_document
    exit code: 0
    --- stdout
    remote_forward_document: AWS-StartPortForwardingSessionToRemoteHost
      from the built-in default

    Session document of `ssmx fwd` for other hosts: a string.
    Set it in [defaults], [profiles.NAME], [targets.NAME], or as SSMX_REMOTE_FORWARD_DOCUMENT.

    === forward_stall
    exit code: 0
    --- stdout
    forward_stall: 30s
      from the built-in default

    How long one connection of `ssmx fwd` that does not move may hold up the others before it is cut; 0s never cuts one: a duration such as "60s" or "1h 30m".
    Set it in [defaults], [profiles.NAME], [targets.NAME], or as SSMX_FORWARD_STALL.

    === lanes
    exit code: 0
    --- stdout
    lanes: auto
      from the built-in default

    Sessions that a tunnel of `ssmx fwd` uses side by side; auto starts with one and opens up to 4 as needed: "auto" or a number from 1 to 16.
    Set it in [defaults], [profiles.NAME], or as SSMX_LANES.

    === reason
    exit code: 0
    --- stdout
    reason: not set

    Reason for every session, for the audit trail: a string.
    Set it in [defaults], [profiles.NAME], [targets.NAME], or as SSMX_REASON.

    === reason_required
    exit code: 0
    --- stdout
    reason_required: false
      from the built-in default

    Require a reason for every session: true or false.
    Set it in [defaults], [profiles.NAME], [targets.NAME], or as SSMX_REASON_REQUIRED.

    === require_encryption
    exit code: 0
    --- stdout
    require_encryption: false
      from the built-in default

    Use no session that is not encrypted with a KMS key: true or false.
    Set it in [defaults], [profiles.NAME], [targets.NAME], or as SSMX_REQUIRE_ENCRYPTION.

    === endpoint_url
    exit code: 0
    --- stdout
    endpoint_url: the region's own

    Endpoint of all AWS APIs: an https:// or http:// URL.
    Set it in [defaults], [profiles.NAME], [targets.NAME], or as SSMX_ENDPOINT_URL.

    === ssm_endpoint_url
    exit code: 0
    --- stdout
    ssm_endpoint_url: the region's own

    Endpoint of Systems Manager: an https:// or http:// URL.
    Set it in [defaults], [profiles.NAME], [targets.NAME], or as SSMX_SSM_ENDPOINT_URL.

    === ssmmessages_endpoint_url
    exit code: 0
    --- stdout
    ssmmessages_endpoint_url: the one that each session names

    Endpoint of the message gateway, which carries the sessions: an https://, http://, wss:// or ws:// URL.
    Set it in [defaults], [profiles.NAME], [targets.NAME], or as SSMX_SSMMESSAGES_ENDPOINT_URL.

    === ec2_endpoint_url
    exit code: 0
    --- stdout
    ec2_endpoint_url: the region's own

    Endpoint of EC2: an https:// or http:// URL.
    Set it in [defaults], [profiles.NAME], [targets.NAME], or as SSMX_EC2_ENDPOINT_URL.

    === ec2_instance_connect_endpoint_url
    exit code: 0
    --- stdout
    ec2_instance_connect_endpoint_url: the region's own

    Endpoint of EC2 Instance Connect: an https:// or http:// URL.
    Set it in [defaults], [profiles.NAME], [targets.NAME], or as SSMX_EC2_INSTANCE_CONNECT_ENDPOINT_URL.

    === kms_endpoint_url
    exit code: 0
    --- stdout
    kms_endpoint_url: the region's own

    Endpoint of KMS: an https:// or http:// URL.
    Set it in [defaults], [profiles.NAME], [targets.NAME], or as SSMX_KMS_ENDPOINT_URL.

    === sts_endpoint_url
    exit code: 0
    --- stdout
    sts_endpoint_url: the region's own

    Endpoint of STS: an https:// or http:// URL.
    Set it in [defaults], [profiles.NAME], [targets.NAME], or as SSMX_STS_ENDPOINT_URL.

    === insecure_endpoint
    exit code: 0
    --- stdout
    insecure_endpoint: false
      from the built-in default

    Allow `http://` endpoints on other machines, to which credentials travel in the clear: true or false.
    Set it in [defaults], [profiles.NAME], [targets.NAME], or as SSMX_INSECURE_ENDPOINT.
    "#);
}
