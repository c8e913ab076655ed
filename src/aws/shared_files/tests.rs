//! What is read is what the AWS CLI reads: pairs of files, and what each reader makes of them. The AWS CLI's answers are
//! in `read_by_aws_cli.json`; where SSMX_TEST_AWS names its program, they are made anew and must be the same.

use std::io::Write;
use std::process::{Command, Stdio};

use base64::{Engine, prelude::BASE64_STANDARD};

use super::*;
use crate::environment::of_tests;

mod variants;
use variants::VARIANTS;

/// Kind, name, key and value.
type Row = [String; 4];

fn read(config: &[u8], credentials: &[u8]) -> SharedFiles {
    let files = [("/home/me/.aws/config", config), ("/home/me/.aws/credentials", credentials)];
    let disk = Disk::Fake(files.into_iter().map(|(path, bytes)| (path.into(), bytes.to_vec())).collect());
    SharedFiles::read(&disk, |name| (name == "HOME").then(|| "/home/me".to_owned()))
}

fn rows(files: &SharedFiles) -> Vec<Row> {
    let profiles = files.profiles.iter().map(|(name, profile)| ("profile", name, &profile.values));
    let sessions = files.sso_sessions.iter().map(|(name, values)| ("sso-session", name, values));
    let services = files.services.iter().map(|(name, values)| ("services", name, values));
    let mut rows = Vec::new();
    for (kind, name, values) in profiles.chain(sessions).chain(services) {
        let row = |key: &str, value: &str| [kind, name.as_str(), key, value].map(str::to_owned);
        rows.push(row("", ""));
        for (key, value) in values {
            match value {
                Value::Text(text) => rows.push(row(key, text)),
                Value::Nested(inner) => rows.extend(inner.iter().map(|(one, text)| row(&format!("{key}.{one}"), text))),
            }
        }
    }
    rows.sort();
    rows
}

/// What the AWS CLI says of all variants; null where it refuses a file.
fn asked(aws: &str) -> String {
    let pairs: Vec<_> =
        VARIANTS.iter().map(|(config, credentials)| [config, credentials].map(|b| BASE64_STANDARD.encode(b))).collect();
    let python = Path::new(aws).with_file_name("python3");
    let mut child = Command::new(python)
        .args(["-c", include_str!("read_by_aws_cli.py")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(serde_json::to_string(&pairs).unwrap().as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn what_the_aws_cli_reads_is_read() {
    let known = include_str!("read_by_aws_cli.json");
    let answers = of_tests("SSMX_TEST_AWS").map_or_else(|| known.to_owned(), |aws| asked(&aws));
    let parse = |text: &str| serde_json::from_str::<Vec<Option<Vec<Row>>>>(text).unwrap();
    if of_tests("UPDATE_READ_BY_AWS_CLI").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/aws/shared_files/read_by_aws_cli.json");
        std::fs::write(path, serde_json::to_string_pretty(&parse(&answers)).unwrap() + "\n").unwrap();
    } else {
        assert_eq!(parse(&answers), parse(known), "UPDATE_READ_BY_AWS_CLI=1 writes them anew");
    }
    let answers = parse(&answers);
    assert_eq!(answers.len(), VARIANTS.len());
    let mut refused = String::new();
    for ((config, credentials), answer) in VARIANTS.iter().zip(answers) {
        let files = read(config, credentials);
        let shown = || format!("{}\n---\n{}", String::from_utf8_lossy(config), String::from_utf8_lossy(credentials));
        match answer {
            Some(answer) => {
                assert_eq!(rows(&files), answer, "{}", shown());
                assert_eq!(files.mistakes(), [], "{}", shown());
            }
            // Nobody has such files for long; here they cost as little as possible.
            None => {
                refused.push_str(&format!(
                    "=== {:?} {:?}\n",
                    String::from_utf8_lossy(config),
                    String::from_utf8_lossy(credentials)
                ));
                rows(&files)
                    .iter()
                    .filter(|row| !row[2].is_empty())
                    .for_each(|row| refused.push_str(&format!("{}\n", row.join(" "))));
                files.mistakes().iter().for_each(|mistake| refused.push_str(&format!("! {mistake}\n")));
            }
        }
    }
    insta::assert_snapshot!(refused);
}

#[test]
fn a_file_of_another_encoding_is_named() {
    let text: Vec<u8> = "\u{feff}[default]".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let files = read(&text, b"[default]\naws_access_key_id = x\n");
    assert!(files.has_profile("default"));
    let said: Vec<_> = files.mistakes().iter().map(ToString::to_string).collect();
    assert_eq!(said, ["/home/me/.aws/config, line 1: the file is UTF-16: save it as UTF-8"]);
}

#[test]
fn the_sdk_gets_no_keys_and_nothing_that_it_cannot_read() {
    let config = b"[profile two words]\n[profile \"two words\"]\naws_access_key_id = AKID\nuse_fips_endpoint = true\n\
                   region = eu-west-1\nsdk_ua_app_id =\n a\n b=c\n";
    // Of endpoints it is to find none by itself.
    let always = "[default]\nignore_configured_endpoint_urls = true\n";
    assert_eq!(read(config, b"").for_sdk("two words"), format!("{always}use_fips_endpoint = true\n"));
    assert_eq!(read(config, b"").for_sdk("none"), always);
}
