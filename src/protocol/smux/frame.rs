//! The wire format: an eight-byte header, and after a PSH its data.

use std::fmt;

use bytes::{Buf, Bytes};

use super::ProtocolError;

/// Bytes of a header: version, command, length of the data (u16), stream id (u32), both little-endian.
pub const HEADER_LEN: usize = 8;

const VERSION: u8 = 0x01;

/// Number of a stream. Clients use odd ones, from 3; NOP has 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u32);

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Command {
    /// Opens the stream whose id it has.
    Syn = 0x00,
    /// The sender will send no more on this stream.
    Fin = 0x01,
    /// Data of a stream.
    Push = 0x02,
    /// Shows that its sender lives; has no stream.
    Nop = 0x03,
}

impl TryFrom<u8> for Command {
    type Error = ProtocolError;

    fn try_from(value: u8) -> Result<Self, ProtocolError> {
        match value {
            0x00 => Ok(Self::Syn),
            0x01 => Ok(Self::Fin),
            0x02 => Ok(Self::Push),
            0x03 => Ok(Self::Nop),
            other => Err(ProtocolError::Command(other)),
        }
    }
}

/// A frame without its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the frame is for.
    pub command: Command,
    /// Bytes of data that follow; zero for all but PSH.
    pub length: u16,
    /// The stream it is about.
    pub id: StreamId,
}

impl Header {
    /// A frame that carries no data.
    pub fn control(command: Command, id: StreamId) -> Self {
        Self { command, length: 0, id }
    }

    /// Reads a header as it came from the peer.
    ///
    /// # Errors
    /// Another version, an unknown command, or data announced by a command that has none.
    pub fn decode(bytes: [u8; HEADER_LEN]) -> Result<Self, ProtocolError> {
        let [version, command, l0, l1, i0, i1, i2, i3] = bytes;
        if version != VERSION {
            return Err(ProtocolError::Version(version));
        }
        let command = Command::try_from(command)?;
        let length = u16::from_le_bytes([l0, l1]);
        if length > 0 && command != Command::Push {
            return Err(ProtocolError::Length { command, length });
        }
        let id = StreamId(u32::from_le_bytes([i0, i1, i2, i3]));
        Ok(Self { command, length, id })
    }

    /// The header as it goes on the wire.
    pub fn encode(self) -> [u8; HEADER_LEN] {
        let [l0, l1] = self.length.to_le_bytes();
        let [i0, i1, i2, i3] = self.id.0.to_le_bytes();
        [VERSION, self.command as u8, l0, l1, i0, i1, i2, i3]
    }
}

/// What a [`Decoder`] found.
#[derive(Clone, PartialEq, Eq)]
pub enum Decoded {
    /// A frame begins; its data, if it has any, follows.
    Header(Header),
    /// Data of the frame that began last: the whole of it, or the part that lies in this chunk. Never empty.
    Data(StreamId, Bytes),
}

/// Says how much data there is, never what: it does not belong in a log.
impl fmt::Debug for Decoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(header) => header.fmt(f),
            Self::Data(id, data) => write!(f, "Data({id}, [{} bytes])", data.len()),
        }
    }
}

/// Finds frames in chunks of any size. Data comes out as slices of the chunks, as it arrives, so that the decoder
/// itself never holds more than part of a header.
#[derive(Debug, Default)]
pub struct Decoder {
    header: [u8; HEADER_LEN],
    filled: usize,
    push: Option<(StreamId, usize)>,
}

impl Decoder {
    /// Takes the next item off the front of `chunk`; `None` when the chunk is used up.
    ///
    /// # Errors
    /// See [`Header::decode`]. Nothing that follows an error has a meaning.
    pub fn next(&mut self, chunk: &mut Bytes) -> Result<Option<Decoded>, ProtocolError> {
        if chunk.is_empty() {
            return Ok(None);
        }
        if let Some((id, left)) = self.push {
            let data = chunk.split_to(left.min(chunk.len()));
            self.push = match left - data.len() {
                0 => None,
                left => Some((id, left)),
            };
            return Ok(Some(Decoded::Data(id, data)));
        }

        let part = chunk.len().min(HEADER_LEN - self.filled);
        chunk.copy_to_slice(&mut self.header[self.filled..self.filled + part]);
        self.filled += part;
        if self.filled < HEADER_LEN {
            return Ok(None);
        }
        self.filled = 0;
        let header = Header::decode(self.header)?;
        if header.length > 0 {
            self.push = Some((header.id, header.length.into()));
        }
        Ok(Some(Decoded::Header(header)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_little_endian() {
        let header = Header { command: Command::Push, length: 0x1234, id: StreamId(0x0a0b_0c0d) };
        let bytes = [0x01, 0x02, 0x34, 0x12, 0x0d, 0x0c, 0x0b, 0x0a];
        assert_eq!(header.encode(), bytes);
        assert_eq!(Header::decode(bytes), Ok(header));
    }

    #[test]
    fn what_is_not_version_one_is_an_error() {
        let decode = |start: [u8; 4]| Header::decode([start[0], start[1], start[2], start[3], 3, 0, 0, 0]);
        assert_eq!(decode([2, 0, 0, 0]), Err(ProtocolError::Version(2)));
        assert_eq!(decode([1, 4, 0, 0]), Err(ProtocolError::Command(4)));
        for (byte, command) in [(0, Command::Syn), (1, Command::Fin), (3, Command::Nop)] {
            assert_eq!(decode([1, byte, 0, 1]), Err(ProtocolError::Length { command, length: 256 }));
        }
    }

    #[test]
    fn a_frame_that_lies_whole_in_a_chunk_is_not_copied() {
        let mut bytes = Header { command: Command::Push, length: 5, id: StreamId(3) }.encode().to_vec();
        bytes.extend_from_slice(b"hello");
        let mut chunk = Bytes::from(bytes);
        let place = chunk[HEADER_LEN..].as_ptr();
        let mut decoder = Decoder::default();
        assert!(matches!(decoder.next(&mut chunk), Ok(Some(Decoded::Header(_)))));
        let Ok(Some(Decoded::Data(id, data))) = decoder.next(&mut chunk) else { panic!("no data") };
        assert_eq!((id, &data[..], data.as_ptr()), (StreamId(3), &b"hello"[..], place));
        assert_eq!(decoder.next(&mut chunk), Ok(None));
    }

    #[test]
    fn frames_are_found_byte_by_byte() {
        let mut bytes = Header::control(Command::Syn, StreamId(3)).encode().to_vec();
        bytes.extend(Header { command: Command::Push, length: 2, id: StreamId(3) }.encode());
        bytes.extend(b"ab");
        bytes.extend(Header::control(Command::Fin, StreamId(3)).encode());
        let mut decoder = Decoder::default();
        let mut found = Vec::new();
        for byte in bytes {
            let mut chunk = Bytes::copy_from_slice(&[byte]);
            found.extend(decoder.next(&mut chunk).unwrap());
        }
        let [
            Decoded::Header(syn),
            Decoded::Header(push),
            Decoded::Data(_, a),
            Decoded::Data(_, b),
            Decoded::Header(fin),
        ] = &found[..]
        else {
            panic!("{found:?}")
        };
        assert_eq!([syn.command, push.command, fin.command], [Command::Syn, Command::Push, Command::Fin]);
        assert_eq!([&a[..], &b[..]], [b"a", b"b"]);
    }
}
