//! The last thing that ssmx does: it sees all its sessions ended.

use std::time::Duration;

use tokio::time::timeout;

use crate::channel::{self, Unended};
use crate::cli::ui::Ui;
use crate::terminal::signals::exit_at_next;

/// How long sessions may take to end when ssmx is about to go. A signal does not wait for that.
const END_TIMEOUT: Duration = Duration::from_secs(5);

/// Waits until all sessions of this process have ended on the service, however ssmx came to go. What has not ended in time
/// is named, so that the person can end it.
pub(crate) async fn wait(ui: &Ui) {
    if channel::unended().is_empty() {
        return;
    }
    exit_at_next();
    {
        let _waiting = ui.waiting("Ending the session");
        // What has not ended by then is named.
        let _ = timeout(END_TIMEOUT, channel::end_all()).await;
    }
    for unended in channel::unended() {
        ui.warning(match unended {
            Unended::Session(id) => format!(
                "session {id} may still be open: AWS has not confirmed its end; `ssmx sessions kill {id}` ends it"
            ),
            Unended::Asked(target) => format!(
                "a session on {target} may still start: AWS has not answered the request for it; it ends at the account's \
                 idle timeout"
            ),
        });
    }
}
