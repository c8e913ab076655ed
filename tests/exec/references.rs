//! `{{ssm:NAME}}`, which agents replace by a parameter of Parameter Store, and `$`, which some of them expand.

use crate::support::cloud::Cloud;
use crate::support::command::{Finished, run};

const REFERENCES: [&str; 7] = [
    "{{ssm:/prod/db/user}}",
    "{{ ssm:/prod/db/user }}",
    "x{{ssm:/prod/db/password}}y",
    "{{{ssm:/prod/db/user}}}",
    "it's {{ssm:/no/such}} \"q\"",
    "{{ssm:/prod/db/key}}",
    "{{ command }}",
];

/// Sessions whose document puts a text of its own before the command.
fn prefixed() -> Cloud {
    let document = |kind: &str, commands: &str| {
        format!(
            r#"{{"schemaVersion":"1.0","sessionType":"{kind}","parameters":{{"command":{{"type":"String"}}}},
                "properties":{{"linux":{{"commands":"{commands}"}}}}}}"#
        )
    };
    Cloud::with(|options| {
        let own = [
            ("Corp-Exec", document("NonInteractiveCommands", "env LANG=C {{ command }}")),
            ("Corp-Line", document("InteractiveCommands", "cd /; {{ command }}")),
        ];
        options.documents.extend(own.map(|(name, content)| (name.to_owned(), content)));
    })
}

fn seen(ran: &Finished) -> Vec<String> {
    ran.out().split_terminator('\0').map(str::to_owned).collect()
}

#[test]
fn parameter_store_is_not_asked_for_what_stands_in_an_argument() {
    let ran = Cloud::start().exec("web-1", ["printf", "%s\\0"].iter().chain(&REFERENCES));
    assert_eq!(seen(&ran), REFERENCES, "{ran:?}");
    let ran = run(Cloud::start().ssmx().args(["exec", "--binary", "web-1", "--", "printf", "%s\\0"]).args(REFERENCES));
    assert_eq!(seen(&ran), REFERENCES, "{ran:?}");
}

#[test]
fn nor_for_what_stands_in_a_line_for_a_terminal() {
    let cloud = Cloud::start();
    for words in [
        &["echo '{{ssm:/prod/db/password}}'"][..],
        &["printf", "%s", "{{ssm:/prod/db/password}}"],
        &["sh -c \"echo {{ssm:/prod/db/password}}\"; true"],
    ] {
        let ran = run(cloud.ssmx().args(["shell", "web-1", "--"]).args(words));
        assert_eq!((ran.code(), ran.out().trim_end()), (0, "{{ssm:/prod/db/password}}"), "{ran:?}");
    }
    let ran = run(cloud.ssmx().args(["shell", "web-1", "--", "x=1; y={{; [ \"$x$y\" = '1{{' ] && echo same"]));
    assert_eq!(ran.out().trim_end(), "same", "{ran:?}");
}

#[test]
fn what_a_person_gives_to_a_document_is_refused_with_the_reason() {
    let cloud = prefixed();
    let words = ["shell", "--document", "Corp-Line", "--parameters", "command=echo {{ssm:/prod/db/user}}", "web-1"];
    insta::assert_snapshot!(run(cloud.ssmx().args(words)).shown(), @"
    exit code: 2
    --- stderr
    error: the parameter `command` contains `{{`
    caused by: agents replace `{{ssm:NAME}}` by a parameter of Parameter Store, read with the instance's role
    hint: a document of the account may have the reference in its own text, where its author can see to the quoting
    ");
    assert!(cloud.history().is_empty());
}

#[test]
fn dollars_survive_documents_that_put_text_around_the_command() {
    let cloud = prefixed();
    let arguments = ["$1", "${x}", "$HOME", "$$", "a$", "$é", "'$x'", "${0}", "$0$1"];
    let exec = ["exec", "--document", "Corp-Exec", "web-1", "--", "printf", "%s\\0"];
    let ran = run(cloud.ssmx().args(exec).args(arguments));
    assert_eq!(seen(&ran), arguments, "{ran:?}");
    let line = "x=seen; echo $x ${x} '$x' \"$((1+1))\"";
    let ran = run(cloud.ssmx().args(["shell", "--document", "Corp-Line", "web-1", "--", line]));
    assert_eq!(ran.out().trim_end(), "seen seen $x 2", "{ran:?}");
}
