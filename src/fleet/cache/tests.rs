//! Tests of the cache.

use std::fs;
use std::time::{Duration, Instant, SystemTime};

use super::files::{KEPT, LEFT_OVER, MOST_LISTS};
use super::*;
use crate::aws::{Ambient, ErrorKind, InstanceState};
use crate::fleet::model::instance::Instance;
use crate::fleet::model::state::TargetState;
use crate::fleet::trouble::Service;
use crate::testing::{Fake, many};

async fn cache(dir: &Path) -> Cache {
    Cache::of(dir, &Fake::start(|_| unreachable!("there is no request")).await.aws().await, "Name")
}

fn cached(instances: Vec<Instance>) -> Cached {
    // What is written has no parts of milliseconds.
    let as_of = SystemTime::UNIX_EPOCH + Duration::from_millis(1_790_000_000_123);
    Cached { as_of, instances, troubles: Vec::new() }
}

#[tokio::test]
async fn what_is_kept_is_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let cache = cache(dir.path()).await;
    assert_eq!(cache.read(), None);

    let mut odd = Instance::unknown("mi-0123456789abcdef0", cache.place.clone());
    odd.name = Some("tab\tand\\line\nend\r".to_owned());
    odd.status = TargetState::Offline;
    odd.tags = [("key\t".to_owned(), String::new())].into();
    let mut down = Instance::unknown("i-0123abcd", cache.place.clone());
    down.state = Some(InstanceState::Unknown);
    down.status = TargetState::Down(InstanceState::Unknown);
    let mut instances = many(3);
    instances.extend([odd, down]);
    let kept = Cached {
        troubles: vec![Trouble {
            place: cache.place.clone(),
            service: Service::SystemsManager,
            partial: false,
            kind: ErrorKind::Permission,
            message: "you may not".to_owned(),
            hints: vec!["ask".to_owned()],
            output: None,
        }],
        ..cached(instances)
    };
    cache.keep(&kept);
    let mut read = cache.read().unwrap();
    read.instances.sort_by(|one, other| one.id.cmp(&other.id));
    let mut instances = kept.instances.clone();
    instances.sort_by(|one, other| one.id.cmp(&other.id));
    assert_eq!(read, Cached { instances, ..kept });
}

#[tokio::test]
async fn what_is_not_complete_is_not_kept() {
    let dir = tempfile::tempdir().unwrap();
    let cache = cache(dir.path()).await;
    let trouble = |kind, partial| Trouble {
        place: cache.place.clone(),
        service: Service::Ec2,
        partial,
        kind,
        message: String::new(),
        hints: Vec::new(),
        output: None,
    };
    for trouble in [trouble(ErrorKind::Throttled, false), trouble(ErrorKind::Permission, true)] {
        cache.keep(&Cached { troubles: vec![trouble], ..cached(many(1)) });
        assert_eq!(cache.read(), None);
    }
}

#[tokio::test]
async fn a_damaged_file_or_one_of_another_kind_is_not_there_and_is_written_anew() {
    let dir = tempfile::tempdir().unwrap();
    let cache = cache(dir.path()).await;
    let good = cached(many(2));
    cache.keep(&good);
    let path = cache.path("list");
    let text = fs::read_to_string(&path).unwrap();
    let cut = &text[..text.len() - 10];
    let fewer = text.split_inclusive('\n').take(2).collect::<String>();
    let other = text.replacen("\"version\":1", "\"version\":2", 1);
    assert_ne!(other, text);
    for bad in [cut, &fewer, &other, "", "\n", "{}\n", "\u{0}\u{1}", &text.replace("online", "onlin")] {
        fs::write(&path, bad).unwrap();
        assert_eq!(cache.read(), None, "{bad:?}");
        cache.keep(&good);
        assert!(cache.read().is_some());
    }
    fs::write(&path, b"\xff\xfe\n").unwrap();
    assert_eq!(cache.read(), None);
    let elsewhere = Cache { header: Header { name_tag: "Title".to_owned(), ..cache.header.clone() }, ..cache.clone() };
    fs::write(&path, &text).unwrap();
    fs::copy(&path, elsewhere.path("list")).unwrap();
    assert_eq!(elsewhere.read(), None, "the file of another");
}

#[tokio::test]
async fn an_age_is_that_of_the_question() {
    let ago = |secs| Cached { as_of: SystemTime::now() - Duration::from_secs(secs), ..cached(Vec::new()) };
    let age = Duration::from_mins(1);
    assert!(ago(30).is_fresh(age) && !ago(90).is_fresh(age));
    let to_come = Cached { as_of: SystemTime::now() + age, ..cached(Vec::new()) };
    assert!(!to_come.is_fresh(age) && !ago(0).is_fresh(Duration::ZERO));
}

#[cfg(unix)]
#[tokio::test]
async fn files_and_folders_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let cache = cache(&dir.path().join("deep/er")).await;
    cache.keep(&cached(many(1)));
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&cache.dir), mode(&dir.path().join("deep"))), (0o700, 0o700));
    let all: Vec<_> = files(&cache.dir).into_iter().map(|(path, _)| mode(&path)).collect();
    assert_eq!(all, [0o600; 2]);
}

