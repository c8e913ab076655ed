//! The key of an encrypted session.

use std::{collections::BTreeMap, fmt, time::Duration};

use tokio::time::timeout;
use zeroize::{Zeroize, Zeroizing};

use super::{
    client::Aws,
    error::{Cause, Error, ErrorKind},
};

/// A fresh key: for us in the clear, and encrypted for the agent, which asks KMS to decrypt it.
pub struct DataKey {
    /// 64 bytes, wiped on drop.
    pub plaintext: Zeroizing<Vec<u8>>,
    /// The same, encrypted under the KMS key.
    pub ciphertext: Vec<u8>,
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey([redacted])")
    }
}

impl Aws {
    /// Makes a key of 64 bytes bound to an encryption context: kms:GenerateDataKey.
    ///
    /// # Errors
    ///
    /// Any; a key that is disabled or does not exist is of kind `Service`. After 10 s there is no key: the agent would
    /// give up next, and blame the version of its client.
    pub async fn generate_data_key(&self, key_id: &str, context: &BTreeMap<String, String>) -> Result<DataKey, Error> {
        self.generate_data_key_within(PATIENCE, key_id, context).await
    }

    async fn generate_data_key_within(
        &self,
        patience: Duration,
        key_id: &str,
        context: &BTreeMap<String, String>,
    ) -> Result<DataKey, Error> {
        const ACTION: &str = "kms:GenerateDataKey";
        let generated = self.call(ACTION, || {
            let context = context.clone().into_iter().collect();
            self.kms()
                .generate_data_key()
                .key_id(key_id)
                .number_of_bytes(KEY_BYTES)
                .set_encryption_context(Some(context))
                .send()
        });
        let answer = match timeout(patience, generated).await {
            Ok(answer) => answer.map_err(|err| err.about(key_id))?,
            Err(_) => {
                let message = format!("KMS did not respond within {} s", patience.as_secs());
                return Err(Error::new(ErrorKind::Network, Cause::Timeout, ACTION, message).about(key_id));
            }
        };
        let mut plaintext = answer.plaintext.ok_or_else(|| Error::incomplete(ACTION, "Plaintext"))?.into_inner();
        if plaintext.len() != KEY_BYTES as usize {
            plaintext.zeroize();
            return Err(Error::incomplete(ACTION, "key of 64 bytes"));
        }
        let plaintext = Zeroizing::new(plaintext);
        let ciphertext =
            answer.ciphertext_blob.ok_or_else(|| Error::incomplete(ACTION, "CiphertextBlob"))?.into_inner();
        Ok(DataKey { plaintext, ciphertext })
    }
}

/// Longest wait for a key. Agents wait 15 s for it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Two keys of AES-256, one for each direction.
const KEY_BYTES: i32 = 64;

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_STANDARD};

    use super::*;
    use crate::testing::{Answer, Fake};

    #[tokio::test]
    async fn a_key_comes_with_its_context_and_does_not_show() {
        let plaintext = BASE64_STANDARD.encode([7; 64]);
        let fake = Fake::start(move |_| {
            Answer::json(&format!(r#"{{"CiphertextBlob":"AQID","Plaintext":"{plaintext}","KeyId":"k"}}"#))
        })
        .await;
        let context = [("aws:ssm:SessionId".to_owned(), "alice-0123".to_owned())].into();
        let key = fake.aws().await.generate_data_key("alias/sessions", &context).await.unwrap();
        assert_eq!((key.plaintext.as_slice(), key.ciphertext.as_slice()), ([7; 64].as_slice(), [1, 2, 3].as_slice()));
        assert_eq!(format!("{key:?}"), "DataKey([redacted])");
        let body: serde_json::Value = serde_json::from_str(&fake.seen()[0].body).unwrap();
        assert_eq!(body["EncryptionContext"]["aws:ssm:SessionId"], "alice-0123");
        assert_eq!(body["NumberOfBytes"], 64);
    }

    #[tokio::test]
    async fn a_service_that_does_not_respond_is_named() {
        // It takes connections, and answers nothing.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", silent.local_addr().unwrap());
        let aws = Aws::for_tests(&url, vec![crate::testing::keys("AKIDTEST")]).await;
        let err = aws.generate_data_key_within(Duration::from_millis(50), "k", &BTreeMap::new()).await.unwrap_err();
        assert_eq!((err.kind(), err.cause()), (ErrorKind::Network, Cause::Timeout));
        assert_eq!(err.to_string(), "cannot call kms:GenerateDataKey: KMS did not respond within 0 s");
    }

    #[tokio::test]
    async fn a_short_key_is_refused() {
        let fake = Fake::start(|_| Answer::json(r#"{"CiphertextBlob":"AQID","Plaintext":"AQID","KeyId":"k"}"#)).await;
        let err = fake.aws().await.generate_data_key("k", &BTreeMap::new()).await.unwrap_err();
        assert_eq!(err.kind(), ErrorKind::Service);
    }
}
