//! What a person sees in a terminal.

use super::cloud;
use crate::support::pty::Pty;

/// A command to copy is left to the terminal; all else is broken.
#[test]
fn long_lines_break_between_words_below_their_beginning() {
    let cloud = cloud();
    let mut command = cloud.ssmx();
    command.args(["status", "bare"]).env("TERM", "xterm-256color");
    let mut pty = Pty::spawn(command, 60, 48);
    assert_eq!(pty.wait().code(), Some(4), "{pty:?}");
    insta::assert_snapshot!(pty.contents(), @"
    bare (i-00000000000000003) cannot be reached: Systems
        Manager does not know it
      1. it has no instance profile
         seen: EC2 lists none for it
         fix:  give it one whose role has
               AmazonSSMManagedInstanceCore:
               `aws ec2 associate-iam-instance-profile --instance-id i-00000000000000003 --iam-instance-profile Name=PROFILE --region us-east-1`
               or turn on Default Host Management Configuration
               for the account and region (agent 3.2.582.0 or
               newer)
      2. its agent may be missing, or not running
         seen: ssm:DescribeInstanceInformation does not list it
         fix:  on the instance, through the EC2 serial console
               or SSH, `systemctl status amazon-ssm-agent` (on
               Ubuntu `snap services amazon-ssm-agent`) shows
               its state: install or start it, and check its log
      3. it may be unable to reach ssm.us-east-1.amazonaws.com,
         ssmmessages.us-east-1.amazonaws.com and
         ec2messages.us-east-1.amazonaws.com on port 443
         seen: it has no public IPv4 address
         fix:  it needs a NAT gateway, or an internet gateway
               and a public address, or VPC endpoints for the
               three whose security group lets it in; its own
               security group must let it out
    ");
}

#[test]
fn an_error_and_its_hints_break_between_words() {
    let cloud = cloud();
    let mut command = cloud.ssmx();
    command.args(["status", "nothing-like-it"]).env("TERM", "xterm-256color");
    let mut pty = Pty::spawn(command, 60, 48);
    assert_eq!(pty.wait().code(), Some(3), "{pty:?}");
    insta::assert_snapshot!(pty.contents(), @"
    error: no instance is named `nothing-like-it` in us-east-1
    hint: `ssmx ls` lists all instances; also check the region
      and the account
    ");
}
