//! The instance itself, however it is spelled: agents refuse to lead to it as to another host.

use insta::assert_snapshot;

use super::tunnel::{Aws, echo, exchange, program};
use crate::support::command::run;

#[test]
fn every_spelling_of_the_instance_itself_leads_there() {
    let aws = Aws::new(|_| {});
    let port = echo();
    let spellings = [
        "localhost",
        "LOCALHOST",
        "localhost.",
        "127.0.0.1",
        "127.1",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "[::]",
        "127.0.1.1",
    ];
    let forwards: Vec<_> = spellings.iter().map(|host| format!("0:{host}:{port}")).collect();
    let mut words = vec!["db"];
    words.extend(forwards.iter().map(String::as_str));
    let mut tunnel = aws.open(&words);
    for (ready, spelling) in tunnel.ready.iter().zip(spellings) {
        assert_eq!(
            (&ready["remote_host"], &ready["session"]),
            (&serde_json::Value::Null, &tunnel.ready[0]["session"]),
            "{spelling}"
        );
    }
    for (forward, spelling) in spellings.iter().enumerate() {
        exchange(&super::tunnel::connect(tunnel.addresses(forward)[0]), spelling.as_bytes(), spelling.len());
    }
    assert_snapshot!(tunnel.errors(), @"warning: 127.0.1.1 is the instance itself, which sessions reach as `localhost`; a program that listens on 127.0.1.1 alone cannot be reached");
}

#[test]
fn socks_leads_there_too_and_with_one_session() {
    let mut aws = Aws::new(|_| {});
    let tunnel = aws.socks(&["--lanes=1"]);
    let proxy = tunnel.addresses(0)[0].to_string();
    let port = super::socks::web();
    for host in ["localhost", "localhost.", "127.0.0.1", "127.0.1.1", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]"] {
        let mut curl = program("curl");
        curl.args(["-sS", "--noproxy", "", "--socks5-hostname", &proxy, &format!("http://{host}:{port}/")]);
        let asked = run(&mut curl);
        assert_eq!(asked.code(), 0, "{host}: {asked:?}");
    }
    assert_eq!(aws.service().active_sessions().len(), 1);
}
