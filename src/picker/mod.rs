//! Choosing an instance: a list that is narrowed while one types.
//!
//! The core is pure: [`Query`] is what was typed, [`State`] all that the picker knows, changed by [`Key`]s and by
//! [`Update`]s as instances come in, and [`draw`] puts it into cells. [`pick`] runs it on a terminal, and
//! [`pick_plainly`] asks with numbered lines where a terminal cannot draw. [`recent`] remembers what was used lately.

mod canvas;
mod column;
mod feed;
mod keys;
mod layout;
mod line;
mod list;
mod matcher;
mod plain;
mod query;
pub(crate) mod recent;
mod row;
mod run;
mod state;
mod view;

pub(crate) use feed::Feed;
pub use feed::Update;
pub use keys::Key;
pub(crate) use plain::pick_plainly;
pub(crate) use run::{Outcome, pick};
pub use state::{Settings, State};
pub use view::draw;
