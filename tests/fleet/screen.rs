//! What a person sees in a terminal.

use std::process::Command;

use tempfile::TempDir;

use crate::support::cloud::Cloud;
use crate::support::pty::Pty;

fn listing(cloud: &Cloud, words: &[&str], dir: &TempDir) -> Command {
    let mut command = cloud.ssmx();
    command.arg("ls").args(words).env("SSMX_CACHE_DIR", dir.path()).env("TERM", "xterm-256color");
    command
}

fn shown(command: Command, cols: u16, rows: u16) -> (String, Vec<u8>) {
    let mut pty = Pty::spawn(command, cols, rows);
    assert!(pty.wait().success(), "{pty:?}");
    (pty.contents(), pty.raw_output())
}

#[test]
fn it_fits_eighty_columns_and_is_coloured() {
    let (cloud, dir) = (Cloud::start(), TempDir::new().unwrap());
    let (screen, raw) = shown(listing(&cloud, &[], &dir), 80, 24);
    let lines: Vec<_> = screen.lines().collect();
    assert!(lines[0].starts_with("NAME     ID                   STATUS   PLATFORM"), "{screen}");
    assert_eq!(lines.len(), 1 + 8 + 1, "no line is wrapped:\n{screen}");
    assert!(lines[6].contains("Microsoft W") && lines[6].contains('…') && lines[6].contains("10.0.1.50"), "{screen}");
    assert_eq!(lines[9], "8 instances: 6 online, 1 offline, 1 stopped");
    let raw = String::from_utf8_lossy(&raw);
    assert!(raw.contains("\x1b[32monline\x1b[0m") && raw.contains("\x1b[33moffline\x1b[0m"), "{raw}");
}

#[test]
fn a_narrow_terminal_has_fewer_columns_and_says_which_are_missing() {
    let (cloud, dir) = (Cloud::start(), TempDir::new().unwrap());
    let (screen, _) = shown(listing(&cloud, &[], &dir), 40, 24);
    assert!(screen.starts_with("NAME     ID                   STATUS\n"), "{screen}");
    let words: Vec<_> = screen.split_whitespace().collect();
    assert!(words.join(" ").contains("no room for platform, zone, ip (`-o wide`)"), "{screen}");
    let (_, raw) = shown(listing(&cloud, &["-o", "wide"], &dir), 40, 24);
    assert!(String::from_utf8_lossy(&raw).contains("LAUNCHED"), "everything, wrapped by the terminal");
}

#[test]
fn an_old_list_is_shown_at_once_and_then_corrected() {
    let (cloud, dir) = (Cloud::start(), TempDir::new().unwrap());
    shown(listing(&cloud, &[], &dir), 80, 24);
    let mut again = listing(&cloud, &[], &dir);
    again.env("SSMX_CACHE", "0s");
    let (screen, raw) = shown(again, 80, 24);
    let raw = String::from_utf8_lossy(&raw);
    assert_eq!(raw.matches("bastion").count(), 2, "{raw}");
    assert!(raw.contains("\x1b[9A\x1b[J"), "{raw}");
    assert_eq!(screen.matches("bastion").count(), 1, "{screen}");
    assert_eq!(screen.lines().count(), 10, "{screen}");

    // There is no way back over more than the terminal shows.
    let mut short = listing(&cloud, &[], &dir);
    short.env("SSMX_CACHE", "0s");
    let (_, raw) = shown(short, 80, 8);
    assert_eq!(String::from_utf8_lossy(&raw).matches("bastion").count(), 1);
}

#[test]
fn the_footer_breaks_between_words() {
    let (cloud, dir) = (Cloud::start(), TempDir::new().unwrap());
    let (screen, _) = shown(listing(&cloud, &["--columns", "name,status,platform,zone,type,launched"], &dir), 60, 24);
    let footer: Vec<_> = screen.lines().skip_while(|line| !line.starts_with("8 instances")).collect();
    let expected = ["8 instances: 6 online, 1 offline, 1 stopped; no room for", "  launched (`-o wide`)"];
    assert_eq!(footer, expected, "{screen}");
}
