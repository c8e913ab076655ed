//! What one sees.

use std::fs;
use std::path::Path;

use insta::assert_snapshot;
use rustix::process::Signal;

use super::{
    ends_with, is_idle, line, open, pick, selected, wait_for_counts, wait_for_selected, wait_until_idle, whole,
};
use crate::support::pty::Pty;
use crate::support::sandbox::TestSandbox;

/// The whole screen of a picker in a terminal of this size.
#[track_caller]
fn shown(sandbox: &TestSandbox, (cols, rows): (u16, u16)) -> String {
    let mut pty = Pty::spawn(pick(sandbox, &[]), cols, rows);
    let shown = whole(&pty, is_idle, "list that is complete");
    pty.send("\x1b");
    ends_with(&mut pty, 1);
    shown
}

#[test]
fn the_fleet_in_80_by_24() {
    // A platform is shortened before a column goes. Those that cannot be reached stand last.
    assert_snapshot!(shown(&TestSandbox::start(), (80, 24)), @"
    >                                                                              8
      NAME     ID                   STATUS   PLATFORM          ZONE        IP
    > bastion  i-0ba5710000000005e  online   Amazon Linux 20…  us-east-1a  10.0.0.5
      db       i-0db0000000000004d  online   Amazon Linux 20…  us-east-1a  10.0.0.20
      web-1    i-0a11ce0000000001a  online   Amazon Linux 20…  us-east-1a  10.0.0.11
      web-2    i-0a11ce0000000002b  online   Amazon Linux 20…  us-east-1b  10.0.1.12
      web-3    i-0a11ce0000000003c  online   Amazon Linux 20…  us-east-1c  10.0.2.13
      win      i-0317d0000000008a1  online   Microsoft Windo…  us-east-1b  10.0.1.50
      legacy   i-01e9ac00000000070  offline  Ubuntu 18.04      us-east-1c  10.0.2.40
      batch    i-0ba7c40000000006f  stopped  Amazon Linux 20…  us-east-1b  10.0.1.30










    ────────────────────────────────────────────────────────────────────────────────
    t3.nano · us-east-1 · agent 3.3.3050.0 · launched 2026-03-05 14:13 UTC
    Env=ops
    Enter choose  Ctrl-R refresh  Ctrl-Y copy id  Esc leave
    ");
}

#[test]
fn the_fleet_in_40_by_10() {
    assert_snapshot!(shown(&TestSandbox::start(), (40, 10)), @"
    >                                      8
      NAME     ID                   STATUS
    > bastion  i-0ba5710000000005e  online
      db       i-0db0000000000004d  online
      web-1    i-0a11ce0000000001a  online
      web-2    i-0a11ce0000000002b  online
      web-3    i-0a11ce0000000003c  online
      win      i-0317d0000000008a1  online
    t3.nano · us-east-1 · agent 3.3.3050.0 …
    Enter choose  Ctrl-R refresh  Ctrl-Y co…
    ");
}

#[test]
fn the_fleet_in_120_by_40() {
    assert_snapshot!(shown(&TestSandbox::start(), (120, 40)), @"
    >                                                                                                                      8
      NAME     ID                   STATUS   PLATFORM                                  ZONE        IP
    > bastion  i-0ba5710000000005e  online   Amazon Linux 2023                         us-east-1a  10.0.0.5
      db       i-0db0000000000004d  online   Amazon Linux 2023                         us-east-1a  10.0.0.20
      web-1    i-0a11ce0000000001a  online   Amazon Linux 2023                         us-east-1a  10.0.0.11
      web-2    i-0a11ce0000000002b  online   Amazon Linux 2023                         us-east-1b  10.0.1.12
      web-3    i-0a11ce0000000003c  online   Amazon Linux 2023                         us-east-1c  10.0.2.13
      win      i-0317d0000000008a1  online   Microsoft Windows Server 2022 Datacenter  us-east-1b  10.0.1.50
      legacy   i-01e9ac00000000070  offline  Ubuntu 18.04                              us-east-1c  10.0.2.40
      batch    i-0ba7c40000000006f  stopped  Amazon Linux 2023                         us-east-1b  10.0.1.30


























    ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    t3.nano · us-east-1 · agent 3.3.3050.0 · launched 2026-03-05 14:13 UTC
    Env=ops
    Enter choose  Ctrl-R refresh  Ctrl-Y copy id  Esc leave
    ");
}

#[test]
fn the_guide_shows_it_as_it_is() {
    let sandbox = TestSandbox::start();
    let mut pty = Pty::spawn(pick(&sandbox, &["prod", "web"]), 80, 24);
    let shown = whole(&pty, |screen| is_idle(screen) && line(screen, 0).ends_with("3/8"), "the instances of the query");
    pty.send("\x1b");
    ends_with(&mut pty, 1);
    // The guide leaves out the rows that are empty.
    let shown = shown.lines().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
    let guide = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guide.md")).unwrap();
    assert!(guide.contains(&format!("```text\n{shown}\n```")), "docs/guide.md is to have:\n{shown}");
}

#[test]
fn matched_letters_are_marked_and_colour_only_with_colour() {
    let sandbox = TestSandbox::start();
    let mut pty = open(pick(&sandbox, &["web-2"]));
    wait_for_selected(&pty, "web-2");
    pty.wait_for(|screen| screen.cell(2, 2).is_some_and(|cell| cell.underline()), "underlined letter");
    assert!(!String::from_utf8_lossy(&pty.raw_output()).contains("[38;"), "{pty:?}");
    pty.send("\x03");
    ends_with(&mut pty, 1);

    let mut command = pick(&sandbox, &["web-2"]);
    command.env_remove("NO_COLOR");
    let mut pty = open(command);
    pty.wait_for(|screen| screen.cell(2, 2).is_some_and(|cell| cell.fgcolor() != vt100::Color::Default), "colour");
    pty.send("\x03");
    ends_with(&mut pty, 1);
}

#[test]
fn every_size_is_filled_and_the_selection_stays_in_sight() {
    let sandbox = TestSandbox::with(|options| options.fleet.add_generated(300, 1, "us-east-1").unwrap());
    let mut pty = open(pick(&sandbox, &["node"]));
    wait_for_counts(&pty, "300/308");
    pty.send("\x1b[6~\x1b[6~");
    let is_there = |screen: &vt100::Screen| selected(screen).is_some_and(|line| line.contains("node-042"));
    assert_snapshot!(whole(&pty, is_there, "third page"), @"
    > node                                                                   300/308
      NAME      ID                   STATUS   PLATFORM        ZONE        IP
      node-021  i-22ef908bcce0f7178  online   Amazon Linux …  us-east-1b  10.1.0.30
      node-023  i-bffe15669e2a9e93e  online   Amazon Linux …  us-east-1a  10.1.0.32
      node-025  i-731bd8d70596d39f1  online   Amazon Linux …  us-east-1b  10.1.0.34
      node-026  i-2032c8a854ee705e0  online   Amazon Linux …  us-east-1c  10.1.0.35
      node-027  i-028645bb7dea98235  online   Amazon Linux …  us-east-1c  10.1.0.36
      node-028  i-3a3bb01ffe5b9fe11  online   Amazon Linux …  us-east-1b  10.1.0.37
      node-029  i-5f17aa794083e34b9  online   Amazon Linux …  us-east-1b  10.1.0.38
      node-030  i-f39e23bf7fcb0d10a  online   Amazon Linux …  us-east-1b  10.1.0.39
      node-031  i-8a37653801e97ef03  online   Amazon Linux …  us-east-1b  10.1.0.40
      node-032  i-504440595dd097904  online   Amazon Linux …  us-east-1a  10.1.0.41
      node-033  i-74971b98c62ec0d3d  online   Amazon Linux …  us-east-1c  10.1.0.42
      node-034  i-11d1071625cff9324  online   Amazon Linux …  us-east-1b  10.1.0.43
      node-036  i-2d13933ec385d6db1  online   Amazon Linux …  us-east-1a  10.1.0.45
      node-038  i-e0b18fa3881eac4c1  online   Amazon Linux …  us-east-1a  10.1.0.47
      node-039  i-21155db7ccbcd8ab7  online   Amazon Linux …  us-east-1a  10.1.0.48
      node-040  i-65aa2132561970470  online   Amazon Linux …  us-east-1b  10.1.0.49
      node-041  i-0f963bf36e4b178ae  online   Amazon Linux …  us-east-1b  10.1.0.50
    > node-042  i-3f8ec503a25c52ac6  online   Amazon Linux …  us-east-1a  10.1.0.51
    ────────────────────────────────────────────────────────────────────────────────
    r6g.large · us-east-1 · agent 3.3.3050.0 · launched 2024-02-02 14:13 UTC
    Env=dev  Role=worker
    Enter choose  Ctrl-R refresh  Ctrl-Y copy id  Esc leave
    ");
    let name = |pty: &Pty| {
        let contents = pty.contents();
        contents.lines().skip(1).find(|line| line.starts_with('>')).unwrap_or_default()[2..10].to_owned()
    };
    let chosen = name(&pty);
    for (cols, rows) in [(40, 10), (120, 40), (20, 4), (80, 24)] {
        pty.resize(cols, rows);
        let fits = |screen: &vt100::Screen| {
            let filled = (1..rows).filter(|number| !line(screen, *number).is_empty()).count();
            filled >= usize::from(rows) - 2
                && line(screen, 0).starts_with("> node")
                && selected(screen).is_some_and(|line| line.contains(&chosen))
                && (rows < 14 || line(screen, rows - 4).starts_with(&"─".repeat(cols.into())))
        };
        pty.wait_for(fits, &format!("picker of {cols} to {rows} on {chosen}"));
    }
    pty.send("\x1b");
    ends_with(&mut pty, 1);
}

#[test]
fn a_suspension_gives_the_terminal_back_and_takes_it_again() {
    let sandbox = TestSandbox::start();
    let mut command = std::process::Command::new("bash");
    command
        .args(["--norc", "--noprofile", "-i"])
        .envs(pick(&sandbox, &[]).get_envs().filter_map(|(k, v)| Some((k, v?))));
    command.env("PS1", "$ ").env("TERM", "xterm-256color").env("SSMX", env!("CARGO_BIN_EXE_ssmx"));
    let mut pty = Pty::spawn(command, 80, 24);
    pty.wait_for_text("$ ");
    pty.send("\"$SSMX\" pick we''b\r");
    pty.wait_for(|screen| screen.alternate_screen(), "picker");
    wait_until_idle(&pty);
    pty.send("\x1a");
    pty.wait_for(|screen| !screen.alternate_screen() && screen.contents().contains("Stopped"), "shell");
    pty.send("fg\r");
    pty.wait_for(|screen| screen.alternate_screen(), "picker again");
    wait_for_selected(&pty, "web-1");
    pty.send("\x1b[B\r");
    pty.wait_for(|screen| !screen.alternate_screen() && screen.contents().contains("i-0a11ce0000000002b"), "id");
    pty.send("exit\r");
    pty.wait();
}

#[test]
fn a_signal_gives_the_terminal_back() {
    let sandbox = TestSandbox::start();
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::INT, 130)] {
        let mut pty = open(pick(&sandbox, &[]));
        pty.kill(signal);
        ends_with(&mut pty, code);
    }
}
