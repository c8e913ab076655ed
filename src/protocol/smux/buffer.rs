//! Bytes of one stream that wait, in either direction.

use std::{collections::VecDeque, fmt, mem};

use bytes::{Bytes, BytesMut};

/// Pieces below this are copied together: kept as a slice each, their bookkeeping would outweigh them.
const KEEP_FROM: usize = 512;

/// Copied pieces are handed out in blocks of this size at most.
const BLOCK: usize = 16 * 1024;

/// A queue of bytes that keeps large pieces as they are and gathers small ones, so that it never holds much more
/// memory than the bytes it counts.
#[derive(Default)]
pub(super) struct Buffer {
    pieces: VecDeque<Bytes>,
    /// Small pieces that came after the last large one.
    gathered: BytesMut,
    len: usize,
}

impl Buffer {
    /// Appends a piece of a chunk of `chunk` bytes. A slice holds all its chunk in memory, so a piece that is less
    /// than half of its chunk is copied.
    pub(super) fn push(&mut self, piece: Bytes, chunk: usize) {
        self.len += piece.len();
        if piece.len() < KEEP_FROM || piece.len() < chunk / 2 {
            return self.gather(&piece);
        }
        self.seal();
        self.pieces.push_back(piece);
    }

    /// Appends a copy of a piece, which may be a slice of something that is far larger than can be seen from here.
    pub(super) fn copy(&mut self, piece: &[u8]) {
        self.len += piece.len();
        self.gather(piece);
    }

    fn gather(&mut self, mut piece: &[u8]) {
        while !piece.is_empty() {
            if self.gathered.len() >= BLOCK {
                self.seal();
            }
            let count = piece.len().min(BLOCK - self.gathered.len());
            self.gathered.extend_from_slice(&piece[..count]);
            piece = &piece[count..];
        }
    }

    /// Takes the next piece.
    pub(super) fn pop(&mut self) -> Option<Bytes> {
        if self.pieces.is_empty() {
            self.seal();
        }
        let piece = self.pieces.pop_front()?;
        self.len -= piece.len();
        Some(piece)
    }

    /// Moves `count` bytes, or all there are, to the end of `out`.
    pub(super) fn move_to(&mut self, out: &mut BytesMut, mut count: usize) {
        while count > 0 {
            let Some(mut piece) = self.pop() else { return };
            let part = piece.split_to(count.min(piece.len()));
            out.extend_from_slice(&part);
            count -= part.len();
            if !piece.is_empty() {
                self.len += piece.len();
                self.pieces.push_front(piece);
            }
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn seal(&mut self) {
        if !self.gathered.is_empty() {
            self.pieces.push_back(mem::take(&mut self.gathered).freeze());
        }
    }
}

/// Says how much there is, never what: data does not belong in a log.
impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} bytes]", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_pieces_stay_where_they_are() {
        let piece = Bytes::from(vec![7; KEEP_FROM]);
        let mut buffer = Buffer::default();
        buffer.push(piece.clone(), KEEP_FROM);
        let popped = buffer.pop().unwrap();
        assert_eq!((popped.as_ptr(), popped.len(), buffer.len()), (piece.as_ptr(), KEEP_FROM, 0));
    }

    #[test]
    fn small_pieces_let_go_of_their_chunks() {
        let chunk = Bytes::from(vec![7; 100_000]);
        let mut buffer = Buffer::default();
        for at in 0..1_000 {
            buffer.push(chunk.slice(at..=at), chunk.len());
        }
        buffer.push(chunk.slice(..10_000), chunk.len());
        assert!(chunk.is_unique(), "a small slice holds a large chunk");
        assert_eq!(buffer.pop().unwrap().len(), 11_000);
        assert!(buffer.is_empty() && buffer.pop().is_none());
    }

    #[test]
    fn a_copy_holds_nothing_and_comes_in_blocks() {
        let frame = Bytes::from(vec![7; 100_000]);
        let mut buffer = Buffer::default();
        buffer.copy(&frame[..50_000]);
        let pieces: Vec<_> = std::iter::from_fn(|| buffer.pop()).collect();
        assert!(frame.is_unique() && pieces.iter().all(|piece| piece.len() <= BLOCK));
        assert_eq!(pieces.concat(), frame[..50_000]);
        // Memory is what matters: a copy may have room for as much again, and no more.
        for piece in pieces {
            let (len, memory) = (piece.len(), piece.try_into_mut().unwrap().capacity());
            assert!(memory <= 2 * len.max(64), "{memory} for {len}");
        }
    }

    #[test]
    fn order_is_kept_between_small_and_large() {
        let mut buffer = Buffer::default();
        let mut sent = Vec::new();
        for (index, len) in [1, 600, 3, 4, 512, 511, 2_000].into_iter().enumerate() {
            let piece = vec![index as u8; len];
            sent.extend_from_slice(&piece);
            buffer.push(piece.into(), len);
        }
        assert_eq!(buffer.len(), sent.len());
        let mut out = BytesMut::new();
        for count in [0, 1, 700, 5] {
            buffer.move_to(&mut out, count);
        }
        assert_eq!(out.len() + buffer.len(), sent.len());
        buffer.move_to(&mut out, usize::MAX);
        assert_eq!((out, buffer.len()), (sent[..].into(), 0));
    }
}
