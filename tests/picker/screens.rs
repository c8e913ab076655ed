//! What one sees.

use rustix::process::Signal;

use super::{ends_with, line, open, pick, selected, wait_for_counts, wait_for_selected, wait_until_idle};
use crate::support::pty::Pty;
use crate::support::sandbox::TestSandbox;

#[test]
fn the_fleet_in_80_by_24() {
    let sandbox = TestSandbox::start();
    let mut pty = open(pick(&sandbox, &[]));
    wait_for_selected(&pty, "bastion");
    let contents = pty.contents();
    let lines: Vec<&str> = contents.lines().collect();
    assert_eq!(lines[1].split_whitespace().collect::<Vec<_>>(), ["NAME", "ID", "STATUS", "PLATFORM", "ZONE", "IP"]);
    let web = lines.iter().find(|line| line.contains("web-1")).unwrap_or_else(|| panic!("{contents}"));
    // A platform is shortened before a column goes.
    let cells: Vec<&str> = web.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
    assert_eq!(cells, ["web-1", "i-0a11ce0000000001a", "online", "Amazon Linux 20…", "us-east-1a", "10.0.0.11"]);
    // Those that cannot be reached stand last.
    let place = |name: &str| lines.iter().position(|line| line[2..].starts_with(name)).unwrap();
    assert!(place("web-3") < place("legacy") && place("legacy") < place("batch"), "{contents}");
    assert!(lines[21].contains("t3.nano · us-east-1 · agent"), "{contents}");
    assert_eq!(lines[22], "Env=ops");
    assert!(lines[23].starts_with("Enter choose  Ctrl-R refresh"), "{contents}");
    pty.send("\x1b");
    ends_with(&mut pty, 1);
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
    pty.wait_for(|screen| selected(screen).is_some_and(|line| line.contains("node-042")), "second page");
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
