//! Sessions without a service: a test reads what is written and says what happens.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use tokio::sync::{Notify, mpsc, watch};

use super::{Channel, EVENTS};
use crate::channel::clock::now;
use crate::channel::command::Command;
use crate::channel::event::{End, Event};
use crate::channel::input::{COMMANDS, Input};
use crate::channel::mux::Multiplexer;
use crate::protocol::{Capabilities, Flag, Version};

impl Channel {
    /// A channel without a session, and the other end of it.
    pub(crate) fn for_tests(session_id: &str) -> (Self, mpsc::Receiver<Command>, mpsc::Sender<Event>, Arc<Notify>) {
        let (commands, command_queue) = mpsc::channel(COMMANDS);
        let (event_queue, events) = mpsc::channel(EVENTS);
        let stop = Arc::new(Notify::new());
        let ready = Arc::new(AtomicBool::new(true));
        let input = Input { ready, connected: watch::channel(Some(now())).1, commands, sizes: watch::channel(None).0 };
        let task = tokio::spawn(async {});
        let (session_id, streams) = (session_id.to_owned(), Arc::new(OnceLock::new()));
        let channel = Self { session_id, input, events, stop: Arc::clone(&stop), task, streams };
        (channel, command_queue, event_queue, stop)
    }

    /// The same with streams, whose frames are written `room` bytes at a time and come as [`Event::Output`].
    pub(crate) fn multiplexed_for_tests(
        session_id: &str,
        room: usize,
    ) -> (Self, mpsc::Receiver<Command>, mpsc::Sender<Event>) {
        let (channel, command_queue, owner, _stop) = Self::for_tests(session_id);
        let (events, event_queue) = mpsc::channel(EVENTS);
        let mux = Multiplexer::new(Capabilities::of(Version::new(3, 3, 0, 0)));
        channel.streams.set(mux.shared()).expect("it is new");
        tokio::spawn(multiplex(mux, channel.input.commands.clone(), room, event_queue, owner));
        (channel, command_queue, events)
    }
}

/// Stands between the test and the streams, as the task of a session does.
async fn multiplex(
    mut mux: Multiplexer,
    commands: mpsc::Sender<Command>,
    mut room: usize,
    mut events: mpsc::Receiver<Event>,
    owner: mpsc::Sender<Event>,
) {
    let shared = mux.shared();
    let mut is_idle = false;
    loop {
        tokio::select! {
            Ok(permit) = commands.reserve(), if !is_idle => {
                let mut sent = None;
                mux.transmit_over(&mut room, |room| *room, |_, bytes| sent = Some(bytes));
                is_idle = sent.is_none();
                if let Some(bytes) = sent {
                    permit.send(Command::Write(bytes));
                }
                continue;
            }
            () = shared.has_work() => {}
            event = events.recv(), if mux.can_receive() => {
                let event = match event {
                    None => return,
                    Some(Event::Output(bytes)) => match mux.receive(now(), bytes) {
                        Ok(()) => {
                            is_idle = false;
                            continue;
                        }
                        Err(reason) => Event::Ended(End::Lost(reason)),
                    },
                    Some(event) => event,
                };
                if matches!(event, Event::Flag(Flag::ConnectToPortError)) {
                    mux.refused();
                } else if matches!(event, Event::Ended(_)) {
                    mux.end();
                }
                // An owner that is gone need not know.
                let _ = owner.send(event).await;
            }
        }
        is_idle = false;
    }
}
