//! From a target as it was typed to an open session.

use std::time::SystemTime;

use crate::aws::Aws;
use crate::channel::{self, Channel, StartSession};
use crate::cli::context::{Context, TargetRequest};
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::session::platform::dialect;
use crate::cli::target::explain;
use crate::cli::target::lookup::{self, Ambiguity};
use crate::cli::ui::Ui;
use crate::fleet::{FleetError, Resolved, Target};
use crate::moment::ago;
use crate::picker::recent;
use crate::records::{self, Owner};
use crate::session::{Dialect, SessionRequest};
use crate::terminal::Terminations;

/// A session that is open.
pub(crate) struct Started {
    pub(crate) channel: Channel,
    /// The signals that end it. They have been listened for since before it was started.
    pub(crate) terminations: Terminations,
}

/// Finds the instance that is meant, and opens a session on it. The failure of one that is not connected is explained.
///
/// # Errors
/// There is no such instance, or no session on it; or a signal came first, which ends ssmx with the code of the signal.
pub(crate) async fn start(
    context: &Context,
    target: &TargetRequest,
    session: &SessionRequest,
    ambiguity: Ambiguity,
) -> Result<Started, CliError> {
    // Signals are heard from here on, so that none leaves a session behind.
    let mut terminations = Terminations::listen()?;
    let open = async {
        let aws = context.aws(&target.settings).await?;
        let found = lookup::target(&context.ui, &aws, target, ambiguity).await?;
        open(&context.ui, &aws, &found, session).await
    };
    let channel = unless_stopped(&mut terminations, open).await?;
    Ok(Started { channel, terminations })
}

/// Does some work, unless a signal comes first.
///
/// # Errors
/// Those of the work, or the signal ([`CliError::stopped`]).
pub(crate) async fn unless_stopped<T>(
    terminations: &mut Terminations,
    work: impl Future<Output = Result<T, CliError>>,
) -> Result<T, CliError> {
    tokio::select! {
        done = work => done,
        signal = terminations.next() => Err(CliError::stopped(signal)),
    }
}

/// Opens a session on an instance that was found. If the instance is not connected, the error says why.
///
/// # Errors
/// The session cannot be opened.
pub(crate) async fn open(ui: &Ui, aws: &Aws, target: &Resolved, session: &SessionRequest) -> Result<Channel, CliError> {
    let waiting = ui.waiting(format!("Starting a session on {target}"));
    let (id, opened) = open_or_successor(ui, aws, target, session).await;
    match opened {
        Ok(channel) => {
            recent::remember(&id);
            // The dialect is that of a command, which no tunnel has.
            if let Ok(request) = session.on(&id, Dialect::default()) {
                end_left(ui, aws, &request);
            }
            Ok(channel)
        }
        Err(error) => {
            let purpose = explain::purpose(session.document_name());
            Err(explain::explain(&waiting, aws, &id, purpose, error).await)
        }
    }
}

/// Ends what an ssmx that was killed has left open of the same tunnel: nobody else will, and it is of no use to anybody.
fn end_left(ui: &Ui, aws: &Aws, request: &StartSession) {
    let Some(destination) = request.destination() else { return };
    let is_same = |session: &records::Session| {
        (session.target == request.target)
            && (session.destination.as_ref() == Some(&destination))
            && (session.document == request.document)
            && (session.region == aws.region() && session.identity == aws.identity().as_str())
            && (session.endpoint.as_deref() == aws.ssm_endpoint())
    };
    for (record, owner) in records::all() {
        if owner == Owner::Gone && is_same(&record.session) {
            let (id, age) = (&record.session.id, ago(SystemTime::now(), record.started()));
            ui.notice(format!("ending {id}, which an ssmx that was killed left open (started {age})"));
            channel::end_left(aws, &record.session);
        }
    }
}

/// As [`open`], for one of several attempts: the next one follows, so that a failure is not explained.
///
/// # Errors
/// As there.
pub(crate) async fn open_again(
    ui: &Ui,
    aws: &Aws,
    target: &Resolved,
    session: &SessionRequest,
) -> Result<Channel, CliError> {
    let _waiting = ui.waiting(format!("Starting a session on {target}"));
    open_or_successor(ui, aws, target, session).await.1
}

/// Opens one more session on a target that has one, and says nothing of it: where there is none, others do.
///
/// # Errors
/// As those of [`open`], unexplained.
pub(crate) async fn open_beside(aws: &Aws, target: &Resolved, session: &SessionRequest) -> Result<Channel, CliError> {
    open_on(aws, &target.target, session).await
}

async fn open_on(aws: &Aws, target: &Target, session: &SessionRequest) -> Result<Channel, CliError> {
    let dialect = if session.needs_dialect() { dialect(aws, target).await } else { Dialect::default() };
    let request = session.on(&target.id, dialect)?;
    channel::open(aws, &request, session.options()).await.map_err(CliError::from)
}

/// Opens a session on a target, or on its successor if it is gone. Returns the id of the instance as well.
async fn open_or_successor(
    ui: &Ui,
    aws: &Aws,
    target: &Resolved,
    session: &SessionRequest,
) -> (String, Result<Channel, CliError>) {
    let id = &target.target.id;
    let error = match open_on(aws, &target.target, session).await {
        Err(error) if matches!(error.kind(), ErrorKind::NotConnected | ErrorKind::NoTarget) => error,
        opened => return (id.clone(), opened),
    };
    match target.successor(aws).await {
        Ok(Some(successor)) => {
            ui.notice(format!("{id} is gone; switching to {successor}"));
            (successor.id.clone(), open_on(aws, &successor, session).await)
        }
        // What is known now stands before what was known.
        Err(now @ (FleetError::NotFound { .. } | FleetError::Ambiguous { .. })) => (id.clone(), Err(now.into())),
        Ok(None) | Err(_) => (id.clone(), Err(error)),
    }
}
