//! Ending a session on the service.

use std::time::Duration;

use super::endings::Duty;
use crate::aws::{self, Aws};
use crate::records;

/// How long ending a session on the service may take.
const TERMINATE_TIMEOUT: Duration = Duration::from_secs(5);

/// Ends a session on the service, even one that another program started, within 5 s. False if that is not certain: it
/// ends by itself then, at the idle timeout.
pub(crate) async fn terminate(aws: &Aws, session_id: &str) -> bool {
    match tokio::time::timeout(TERMINATE_TIMEOUT, aws.terminate_session(session_id)).await {
        Ok(Ok(())) => tracing::debug!(session_id, "terminated"),
        // The service gave us the id itself: what is wrong with the request can only be the state of the session, which
        // is ending already.
        Ok(Err(error)) if matches!(error.kind(), aws::ErrorKind::NotFound | aws::ErrorKind::Usage) => {
            tracing::debug!(session_id, "ended already");
        }
        Ok(Err(error)) => {
            tracing::warn!(session_id, %error, "cannot terminate the session");
            return false;
        }
        Err(_) => {
            tracing::warn!(session_id, "terminating the session took too long");
            return false;
        }
    }
    true
}

/// Ends a session that another process has left, in a task that [`end_all`](super::end_all) waits for.
pub(crate) fn end_left(aws: &Aws, session: &records::Session) {
    let (aws, id) = (aws.clone(), session.id.clone());
    let mut duty = Duty::new(&session.target);
    duty.started(&id, None);
    tokio::spawn(async move {
        if terminate(&aws, &id).await {
            records::forget(&id);
            duty.fulfilled();
        }
    });
}
