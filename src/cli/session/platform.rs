//! Which system an instance runs, where that decides how a command is written.

use crate::aws::{Aws, Pace};
use crate::fleet::{Options, Platform, Target};
use crate::session::Dialect;

/// Who reads a command on an instance. Of one that is known by nothing but its id the cache knows more, whatever its age,
/// or else Systems Manager; where neither does, it is taken for Linux.
pub(crate) async fn dialect(aws: &Aws, target: &Target) -> Dialect {
    let platform = match target.platform {
        Some(platform) => Some(platform),
        None => match cached(aws, &target.id).await {
            Some(platform) => Some(platform),
            None => asked(aws, &target.id).await,
        },
    };
    platform.map(reader).unwrap_or_default()
}

/// Who reads a command on a platform.
pub(crate) fn reader(platform: Platform) -> Dialect {
    match platform {
        Platform::Windows => Dialect::PowerShell,
        Platform::Linux | Platform::MacOs => Dialect::Posix,
    }
}

async fn cached(aws: &Aws, id: &str) -> Option<Platform> {
    let cached = Options::default().cached(aws).await?;
    cached.instances.into_iter().find(|instance| instance.id == id)?.platform
}

async fn asked(aws: &Aws, id: &str) -> Option<Platform> {
    let filter = [("InstanceIds".to_owned(), vec![id.to_owned()])];
    match aws.managed_page(&filter, None, &Pace::default()).await {
        Ok(page) => page.items.into_iter().find(|found| found.id == id)?.platform,
        Err(error) => {
            tracing::debug!(id, %error, "the platform is not known; it is taken for Linux");
            None
        }
    }
}
