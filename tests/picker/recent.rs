//! What was used lately stands first.

use super::{ends_with, open, pick, wait_for_selected};
use crate::support::command::run;
use crate::support::sandbox::TestSandbox;

#[test]
fn an_instance_that_a_session_was_started_on_stands_first() {
    let sandbox = TestSandbox::start();
    let folder = tempfile::tempdir().unwrap();
    let finished = run(sandbox.ssmx().args(["exec", "web-3", "--", "true"]).env("SSMX_CACHE_DIR", folder.path()));
    assert_eq!(finished.code(), 0, "{finished:?}");
    let finished = run(sandbox.ssmx().args(["exec", "batch", "--", "true"]).env("SSMX_CACHE_DIR", folder.path()));
    assert_ne!(finished.code(), 0, "no session, nothing to remember: {finished:?}");

    let mut command = pick(&sandbox, &[]);
    command.env("SSMX_CACHE_DIR", folder.path());
    let mut pty = open(command);
    wait_for_selected(&pty, "web-3");
    pty.send("\x1b");
    ends_with(&mut pty, 1);
}
