//! What the user of a session asks of its task.

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::protocol::{DataChannel, Flag};

/// What the user of a session asks of it.
#[derive(Debug)]
pub(crate) enum Command {
    Write(Bytes),
    Flag(Flag),
    /// Say when everything before this is acknowledged; what comes after it waits.
    Flush(oneshot::Sender<()>),
    /// Say the same, but hold nothing back.
    Deliver(oneshot::Sender<()>),
}

/// Those who wait until what was written before is acknowledged; as many as there are streams at most.
#[derive(Debug, Default)]
pub(super) struct Deliveries(Vec<Delivery>);

#[derive(Debug)]
struct Delivery {
    /// Bytes written by then.
    written: u64,
    /// The number of the first message behind them, once all of them are in messages.
    before: Option<i64>,
    done: oneshot::Sender<()>,
}

impl Deliveries {
    /// Someone waits for what is written now.
    pub(super) fn push(&mut self, channel: &DataChannel, done: oneshot::Sender<()>) {
        self.0.push(Delivery { written: channel.written(), before: None, done });
    }

    /// Tells those whose bytes are all acknowledged.
    pub(super) fn report(&mut self, channel: &DataChannel) {
        if self.0.is_empty() {
            return;
        }
        self.0.retain(|delivery| !delivery.done.is_closed());
        // A probe that is refused is cut anew, and gets other numbers.
        let cut = channel.written() - channel.unsent();
        for delivery in &mut self.0 {
            if delivery.before.is_none() && cut >= delivery.written && !channel.is_probing() {
                delivery.before = Some(channel.next_sequence());
            }
        }
        let is_done = |delivery: &mut Delivery| {
            delivery.before.is_some_and(|before| channel.oldest_unacknowledged().is_none_or(|oldest| oldest >= before))
        };
        for delivery in self.0.extract_if(.., is_done) {
            // Who does not wait any more need not know.
            let _ = delivery.done.send(());
        }
    }
}
