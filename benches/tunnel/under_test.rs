//! The process that is measured: the relay, `ssmx fwd`, or the official client.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::Result;
use super::server::Server;

/// How long a tunnel may take to listen.
const PATIENCE: Duration = Duration::from_secs(20);

/// A process through which the server can be reached at a port of its own. Ends when dropped.
pub(crate) struct UnderTest {
    process: Child,
    /// Where it listens on the loopback.
    pub(crate) port: u16,
}

impl UnderTest {
    /// This program as a relay.
    pub(crate) fn relay(server: &Server) -> Result<Self> {
        let port = free_port()?;
        let mut command = Command::new(std::env::current_exe()?);
        Self::start(command.args(["relay", &port.to_string(), &server.port.to_string()]), port)
    }

    /// `ssmx fwd` with so many lanes.
    pub(crate) fn ssmx(server: &Server, lanes: &str) -> Result<Self> {
        let port = free_port()?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_ssmx"));
        let forward = format!("{port}:{}", server.port);
        Self::start(command.args(["-q", "fwd", &target(), &forward, "--lanes", lanes]), port)
    }

    /// The official client, with a session that the AWS SDK has started, as the AWS CLI would call it.
    pub(crate) fn plugin(path: &str, server: &Server) -> Result<Self> {
        let port = free_port()?;
        let variable = |name| std::env::var(name).map_err(|_| format!("the sandbox sets no {name}"));
        let (endpoint, region) = (variable("AWS_ENDPOINT_URL")?, variable("AWS_REGION")?);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (request, answer) = runtime.block_on(start_session(server.port, port))?;
        let mut command = Command::new(path);
        command.args([&answer, &region, "StartSession", "", &request, &endpoint]);
        Self::start(&mut command, port)
    }

    fn start(command: &mut Command, port: u16) -> Result<Self> {
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
        let mut started = Self { process, port };
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if let Some(status) = started.process.try_wait()? {
                return Err(format!("it ended before it listened: {status}").into());
            }
            if Instant::now() > deadline {
                return Err("it does not listen".into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(started)
    }

    /// Its CPU time so far, in seconds, and the most memory that it had resident, in MiB; where the system tells.
    pub(crate) fn usage(&self) -> Option<(f64, f64)> {
        let directory = format!("/proc/{}", self.process.id());
        let stat = std::fs::read_to_string(format!("{directory}/stat")).ok()?;
        // The second field is a name in parentheses that may hold anything; user and system time are 14 and 15.
        let (_, rest) = stat.rsplit_once(')')?;
        let mut fields = rest.split_whitespace().skip(11);
        let mut ticks = || fields.next()?.parse::<f64>().ok();
        let cpu = (ticks()? + ticks()?) / TICKS_A_SECOND;
        let status = std::fs::read_to_string(format!("{directory}/status")).ok()?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kib: f64 = peak.trim().strip_suffix(" kB")?.trim().parse().ok()?;
        Some((cpu, kib / 1024.0))
    }
}

impl Drop for UnderTest {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// USER_HZ, which is 100 on every Linux.
const TICKS_A_SECOND: f64 = 100.0;

/// The instance: one of the sandbox, unless `SSMX_BENCH_TARGET` names another.
fn target() -> String {
    std::env::var("SSMX_BENCH_TARGET").unwrap_or_else(|_| "i-0db0000000000004d".to_owned())
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// The request and the answer of StartSession, as JSON.
pub(crate) async fn start_session(to: u16, local: u16) -> Result<(String, String)> {
    const DOCUMENT: &str = "AWS-StartPortForwardingSession";
    let target = target();
    let client = aws_sdk_ssm::Client::new(&aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await);
    let parameters = [("portNumber", to), ("localPortNumber", local)];
    let mut call = client.start_session().target(&target).document_name(DOCUMENT);
    for (name, port) in parameters {
        call = call.parameters(name, vec![port.to_string()]);
    }
    let answer = call.send().await?;
    let parameters: serde_json::Map<_, _> =
        parameters.into_iter().map(|(name, port)| (name.to_owned(), serde_json::json!([port.to_string()]))).collect();
    let request = serde_json::json!({ "Target": target, "DocumentName": DOCUMENT, "Parameters": parameters });
    let answer = serde_json::json!({
        "SessionId": answer.session_id(), "TokenValue": answer.token_value(), "StreamUrl": answer.stream_url(),
    });
    Ok((request.to_string(), answer.to_string()))
}
