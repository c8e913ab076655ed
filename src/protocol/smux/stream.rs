//! One stream: what waits in each direction, and how far each direction is from its end.

use bytes::{Bytes, BytesMut};

use super::buffer::Buffer;

#[derive(Debug, Default)]
pub(super) struct Stream {
    incoming: Buffer,
    outgoing: Buffer,
    fin: Fin,
    peer_finished: bool,
    /// Data was sent.
    used: bool,
    /// The owner let go of it: what arrives is dropped, and no event follows.
    closed: bool,
    pending: Pending,
    /// It stands in the session's list of streams with events.
    pub(super) listed: bool,
    /// It stands in the session's list of streams that were refused room.
    pub(super) blocked: bool,
}

/// How far our direction is from its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Fin {
    #[default]
    Open,
    /// FIN goes out when the data before it is out.
    Wanted,
    /// FIN stands among the frames to send.
    Queued,
    Sent,
}

/// Events that the owner has not taken yet.
#[derive(Debug, Default)]
struct Pending {
    opened: bool,
    readable: bool,
    writable: bool,
    finished: bool,
}

/// What the owner has to know of one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StreamEvent {
    Opened,
    Readable,
    Writable,
    Finished,
}

impl Stream {
    /// A stream that the peer opened.
    pub(super) fn accepted() -> Self {
        Self { pending: Pending { opened: true, ..Pending::default() }, ..Self::default() }
    }

    /// Keeps data of the peer. The caller asked [`Stream::accepts_data`].
    pub(super) fn receive(&mut self, data: &[u8]) {
        self.pending.readable |= self.incoming.is_empty();
        self.incoming.copy(data);
    }

    /// The peer's FIN has arrived; the owner learns of it when it has read everything before it.
    pub(super) fn receive_fin(&mut self) {
        self.peer_finished = true;
        self.pending.finished = self.incoming.is_empty();
    }

    /// The peer's FIN has arrived for a stream of which the owner wants to hear nothing.
    pub(super) fn note_fin(&mut self) {
        self.peer_finished = true;
    }

    pub(super) fn read(&mut self) -> Option<Bytes> {
        let data = self.incoming.pop()?;
        self.pending.finished |= self.peer_finished && self.incoming.is_empty();
        Some(data)
    }

    /// Queues data to send. The caller asked [`Stream::is_writable`]. `chunk` is the size of what it is a part of.
    pub(super) fn write(&mut self, data: Bytes, chunk: usize) {
        self.outgoing.push(data, chunk);
    }

    /// Moves `count` queued bytes to `out`.
    pub(super) fn send(&mut self, out: &mut BytesMut, count: usize) {
        self.used = true;
        self.outgoing.move_to(out, count);
    }

    pub(super) fn finish(&mut self) {
        if self.fin == Fin::Open {
            self.fin = Fin::Wanted;
        }
    }

    pub(super) fn close(&mut self) {
        self.finish();
        self.closed = true;
        self.incoming.clear();
    }

    /// Whether a FIN is to be put among the frames to send; true once.
    pub(super) fn take_fin(&mut self) -> bool {
        let due = self.fin == Fin::Wanted && self.outgoing.is_empty();
        if due {
            self.fin = Fin::Queued;
        }
        due
    }

    pub(super) fn fin_sent(&mut self) {
        if self.fin == Fin::Queued {
            self.fin = Fin::Sent;
        }
    }

    pub(super) fn room_is_back(&mut self) {
        self.blocked = false;
        self.pending.writable = true;
    }

    /// The next event for the owner, in the order in which they make sense.
    pub(super) fn take_event(&mut self) -> Option<StreamEvent> {
        let take = |flag: &mut bool| std::mem::take(flag);
        if self.closed {
            None
        } else if take(&mut self.pending.opened) {
            Some(StreamEvent::Opened)
        } else if take(&mut self.pending.readable) && !self.incoming.is_empty() {
            Some(StreamEvent::Readable)
        } else if take(&mut self.pending.writable) && self.is_writable() {
            Some(StreamEvent::Writable)
        } else if take(&mut self.pending.finished) {
            Some(StreamEvent::Finished)
        } else {
            None
        }
    }

    pub(super) fn accepts_data(&self) -> bool {
        !self.peer_finished && !self.closed
    }

    pub(super) fn is_writable(&self) -> bool {
        self.fin == Fin::Open
    }

    /// Everything the peer sent was read, and no more will come.
    pub(super) fn is_finished(&self) -> bool {
        self.closed || (self.peer_finished && self.incoming.is_empty())
    }

    /// Data was sent, and the peer has not finished.
    pub(super) fn is_awaited(&self) -> bool {
        self.used && !self.peer_finished
    }

    /// Both directions are over and the owner knows.
    pub(super) fn is_done(&self) -> bool {
        self.fin == Fin::Sent && self.is_finished() && (self.closed || !self.pending.finished)
    }

    pub(super) fn unread(&self) -> usize {
        self.incoming.len()
    }

    pub(super) fn queued(&self) -> usize {
        self.outgoing.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fin_waits_for_the_data_before_it() {
        let mut stream = Stream::default();
        stream.write(Bytes::from_static(b"ab"), 2);
        stream.finish();
        assert!(!stream.is_writable() && !stream.take_fin());
        let mut out = BytesMut::new();
        stream.send(&mut out, 2);
        assert!(stream.take_fin());
        assert!(!stream.take_fin(), "one FIN is enough");
    }

    #[test]
    fn the_end_is_reported_after_the_data_was_read() {
        let mut stream = Stream::default();
        stream.receive(b"ab");
        stream.receive_fin();
        assert_eq!((stream.take_event(), stream.take_event()), (Some(StreamEvent::Readable), None));
        assert!(!stream.is_finished());
        assert_eq!(stream.read().as_deref(), Some(&b"ab"[..]));
        assert!(stream.is_finished());
        assert_eq!((stream.take_event(), stream.take_event()), (Some(StreamEvent::Finished), None));
    }

    #[test]
    fn it_is_done_when_both_directions_are() {
        let mut stream = Stream::default();
        stream.receive_fin();
        stream.finish();
        assert!(stream.take_fin());
        stream.fin_sent();
        assert!(!stream.is_done(), "the owner does not know");
        assert_eq!(stream.take_event(), Some(StreamEvent::Finished));
        assert!(stream.is_done());
    }

    #[test]
    fn a_closed_stream_sends_what_was_written_and_takes_nothing() {
        let mut stream = Stream::default();
        stream.receive(b"unread");
        stream.write(Bytes::from_static(b"ab"), 2);
        stream.close();
        assert!(!stream.accepts_data());
        assert_eq!((stream.unread(), stream.queued(), stream.take_event()), (0, 2, None));
        stream.send(&mut BytesMut::new(), 2);
        assert!(stream.take_fin());
        stream.fin_sent();
        assert!(stream.is_done());
    }
}