#[tokio::test]
async fn one_at_a_time_writes() {
    let dir = tempfile::tempdir().unwrap();
    let cache = cache(dir.path()).await;
    // A reader meanwhile sees a whole list.
    cache.keep(&cached(many(500)));
    std::thread::scope(|scope| {
        for count in [500, 700, 900] {
            let cache = &cache;
            scope.spawn(move || (0..10).for_each(|_| cache.keep(&cached(many(count)))));
        }
        for _ in 0..50 {
            let seen = cache.read().unwrap().instances.len();
            assert!([500, 700, 900].contains(&seen), "{seen}");
        }
    });
    assert!(files(&cache.dir).iter().all(|(path, _)| !has_ending(path, "new")));
}

#[tokio::test]
async fn old_lists_go_and_so_do_those_that_are_too_many() {
    let dir = tempfile::tempdir().unwrap();
    let cache = cache(dir.path()).await;
    crate::files::create_folder(&cache.dir).unwrap();
    let aged = |name: &str, age: Duration| {
        let file = File::create(cache.dir.join(name)).unwrap();
        file.set_modified(SystemTime::now() - age).unwrap();
    };
    let key = |n: u32| format!("{n:032x}");
    let old = key(999);
    aged(&format!("{old}.list"), KEPT + LEFT_OVER);
    aged(&format!("{old}.lock"), KEPT + LEFT_OVER);
    aged(&format!(".{old}.list.ssmx-aZ09zz.new"), LEFT_OVER * 2);
    for n in 0..MOST_LISTS as u32 + 5 {
        aged(&format!("{}.list", key(n)), LEFT_OVER * (2 + n));
    }
    // Whatever else is in a folder that somebody named.
    let foreign = [
        "shopping.list".to_owned(),
        "Cargo.lock".to_owned(),
        "brand.new".to_owned(),
        ".notes.list.ssmx-1.new".to_owned(),
        "photo".to_owned(),
        format!("{old}.txt"),
        format!("{}.list", old.to_uppercase().replace('0', "A")),
        format!(".{old}.list.ssmx-../x.new").replace('/', ""),
    ];
    foreign.iter().for_each(|name| aged(name, KEPT * 2));
    cache.keep(&cached(many(1)));
    let left: Vec<_> = files(&cache.dir).into_iter().map(|(path, _)| path).collect();
    assert_eq!(left.iter().filter(|path| has_ending(path, "list")).count(), MOST_LISTS);
    assert!(cache.read().is_some() && left.iter().all(|path| !has_ending(path, "new")));
    assert!(!cache.dir.join(format!("{old}.lock")).exists());
    assert!(!cache.dir.join(format!(".{old}.list.ssmx-aZ09zz.new")).exists());
    let gone: Vec<_> = foreign.iter().filter(|name| !cache.dir.join(name).exists()).collect();
    assert!(gone.is_empty(), "{gone:?}");
}

#[tokio::test]
async fn names_are_found_without_a_question() {
    let dir = tempfile::tempdir().unwrap();
    let cache = cache(dir.path()).await;
    cache.keep(&cached(many(2)));
    let ambient = Ambient::of(&[], &[]);
    let identity = Identity::of(&ambient.settings(Some("another"), None), &ambient);
    assert!(names(dir.path(), &identity, None, None).is_empty());

    let fake = Fake::start(|_| unreachable!("there is no request")).await;
    let aws = fake.aws().await;
    let find = |region, endpoint| names(dir.path(), aws.identity(), region, endpoint);
    let found = find(Some("eu-west-1"), None);
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].name.as_deref(), found[0].status), (Some("node-00000"), TargetState::Online));
    assert_eq!(found[0].id, "i-0a11ce00000000000");
    assert_eq!(find(None, cache.header.endpoint.as_deref()), found);
    assert!(find(Some("eu-west-2"), None).is_empty() && find(None, Some("http://x")).is_empty());
}

/// A completion has 50 ms, and reads names alone. The time of the best of some runs, so that a busy machine does not count.
#[tokio::test]
async fn ten_thousand_names_are_read_in_a_moment() {
    let dir = tempfile::tempdir().unwrap();
    let cache = cache(dir.path()).await;
    cache.keep(&cached(many(10_000)));
    let best = |read: &dyn Fn() -> usize| {
        let run = |_| {
            let start = Instant::now();
            assert_eq!(read(), 10_000);
            start.elapsed()
        };
        (0..20).map(run).min().unwrap()
    };
    let aws = Fake::start(|_| unreachable!("there is no request")).await.aws().await;
    let only_names = best(&|| names(dir.path(), aws.identity(), None, None).len());
    assert_eq!(cache.read().unwrap().instances.len(), 10_000);
    assert!(only_names < Duration::from_millis(50), "{only_names:?}");
}

#[test]
fn every_seed_of_the_fuzzer_passes() {
    crate::testing::every_seed_passes("cache", check::check);
}
