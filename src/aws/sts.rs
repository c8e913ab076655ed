//! Who we are.

use super::{client::Aws, error::Error};

/// The identity behind the credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerIdentity {
    /// The account id, 12 digits.
    pub account: String,
    /// The ARN of the user or assumed role.
    pub arn: String,
}

impl Aws {
    /// Asks who the credentials belong to: sts:GetCallerIdentity, which needs no permission.
    ///
    /// # Errors
    ///
    /// Of kind `Credentials` if they are not valid, or any other.
    pub async fn caller_identity(&self) -> Result<CallerIdentity, Error> {
        const ACTION: &str = "sts:GetCallerIdentity";
        let answer = self.call(ACTION, || self.sts().get_caller_identity().send()).await?;
        Ok(CallerIdentity {
            account: answer.account.ok_or_else(|| Error::incomplete(ACTION, "Account"))?,
            arn: answer.arn.ok_or_else(|| Error::incomplete(ACTION, "Arn"))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::aws::ErrorKind;
    use crate::testing::{Answer, Fake};

    #[tokio::test]
    async fn the_identity_and_a_refusal_of_the_query_protocol() {
        let fake = Fake::start(|seen| match seen.access_key() {
            "AKIDTEST" => Answer::xml(
                "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/a</Arn>\
                 <Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>",
            ),
            _ => Answer::sts_error(403, "InvalidClientTokenId", "The security token is invalid"),
        })
        .await;
        let identity = fake.aws().await.caller_identity().await.unwrap();
        assert_eq!((identity.account.as_str(), identity.arn.ends_with("user/a")), ("123456789012", true));

        let err = fake.aws_with(&["OTHER"]).await.caller_identity().await.unwrap_err();
        assert_eq!((err.kind(), err.code()), (ErrorKind::Credentials, Some("InvalidClientTokenId")));
        assert_eq!(err.request_id(), Some("fake-request-id"));
    }
}
