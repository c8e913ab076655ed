//! Questions for what is not there.

use super::lab::Home;
use crate::support::snapshot::case;

const FILE: &str = "\
[targets.db]
name = 'db-1'
";

#[test]
fn what_is_not_there_is_told() {
    let home = Home::with(FILE);
    let shown: String = [&["regoin"][..], &["colour"], &["--target", "dbb"], &["--target", "web"]]
        .map(|args| case(args.join(" "), &home.run(&[&["config", "explain"], args].concat()).shown()))
        .concat();
    insta::assert_snapshot!(shown, @"
    === regoin
    exit code: 2
    --- stderr
    error: unknown setting `regoin`
    hint: did you mean `region`?

    === colour
    exit code: 2
    --- stderr
    error: unknown setting `colour`
    hint: expected one of profile, region, columns, name_tag, cache, ssh_user, ssh_port, shell_document, exec_document, ssh_document, forward_document, remote_forward_document, forward_stall, reason, reason_required, require_encryption, endpoint_url, ssm_endpoint_url, ssmmessages_endpoint_url, ec2_endpoint_url, ec2_instance_connect_endpoint_url, kms_endpoint_url, sts_endpoint_url, insecure_endpoint

    === --target dbb
    exit code: 2
    --- stderr
    error: unknown alias `dbb`
    hint: did you mean `db`?

    === --target web
    exit code: 2
    --- stderr
    error: unknown alias `web`
    ");
}
