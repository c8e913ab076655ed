//! Keeps credentials, tokens and keys out of core dumps.

/// Tells the system not to dump this process when it crashes. Programs that it starts are not affected, as they would
/// be by a resource limit. Other systems than Linux have nothing of the kind; there core dumps are off unless the user
/// switches them on.
pub(crate) fn forbid() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        // Where it is not allowed, secrets are as safe as in any other program.
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}
