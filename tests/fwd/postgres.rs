//! PostgreSQL behind a tunnel: what most tunnels are for.

use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::tunnel::{Aws, program};
use crate::support::command::{Finished, Running, run};

/// A PostgreSQL server of the distribution, with a database of its own, for nobody but this machine.
struct Postgres {
    folder: tempfile::TempDir,
    port: u16,
}

impl Postgres {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        if let Some(user) = other_user() {
            // The server does not run as root, and it has to get at its files.
            chown(folder.path(), Some(user), None).unwrap();
            std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let made = run(as_server("initdb").arg("-D").arg(&data).args(["-A", "trust", "-U", "postgres", "--no-sync"]));
        assert_eq!(made.code(), 0, "{made:?}");
        for _ in 0..5 {
            // It may be taken again before the server has it.
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let options = format!(
                "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off -c max_connections=50"
            );
            let mut start = as_server("pg_ctl");
            // What it says goes into a file: the server keeps what it inherits open.
            start.args(["-w", "-s", "-o", &options, "-l"]).arg(folder.path().join("log")).arg("-D").arg(&data);
            if run(start.arg("start")).status.success() {
                return Self { folder, port };
            }
        }
        let log = std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
        panic!("PostgreSQL does not start:\n{log}");
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let _ =
            as_server("pg_ctl").args(["-m", "immediate", "-s", "stop", "-D"]).arg(self.path().join("data")).status();
    }
}

/// The user to run the server as, where we are root.
fn other_user() -> Option<u32> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let asked = run(Command::new("id").args(["-u", "postgres"]));
    Some(asked.out().trim().parse().expect("the package postgresql makes a user `postgres`"))
}

fn as_server(name: &str) -> Command {
    if other_user().is_none() {
        return program(&binary(name).to_string_lossy());
    }
    let mut command = program("runuser");
    command.args(["-u", "postgres", "--"]).arg(binary(name)).current_dir("/");
    command
}

/// Where the distribution has its programs.
fn binary(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<_> = versions.map(|version| version.path().join("bin").join(name)).collect();
    found.retain(|path| path.exists());
    found.sort();
    found.pop().unwrap_or_else(|| name.into())
}

/// A client of the server, told where it is.
fn client(name: &str, tunnel: &super::tunnel::Tunnel) -> Command {
    let address = tunnel.addresses(0)[0];
    let mut command = program(&binary(name).to_string_lossy());
    command.args(["-h", &address.ip().to_string(), "-p", &address.port().to_string(), "-U", "postgres"]);
    command.env("PGDATABASE", "postgres");
    command
}

#[track_caller]
fn fine(done: Finished) -> String {
    assert_eq!(done.code(), 0, "{done:?}");
    done.out()
}

#[test]
fn psql_and_pgbench_notice_nothing() {
    let aws = Aws::new(|_| {});
    let postgres = Postgres::start();
    // As a port of the instance, and as a host that the instance can reach.
    let tunnel = aws.open(&["db", &format!("0:orders.rds.amazonaws.com:{}", postgres.port)]);
    let own = aws.open(&["db", &format!("0:{}", postgres.port)]);
    let asked = run(client("psql", &own).args(["-Atc", "select 6 * 7"]));
    assert_eq!(fine(asked), "42\n");
    fine(run(client("pgbench", &tunnel).args(["-i", "-q", "-s", "1"])));

    // More than a message, both ways.
    let text = "x".repeat(300_000);
    let script = postgres.path().join("long.sql");
    std::fs::write(&script, format!("select '{text}';\n")).unwrap();
    assert_eq!(fine(run(client("psql", &tunnel).args(["-At", "-f"]).arg(&script))), format!("{text}\n"));

    let mut pgbench = client("pgbench", &tunnel);
    let bench = Running::start(pgbench.args(["-n", "-c", "8", "-j", "2", "-T", "20"]));
    bench.wait_for_out("number of failed transactions: 0 ");
    let said = fine(bench.finish());
    let number = said.lines().find_map(|line| line.strip_prefix("number of transactions actually processed: "));
    let number: u32 = number.unwrap().split('/').next().unwrap().trim().parse().unwrap();
    assert!(number > 20, "{said}");
    println!("{said}");
}

#[test]
fn psql_behind_a_tunnel_of_its_own_passes_its_code_on() {
    let aws = Aws::new(|_| {});
    let postgres = Postgres::start();
    let forward = format!("0:{}", postgres.port);
    let psql = binary("psql").to_string_lossy().into_owned();
    let psql = |rest: &[&str]| {
        let words = ["db", &forward, "--", &psql, "-h", "{host}", "-p", "{port}", "-U", "postgres", "-At"];
        run(&mut aws.fwd(&[&words[..], rest].concat()))
    };
    assert_eq!(fine(psql(&["-c", "select 'it is ' || 1"])), "it is 1\n");
    assert_eq!(psql(&["-c", "select 1/0"]).code(), 1);
    let script = postgres.path().join("wrong.sql");
    std::fs::write(&script, "select 1/0;\n").unwrap();
    assert_eq!(psql(&["-v", "ON_ERROR_STOP=1", "-f", &script.to_string_lossy()]).code(), 3);
}
