use super::*;

fn spec(text: &str) -> ForwardSpec {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn is_tcp(text: &str, bind: &str, port: LocalPort, host: Option<&str>, remote: u16) {
    let ForwardSpec { listen, destination, .. } = spec(text);
    let bind = match bind {
        "" => Bind::Loopback,
        address => Bind::Address(address.parse().unwrap()),
    };
    assert_eq!(listen, Listen::Tcp { bind, port }, "{text}");
    assert_eq!(destination, Destination { host: host.map(str::to_owned), port: remote }, "{text}");
}

#[test]
fn ports() {
    use LocalPort::{Any, Named, Preferred};
    is_tcp("5432", "", Preferred(5432), None, 5432);
    is_tcp("8080:80", "", Named(8080), None, 80);
    is_tcp("0:5432", "", Any, None, 5432);
    is_tcp("127.0.0.2:8080:80", "127.0.0.2", Named(8080), None, 80);
    is_tcp("[::1]:5433:5432", "::1", Named(5433), None, 5432);
    is_tcp("0.0.0.0:0:80", "0.0.0.0", Any, None, 80);
    is_tcp("localhost:8080:80", "", Named(8080), None, 80);
    is_tcp("1:65535", "", Named(1), None, 65535);
}

#[test]
fn hosts() {
    use LocalPort::{Any, Named, Preferred};
    is_tcp("db.internal:5432", "", Preferred(5432), Some("db.internal"), 5432);
    is_tcp("5433:db.internal:5432", "", Named(5433), Some("db.internal"), 5432);
    is_tcp("0:db.internal:5432", "", Any, Some("db.internal"), 5432);
    is_tcp("127.0.0.2:5433:db:5432", "127.0.0.2", Named(5433), Some("db"), 5432);
    is_tcp("127.0.0.2:db:5432", "127.0.0.2", Preferred(5432), Some("db"), 5432);
    is_tcp("[::]:5433:db:5432", "::", Named(5433), Some("db"), 5432);
    is_tcp("10.0.0.5:80", "", Preferred(80), Some("10.0.0.5"), 80);
    is_tcp("[fd00::5]:80", "", Preferred(80), Some("fd00::5"), 80);
    is_tcp("8080:[fd00::5]:80", "", Named(8080), Some("fd00::5"), 80);
    is_tcp("[::1]:8080:[FD00:0::5]:80", "::1", Named(8080), Some("fd00::5"), 80);
    is_tcp("localhost:80", "", Preferred(80), None, 80);
    is_tcp("8080:localhost:80", "", Named(8080), None, 80);
    is_tcp("my_db-1:80", "", Preferred(80), Some("my_db-1"), 80);
    is_tcp("3com.example:80", "", Preferred(80), Some("3com.example"), 80);
}

#[test]
fn the_instance_itself_is_no_other_host() {
    for host in [
        "localhost",
        "LOCALHOST",
        "localhost.",
        "127.0.0.1",
        "127.0.1.1",
        "127.1",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
    ] {
        is_tcp(&format!("{host}:80"), "", LocalPort::Preferred(80), None, 80);
        is_tcp(&format!("8080:{host}:80"), "", LocalPort::Named(8080), None, 80);
        assert_eq!(spec(&format!("unix:/s:{host}:80")).destination, Destination { host: None, port: 80 }, "{host}");
    }
    assert_eq!(spec("9000:127.0.1.1:80").out_of_reach.as_deref(), Some("127.0.1.1"));
    assert_eq!(spec("9000:127.0.0.1:80").out_of_reach, None);
}

#[test]
fn unix_sockets() {
    for (text, path, host, port) in [
        ("unix:/tmp/db.sock:5432", "/tmp/db.sock", None, 5432),
        ("unix:db.sock:5432", "db.sock", None, 5432),
        ("unix:/tmp/a:b/db.sock:5432", "/tmp/a:b/db.sock", None, 5432),
        ("unix:/tmp/db.sock:db.internal:5432", "/tmp/db.sock", Some("db.internal"), 5432),
        ("unix:/tmp/db.sock:[fd00::5]:5432", "/tmp/db.sock", Some("fd00::5"), 5432),
        ("unix:/tmp/db.sock:localhost:5432", "/tmp/db.sock", None, 5432),
    ] {
        let ForwardSpec { listen, destination, .. } = spec(text);
        assert_eq!(listen, Listen::Unix(path.into()), "{text}");
        assert_eq!(destination, Destination { host: host.map(str::to_owned), port }, "{text}");
    }
}

#[test]
fn what_makes_no_sense_is_told() {
    let refused = [
        "",
        "0",
        "65536",
        "+80",
        "http",
        "80:",
        ":80",
        "80:0",
        "99999:80",
        "99999:db:80",
        "5433:5432:80",
        "db:80:80",
        "1.2.3:8080:db:80",
        "::1:80",
        "fd00::5:8080:80",
        "1:2:3:4:5",
        "[::1:80",
        "::1]:80",
        "a[b]:80",
        "[db]:80",
        "[127.0.0.1]:80",
        "a b:80",
        "a/b:80",
        "-host:80",
        "localhost..:80",
        "127.0.0.1:x:db:80",
        "unix:",
        "unix:80",
        "unix::80",
        "unix:/tmp/x:",
        "unix:/tmp/x:db",
    ]
    .map(|text| format!("{text}: {}", text.parse::<ForwardSpec>().unwrap_err()));
    insta::assert_snapshot!(refused.join("\n"), @"
    : expected [BIND:][LOCAL:]PORT, [BIND:][LOCAL:]HOST:PORT or unix:PATH:PORT
    0: `0` is not a remote port: expected a number from 1 to 65535 at the end
    65536: `65536` is not a remote port: expected a number from 1 to 65535 at the end
    +80: `+80` is not a remote port: expected a number from 1 to 65535 at the end
    http: `http` is not a remote port: expected a number from 1 to 65535 at the end
    80:: expected [BIND:][LOCAL:]PORT, [BIND:][LOCAL:]HOST:PORT or unix:PATH:PORT
    :80: expected [BIND:][LOCAL:]PORT, [BIND:][LOCAL:]HOST:PORT or unix:PATH:PORT
    80:0: `0` is not a remote port: expected a number from 1 to 65535 at the end
    99999:80: `99999` is not a local port: expected a number from 0 to 65535
    99999:db:80: `99999` is not a local port: expected a number from 0 to 65535
    5433:5432:80: `5433` is not an IP address to listen on
    db:80:80: `db` is not an IP address to listen on
    1.2.3:8080:db:80: `1.2.3` is not an IP address to listen on
    ::1:80: expected [BIND:][LOCAL:]PORT, [BIND:][LOCAL:]HOST:PORT or unix:PATH:PORT
    fd00::5:8080:80: too many colons: put IPv6 addresses in brackets; expected [BIND:][LOCAL:]PORT, [BIND:][LOCAL:]HOST:PORT or unix:PATH:PORT
    1:2:3:4:5: too many colons: put IPv6 addresses in brackets; expected [BIND:][LOCAL:]PORT, [BIND:][LOCAL:]HOST:PORT or unix:PATH:PORT
    [::1:80: a bracket is not closed
    ::1]:80: only IPv6 addresses take brackets
    a[b]:80: only IPv6 addresses take brackets
    [db]:80: `[db]` is not a host: expected a name or an IP address, IPv6 in brackets
    [127.0.0.1]:80: `[127.0.0.1]` is not a host: expected a name or an IP address, IPv6 in brackets
    a b:80: `a b` is not a host: expected a name or an IP address, IPv6 in brackets
    a/b:80: `a/b` is not a host: expected a name or an IP address, IPv6 in brackets
    -host:80: `-host` is not a host: expected a name or an IP address, IPv6 in brackets
    localhost..:80: `localhost..` is not a host: expected a name or an IP address, IPv6 in brackets
    127.0.0.1:x:db:80: `x` is not a local port: expected a number from 0 to 65535
    unix:: expected unix:PATH:PORT or unix:PATH:HOST:PORT
    unix:80: expected unix:PATH:PORT or unix:PATH:HOST:PORT
    unix::80: expected unix:PATH:PORT or unix:PATH:HOST:PORT
    unix:/tmp/x:: `` is not a remote port: expected a number from 1 to 65535 at the end
    unix:/tmp/x:db: `db` is not a remote port: expected a number from 1 to 65535 at the end
    ");
}

#[test]
fn an_address_for_all_leaves_those_that_name_their_own() {
    let any = Bind::Address("0.0.0.0".parse().unwrap());
    let bound = |text: &str| spec(text).bound_to(any).listen;
    assert_eq!(bound("80"), Listen::Tcp { bind: any, port: LocalPort::Preferred(80) });
    let own = Bind::Address("127.0.0.2".parse().unwrap());
    assert_eq!(bound("127.0.0.2:8:80"), Listen::Tcp { bind: own, port: LocalPort::Named(8) });
    assert_eq!(bound("unix:/x:80"), Listen::Unix("/x".into()));
}

#[test]
fn every_seed_of_the_fuzzer_passes() {
    crate::testing::every_seed_passes("forward", check::check);
}
