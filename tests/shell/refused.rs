//! Sessions that do not come about, and those that take more than one request.

use ssmx::sandbox::ApiFault;

use super::shell;
use crate::support::command::{run, run_with_input};
use crate::support::sandbox::TestSandbox;

#[test]
fn targets_that_cannot_be_entered_are_refused_with_a_code_of_their_own() {
    let sandbox = TestSandbox::start();
    for (target, code, said) in
        [("nobody", 3, "nobody"), ("legacy", 4, "is not connected"), ("batch", 4, "is not connected")]
    {
        let refused = run(sandbox.ssmx().args(["shell", target]));
        assert_eq!(refused.code(), code, "{target}: {refused:?}");
        assert!(refused.err().starts_with("error: ") && refused.out().is_empty(), "{target}: {refused:?}");
        assert!(refused.err().contains(said) && refused.err().contains("\nhint: "), "{target}: {refused:?}");
    }
    assert!(sandbox.active_sessions().is_empty());
}

#[test]
fn bad_tokens_and_missing_rights_are_refused_with_a_code_of_their_own() {
    let denied = |action: &str| ApiFault::Deny { action: action.to_owned() };
    let sandbox = TestSandbox::with(|options| options.api_faults = vec![denied("ssm:StartSession")]);
    let refused = run(&mut shell(&sandbox));
    assert_eq!(refused.code(), 5, "{refused:?}");
    assert!(refused.err().contains("ssm:StartSession"), "{refused:?}");

    let sandbox = TestSandbox::start();
    let refused = run(shell(&sandbox).env("AWS_SESSION_TOKEN", "bad"));
    assert_eq!(refused.code(), 5, "{refused:?}");
    let refused = run(shell(&sandbox).env("AWS_SECRET_ACCESS_KEY", "bad"));
    assert_eq!(refused.code(), 5, "{refused:?}");
}

#[test]
fn a_throttled_api_is_waited_for() {
    let throttled = |action: &str, calls| ApiFault::Throttle { action: action.to_owned(), calls };
    let sandbox = TestSandbox::with(|options| {
        options.api_faults = vec![throttled("ssm:StartSession", 2), throttled("ec2:DescribeInstances", 1)];
    });
    let shell = run_with_input(&mut shell(&sandbox), b"echo h''i\nexit\n");
    assert_eq!(shell.code(), 0, "{shell:?}");
    assert!(shell.out().contains("hi\r\n"), "{shell:?}");
}
