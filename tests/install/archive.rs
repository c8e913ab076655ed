//! Release archives, by path and by URL, and their checksums.

use std::fs;
use std::process::Command;

use super::place::{Place, SHELLS};
use crate::support::command::{Running, run};
use crate::support::snapshot::{case, from_error};

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
