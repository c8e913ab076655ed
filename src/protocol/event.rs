//! What a data channel reports to its owner.

use bytes::Bytes;

use super::{ChannelClosed, Flag, Handshake, KeyRequest, Size};

/// Something that has happened, in the order of the stream.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Data may flow. Comes once. Without a handshake the agent has begun to send, or seems to do without.
    Ready(Option<Handshake>),
    /// A handshake has come after all, after [`Event::Ready`] without one. Data that had been sent, and that the
    /// agent had thrown away, is on its way again.
    LateHandshake(Handshake),
    /// To a client: KMS is needed; answer with [`super::DataChannel::provide_sealed_key`].
    KeyNeeded(KeyRequest),
    /// To an agent: have the data key decrypted; answer with [`super::DataChannel::provide_data_key`].
    KeyToDecrypt {
        /// What KMS made for the client.
        ciphertext: Vec<u8>,
        /// Whether the challenge is in its encryption context.
        with_challenge: bool,
    },
    /// Bytes of the stream.
    Output(Bytes),
    /// Bytes of standard error.
    Stderr(Bytes),
    /// The command has ended with this code.
    ExitCode(i64),
    /// To an agent: the client's terminal has this size.
    Size(Size),
    /// A flag of a port session.
    Flag(Flag),
    /// The service has ended the session. Nothing follows.
    Closed(ChannelClosed),
    /// The session cannot go on. Nothing follows.
    Failed(Failure),
}

/// Why a session cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// A message of an encrypted session was not sealed with its key.
    #[error("a message cannot be decrypted with the key of the session")]
    Undecipherable,
    /// A message of a size that was tried for the first time was not acknowledged, on a connection that was there. It may have arrived all
    /// the same, so that it cannot be sent in another form.
    #[error("the service did not answer a large message")]
    LargeMessageUnanswered,
    /// The service refuses a message of a size that it had accepted before. It may have arrived all the same.
    #[error("the service refuses messages of a size that it accepted before")]
    LargeMessageRefused,
    /// The handshake has failed.
    #[error("the handshake failed: {0}")]
    Handshake(String),
    /// The session is to be encrypted with a KMS key, and the agent does not do so.
    #[error("this session is to be encrypted with a KMS key, but {0}")]
    Unencrypted(&'static str),
    /// The agent does not ask for encryption, and the client was to accept nothing less.
    #[error("this session is not encrypted with a KMS key, and no other may be used")]
    EncryptionMissing,
    /// The agent goes on, and a message before what it sends now does not come again: it is lost, or went to another
    /// client of the session.
    #[error("a message of the agent is missing: another client may have connected to this session")]
    MessageMissing,
    /// A frame that is longer than is read.
    #[error("the service sent a message of more than {} MiB", .0 >> 20)]
    FrameTooLarge(usize),
    /// The agent is not there, or did not finish the handshake.
    #[error("the agent did not begin the session within {} s", .0.as_secs())]
    NotStarted(std::time::Duration),
}

/// Counts of what arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReceiveStatistics {
    /// Stream messages taken in order.
    pub received: u64,
    /// Frames that were not a message, and contents that made no sense.
    pub malformed: u64,
    /// Messages to a client whose digest was wrong.
    pub corrupt: u64,
    /// Stream messages that had been here before.
    pub duplicates: u64,
    /// Stream messages that arrived out of order.
    pub out_of_order: u64,
    /// Stream messages left unacknowledged for want of room or readiness.
    pub refused: u64,
    /// Acknowledgements, also of what was acknowledged before.
    pub acknowledgements: u64,
}

impl ReceiveStatistics {
    /// Messages that show that the peer lives; those of the service do not count.
    pub fn heard(&self) -> u64 {
        self.received + self.duplicates + self.out_of_order + self.refused + self.acknowledgements
    }
}
