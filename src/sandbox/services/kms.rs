//! A key management service with one key: data keys sealed together with their encryption context.

use std::collections::BTreeMap;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use crate::sandbox::random;

/// An encryption context, in the order of its names.
pub type EncryptionContext = BTreeMap<String, String>;

/// The key of the account, new in each sandbox. It is the same key in every region.
pub struct Kms {
    key: LessSafeKey,
    key_id: String,
    account: String,
}

impl Kms {
    /// The alias of the key.
    pub const ALIAS: &'static str = "alias/ssmx-sandbox";

    pub(crate) fn new(account: &str) -> Self {
        let secret = Zeroizing::new(random::secret::<32>());
        let key = UnboundKey::new(&AES_256_GCM, secret.as_slice()).expect("32 bytes are an AES-256 key");
        Self { key: LessSafeKey::new(key), key_id: random::uuid().to_string(), account: account.to_owned() }
    }

    /// The ARN of the key in a region.
    pub fn key_arn(&self, region: &str) -> String {
        format!("arn:aws:kms:{region}:{}:key/{}", self.account, self.key_id)
    }

    /// Whether a request's key id (an id, an alias, or the ARN of either) means this key.
    pub(crate) fn is_key(&self, region: &str, name: &str) -> bool {
        name == self.key_id
            || name == Self::ALIAS
            || name == self.key_arn(region)
            || name == format!("arn:aws:kms:{region}:{}:{}", self.account, Self::ALIAS)
    }

    /// Seals a data key: a random nonce, the ciphertext, the tag.
    pub(crate) fn encrypt(&self, plaintext: &[u8], context: &EncryptionContext) -> Vec<u8> {
        let nonce = random::secret::<NONCE_LEN>();
        let mut sealed = Zeroizing::new(plaintext.to_vec());
        let tag = self
            .key
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), aad(context), &mut sealed)
            .expect("a data key is far below the cipher's limit");
        [nonce.as_slice(), sealed.as_slice(), tag.as_ref()].concat()
    }

    /// Opens a data key that [`GenerateDataKey`] of this sandbox gave out, as `kms:Decrypt` does.
    ///
    /// # Errors
    /// [`InvalidCiphertext`] when the blob is not of this key, or was made with another encryption context.
    ///
    /// [`GenerateDataKey`]: https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html
    pub fn decrypt(&self, blob: &[u8], context: &EncryptionContext) -> Result<Zeroizing<Vec<u8>>, InvalidCiphertext> {
        let (nonce, sealed) = blob.split_at_checked(NONCE_LEN).ok_or(InvalidCiphertext)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| InvalidCiphertext)?;
        let mut sealed = Zeroizing::new(sealed.to_vec());
        let length = self.key.open_in_place(nonce, aad(context), &mut sealed).map_err(|_| InvalidCiphertext)?.len();
        sealed.truncate(length);
        Ok(sealed)
    }
}

impl std::fmt::Debug for Kms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kms").field("key_id", &self.key_id).field("key", &"[redacted]").finish()
    }
}

/// The blob is not of this key, or its encryption context was another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ciphertext belongs to another key, or to another encryption context")]
pub struct InvalidCiphertext;

/// Names and values with their lengths, so that no two contexts give the same bytes.
fn aad(context: &EncryptionContext) -> Aad<Vec<u8>> {
    let mut bytes = Vec::new();
    for text in context.iter().flat_map(|(name, value)| [name, value]) {
        bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    Aad::from(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(pairs: &[(&str, &str)]) -> EncryptionContext {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn opens_what_it_sealed_with_the_same_context_only() {
        let kms = Kms::new("123456789012");
        let session = context(&[("aws:ssm:SessionId", "s-1"), ("aws:ssm:TargetId", "i-1")]);
        let blob = kms.encrypt(b"data key", &session);
        assert_eq!(kms.decrypt(&blob, &session).unwrap().as_slice(), b"data key");

        let other = context(&[("aws:ssm:SessionId", "s-1"), ("aws:ssm:TargetId", "i-2")]);
        assert_eq!(kms.decrypt(&blob, &other), Err(InvalidCiphertext));
        assert_eq!(kms.decrypt(&blob, &EncryptionContext::new()), Err(InvalidCiphertext));
        assert_eq!(Kms::new("123456789012").decrypt(&blob, &session), Err(InvalidCiphertext));
        for length in [0, 5, NONCE_LEN, blob.len() - 1] {
            assert_eq!(kms.decrypt(&blob[..length], &session), Err(InvalidCiphertext));
        }
    }

    #[test]
    fn contexts_cannot_be_shifted_into_each_other() {
        let kms = Kms::new("123456789012");
        let blob = kms.encrypt(b"data key", &context(&[("a", "bc")]));
        assert_eq!(kms.decrypt(&blob, &context(&[("ab", "c")])), Err(InvalidCiphertext));
    }

    #[test]
    fn is_known_by_id_alias_and_arn() {
        let kms = Kms::new("123456789012");
        let arn = kms.key_arn("eu-west-1");
        assert!(kms.is_key("eu-west-1", &arn));
        assert!(!kms.is_key("eu-west-2", &arn));
        assert!(kms.is_key("eu-west-1", arn.rsplit('/').next().unwrap()));
        assert!(kms.is_key("eu-west-1", Kms::ALIAS));
        assert!(!kms.is_key("eu-west-1", "alias/other"));
        assert!(!format!("{kms:?}").contains("LessSafeKey"));
    }
}
