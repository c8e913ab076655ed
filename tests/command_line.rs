//! The command line, typed at the program.

use crate::support::command::{run, ssmx};

#[test]
fn help_goes_to_standard_output_and_mistakes_to_standard_error() {
    let help = run(ssmx().arg("--help"));
    assert_eq!(help.code(), 0);
    assert!(help.out().contains("ssmx [OPTIONS] [TARGET]") && help.err().is_empty(), "{help:?}");

    let mistake = run(ssmx().args(["exec", "web-1"]));
    assert_eq!(mistake.code(), 2);
    assert!(mistake.out().is_empty() && mistake.err().contains("COMMAND"), "{mistake:?}");
}

#[test]
fn a_mistyped_command_and_a_command_without_dashes_are_explained() {
    let typo = run(ssmx().args(["shel", "web-1"]));
    assert_eq!(typo.code(), 2);
    assert!(
        typo.err().starts_with("error: `shel` is not a command\nhint: did you mean `ssmx shell web-1`?\n"),
        "{typo:?}"
    );

    let exec = run(ssmx().args(["exce", "web-1", "--", "id"]));
    assert_eq!((exec.code(), exec.out().as_str()), (2, ""));
    assert_eq!(exec.err(), "error: `exce` is not a command\nhint: did you mean `ssmx exec web-1 -- id`?\n");

    let bare = run(ssmx().args(["web-1", "uptime"]));
    assert_eq!(bare.code(), 2);
    assert_eq!(
        bare.err(),
        "error: unexpected argument `uptime`\nhint: a command to run stands behind `--`: `ssmx web-1 -- uptime`\n"
    );
}

#[test]
fn a_log_setting_that_makes_no_sense_is_a_usage_error() {
    let bad = run(ssmx().env("SSMX_LOG", "aws_sigv4=trace").args(["shell", "web-1"]));
    assert_eq!(bad.code(), 2);
    assert!(
        bad.err().starts_with("error: `SSMX_LOG` has `aws_sigv4=trace`") && bad.err().contains("\nhint: "),
        "{bad:?}"
    );
}

#[test]
fn a_log_file_that_cannot_be_opened_is_an_error() {
    let bad = run(ssmx().args(["--log-file", "/nowhere/ssmx.log", "shell", "web-1"]));
    assert_eq!(bad.code(), 1);
    let exec = run(ssmx().args(["--log-file", "/nowhere/ssmx.log", "exec", "web-1", "--", "true"]));
    assert_eq!(exec.code(), 255, "the other codes are the remote side's");
    assert!(bad.err().starts_with("error: cannot open log file `/nowhere/ssmx.log`\ncaused by: "), "{bad:?}");
}

#[cfg(unix)]
#[test]
fn a_reader_that_went_away_ends_us_quietly() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut child = ssmx().arg("--help").stdout(writer).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut said).unwrap();
    assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""));
}
