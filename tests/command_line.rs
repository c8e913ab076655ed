//! The command line, typed at the program.

use crate::support::command::{run, ssmx};

#[test]
fn a_log_setting_that_makes_no_sense_is_a_usage_error() {
    let bad = run(ssmx().env("SSMX_LOG", "aws_sigv4=trace").args(["shell", "web-1"]));
    insta::assert_snapshot!(bad.shown(), @"
    exit code: 2
    --- stderr
    error: `SSMX_LOG`: `aws_sigv4=trace` is not a level, or not one of a target of ssmx
    hint: write a level, as in `SSMX_LOG=debug`, or levels, as in `ssmx::channel=trace`
    ");
}

#[cfg(unix)]
#[test]
fn a_log_file_that_cannot_be_opened_is_an_error() {
    let bad = run(ssmx().args(["--log-file", "/nowhere/ssmx.log", "shell", "web-1"]));
    insta::assert_snapshot!(bad.shown(), @"
    exit code: 1
    --- stderr
    error: cannot open log file `/nowhere/ssmx.log`
    caused by: No such file or directory (os error NUMBER)
    ");
    let exec = run(ssmx().args(["--log-file", "/nowhere/ssmx.log", "exec", "web-1", "--", "true"]));
    assert_eq!(exec.code(), 255, "the other codes are the remote side's");
    assert_eq!(exec.err(), bad.err());
}

#[cfg(unix)]
#[test]
fn a_reader_that_went_away_ends_us_quietly() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut child = ssmx().arg("--help").stdout(writer).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut said).unwrap();
    assert_eq!((crate::support::waiting::end_of(&mut child).expect("it ends").code(), said.as_str()), (Some(0), ""));
}
