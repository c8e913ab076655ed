//! What an owner decides: the limits.

use super::KeepAlive;
use crate::protocol::config::raise_zeros;

/// Limits of a session; the module's documentation says what happens at each. A zero counts as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Most bytes of data in one frame we send, and what a stream sends before the next one has its turn.
    ///
    /// The field of the header allows 65,535; the real peers send at most 32,768.
    pub max_frame_data: u16,
    /// Bytes of one stream that wait to be read before the owner has to stop reading the channel.
    pub receive_per_stream: usize,
    /// Bytes of all streams together that wait to be read before the owner has to stop reading the channel.
    pub receive_per_session: usize,
    /// Bytes of one stream that wait to be sent.
    pub send_per_stream: usize,
    /// Bytes of all streams together that wait to be sent. Nine times the limit of one stream or more, or a stream
    /// cannot come to its own.
    pub send_per_session: usize,
    /// Streams at a time, those included that we closed but whose FIN is not sent yet.
    pub max_streams: usize,
    /// `None`: we send no NOPs and never time out.
    pub keep_alive: Option<KeepAlive>,
}

impl Config {
    pub(super) fn at_least_one(mut self) -> Self {
        self.max_frame_data = self.max_frame_data.max(1);
        raise_zeros([
            &mut self.receive_per_stream,
            &mut self.receive_per_session,
            &mut self.send_per_stream,
            &mut self.send_per_session,
            &mut self.max_streams,
        ]);
        self
    }
}

impl Default for Config {
    /// Frames small enough that a keystroke never waits long, receive limits that hold several seconds of what an
    /// agent can send, as many streams as the real peers queue for acceptance, no keep-alive (which is what peers
    /// of the last years expect).
    fn default() -> Self {
        Self {
            max_frame_data: 8_192,
            receive_per_stream: 8 << 20,
            receive_per_session: 32 << 20,
            send_per_stream: 256 << 10,
            send_per_session: 4 << 20,
            max_streams: 1_024,
            keep_alive: None,
        }
    }
}
