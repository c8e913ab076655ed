//! The link that makes ssmx the session-manager-plugin.

use std::fs;
use std::path::Path;

use super::place::Place;

const LINK: &str = "home/p/bin/session-manager-plugin";

#[test]
fn the_link_is_made_when_asked_for_stays_on_updates_and_goes_with_the_rest() {
    let place = Place::new();
    assert_eq!(place.install(&[]).code(), 0);
    assert!(!place.at(LINK).exists());
    assert_eq!(place.install(&["--plugin"]).code(), 0);
    assert_eq!(fs::read_link(place.at(LINK)).unwrap(), Path::new("ssmx"));
    let files = place.files();
    assert_eq!(place.install(&["--plugin"]).code(), 0);
    assert_eq!(place.install(&[]).code(), 0);
    assert_eq!(place.files(), files);
    assert_eq!(place.run(&["--uninstall", "--prefix", "p"]).code(), 0);
    assert!(place.files().is_empty());
}

#[test]
fn the_official_plugin_is_not_replaced() {
    let place = Place::new();
    fs::create_dir_all(place.at("home/p/bin")).unwrap();
    place.write(LINK, "official");
    let before = place.files();
    let refused = place.install(&["--plugin"]);
    insta::assert_snapshot!(refused.shown(), @"
    exit code: 1
    --- stderr
    error: /tmp/TEMPORARY/home/p/bin/session-manager-plugin already exists and is not ssmx
    hint: remove it first to let ssmx take its place
    ");
    assert_eq!(place.files(), before, "nothing is installed by halves");
}

#[test]
fn a_link_that_leads_elsewhere_by_now_is_left() {
    let place = Place::new();
    assert_eq!(place.install(&["--plugin"]).code(), 0);
    fs::remove_file(place.at(LINK)).unwrap();
    std::os::unix::fs::symlink("/opt/official", place.at(LINK)).unwrap();
    assert_eq!(place.run(&["--uninstall", "--prefix", "p"]).code(), 0);
    assert_eq!(fs::read_link(place.at(LINK)).unwrap(), Path::new("/opt/official"));
}
