//! Tunnels that have a name.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use serde_json::Value;

use super::lab::Lab;
use crate::support::DEADLINE;
use crate::support::command::Running;
use crate::support::snapshot::{case, settled};

/// A server that says its name and then what it hears, as the instances of the sandbox reach it.
fn server(name: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let _ = stream.write_all(name.as_bytes());
                let mut reader = stream.try_clone().unwrap();
                let _ = std::io::copy(&mut reader, &mut stream);
            });
        }
    });
    port
}

fn lab(pg: u16, redis: u16) -> Lab {
    let lab = Lab::in_two_regions(&format!(
        "[targets.db]\nname = 'orders'\nregion = 'us-east-1'\nprofile = 'prod'\n\
         [targets.pg]\nname = 'web'\n\
         [tunnels.pg]\ntarget = 'db'\nforward = ['0:{pg}']\n\
         [tunnels.redis]\ntarget = 'web'\nforward = ['0:127.0.0.1:{redis}']\nwait = true\n"
    ));
    lab.give_credentials(&["prod"]);
    lab
}

fn ask(port: u64, expected: &str) {
    let mut stream = TcpStream::connect(("127.0.0.1", u16::try_from(port).unwrap())).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.write_all(b" hello").unwrap();
    let mut answer = vec![0; expected.len()];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(String::from_utf8_lossy(&answer), expected);
}

#[test]
fn several_are_started_by_name_each_through_its_own_target() {
    let lab = lab(server("pg"), server("redis"));
    let tunnels = Running::start(lab.ssmx().args(["fwd", "pg", "redis", "-o", "json"]));
    tunnels.wait_for_lines(2);
    let out = tunnels.out();
    let ready: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ready = |name: &str| ready.iter().find(|one| one["tunnel"] == name).unwrap_or_else(|| panic!("{ready:?}"));
    assert_eq!((ready("pg")["target"].as_str(), ready("redis")["target"].as_str()), (Some("db"), Some("web")));
    ask(ready("pg")["port"].as_u64().unwrap(), "pg hello");
    ask(ready("redis")["port"].as_u64().unwrap(), "redis hello");
    tunnels.kill(rustix::process::Signal::INT);
    assert_eq!(tunnels.finish().code(), 0);
    lab.cloud.wait_for_no_session();
}

#[test]
fn a_command_runs_while_named_tunnels_are_open() {
    let (pg, redis) = (server("pg"), server("redis"));
    let lab = lab(pg, redis);
    let script = "test -n \"$SSMX_PORT_1\" && test -n \"$SSMX_PORT_2\" && test \"$1\" = \"$SSMX_PORT_1\" && exit 7";
    let finished = lab.run(&["fwd", "pg", "redis", "--", "sh", "-c", script, "sh", "{port}"]);
    assert_eq!(finished.code(), 7, "{finished:?}");
    // Which of the two is first is up to the network.
    let said = settled(&finished.err()).replace(&pg.to_string(), "PG").replace(&redis.to_string(), "REDIS");
    let mut lines: Vec<_> = said.lines().collect();
    lines.sort_unstable();
    insta::assert_snapshot!(lines.join("\n"), @"
    pg: Forwarding 127.0.0.1:PORT and [::1]:PORT → db:PORT
    redis: Forwarding 127.0.0.1:PORT and [::1]:PORT → web:PORT
    ");
}

#[test]
fn a_name_with_a_forward_is_a_target() {
    let port = server("other");
    let lab = lab(server("pg"), 1);
    let tunnel = Running::start(lab.ssmx().args(["fwd", "pg", &format!("0:{port}"), "-o", "json"]));
    tunnel.wait_for_out("}\n");
    let ready: Value = serde_json::from_str(tunnel.out().trim()).unwrap();
    assert_eq!((ready["target"].as_str(), ready["tunnel"].as_str()), (Some("pg"), None));
    ask(ready["port"].as_u64().unwrap(), "other hello");
}

#[test]
fn names_that_are_none_are_told() {
    let lab = lab(1, 2);
    let shown: String = [
        &["fwd", "pgg"][..],
        &["fwd", "web"],
        &["fwd", "pg", "rediss"],
        &["fwd", "pg", "80", "redis"],
        &["fwd", "web", "x"],
    ]
    .map(|args| case(args.join(" "), &lab.run(args).shown()))
    .concat();
    insta::assert_snapshot!(shown, @"
    === fwd pgg
    exit code: 2
    --- stderr
    error: no tunnel is named `pgg` in the configuration
    hint: did you mean `pg`?
    hint: to reach a port of an instance, add the port: `ssmx fwd pgg 5432`

    === fwd web
    exit code: 2
    --- stderr
    error: no tunnel is named `web` in the configuration
    hint: expected one of pg, redis
    hint: to reach a port of an instance, add the port: `ssmx fwd web 5432`

    === fwd pg rediss
    exit code: 2
    --- stderr
    error: no tunnel is named `rediss` in the configuration
    hint: did you mean `redis`?

    === fwd pg 80 redis
    exit code: 2
    --- stderr
    error: no tunnel is named `80` in the configuration
    hint: expected one of pg, redis

    === fwd web x
    exit code: 2
    --- stderr
    error: `x` is not a remote port: expected a number from 1 to 65535 at the end
    hint: write FORWARD like 5432, 8080:80 or 5433:db.internal:5432
    ");
}
