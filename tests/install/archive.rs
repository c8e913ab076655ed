//! Release archives, by path and by URL, and their checksums.

use std::fs;
use std::process::Command;

use super::place::{Place, SHELLS};
use crate::support::command::{Running, run};
use crate::support::snapshot::{case, cases, from_error};

/// Archives have the time of day in them.
fn without_sums(text: &str) -> String {
    regex::Regex::new("[0-9a-f]{64}").unwrap().replace_all(text, "CHECKSUM").into_owned()
}

/// Packs the tree as a release is packed, with the program in it; returns the checksum.
fn pack(place: &Place, folder: &str) -> String {
    let root = place.at("pack").join(folder);
    fs::create_dir_all(&root).unwrap();
    let mut copy = Command::new("cp");
    copy.arg("-r").arg(place.at("tree/completions")).arg(place.at("tree/docs")).arg(&root);
    assert_eq!(run(&mut copy).code(), 0);
    fs::copy(place.at("tree/program"), root.join("ssmx")).unwrap();
    let packed =
        run(Command::new("tar").arg("-czf").arg(place.at("ssmx.tar.gz")).arg("-C").arg(place.at("pack")).arg("."));
    assert_eq!(packed.code(), 0, "{packed:?}");
    let sum = run(Command::new("sha256sum").arg("ssmx.tar.gz").current_dir(place.at("")));
    fs::write(place.at("ssmx.tar.gz.sha256"), sum.stdout.clone()).unwrap();
    sum.out()[..64].to_owned()
}

#[test]
fn an_archive_is_installed_once_its_checksum_is_right() {
    for (shell, folder) in SHELLS.into_iter().zip(["", "ssmx-1.0.0-x86_64-unknown-linux-gnu", "a b"]) {
        let place = Place::of(shell);
        pack(&place, folder);
        let installed = place.run(&["--prefix", "p", "../ssmx.tar.gz"]);
        assert_eq!(installed.code(), 0, "{installed:?}");
        assert!(place.at("home/p/share/man/man1/ssmx-shell.1").exists());
        assert_eq!(place.run(&["--prefix", "p", "--uninstall"]).code(), 0);
        assert!(place.files().is_empty());
    }
}

