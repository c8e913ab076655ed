//! The end of a session, as an exit code or a failure.

use std::io;

use crate::cli::advice;
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::exit::Exit;
use crate::cli::ui::Ui;
use crate::fleet::diagnose::Purpose;
use crate::session::{Carried, Executed, Left};

/// The outcome of a shell.
///
/// # Errors
/// The terminal could not be used, or the session failed or was lost.
pub(crate) fn of_shell(left: io::Result<Left>) -> Result<Exit, CliError> {
    match left.map_err(|error| CliError::failed("cannot use the terminal").caused_by(&error))? {
        Left::Ended(end) => advice::failure(end).map_or(Ok(Exit::FINE), Err),
        Left::Disconnected => Ok(Exit::FINE),
        Left::Stopped(signal) => Ok(Exit::of_signal(signal)),
        Left::Terminal(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Exit::FAILED),
        Left::Terminal(error) => Err(CliError::stdout(&error)),
    }
}

/// The outcome of a byte stream between our standard streams and a port.
///
/// # Errors
/// The standard streams could not be used, or the session failed or was lost.
pub(crate) fn of_stream(ui: &Ui, carried: io::Result<Carried>) -> Result<Exit, CliError> {
    let unusable = |error| CliError::failed("cannot use standard input and output").caused_by(&error);
    match carried.map_err(unusable)? {
        Carried::EndOfInput => Ok(Exit::FINE),
        Carried::Stopped(signal) => Ok(Exit::of_signal(signal)),
        Carried::Ended(end) => advice::failure(end).map_or(Ok(Exit::FINE), Err),
        Carried::Unanswered => {
            // What was sent has arrived, and not everything is answered.
            ui.warning("nothing has come for 10 s after the end of the input: a later answer is lost");
            Ok(Exit::FINE)
        }
        Carried::Undelivered => {
            Err(CliError::new(ErrorKind::Lost, "the instance did not acknowledge the end of the input in time"))
        }
        Carried::Input(error) => Err(CliError::failed("cannot read standard input").caused_by(&error)),
        Carried::Output(error) => Err(CliError::stdout(&error)),
    }
}

/// The outcome of a command without a terminal. `reports_code`: its document is one that reports the exit code.
///
/// # Errors
/// The output could not be written, or the session ended before the command.
pub(crate) fn of_command(executed: Executed, reports_code: bool) -> Result<Exit, CliError> {
    match executed {
        // The agent reports -1 for a command that a signal has ended.
        Executed::Code(Some(code)) => Ok(Exit::of_program(u8::try_from(code).unwrap_or(255))),
        Executed::Code(None) if reports_code => {
            Err(CliError::failed("the session ended before the command reported its exit code")
                .hint("the session may have been terminated, or the agent stopped")
                .hint(format!(
                    "agents older than {} never report it: update the SSM agent of the instance",
                    Purpose::ExitCode.needs()
                )))
        }
        Executed::Code(None) => Ok(Exit::FINE),
        Executed::Ended(end) => Err(advice::failure(end)
            .unwrap_or_else(|| CliError::new(ErrorKind::Lost, "the session ended before the command did"))),
        Executed::Stopped(signal) => Ok(Exit::of_signal(signal)),
        Executed::Output(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(CliError::failed("cannot decode the output")
                .caused_by(&error)
                .hint("`--binary` needs `sh` and `base64` on the instance"))
        }
        Executed::Output(error) => Err(CliError::stdout(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::End;
    use crate::cli::ui::screen::Screen;
    use crate::terminal::Termination;

    fn ui() -> Ui {
        Ui::with_screen(Screen::new(Box::new(io::sink()), false), true, false)
    }

    fn code(outcome: Result<Exit, CliError>) -> u8 {
        outcome.unwrap_or_else(|error| error.exit()).code()
    }

    #[test]
    fn ends_have_the_same_code_in_every_kind_of_session() {
        for (end, expected) in [
            (|| End::Terminated, 0),
            (|| End::Closed(String::new()), 0),
            (|| End::Closed("no".to_owned()), 1),
            (|| End::Expired, 6),
        ] as [(fn() -> End, u8); 4]
        {
            assert_eq!(code(of_shell(Ok(Left::Ended(end())))), expected);
            assert_eq!(code(of_stream(&ui(), Ok(Carried::Ended(end())))), expected);
        }
        assert_eq!(code(of_shell(Ok(Left::Stopped(Termination::Hangup)))), 129);
        assert_eq!(code(of_stream(&ui(), Ok(Carried::Stopped(Termination::Terminate)))), 143);
        assert_eq!(code(of_command(Executed::Stopped(Termination::Interrupt), true)), 130);
    }

    #[test]
    fn a_command_without_a_code_has_failed_where_one_is_reported() {
        assert_eq!(code(of_command(Executed::Code(Some(7)), true)), 7);
        assert_eq!(code(of_command(Executed::Code(Some(-1)), true)), 255);
        assert_eq!(code(of_command(Executed::Code(None), true)), 1);
        assert_eq!(code(of_command(Executed::Code(None), false)), 0);
        assert_eq!(code(of_command(Executed::Ended(End::Closed(String::new())), true)), 6);
    }

    #[test]
    fn a_reader_that_stalls_is_a_failure_and_one_that_is_gone_is_not() {
        assert_eq!(code(of_stream(&ui(), Ok(Carried::Output(io::ErrorKind::TimedOut.into())))), 1);
        assert_eq!(code(of_stream(&ui(), Ok(Carried::Output(io::ErrorKind::BrokenPipe.into())))), 0);
        assert_eq!(code(of_shell(Ok(Left::Terminal(io::ErrorKind::UnexpectedEof.into())))), 1);
    }
}
