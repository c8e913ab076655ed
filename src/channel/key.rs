//! The key of an encrypted session, which KMS makes.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use crate::aws::Aws;
use crate::protocol::{DataKey, KeyRequest, SealedKey};

/// KMS at work on the session's key.
pub(super) type KeyWork = Pin<Box<dyn Future<Output = Result<SealedKey, String>> + Send>>;

/// Programs that name no target are those from before encryption.
const NO_TARGET: &str = "this session needs KMS encryption; update the AWS CLI that started it";

/// Asks KMS for the key that the agent of a session on `target` wants.
pub(super) fn make_key(aws: &Aws, session_id: &str, target: &str, request: KeyRequest) -> KeyWork {
    if target.is_empty() {
        // The agent ends the session with this text, so that it reaches the person.
        return Box::pin(std::future::ready(Err(NO_TARGET.to_owned())));
    }
    let mut context = BTreeMap::from([
        ("aws:ssm:SessionId".to_owned(), session_id.to_owned()),
        ("aws:ssm:TargetId".to_owned(), target.to_owned()),
    ]);
    if let Some(challenge) = request.challenge {
        context.insert("aws:ssm:RandomChallenge".to_owned(), challenge);
    }
    let aws = aws.clone();
    Box::pin(async move {
        let key = aws.generate_data_key(&request.key_id, &context).await.map_err(|error| error.to_string())?;
        let plaintext = DataKey::new(&key.plaintext).ok_or("KMS returned a key of the wrong length")?;
        Ok(SealedKey { plaintext, ciphertext: key.ciphertext })
    })
}
