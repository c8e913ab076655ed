//! The cipher of sessions for which a KMS key is configured: AES-256-GCM, one key for each direction.
//!
//! On the wire: a 12-byte nonce, the ciphertext, a 16-byte tag; no additional data. The key of a session is 64 bytes
//! that KMS made: the first 32 encrypt from agent to client, the last 32 from client to agent.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use bytes::{Bytes, BytesMut};
use zeroize::Zeroizing;

use super::Role;

/// Bytes that KMS is asked for.
pub const DATA_KEY_LENGTH: usize = 64;

const TAG_LENGTH: usize = 16;

/// Bytes by which a payload grows when it is sealed.
pub(super) const SEALING: usize = NONCE_LEN + TAG_LENGTH;

/// The key of one session as KMS gave it; wiped when dropped, and never shown.
pub struct DataKey(Zeroizing<[u8; DATA_KEY_LENGTH]>);

impl DataKey {
    /// Takes the plaintext of a data key; `None` unless it has 64 bytes.
    pub fn new(plaintext: &[u8]) -> Option<Self> {
        Some(Self(Zeroizing::new(plaintext.try_into().ok()?)))
    }
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DataKey([redacted])")
    }
}

/// Seals what goes out and opens what comes in.
pub(crate) struct Cipher {
    sealing: LessSafeKey,
    opening: LessSafeKey,
    /// Counted up for each message from a random start, so that no nonce is used twice with a key.
    nonce: u128,
}

impl Cipher {
    /// The cipher of `role`; its nonces begin at `nonce`, which has to be random.
    pub(crate) fn new(role: Role, key: &DataKey, nonce: u128) -> Self {
        let (to_client, to_agent) = key.0.split_at(DATA_KEY_LENGTH / 2);
        let (sealing, opening) = match role {
            Role::Client => (to_agent, to_client),
            Role::Agent => (to_client, to_agent),
        };
        Self { sealing: aead_key(sealing), opening: aead_key(opening), nonce }
    }

    /// Encrypts one payload, under a nonce that no other has.
    pub(crate) fn seal(&mut self, plaintext: &[u8]) -> BytesMut {
        self.nonce = self.nonce.wrapping_add(1);
        let mut nonce = [0; NONCE_LEN];
        nonce.copy_from_slice(&self.nonce.to_be_bytes()[16 - NONCE_LEN..]);
        let mut sealed = BytesMut::with_capacity(plaintext.len() + SEALING);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plaintext);
        let tag = self
            .sealing
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed[NONCE_LEN..])
            .expect("AES-GCM seals anything below 64 GiB, and a message is far smaller");
        sealed.extend_from_slice(tag.as_ref());
        sealed
    }

    /// Decrypts one payload; `None` when it was not sealed with this key.
    pub(crate) fn open(&self, payload: &[u8]) -> Option<Bytes> {
        let (nonce, sealed) = payload.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut opened = BytesMut::from(sealed);
        let length = self.opening.open_in_place(nonce, Aad::empty(), &mut opened).ok()?.len();
        opened.truncate(length);
        Some(opened.freeze())
    }
}

impl std::fmt::Debug for Cipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cipher([redacted])")
    }
}

fn aead_key(bytes: &[u8]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, bytes).expect("half of a data key has 32 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (Cipher, Cipher) {
        let bytes: Vec<u8> = (0..64).collect();
        let key = DataKey::new(&bytes).unwrap();
        (Cipher::new(Role::Client, &key, 1), Cipher::new(Role::Agent, &key, u128::MAX))
    }

    #[test]
    fn each_end_opens_what_the_other_sealed() {
        let (mut client, mut agent) = pair();
        for text in [&b""[..], b"x", &[7; 5000]] {
            assert_eq!(agent.open(&client.seal(text)).unwrap(), text);
            assert_eq!(client.open(&agent.seal(text)).unwrap(), text);
        }
        let own = client.seal(b"mine");
        assert!(client.open(&own).is_none(), "the directions have keys of their own");
    }

    #[test]
    fn nothing_forged_is_opened() {
        let (mut client, agent) = pair();
        let sealed = client.seal(b"text");
        for index in 0..sealed.len() {
            let mut forged = sealed.clone();
            forged[index] ^= 1;
            assert!(agent.open(&forged).is_none());
            assert!(agent.open(&sealed[..index]).is_none());
        }
    }

    #[test]
    fn nonces_differ() {
        let (mut client, _) = pair();
        assert_ne!(client.seal(b"x")[..NONCE_LEN], client.seal(b"x")[..NONCE_LEN]);
    }

    #[test]
    fn key_is_not_shown() {
        assert_eq!(format!("{:?}", DataKey::new(&[1; 64]).unwrap()), "DataKey([redacted])");
        assert!(DataKey::new(&[1; 63]).is_none());
    }
}
