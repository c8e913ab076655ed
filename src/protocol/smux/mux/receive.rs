//! Receiving: frames from chunks, and what each does to its stream.

use std::time::Instant;

use bytes::Bytes;

use super::Mux;
use crate::protocol::Role;
use crate::protocol::smux::{Command, Decoded, Header, SessionError, StreamId, stream::Stream};

impl Mux {
    /// Takes the next bytes of the channel, cut anywhere. Call it while [`Mux::can_receive`]; a call nevertheless is no
    /// error and loses nothing, but passes the limit. Unread data is copied, so that nothing of `data` is kept.
    ///
    /// # Errors
    /// The session is over, through this chunk or before. What the chunk had before the error was taken.
    pub fn handle_data(&mut self, now: Instant, mut data: Bytes) -> Result<(), SessionError> {
        if let Some(error) = self.closed {
            return Err(error);
        }
        let chunk = data.len();
        loop {
            match self.decoder.next(&mut data) {
                Ok(Some(Decoded::Header(header))) => self.receive_header(header),
                Ok(Some(Decoded::Data(id, data))) => self.receive_data(id, &data),
                Ok(None) => break,
                Err(error) => return Err(self.end(error.into())),
            }
        }
        let can_receive = self.can_receive();
        if let Some(timer) = self.keep_alive.as_mut().filter(|_| chunk > 0) {
            timer.received(now, can_receive);
        }
        Ok(())
    }

    fn receive_header(&mut self, header: Header) {
        let id = header.id;
        self.progress += u64::from(header.command != Command::Nop);
        match (header.command, self.streams.get_mut(&id)) {
            (Command::Nop, _) => {}
            (Command::Syn, None) if self.role == Role::Agent => self.accept(id),
            (Command::Push, Some(stream)) if stream.accepts_data() && header.length > 0 => {}
            (Command::Fin, Some(stream)) if stream.accepts_data() => {
                stream.receive_fin();
                self.queue_event(id);
            }
            (Command::Fin, stream) => {
                // Nobody waits for the end of a stream that we closed, other than to know that all of it has arrived.
                if let Some(stream) = stream {
                    stream.note_fin();
                }
                self.awaited.remove(&id);
                self.ignored_frames += 1;
            }
            _ => self.ignored_frames += 1,
        }
    }

    fn accept(&mut self, id: StreamId) {
        if self.streams.len() >= self.config.max_streams {
            self.refused.push_back(id);
            return;
        }
        self.streams.insert(id, Stream::accepted());
        self.queue_event(id);
    }

    fn receive_data(&mut self, id: StreamId, data: &[u8]) {
        let Some(stream) = self.streams.get_mut(&id).filter(|stream| stream.accepts_data()) else { return };
        let before = stream.unread();
        stream.receive(data);
        let after = stream.unread();
        self.account(before, after);
        self.queue_event(id);
    }
}