#[test]
fn a_wrong_checksum_or_none_stops_it() {
    for shell in SHELLS {
        let place = Place::of(shell);
        let sum = pack(&place, "");
        let refused = |title: &str, args: &[&str]| {
            let refused = place.run(&[&["--prefix", "p", "../ssmx.tar.gz"], args].concat());
            assert!(place.files().is_empty());
            case(title, &without_sums(&refused.shown()))
        };
        let mut shown = refused("another", &["--sha256", &"0".repeat(64)]);
        shown.push_str(&refused("no checksum", &["--sha256", "12 34"]));
        fs::remove_file(place.at("ssmx.tar.gz.sha256")).unwrap();
        shown.push_str(&refused("no file", &[]));
        place.write("ssmx.tar.gz.sha256", "");
        shown.push_str(&refused("an empty file", &[]));
        place.write("ssmx.tar.gz.sha256", &sum);
        let mut damaged = fs::read(place.at("ssmx.tar.gz")).unwrap();
        *damaged.last_mut().unwrap() ^= 1;
        fs::write(place.at("ssmx.tar.gz"), damaged).unwrap();
        shown.push_str(&refused("a damaged archive", &[]));
        insta::allow_duplicates! {
            insta::assert_snapshot!(shown, @"
            === another
            exit code: 1
            --- stderr
            error: the checksum of ../ssmx.tar.gz is wrong: expected CHECKSUM, found CHECKSUM
            hint: it is damaged, or not the right one: do not use it, and fetch it again

            === no checksum
            exit code: 1
            --- stderr
            error: `12 34` is not a SHA-256 checksum, which has 64 hexadecimal digits

            === no file
            exit code: 1
            --- stderr
            error: ../ssmx.tar.gz.sha256 is missing, so the archive cannot be verified
            hint: give the checksum with --sha256 HEX

            === an empty file
            exit code: 1
            --- stderr
            error: ../ssmx.tar.gz.sha256 is empty

            === a damaged archive
            exit code: 1
            --- stderr
            error: the checksum of ../ssmx.tar.gz is wrong: expected CHECKSUM, found CHECKSUM
            hint: it is damaged, or not the right one: do not use it, and fetch it again
            ");
        }
    }
}

#[test]
fn the_checksum_can_be_given_by_hand() {
    let place = Place::new();
    let sum = pack(&place, "").to_uppercase();
    fs::remove_file(place.at("ssmx.tar.gz.sha256")).unwrap();
    assert_eq!(place.run(&["--prefix", "p", "../ssmx.tar.gz", "--sha256", &sum]).code(), 0);
}

#[test]
fn an_archive_of_something_else_is_refused() {
    let place = Place::new();
    fs::remove_file(place.at("tree/completions/ssmx.fish")).unwrap();
    pack(&place, "");
    let refused = place.run(&["--prefix", "p", "../ssmx.tar.gz"]);
    insta::assert_snapshot!(refused.shown(), @"
    exit code: 1
    --- stderr
    Note: only the checksum beside ../ssmx.tar.gz was verified. It shows damage, and not who made the archive.
    error: /tmp/TEMPORARY/tmp/TEMPORARY/unpacked/completions/ssmx.fish is missing
    hint: the tree or the archive is incomplete
    ");
    fs::remove_file(place.at("pack/ssmx")).unwrap();
    let packed =
        run(Command::new("tar").arg("-czf").arg(place.at("none.tar.gz")).arg("-C").arg(place.at("pack")).arg("."));
    assert_eq!(packed.code(), 0);
    let sum = run(Command::new("sha256sum").arg(place.at("none.tar.gz"))).out();
    let refused = place.run(&["--prefix", "p", "../none.tar.gz", "--sha256", &sum[..64]]);
    insta::assert_snapshot!(refused.shown(), @"
    exit code: 1
    --- stderr
    error: ../none.tar.gz does not contain ssmx
    ");
    let missing = place.run(&["--prefix", "p", "nowhere.tar.gz"]);
    insta::assert_snapshot!(missing.shown(), @"
    exit code: 1
    --- stderr
    error: nowhere.tar.gz does not exist
    ");
    assert!(place.files().is_empty());
}

#[test]
fn what_was_checked_is_what_is_unpacked() {
    for replaced in ["sha256sum", "ssh-keygen"] {
        let place = Place::new();
        place.program("tree/program", "6.6.6");
        pack(&place, "");
        fs::rename(place.at("ssmx.tar.gz"), place.at("other.tar.gz")).unwrap();
        place.program("tree/program", "1.0.0");
        pack(&place, "");
        sign(&place, "release");
        // Somebody who can write the archive waits for the moment in which it was checked.
        let archive = place.at("ssmx.tar.gz");
        place.shim(
            replaced,
            &format!(
                "/usr/bin/{replaced} \"$@\"; code=$?; cp '{}' '{}'; exit $code",
                place.at("other.tar.gz").display(),
                archive.display()
            ),
        );
        let key = place.at("release.pub");
        let installed = place.run(&["--prefix", "p", "--key", key.to_str().unwrap(), "../ssmx.tar.gz"]);
        assert_eq!(installed.code(), 0, "{installed:?}");
        assert_eq!(fs::read(&archive).unwrap(), fs::read(place.at("other.tar.gz")).unwrap());
        let version = run(&mut Command::new(place.at("home/p/bin/ssmx")));
        assert_eq!(version.out(), "ssmx 1.0.0\n");
    }
}

#[test]
fn a_program_that_was_tried_is_the_one_that_is_installed() {
    let place = Place::new();
    place.script("tree/program", "cp \"$HOME/../other\" \"$HOME/../tree/program\"; echo ssmx 1.0.0");
    place.program("other", "6.6.6");
    assert_eq!(place.install(&[]).code(), 0);
    assert!(fs::read_to_string(place.at("home/p/bin/ssmx")).unwrap().contains("1.0.0"));
}

/// Signs the archive with a new key of this name.
fn sign(place: &Place, key: &str) {
    let path = place.at(key);
    let made = run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", key, "-f"]).arg(&path));
    assert_eq!(made.code(), 0, "{made:?}");
    let _ = fs::remove_file(place.at("ssmx.tar.gz.sig"));
    let mut sign = Command::new("ssh-keygen");
    sign.args(["-q", "-Y", "sign", "-n", "ssmx-release", "-f"]).arg(path).arg(place.at("ssmx.tar.gz"));
    let signed = run(&mut sign);
    assert_eq!(signed.code(), 0, "{signed:?}");
}

#[test]
fn a_signature_is_verified_and_its_absence_is_told() {
    let place = Place::new();
    let sum = pack(&place, "");
    let install = |args: &[&str]| place.run(&[&["--prefix", "p", "../ssmx.tar.gz"], args].concat());
    let without_place = |text: String| -> String {
        let lines = text.lines().filter(|line| !line.contains("PATH") && !line.contains("completion"));
        without_sums(&lines.filter(|line| !line.starts_with("    ")).collect::<Vec<_>>().join("\n"))
    };
    let mut said = Vec::new();
    let mut tell = |title: &str, args: &[&str]| {
        let installed = install(args);
        said.push((title.to_owned(), without_place(installed.shown())));
        assert_eq!(installed.code() == 0, !place.files().is_empty());
        assert_eq!(place.run(&["--prefix", "p", "--uninstall"]).code(), 0);
    };
    tell("only a checksum", &[]);
    // The key of releases, once there is one.
    sign(&place, "release");
    let script = fs::read_to_string(place.at("tree/install.sh")).unwrap();
    let key = fs::read_to_string(place.at("release.pub")).unwrap();
    let key = key.trim().rsplit_once(' ').unwrap().0.to_owned();
    place.write("tree/install.sh", &script.replace("release_key=''", &format!("release_key='{key}'")));
    tell("signed", &[]);
    sign(&place, "somebody");
    tell("signed by somebody else", &[]);
    tell("signed by whom is asked for", &["--key", "../somebody.pub"]);
    fs::remove_file(place.at("ssmx.tar.gz.sig")).unwrap();
    tell("not signed", &[]);
    tell("not signed, with a checksum by hand", &["--sha256", &sum]);
    tell("not signed by whom is asked for", &["--sha256", &sum, "--key", "../somebody.pub"]);
    tell("no such key", &["--key", "../nobody.pub"]);
    // For another purpose, by the right key.
    let other = run(Command::new("ssh-keygen")
        .args(["-q", "-Y", "sign", "-n", "file", "-f"])
        .arg(place.at("release"))
        .arg(place.at("ssmx.tar.gz")));
    assert_eq!(other.code(), 0, "{other:?}");
    tell("signed as something else", &[]);
    insta::assert_snapshot!(cases(said), @"
    === only a checksum
    exit code: 0
    --- stderr
    Note: only the checksum beside ../ssmx.tar.gz was verified. It shows damage, and not who made the archive.
    Installed ssmx 1.0.0 as /tmp/TEMPORARY/home/p/bin/ssmx.
    === signed
    exit code: 0
    --- stderr
    The signature of ../ssmx.tar.gz is right.
    Installed ssmx 1.0.0 as /tmp/TEMPORARY/home/p/bin/ssmx.
    === signed by somebody else
    exit code: 1
    --- stderr
    error: the signature of ../ssmx.tar.gz is wrong: Could not verify signature.
    hint: do not use it: somebody else made it
    === signed by whom is asked for
    exit code: 0
    --- stderr
    The signature of ../ssmx.tar.gz is right.
    Installed ssmx 1.0.0 as /tmp/TEMPORARY/home/p/bin/ssmx.
    === not signed
    exit code: 1
    --- stderr
    error: ../ssmx.tar.gz.sig is missing, so nobody vouches for the archive
    hint: do not use it, or give a checksum that you trust with --sha256 HEX
    === not signed, with a checksum by hand
    exit code: 0
    --- stderr
    Note: ../ssmx.tar.gz is not signed. Only the checksum that you gave was verified.
    Installed ssmx 1.0.0 as /tmp/TEMPORARY/home/p/bin/ssmx.
    === not signed by whom is asked for
    exit code: 1
    --- stderr
    error: ../ssmx.tar.gz.sig is missing, so nobody vouches for the archive
    hint: do not use it, and ask where it is from for the signature
    === no such key
    exit code: 1
    --- stderr
    error: ../nobody.pub does not exist
    hint: name the file of a public key with --key
    === signed as something else
    exit code: 1
    --- stderr
    error: the signature of ../ssmx.tar.gz is wrong: Could not verify signature.
    hint: do not use it: somebody else made it
    ");
}

/// Serves the current folder over TLS on a port that it tells.
const SERVER: &str = "
import functools, http.server, ssl, sys
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain('cert.pem', 'key.pem')
server.socket = context.wrap_socket(server.socket, server_side=True)
print('port', server.server_address[1], 'end', flush=True)
server.serve_forever()
";

#[test]
fn a_url_is_fetched_over_tls() {
    let place = Place::new();
    pack(&place, "");
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    place.write("cert.pem", &cert.pem());
    place.write("key.pem", &signing_key.serialize_pem());
    let server = Running::start(Command::new("python3").args(["-c", SERVER]).current_dir(place.at("")));
    server.wait_for_out("end");
    let port = server.out().split_whitespace().nth(1).unwrap().to_owned();
    let url = format!("https://localhost:{port}/ssmx.tar.gz");

    let refused = place.run(&["--prefix", "p", &url]);
    // Before and after it stands what curl says.
    let errors = |text: &str| from_error(text).lines().next().unwrap().to_owned();
    insta::assert_snapshot!(errors(&refused.err()), @"error: cannot fetch https://localhost:PORT/ssmx.tar.gz");
    assert!(place.files().is_empty());

    let install = |url: &str| {
        let mut command = place.command(&["--prefix", "p", url]);
        run(command.env("CURL_CA_BUNDLE", place.at("cert.pem")))
    };
    let missing = install(&url.replace("ssmx", "none"));
    assert_eq!(missing.code(), 1);
    assert!(missing.err().contains("404"), "{missing:?}");
    let installed = install(&url);
    assert!(installed.code() == 0 && place.at("home/p/bin/ssmx").exists(), "{installed:?}");
}
