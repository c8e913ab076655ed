//! What a person sees in a terminal.

use std::process::Command;

use insta::assert_snapshot;
use tempfile::TempDir;

use crate::support::cloud::Cloud;
use crate::support::pty::Pty;

fn listing(cloud: &Cloud, words: &[&str], dir: &TempDir) -> Command {
    let mut command = cloud.ssmx();
    command.arg("ls").args(words).env("SSMX_CACHE_DIR", dir.path()).env("TERM", "xterm-256color");
    command
}

fn shown(command: Command, cols: u16, rows: u16) -> (String, String) {
    let mut pty = Pty::spawn(command, cols, rows);
    assert!(pty.wait().success(), "{pty:?}");
    (pty.rows(), String::from_utf8_lossy(&pty.raw_output()).into_owned())
}

#[test]
fn it_fits_eighty_columns_and_is_coloured() {
    let (cloud, dir) = (Cloud::start(), TempDir::new().unwrap());
    let (screen, raw) = shown(listing(&cloud, &[], &dir), 80, 24);
    assert_snapshot!(screen, @"
    NAME     ID                   STATUS   PLATFORM            ZONE        IP
    bastion  i-0ba5710000000005e  online   Amazon Linux 2023   us-east-1a  10.0.0.5
    db       i-0db0000000000004d  online   Amazon Linux 2023   us-east-1a  10.0.0.20
    web-1    i-0a11ce0000000001a  online   Amazon Linux 2023   us-east-1a  10.0.0.11
    web-2    i-0a11ce0000000002b  online   Amazon Linux 2023   us-east-1b  10.0.1.12
    web-3    i-0a11ce0000000003c  online   Amazon Linux 2023   us-east-1c  10.0.2.13
    win      i-0317d0000000008a1  online   Microsoft Windows…  us-east-1b  10.0.1.50
    legacy   i-01e9ac00000000070  offline  Ubuntu 18.04        us-east-1c  10.0.2.40
    batch    i-0ba7c40000000006f  stopped  Amazon Linux 2023   us-east-1b  10.0.1.30
    8 instances: 6 online, 1 offline, 1 stopped
    ");
    assert!(raw.contains("\x1b[32monline\x1b[0m") && raw.contains("\x1b[33moffline\x1b[0m"), "{raw}");
}

#[test]
fn a_narrow_terminal_has_fewer_columns_and_says_which_are_missing() {
    let (cloud, dir) = (Cloud::start(), TempDir::new().unwrap());
    let (screen, _) = shown(listing(&cloud, &[], &dir), 40, 24);
    assert_snapshot!(screen, @"
    NAME     ID                   STATUS
    bastion  i-0ba5710000000005e  online
    db       i-0db0000000000004d  online
    web-1    i-0a11ce0000000001a  online
    web-2    i-0a11ce0000000002b  online
    web-3    i-0a11ce0000000003c  online
    win      i-0317d0000000008a1  online
    legacy   i-01e9ac00000000070  offline
    batch    i-0ba7c40000000006f  stopped
    8 instances: 6 online, 1 offline, 1
      stopped; no room for platform, zone,
      ip (`-o wide`)
    ");
    // Everything, wrapped by the terminal.
    let (screen, _) = shown(listing(&cloud, &["-o", "wide", "db"], &dir), 40, 24);
    let (titles, _) = screen.split_once("\ndb ").expect("the one instance");
    assert_snapshot!(titles, @"
    NAME  ID                   STATUS  STATE
        PLATFORM           TYPE       ZONE
          REGION     PROFILE  IP         PUB
    LIC_IP  DNS                        COMPU
    TER                   AGENT       LAST_S
    EEN  LAUNCHED
    ");
}

#[test]
fn an_old_list_is_shown_at_once_and_then_corrected() {
    let (cloud, dir) = (Cloud::start(), TempDir::new().unwrap());
    shown(listing(&cloud, &[], &dir), 80, 24);
    let mut again = listing(&cloud, &[], &dir);
    again.env("SSMX_CACHE", "0s");
    let (screen, raw) = shown(again, 80, 24);
    assert_eq!(raw.matches("bastion").count(), 2, "{raw}");
    assert!(raw.contains("\x1b[9A\x1b[J"), "{raw}");
    assert_snapshot!(screen, @"
    NAME     ID                   STATUS   PLATFORM            ZONE        IP
    bastion  i-0ba5710000000005e  online   Amazon Linux 2023   us-east-1a  10.0.0.5
    db       i-0db0000000000004d  online   Amazon Linux 2023   us-east-1a  10.0.0.20
    web-1    i-0a11ce0000000001a  online   Amazon Linux 2023   us-east-1a  10.0.0.11
    web-2    i-0a11ce0000000002b  online   Amazon Linux 2023   us-east-1b  10.0.1.12
    web-3    i-0a11ce0000000003c  online   Amazon Linux 2023   us-east-1c  10.0.2.13
    win      i-0317d0000000008a1  online   Microsoft Windows…  us-east-1b  10.0.1.50
    legacy   i-01e9ac00000000070  offline  Ubuntu 18.04        us-east-1c  10.0.2.40
    batch    i-0ba7c40000000006f  stopped  Amazon Linux 2023   us-east-1b  10.0.1.30
    8 instances: 6 online, 1 offline, 1 stopped
    ");

    // There is no way back over more than the terminal shows.
    let mut short = listing(&cloud, &[], &dir);
    short.env("SSMX_CACHE", "0s");
    let (_, raw) = shown(short, 80, 8);
    assert_eq!(raw.matches("bastion").count(), 1);
}

#[test]
fn the_footer_breaks_between_words() {
    let (cloud, dir) = (Cloud::start(), TempDir::new().unwrap());
    let (screen, _) = shown(listing(&cloud, &["--columns", "name,status,platform,zone,type,launched"], &dir), 60, 24);
    let footer: Vec<_> = screen.lines().skip_while(|line| !line.starts_with("8 instances")).collect();
    let expected = ["8 instances: 6 online, 1 offline, 1 stopped; no room for", "  launched (`-o wide`)"];
    assert_eq!(footer, expected, "{screen}");
}
