//! The picker over 10,000 instances: from a key to the frame that shows what it did, and from the first instances to the
//! first row. Beside it, in the same run, what it takes to look all rows through anew as one text each: with the same
//! matcher, and with a plain search for parts. A frame is 16 ms.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ssmx::bench::fleet::{Instance, Place, TargetState};
use ssmx::bench::picker::{Key, Settings, State, Update, draw};

const INSTANCES: usize = 10_000;

/// What a page of DescribeInstances brings, and one of DescribeInstanceInformation.
const EC2_PAGE: usize = 1_000;
const SSM_PAGE: usize = 50;

/// A query, and the key after it whose time is taken.
const KEYS: [(&str, &str, Key); 9] = [
    ("the first letter", "", Key::Char('o')),
    ("a letter that all have", "", Key::Char('e')),
    ("the second letter", "o", Key::Char('r')),
    ("the last of a word", "order", Key::Char('s')),
    ("the first of another word", "orders ", Key::Char('p')),
    ("letters in order", "ordp", Key::Char('r')),
    ("a tag", "Env=pro", Key::Char('d')),
    ("a letter less", "orders", Key::Backspace),
    ("all letters less", "orders prod", Key::Ctrl('u')),
];

fn fleet() -> Vec<Instance> {
    const ROLES: [&str; 7] = ["web", "api", "worker", "orders-db", "cache", "queue", "billing"];
    const ENVIRONMENTS: [&str; 3] = ["prod", "staging", "dev"];
    let instance = |n: usize| {
        let (role, env) = (ROLES[n % ROLES.len()], ENVIRONMENTS[n % ENVIRONMENTS.len()]);
        let id = format!("i-{:017x}", (n as u128 + 1) * 0x9e37_79b9_7f4a_7c15 % 0xf_ffff_ffff_ffff_ffff);
        let place = Place { profile: Some("work".to_owned()), region: "eu-west-1".to_owned() };
        let name = format!("{env}-{role}-{n:05}");
        let tags = [
            ("Name", name.as_str()),
            ("Env", env),
            ("Role", role),
            ("Team", "platform-engineering"),
            ("CostCenter", "4711"),
            ("aws:autoscaling:groupName", "eks-general-purpose-20260101-nodes"),
        ];
        Instance {
            status: if n.is_multiple_of(20) { TargetState::Offline } else { TargetState::Online },
            private_ip: Some(format!("10.{}.{}.{}", n / 65_536, n / 256 % 256, n % 256)),
            private_dns: Some(format!("ip-10-{}-{}-{}.eu-west-1.compute.internal", n / 65_536, n / 256 % 256, n % 256)),
            zone: Some("eu-west-1a".to_owned()),
            instance_type: Some("m7g.large".to_owned()),
            platform_name: Some("Amazon Linux 2023".to_owned()),
            agent_version: Some("3.3.3050.0".to_owned()),
            tags: tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
            name: Some(name.clone()),
            ..Instance::unknown(id, place)
        }
    };
    (0..INSTANCES).map(instance).collect()
}

/// A picker that has seen them all, and on which this was typed.
fn picker(instances: &[Instance], query: &str) -> (State, Buffer) {
    let mut state = State::new(Settings { colored: true, ..Settings::default() });
    state.apply(Update::Found(instances.to_vec()));
    let mut buffer = Buffer::empty(Rect::new(0, 0, 160, 50));
    for c in query.chars() {
        state.handle(Key::Char(c));
        draw(&mut state, &mut buffer);
    }
    draw(&mut state, &mut buffer);
    (state, buffer)
}

fn frame(state: &mut State, buffer: &mut Buffer) {
    buffer.reset();
    black_box(draw(state, buffer));
}

fn keys(criterion: &mut Criterion) {
    let instances = fleet();
    let mut group = criterion.benchmark_group("picker/key");
    for (name, query, key) in KEYS {
        group.bench_function(name, |bencher| {
            let (mut state, mut buffer) = picker(&instances, query);
            let cursor_back = |state: &mut State, buffer: &mut Buffer| {
                state.handle(Key::End);
                state.handle(Key::Ctrl('u'));
                state.handle(Key::Paste(query.to_owned()));
                if query.ends_with(' ') {
                    state.handle(Key::Char(' '));
                }
                frame(state, buffer);
            };
            bencher.iter_custom(|rounds| {
                let mut taken = Duration::ZERO;
                for _ in 0..rounds {
                    cursor_back(&mut state, &mut buffer);
                    let start = Instant::now();
                    black_box(state.handle(key.clone()));
                    frame(&mut state, &mut buffer);
                    taken += start.elapsed();
                }
                taken
            });
        });
    }
    group.bench_function("an arrow", |bencher| {
        let (mut state, mut buffer) = picker(&instances, "orders");
        bencher.iter(|| {
            state.handle(Key::Down);
            frame(&mut state, &mut buffer);
        });
    });
    group.finish();

    // All that a picker of one text a row can do.
    let texts: Vec<String> = instances.iter().map(text).collect();
    let mut group = criterion.benchmark_group("picker/baseline");
    for query in ["o", "e", "orders p", "ordpr"] {
        group.bench_function(format!("{query}: all anew with the matcher"), |bencher| {
            let mut matcher = Matcher::new(Config::DEFAULT);
            bencher.iter(|| {
                let pattern = Pattern::parse(query, CaseMatching::Smart, Normalization::Smart);
                black_box(pattern.match_list(&texts, &mut matcher).len())
            });
        });
        group.bench_function(format!("{query}: all anew, parts only"), |bencher| {
            bencher.iter(|| {
                let words: Vec<&str> = query.split(' ').collect();
                let is_match = |text: &&String| words.iter().all(|word| text.to_lowercase().contains(word));
                black_box(texts.iter().filter(is_match).count())
            });
        });
    }
    group.finish();
}

fn text(instance: &Instance) -> String {
    let tags = instance.tags.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ");
    let known = |text: &Option<String>| text.clone().unwrap_or_default();
    format!("{} {} {} {tags}", known(&instance.name), instance.id, known(&instance.private_ip))
}

fn arrivals(criterion: &mut Criterion) {
    let instances = fleet();
    let mut group = criterion.benchmark_group("picker/arrival");
    for (name, count) in
        [("first row, from a page of EC2", EC2_PAGE), ("all rows, from a cache, in one frame", INSTANCES)]
    {
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || instances[..count].to_vec(),
                |page| {
                    let mut state = State::new(Settings::default());
                    state.apply(Update::Found(page));
                    let mut buffer = Buffer::empty(Rect::new(0, 0, 160, 50));
                    frame(&mut state, &mut buffer);
                    state
                },
                criterion::BatchSize::LargeInput,
            );
        });
    }
    group.bench_function("a page of statuses among all", |bencher| {
        let (mut state, mut buffer) = picker(&instances, "orders");
        let mut at = 0;
        bencher.iter_batched(
            || {
                at = (at + SSM_PAGE) % (INSTANCES - SSM_PAGE);
                instances[at..at + SSM_PAGE].to_vec()
            },
            |page| {
                state.apply(Update::Found(page));
                frame(&mut state, &mut buffer);
            },
            criterion::BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, keys, arrivals);
criterion_main!(benches);
