use super::*;

#[test]
fn the_instance_itself_has_no_host_however_it_is_spelled() {
    let itself = |host: &str| Destination::of(Some(host.to_owned()), 80).host.is_none();
    for host in [
        "localhost",
        "LOCALHOST",
        "localhost.",
        "app.localhost",
        "localhost.localdomain",
        "ip6-localhost",
        "127.0.0.1",
        "127.0.0.1.",
        "127.0.1.1",
        "127.255.255.254",
        "0.0.0.0",
        "::",
        "::1",
        "0:0:0:0:0:0:0:1",
        "::ffff:127.0.0.1",
        "::ffff:7f00:1",
        "127.1",
        "127.0.1",
        "127.256",
        "0x7f.1",
        "0177.0.0.1",
        "0x7f000001",
        "2130706433",
        "0",
    ] {
        assert!(itself(host), "{host}");
    }
    for host in [
        "db",
        "localhost.example.com",
        "mylocalhost",
        "128.0.0.1",
        "10.0.0.1",
        "126.255",
        "::2",
        "::ffff:10.0.0.1",
        "1",
        "127.0.0.0.1",
        "127..1",
        "127.0.0.x",
        "4294967296",
        "+127.0.0.1",
        "0x+7f.1",
        "09.0.0.1",
        ".",
    ] {
        assert!(!itself(host), "{host}");
    }
}

#[test]
fn what_localhost_is_not_is_out_of_reach() {
    for host in ["127.0.1.1", "127.1.1", "127.0.0.2."] {
        assert!(is_out_of_reach(host), "{host}");
    }
    for host in ["127.0.0.1", "127.1", "::1", "::ffff:127.0.0.1", "localhost", "0.0.0.0", "10.0.0.1", "db"] {
        assert!(!is_out_of_reach(host), "{host}");
    }
}
