use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o7777
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn folders_are_their_owners_alone_with_those_above_them() {
    let root = tempfile::tempdir().unwrap();
    let deep = root.path().join("a/b");
    create_folder(&deep).unwrap();
    assert_eq!((mode(&deep), mode(&root.path().join("a"))), (0o700, 0o700));
    fs::set_permissions(&deep, fs::Permissions::from_mode(0o755)).unwrap();
    create_folder(&deep).unwrap();
    assert_eq!(mode(&deep), 0o755, "one that exists stays as it is");
    assert_eq!(create_new_folder(&deep).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    assert!(create_new_folder(&root.path().join("c/d")).is_err(), "it is the last one alone that is made");
}

#[test]
fn a_persons_file_keeps_its_mode_and_its_links() {
    let root = tempfile::tempdir().unwrap();
    let (real, link, links) = (root.path().join("real"), root.path().join("link"), root.path().join("links"));
    fs::write(&real, "old").unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o644)).unwrap();
    symlink("real", &link).unwrap();
    symlink(&link, &links).unwrap();
    replace(&links, b"new").unwrap();
    assert!(links.is_symlink() && link.is_symlink() && !real.is_symlink());
    assert_eq!((fs::read_to_string(&real).unwrap().as_str(), mode(&real)), ("new", 0o644));

    let (nowhere, made) = (root.path().join("nowhere"), root.path().join("made"));
    symlink("made", &nowhere).unwrap();
    replace(&nowhere, b"first").unwrap();
    assert_eq!((fs::read_to_string(&made).unwrap().as_str(), mode(&made)), ("first", 0o600));

    let circle = root.path().join("circle");
    symlink("circle", &circle).unwrap();
    assert!(replace(&circle, b"").is_err());
    assert_eq!(names(root.path()), ["circle", "link", "links", "made", "nowhere", "real"]);
}

#[test]
fn our_own_file_is_its_owners_alone_whatever_was_there() {
    let root = tempfile::tempdir().unwrap();
    let (file, other) = (root.path().join("file"), root.path().join("other"));
    fs::write(&other, "theirs").unwrap();
    symlink("other", &file).unwrap();
    write(&file, b"ours").unwrap();
    assert_eq!((fs::read_to_string(&file).unwrap().as_str(), mode(&file)), ("ours", 0o600));
    assert_eq!(fs::read_to_string(&other).unwrap(), "theirs", "a link is replaced, not followed");
}

#[test]
fn a_failure_leaves_the_old_file_and_nothing_beside_it() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("folder");
    fs::create_dir_all(folder.join("inside")).unwrap();
    for written in [replace(&folder, b"new"), write(&folder, b"new"), replace_by_link(Path::new("x"), &folder)] {
        assert!(written.is_err(), "a folder does not give way to a file");
    }
    assert!(folder.join("inside").is_dir());
    let error = write(&root.path().join("none/file"), b"").unwrap_err();
    assert_eq!(error.to_string(), "No such file or directory (os error 2)", "names of our own are not told");
    assert_eq!(names(root.path()), ["folder"]);
}

#[test]
fn a_link_takes_the_place_of_whatever_file_was_there() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("path");
    fs::write(&path, "").unwrap();
    for target in ["/one", "/two"] {
        replace_by_link(Path::new(target), &path).unwrap();
        assert_eq!(fs::read_link(&path).unwrap(), Path::new(target));
    }
    assert_eq!(names(root.path()), ["path"]);
}

#[test]
fn a_temporary_folder_is_its_owners_alone_and_goes_with_all_in_it() {
    let root = tempfile::tempdir().unwrap();
    let outside = root.path().join("outside");
    fs::write(&outside, "").unwrap();
    let parent = root.path().join("parent");
    fs::create_dir(&parent).unwrap();
    let (one, two) = (TemporaryFolder::new_in(&parent, "x-").unwrap(), TemporaryFolder::new_in(&parent, "x-").unwrap());
    assert_ne!(one.path(), two.path());
    assert!(names(&parent).iter().all(|name| name.starts_with("x-") && name.len() == 18));
    assert_eq!(mode(one.path()), 0o700);
    fs::create_dir(one.path().join("inside")).unwrap();
    symlink(&outside, one.path().join("link")).unwrap();
    drop((one, two));
    assert!(names(&parent).is_empty() && outside.exists());
    assert!(TemporaryFolder::new_in(Path::new("/nowhere"), "x-").is_err());
}

#[test]
fn a_folder_is_left_over_when_its_process_is_gone_and_not_before() {
    let root = tempfile::tempdir().unwrap();
    let left = || leftovers_in(root.path(), "x-").into_iter().map(|left| left.path().to_owned());
    let (here, other) = (TemporaryFolder::new_in(root.path(), "x-").unwrap(), root.path().join("y-1"));
    assert_eq!(left().count(), 0);
    // As a killed process leaves it: with its file, and without a lock on that.
    let make = |name: &str, mode| {
        let folder = root.path().join(name);
        create_new_folder(&folder).unwrap();
        fs::write(folder.join(".owner"), "").unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
        folder
    };
    let killed = make("x-1", 0o700);
    make("y-1", 0o700);
    make("x-open-to-others", 0o755);
    create_new_folder(&root.path().join("x-without-a-lock")).unwrap();
    symlink(&killed, root.path().join("x-link")).unwrap();
    assert_eq!(left().collect::<Vec<_>>().as_slice(), std::slice::from_ref(&killed));
    leftovers_in(root.path(), "x-").into_iter().for_each(Leftover::remove);
    assert!(!killed.exists() && here.path().exists() && other.exists());
}
