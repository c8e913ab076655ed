use std::os::unix::fs::PermissionsExt;

use super::*;

fn session(id: &str) -> Session {
    Session {
        id: id.to_owned(),
        target: "i-0".to_owned(),
        document: None,
        destination: Some("db:5432".to_owned()),
        profile: None,
        identity: "0123".to_owned(),
        region: "us-east-1".to_owned(),
        endpoint: None,
    }
}

/// A record as a process has left it that is gone.
fn left(folder: &Path, id: &str) {
    let kept = keep_in(folder, session(id)).unwrap();
    let path = kept.files.record.clone();
    drop(kept);
    let mut record: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    record["process_start"] = 1.into();
    fs::write(&path, record.to_string()).unwrap();
}

fn owners(folder: &Path) -> Vec<(String, Owner)> {
    all_in(folder).into_iter().map(|(record, owner)| (record.session.id, owner)).collect()
}

#[test]
fn a_session_is_remembered_until_its_end_and_has_no_secrets() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("state/sessions");
    let kept = keep_in(&folder, session("alice@corp.com-0123")).unwrap();
    let [(record, owner)] = all_in(&folder).try_into().unwrap();
    assert_eq!((record.session, owner), (session("alice@corp.com-0123"), Owner::Running));
    assert_eq!(record.pid, std::process::id());
    for (path, mode) in [(&folder, 0o700), (&kept.files.record, 0o600), (&kept.files.lock, 0o600)] {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, mode, "{}", path.display());
    }
    kept.remove();
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}

#[test]
fn one_that_is_left_over_is_told_from_one_that_is_open() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path();
    left(folder, "b-left");
    let open = keep_in(folder, session("a-open")).unwrap();
    let all = owners(folder);
    assert!(all.contains(&("a-open".to_owned(), Owner::Running)) && all.contains(&("b-left".to_owned(), Owner::Gone)));
    // Locked by nobody, and the process runs: it may have been unable to end its session.
    drop(keep_in(folder, session("c-mine")).unwrap());
    assert!(owners(folder).contains(&("c-mine".to_owned(), Owner::Running)));
    // Without a lock nothing is certain.
    left(folder, "d-bare");
    fs::remove_file(folder.join("d-bare.lock")).unwrap();
    assert!(owners(folder).contains(&("d-bare".to_owned(), Owner::Elsewhere)));
    for (id, stays) in [("a-open", true), ("b-left", false)] {
        Files::of(folder, id).unwrap().forget();
        assert_eq!(owners(folder).iter().any(|(found, _)| found == id), stays, "{id}");
    }
    drop(open);
}

#[test]
fn what_is_none_of_ours_stays_and_is_not_read() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path();
    left(folder, "mine");
    let text = fs::read_to_string(folder.join("mine.json")).unwrap();
    fs::write(folder.join("other.json"), &text).unwrap();
    fs::write(folder.join("next.json"), text.replace("\"version\":1", "\"version\":2").replace("mine", "next"))
        .unwrap();
    fs::write(folder.join("x.json"), "{").unwrap();
    fs::write(folder.join("big.json"), vec![b' '; 2 * MOST_BYTES as usize]).unwrap();
    fs::write(folder.join("note"), "").unwrap();
    assert_eq!(owners(folder), [("mine".to_owned(), Owner::Gone)]);
    assert_eq!(fs::read_dir(folder).unwrap().count(), 7);
    for id in ["", ".", "..", "../x", "a/b", "ü", "a b", &"x".repeat(201)] {
        assert!(keep_in(folder, session(id)).is_err(), "{id}");
    }
}

#[test]
fn their_number_and_their_age_are_bounded() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path();
    for number in 0..MOST {
        fs::write(folder.join(format!("s-{number}.lock")), "").unwrap();
        let machine = serde_json::from_str(r#"{"host":"other","boot":"other","process_start":1}"#).unwrap();
        let (started, pid) = (UNIX_EPOCH.elapsed().unwrap().as_secs() - 60 + u64::from(number > 0), std::process::id());
        let record = Record { version: VERSION, session: session(&format!("s-{number}")), started, pid, machine };
        fs::write(folder.join(format!("s-{number}.json")), serde_json::to_vec(&record).unwrap()).unwrap();
    }
    let _kept = keep_in(folder, session("one-more")).unwrap();
    let all = owners(folder);
    assert_eq!(all.len(), MOST);
    assert!(!all.iter().any(|(id, _)| id == "s-0"), "the oldest has made room");

    let old = fs::read_to_string(folder.join("s-1.json")).unwrap();
    let mut old: serde_json::Value = serde_json::from_str(&old).unwrap();
    old["started"] = 1.into();
    fs::write(folder.join("s-1.json"), old.to_string()).unwrap();
    assert_eq!(owners(folder).len(), MOST - 1);
    assert!(!folder.join("s-1.json").exists() && !folder.join("s-1.lock").exists());
}
