//! One connection shared by many: ControlMaster.

use super::lab::Lab;
use crate::support::command::run;

#[test]
fn all_connections_share_one_session_until_the_master_is_told_to_go() {
    let lab = Lab::new();
    lab.configure(&["web-1"]);
    lab.cloud.wait_for_no_session();
    let before = lab.cloud.history().len();
    let socket = format!("ControlPath={}", lab.file("master").display());
    let ssh = |args: &[&str]| {
        let options = ["-o", "ControlMaster=auto", "-o", "ControlPersist=600", "-o", &socket];
        run(&mut lab.openssh("ssh", options.iter().chain(args)))
    };
    let first = ssh(&["web-1.ssmx", "echo first; exit 3"]);
    assert_eq!((first.code(), first.out().as_str()), (3, "first\n"), "{first:?}");
    let session = lab.cloud.active();
    assert_eq!(session.len(), 1, "the master goes on");
    std::thread::scope(|scope| {
        let ran: Vec<_> = (0..5)
            .map(|number| scope.spawn(move || (number, ssh(&["web-1.ssmx", &format!("exit {number}")]))))
            .collect();
        for ran in ran {
            let (number, ran) = ran.join().unwrap();
            assert_eq!(ran.code(), number, "{ran:?}");
        }
    });
    assert_eq!(lab.cloud.active()[0].session_id(), session[0].session_id());
    assert_eq!(lab.cloud.history().len(), before, "no other session was needed");
    let exit = ssh(&["-O", "exit", "web-1.ssmx"]);
    assert_eq!(exit.code(), 0, "{exit:?}");
    lab.cloud.wait_for_no_session();
}
