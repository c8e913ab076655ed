//! Starting and stopping a sandbox, and the environment that leads programs to it.

use std::net::Ipv4Addr;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::account::Account;
use super::calls::ApiCalls;
use super::documents::Documents;
use super::error::Error;
use super::faults::{Faults, Throttle};
use super::leftovers;
use super::options::Options;
use super::server;
use super::sessions::session::Phase;
use crate::environment::{NO_PROXY, SANDBOX, SANDBOX_KNOWN_HOSTS};

/// How long sessions may take to end when the sandbox is shut down; an agent's own grace and a little more.
const SHUTDOWN: Duration = Duration::from_secs(7);

/// How long clients may take to close their connections after that.
const GOODBYE: Duration = Duration::from_millis(500);

/// Where the AWS libraries read nothing: the person's own profiles must not leak in.
const NOWHERE: &str = if cfg!(windows) { "NUL" } else { "/dev/null" };

/// Services that are led to the sandbox one by one, as a setting for one service beats the one for all.
const SERVICES: [&str; 6] = ["EC2", "EC2_INSTANCE_CONNECT", "KMS", "SSM", "SSMMESSAGES", "STS"];

/// A running sandbox. Dropping it stops it at once; [`Sandbox::shutdown`] lets sessions end in order.
#[derive(Debug)]
pub struct Sandbox {
    pub(crate) account: Arc<Account>,
    server: JoinHandle<()>,
    connections: server::Connections,
}

impl Sandbox {
    /// Starts a sandbox on a free port of 127.0.0.1, with new random credentials. First it clears up behind sandboxes of
    /// this user that were killed.
    ///
    /// # Errors
    /// When no port can be bound, when one of the account's documents is not a session document, or when an option
    /// has a value that it cannot have.
    pub async fn start(options: Options) -> Result<Self, Error> {
        check_faults(&options.faults_to_agent)?;
        check_faults(&options.faults_to_client)?;
        let some_time = |time: Option<Duration>| time.is_none_or(|time| !time.is_zero());
        if !some_time(options.cut_client_every) || !some_time(options.cut_agent_every) {
            return Err(Error::Option("the time between two cuts must not be zero".to_owned()));
        }
        if let Throttle::Share(share) = options.api_throttle
            && !(0.0..=1.0).contains(&share)
        {
            return Err(Error::Option("the share of calls that are refused must be between 0 and 1".to_owned()));
        }
        leftovers::clear();
        let documents = Documents::new(&options.preferences, &options.documents)
            .map_err(|error| Error::Document(error.to_string()))?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(Error::Listen)?;
        let address = listener.local_addr().map_err(Error::Listen)?;
        let account = Arc::new(Account::new(options, address, documents));
        let connections = server::Connections::new();
        let server = tokio::spawn(server::serve(listener, Arc::clone(&account), connections.clone()));
        tracing::debug!(%address, "sandbox started");
        Ok(Self { account, server, connections })
    }

    /// Where the sandbox listens, as `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        self.account.endpoint("http")
    }

    /// The variables that lead AWS programs to the sandbox, and to nowhere else. Variables of the surrounding
    /// environment that [`is_foreign`](Self::is_foreign) names have to be removed as well.
    pub fn environment(&self) -> Vec<(String, String)> {
        let (endpoint, credentials) = (self.endpoint(), &self.account.credentials);
        let region = &self.account.options.region;
        let mut environment: Vec<(String, String)> = [
            (SANDBOX.name, "1"),
            ("AWS_ENDPOINT_URL", &endpoint),
            ("AWS_ACCESS_KEY_ID", &credentials.access_key_id),
            ("AWS_SECRET_ACCESS_KEY", &credentials.secret_access_key),
            ("AWS_SESSION_TOKEN", &credentials.session_token),
            ("AWS_REGION", region),
            ("AWS_DEFAULT_REGION", region),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "false"),
            ("AWS_CONFIG_FILE", NOWHERE),
            ("AWS_SHARED_CREDENTIALS_FILE", NOWHERE),
            ("AWS_PAGER", ""),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        environment.extend(SERVICES.map(|service| (format!("AWS_ENDPOINT_URL_{service}"), endpoint.clone())));
        let options = &self.account.options;
        let user = options.ssh_user.iter();
        environment.extend(user.map(|user| ("SSMX_SSH_USER".to_owned(), user.clone())));
        let known_hosts = options.ssh_known_hosts.iter().filter_map(|path| path.to_str());
        environment.extend(known_hosts.map(|path| (SANDBOX_KNOWN_HOSTS.name.to_owned(), path.to_owned())));
        for variable in NO_PROXY {
            let others = variable.text().unwrap_or_default();
            let separator = if others.is_empty() { "" } else { "," };
            environment.push((variable.name.to_owned(), format!("{others}{separator}127.0.0.1,localhost")));
        }
        environment
    }

    /// Whether a variable of the surrounding environment could lead a program past the sandbox, and has to be removed
    /// before [`environment`](Self::environment) is set: all of AWS's own, and those of ssmx that stand before them.
    pub fn is_foreign(name: &str) -> bool {
        let own = name.strip_prefix("SSMX_");
        name.starts_with("AWS_")
            || own.is_some_and(|own| matches!(own, "PROFILE" | "REGION") || own.ends_with("ENDPOINT_URL"))
    }

    /// What the API has been asked so far.
    pub fn api_calls(&self) -> ApiCalls {
        self.account.api_calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Cuts the connections of all clients now, as [`Options::cut_client_every`] does.
    pub fn cut_clients(&self) {
        self.account.cut_clients();
    }

    /// Ends all sessions as the service does when they are terminated, then stops. Takes at most 7.5 s.
    pub async fn shutdown(self) {
        self.account.stop_sessions();
        let sessions = self.account.sessions.newest_first();
        let ended = async {
            sessions.iter().for_each(|session| session.give_up());
            for session in sessions {
                session.reaches(Phase::Over).await;
            }
        };
        let _ = timeout(SHUTDOWN, ended).await;
        // A client that is just leaving wants to hear that its session has ended.
        let _ = timeout(GOODBYE, self.connections.closed()).await;
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.account.stop();
        self.server.abort();
    }
}

fn check_faults(faults: &Faults) -> Result<(), Error> {
    let shares = [faults.drop, faults.duplicate, faults.reorder];
    if shares.iter().all(|share| (0.0..=1.0).contains(share)) {
        return Ok(());
    }
    Err(Error::Option("shares of dropped, duplicated and reordered frames must be between 0 and 1".to_owned()))
}
