use crate::aws::Ambient;

use super::*;

const CONFIG: &str = "\
[default]
region = eu-west-1
[profile keys]
aws_access_key_id = CONFIG
aws_secret_access_key = x
credential_process = program
[profile both]
credential_process = program
[profile role]
role_arn = arn:role
source_profile = two words
external_id = e
duration_seconds = 900
mfa_serial = m
[profile \"two words\"]
role_arn = arn:first
credential_source = Ec2InstanceMetadata
[profile self]
role_arn = arn:self
source_profile = self
aws_access_key_id = SELF
aws_secret_access_key = x
[profile web]
role_arn = arn:web
web_identity_token_file = /token
[profile sso]
sso_session = größe
sso_account_id = 1
sso_role_name = r
[sso-session größe]
sso_start_url = https://x
sso_region = eu-west-1
[profile lost]
role_arn = arn:lost
source_profile = nobody
[profile circle]
role_arn = a
source_profile = elcric
[profile elcric]
role_arn = a
source_profile = circle
[profile poor]
role_arn = a
source_profile = default
[profile half]
aws_access_key_id = x
[profile nosession]
sso_session = gone
sso_account_id = 1
[profile odd]
role_arn = a
credential_source = Elsewhere
";

fn plan(profile: &str) -> Result<Plan, Error> {
    let credentials = "[both]\naws_access_key_id = OWN\naws_secret_access_key = x\naws_session_token = t\n";
    let files = [("/home/me/.aws/config", CONFIG), ("/home/me/.aws/credentials", credentials)];
    Plan::of(Ambient::of(&[], &files).files(), profile)
}

#[test]
fn credentials_come_from_where_the_aws_cli_takes_them() {
    let base = |profile| plan(profile).unwrap().base;
    assert_eq!(base("default"), Base::Nothing);
    assert_eq!(base("nobody"), Base::Nothing);
    assert!(matches!(base("keys"), Base::Process { command, .. } if command == "program"));
    assert!(
        matches!(base("both"), Base::Keys(keys) if keys.access_key_id() == "OWN" && keys.session_token() == Some("t"))
    );
    assert!(matches!(base("web"), Base::WebIdentity(web) if web.role == "arn:web"));
    assert!(
        matches!(base("sso"), Base::Sso(sso) if sso.session.as_deref() == Some("größe") && sso.region == "eu-west-1")
    );
    let role = plan("role").unwrap();
    assert_eq!(role.base, Base::InstanceMetadata);
    let arns: Vec<_> = role.roles.iter().map(|role| role.arn.as_str()).collect();
    assert_eq!(arns, ["arn:first", "arn:role"]);
    let last = &role.roles[1];
    assert_eq!(
        (last.external_id.as_deref(), last.duration, last.mfa_serial.as_deref()),
        (Some("e"), Some(900), Some("m"))
    );
    let own = plan("self").unwrap();
    assert!(matches!(own.base, Base::Keys(keys) if keys.access_key_id() == "SELF"));
    assert_eq!(own.roles.len(), 1);
}

#[test]
fn what_is_wrong_with_a_profile_is_said() {
    let said: String = ["lost", "circle", "poor", "half", "nosession", "odd"]
        .map(|profile| format!("{}\n", plan(profile).unwrap_err()))
        .concat();
    insta::assert_snapshot!(said, @"
    the AWS profile `lost` has the `source_profile` `nobody`, which does not exist
    the AWS profile `circle` leads in a circle: circle → elcric → circle
    the AWS profile `default` has no credentials, and a role is to be assumed with them
    the AWS profile `half` has an `aws_access_key_id`, but no `aws_secret_access_key`
    the AWS profile `nosession` has the `sso_session` `gone`, which does not exist
    the AWS profile `odd` has the `credential_source` `Elsewhere`: expected Environment, Ec2InstanceMetadata or EcsContainer
    ");
}
