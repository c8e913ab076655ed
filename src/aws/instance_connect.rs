//! Public keys for a minute: EC2 Instance Connect.

use super::{client::Aws, error::Error};

impl Aws {
    /// Lets `user` of an instance log in with a public key for the next 60 s: ec2-instance-connect:SendSSHPublicKey.
    /// The instance has to have EC2 Instance Connect installed, which the answer does not tell.
    ///
    /// # Errors
    ///
    /// Any; also for an instance that EC2 does not know, as all hybrid ones.
    pub async fn send_ssh_public_key(&self, instance: &str, user: &str, key: &str) -> Result<(), Error> {
        const ACTION: &str = "ec2-instance-connect:SendSSHPublicKey";
        let sent = self.call(ACTION, || {
            self.ec2_instance_connect()
                .send_ssh_public_key()
                .instance_id(instance)
                .instance_os_user(user)
                .ssh_public_key(key)
                .send()
        });
        let answer = sent.await.map_err(|err| err.about(instance))?;
        if !answer.success {
            return Err(Error::incomplete(ACTION, "success").about(instance));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::aws::ErrorKind;
    use crate::testing::{Answer, Fake};

    #[tokio::test]
    async fn a_key_is_sent_for_the_user_it_is_for() {
        let fake = Fake::start(|_| Answer::json(r#"{"RequestId":"r","Success":true}"#)).await;
        fake.aws().await.send_ssh_public_key("i-0123456789abcdef0", "ubuntu", "ssh-ed25519 AAAA").await.unwrap();
        let seen = &fake.seen()[0];
        assert_eq!(seen.action, "SendSSHPublicKey");
        let body: serde_json::Value = serde_json::from_str(&seen.body).unwrap();
        let expected = serde_json::json!({
            "InstanceId": "i-0123456789abcdef0", "InstanceOSUser": "ubuntu", "SSHPublicKey": "ssh-ed25519 AAAA",
        });
        assert_eq!(body, expected);
    }

    #[tokio::test]
    async fn refusals_are_told_apart() {
        let fake = Fake::start(|_| {
            let message =
                "User: a is not authorized to perform: ec2-instance-connect:SendSSHPublicKey on resource: arn:x";
            Answer::json_error(400, "AccessDeniedException", message)
        })
        .await;
        let err = fake.aws().await.send_ssh_public_key("i-1", "u", "k").await.unwrap_err();
        assert_eq!(err.kind(), ErrorKind::Permission);
        assert!(err.hints()[0].contains("ec2-instance-connect:SendSSHPublicKey on arn:x"), "{:?}", err.hints());

        let fake = Fake::start(|_| Answer::json(r#"{"RequestId":"r","Success":false}"#)).await;
        assert!(fake.aws().await.send_ssh_public_key("i-1", "u", "k").await.is_err());
    }
}
