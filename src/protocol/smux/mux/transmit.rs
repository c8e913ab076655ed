//! Sending: control frames first, then data in turns.

use bytes::{Bytes, BytesMut};

use super::{Mux, SHARE};
use crate::protocol::smux::{Command, HEADER_LEN, Header, StreamId, stream::Stream};

/// Data frames are not cut below this, in bytes, to fill the end of an output: the rest goes into the next one.
const MIN_CUT: usize = 256;

impl Mux {
    /// The next output: whole frames, at most `max` bytes together; `None` when there is nothing to send, or nothing
    /// that fits. Data needs a `max` of 9 at least.
    ///
    /// Control frames go first. Among the data, a stream that begins to send goes ahead of the others, and those
    /// take turns of [`Config::max_frame_data`](crate::protocol::smux::Config::max_frame_data) bytes.
    pub fn poll_transmit(&mut self, max: usize) -> Option<Bytes> {
        if self.closed.is_some() {
            return None;
        }
        let headers = HEADER_LEN * (self.refused.len() + self.control.len() + self.scheduler.len() + 2);
        let mut out = BytesMut::with_capacity(max.min(headers + self.queued));
        let before = self.queued;
        while self.transmit_control(&mut out, max) || self.transmit_data(&mut out, max) {}
        if self.queued < before {
            self.wake_writers();
        }
        (!out.is_empty()).then(|| out.freeze())
    }

    fn transmit_control(&mut self, out: &mut BytesMut, max: usize) -> bool {
        if max - out.len() < HEADER_LEN {
            return false;
        }
        let refusal = |id| Header::control(Command::Fin, id);
        if let Some(header) = self.refused.pop_front().map(refusal) {
            out.extend_from_slice(&header.encode());
            return true;
        }
        let Some(header) = self.control.pop_front() else { return false };
        out.extend_from_slice(&header.encode());
        self.progress += u64::from(header.command != Command::Nop);
        match header.command {
            Command::Nop => self.nop_queued = false,
            Command::Fin => {
                if let Some(stream) = self.streams.get_mut(&header.id) {
                    stream.fin_sent();
                }
                self.remove(header.id);
            }
            Command::Syn | Command::Push => {}
        }
        true
    }

    fn transmit_data(&mut self, out: &mut BytesMut, max: usize) -> bool {
        let room = (max - out.len()).saturating_sub(HEADER_LEN);
        loop {
            let Some((id, credit)) = self.scheduler.next() else { return false };
            let Some(stream) = self.streams.get_mut(&id).filter(|stream| stream.queued() > 0) else {
                self.scheduler.idle();
                continue;
            };
            let wanted = stream.queued().min(credit);
            let count = wanted.min(room);
            let poor_cut = count < wanted.min(MIN_CUT) && !out.is_empty();
            let Some(length) = u16::try_from(count).ok().filter(|&length| length > 0 && !poor_cut) else {
                return false;
            };
            out.extend_from_slice(&Header { command: Command::Push, length, id }.encode());
            stream.send(out, count);
            self.queued -= count;
            self.progress += 1;
            self.scheduler.sent(id, count);
            self.queue_fin(id);
            return true;
        }
    }

    pub(super) fn queue_fin(&mut self, id: StreamId) {
        if self.streams.get_mut(&id).is_some_and(Stream::take_fin) {
            self.control.push_back(Header::control(Command::Fin, id));
        }
    }

    /// Reports room to the streams that wait for it, once there is enough of it to be worth a wake-up.
    fn wake_writers(&mut self) {
        let free = self.config.send_per_session - self.queued;
        let limit = self.config.send_per_stream.min(free.div_ceil(SHARE));
        for id in std::mem::take(&mut self.blocked) {
            let Some(stream) = self.streams.get_mut(&id).filter(|stream| stream.is_writable()) else { continue };
            if limit > 0 && stream.queued() <= limit / 2 {
                stream.room_is_back();
                self.queue_event(id);
            } else {
                self.blocked.push(id);
            }
        }
    }
}
