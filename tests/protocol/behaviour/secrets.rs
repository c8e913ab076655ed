//! What a channel shows of itself holds nothing of what it carries.

use ssmx::protocol::{DataKey, PayloadType, SealedKey};

use super::end::{End, SECOND, input, output, shell_handshake};

#[test]
fn neither_keys_nor_payloads_are_shown() {
    let key: Vec<u8> = (100..164).collect();
    let sealed = SealedKey { plaintext: DataKey::new(&key).expect("64 bytes"), ciphertext: b"sealed".to_vec() };
    let request = super::kms::request(None);
    let shown_before = format!("{sealed:?} {request:?} {:?}", shell_handshake(Some(super::kms::request(None))));

    let mut client = End::client_with(Some(SECOND), |config| config.message_size = 8);
    client.wait(SECOND);
    // Typed and sent, typed and waiting, received out of order, received and not read.
    client.write("TOPSECRET".repeat(20_000));
    client.sent();
    client.hear(output(5, PayloadType::Output, b"TOPSECRET"));
    client.hear(output(0, PayloadType::Output, b"TOPSECRET"));
    client.hear(output(1, PayloadType::Flag, b"TOPSECRET"));

    let mut agent = End::agent(Some(shell_handshake(Some(request))));
    agent.write("TOPSECRET");
    agent.channel.provide_data_key(agent.now, Ok(DataKey::new(&key).expect("64 bytes")));
    agent.hear(input(3, PayloadType::Output, b"TOPSECRET"));

    for shown in [shown_before, format!("{:?} {:#?}", client.channel, agent.channel)] {
        assert!(!shown.contains("TOPSECRET") && !shown.contains("SECR"), "{shown}");
        assert!(!shown.contains("100, 101, 102"), "{shown}");
        assert!(!shown.contains("9, 9, 9"), "{shown}");
    }
    assert!(format!("{:?}", client.channel).contains("retransmitted"), "but counters are");
}
