//! The plugin where no session may be in the clear.

use super::play::Play;
use crate::support::command::run;

/// What it says of a session in the clear.
const REFUSED: &str = "this session is not encrypted with a KMS key, and no other may be used";

#[test]
fn a_session_in_the_clear_is_not_used() {
    for encrypt in [true, false] {
        let play = Play::with(|options| options.preferences.encrypt = encrypt);
        let config = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(config.path(), "[defaults]\nrequire_encryption = true\n").unwrap();
        let command: &[_] = &[("command", "echo so-it''-is")];
        for document in [Some("AWS-StartNonInteractiveCommand"), Some("AWS-StartInteractiveCommand"), None] {
            let session = play.start(document, if document.is_some() { command } else { &[] });
            let mut plugin = play.take_over(&session);
            let ran = match document {
                // The setting counts wherever it stands.
                None => run(plugin.env("SSMX_REQUIRE_ENCRYPTION", "true")),
                Some(_) => run(plugin.env("SSMX_CONFIG", config.path())),
            };
            assert_eq!(ran.code() == 0, encrypt, "{document:?}: {ran:?}");
            assert_eq!(ran.err().contains(REFUSED), !encrypt, "{document:?}: {ran:?}");
            assert!(encrypt || !ran.out().contains("so-it-is"), "{document:?}: {ran:?}");
            play.wait_until_over(&session.id);
        }
    }
}

#[test]
fn a_broken_configuration_costs_no_session_unless_it_may_ask_for_encryption() {
    let play = Play::new();
    let config = tempfile::NamedTempFile::new().unwrap();
    let run_with = |text: &str| {
        std::fs::write(config.path(), text).unwrap();
        let session = play.start(Some("AWS-StartNonInteractiveCommand"), &[("command", "echo so-it-is")]);
        let ran = run(play.take_over(&session).env("SSMX_CONFIG", config.path()));
        play.wait_until_over(&session.id);
        ran
    };
    let ignored = run_with("[defaults]\ncolor = 3\n# require_encryption = true\n");
    assert_eq!(ignored.code(), 0, "{ignored:?}");
    assert!(ignored.out().contains("so-it-is") && ignored.err().contains("ignoring the configuration"), "{ignored:?}");
    for asks in ["[defaults]\ncolor = 3\nrequire_encryption = true\n", "[defaults]\nrequire_encryption = yes\n"] {
        let refused = run_with(asks);
        assert!(refused.code() != 0 && !refused.out().contains("so-it-is"), "{refused:?}");
        assert!(refused.err().contains("it may have `require_encryption`"), "{refused:?}");
    }
}
