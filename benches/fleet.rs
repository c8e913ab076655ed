//! 10,000 instances in three regions: `ssmx ls` asked of AWS (the sandbox, on loopback) and out of the cache, beside a
//! start of the program that does nothing; the cache alone, as a completion and a listing read it; and all of one region
//! with 100 ms to a call, beside the pages of Systems Manager one after the other, which is what any other client does.

#![allow(clippy::disallowed_methods, reason = "benchmarks make files as they need them")]
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use aws_sdk_ssm::config::{BehaviorVersion, Credentials, Region};
use criterion::{Criterion, criterion_group, criterion_main};
use ssmx::bench::aws::{Ambient, Aws, Endpoints, InstanceState, PingStatus, Platform, Settings};
use ssmx::bench::fleet::{self, CacheUse, Instance, Options, Place, Query, TargetState};
use ssmx::bench::fleet::{Cache, Cached, names};
use ssmx::sandbox::agent::Instances;
use ssmx::sandbox::{self, ApiFault, Fleet, Sandbox, Throttle};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const REGIONS: [&str; 3] = ["us-east-1", "eu-west-1", "ap-southeast-2"];

/// A sandbox with the instances, and a cache that is full of them.
struct Bench {
    sandbox: Sandbox,
    cache: TempDir,
    runtime: Runtime,
}

impl Bench {
    fn new() -> Self {
        let bench = Self::with(&REGIONS, |_| {});
        bench.ssmx(&["ls", "--refresh", "--region", &REGIONS.join(",")]);
        bench
    }

    fn with(regions: &[&str], change: impl FnOnce(&mut sandbox::Options)) -> Self {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let text = format!("generate = {{ count = 10_000, regions = {regions:?} }}");
        std::fs::write(file.path(), text).expect("a file that can be written");
        let mut options = sandbox::Options::new(Arc::new(Instances::new()));
        options.fleet = Fleet::read(file.path(), REGIONS[0]).expect("a fleet");
        change(&mut options);
        let runtime = Runtime::new().expect("threads");
        let sandbox = runtime.block_on(Sandbox::start(options)).expect("a sandbox");
        Self { sandbox, cache: TempDir::new().expect("a folder"), runtime }
    }

    /// Runs the program to its end.
    fn ssmx(&self, words: &[&str]) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ssmx"));
        command.args(words).envs(self.sandbox.environment()).env("SSMX_CACHE_DIR", self.cache.path());
        // So that no run of a slow machine finds the cache too old.
        command
            .env("SSMX_CACHE", "1day")
            .env("XDG_CONFIG_HOME", "/nowhere")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        assert!(command.status().expect("the program").success());
    }

    fn aws(&self) -> Vec<Aws> {
        let of = |region: &str| {
            let settings = Settings {
                region: Some(region.to_owned()),
                endpoints: Endpoints::common(&self.sandbox.endpoint()),
                ..Settings::default()
            };
            // Makes no request.
            self.runtime.block_on(Aws::load(&settings, &Ambient::of_process())).expect("settings")
        };
        REGIONS.map(of).into()
    }
}

fn instance(n: usize, place: Place) -> Instance {
    let text = |text: &str| Some(text.to_owned());
    Instance {
        name: Some(format!("node-{n:05}")),
        status: TargetState::Online,
        state: Some(InstanceState::Running),
        ping: Some(PingStatus::Online),
        last_ping: Some(SystemTime::now()),
        launched: Some(SystemTime::now()),
        agent_version: text("3.3.3050.0"),
        platform: Some(Platform::Linux),
        platform_name: text("Amazon Linux 2023"),
        computer_name: text("ip-10-1-0-11.ec2.internal"),
        instance_type: text("m7g.large"),
        zone: text("us-east-1a"),
        private_ip: text("10.1.0.11"),
        private_dns: text("ip-10-1-0-11.ec2.internal"),
        instance_profile: text("arn:aws:iam::123456789012:instance-profile/ssm"),
        tags: [("Name", format!("node-{n:05}")), ("Env", "prod".to_owned()), ("Role", "web".to_owned())]
            .map(|(key, value)| (key.to_owned(), value))
            .into(),
        ..Instance::unknown(format!("i-0a11ce{n:011}"), place)
    }
}

fn ls(criterion: &mut Criterion) {
    let bench = Bench::new();
    let regions = REGIONS.join(",");
    let mut group = criterion.benchmark_group("ls of 10,000 instances");
    group.sample_size(10).measurement_time(Duration::from_secs(20));
    group.bench_function("start alone", |bencher| bencher.iter(|| bench.ssmx(&["--version"])));
    group.bench_function("cold", |bencher| bencher.iter(|| bench.ssmx(&["ls", "--no-cache", "--region", &regions])));
    group.bench_function("warm", |bencher| bencher.iter(|| bench.ssmx(&["ls", "--region", &regions])));
    group.bench_function("warm, ids", |bencher| {
        bencher.iter(|| bench.ssmx(&["ls", "--region", &regions, "-o", "ids"]));
    });
    let cold = ["ls", "--no-cache", "--region", &regions, "node-0012"];
    group.bench_function("cold, 10 by a part of their names", |bencher| bencher.iter(|| bench.ssmx(&cold)));
    group.finish();
}

fn cache(criterion: &mut Criterion) {
    let bench = Bench::new();
    let dir = tempfile::tempdir().expect("a folder");
    let clouds = bench.aws();
    let options = Options { cache_dir: Some(dir.path().to_owned()), cache: CacheUse::AtOnce, ..Options::default() };
    let identity = clouds[0].identity().clone();
    for aws in &clouds {
        let instances = (0..10_000 / REGIONS.len()).map(|n| instance(n, Place::of(aws))).collect();
        let cached = Cached { as_of: SystemTime::now(), instances, troubles: Vec::new() };
        Cache::of(dir.path(), aws, &options.name_tag).keep(&cached);
    }
    let count = || {
        let cached = bench.runtime.block_on(fleet::cached(&clouds, &Query::default(), &options));
        cached.expect("a cache").0.instances.len()
    };
    assert_eq!(count(), 9_999);

    let mut group = criterion.benchmark_group("cache of 10,000 instances");
    group.bench_function("names of a region, for a completion", |bencher| {
        bencher.iter(|| black_box(names(dir.path(), &identity, Some(REGIONS[0]), None)).len());
    });
    group.bench_function("all of three regions, in order", |bencher| bencher.iter(|| black_box(count())));
    group.finish();
}

/// The pages of Systems Manager, one after the other.
async fn one_after_the_other(sandbox: &Sandbox) -> usize {
    let environment = sandbox.environment();
    let key = |name: &str| environment.iter().find(|(known, _)| known == name).expect("a key").1.clone();
    let keys = Credentials::new(
        key("AWS_ACCESS_KEY_ID"),
        key("AWS_SECRET_ACCESS_KEY"),
        Some(key("AWS_SESSION_TOKEN")),
        None,
        "bench",
    );
    let config = aws_sdk_ssm::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGIONS[0]))
        .endpoint_url(sandbox.endpoint())
        .credentials_provider(keys)
        .build();
    let client = aws_sdk_ssm::Client::from_conf(config);
    let (mut found, mut token) = (0, None);
    loop {
        let page = client.describe_instance_information().max_results(50).set_next_token(token).send().await;
        let page = page.expect("a page");
        found += page.instance_information_list().len();
        token = page.next_token;
        if token.is_none() {
            return found;
        }
    }
}

/// Seconds are no measure of one machine against another: the ratio is.
fn far(_: &mut Criterion) {
    // As the other groups are left out where another name is asked for.
    if std::env::args().skip(1).any(|word| !word.starts_with('-') && !"far away".contains(&word)) {
        return;
    }
    let at_100_ms = |options: &mut sandbox::Options| options.api_latency = Duration::from_millis(100);
    let bench = Bench::with(&REGIONS[..1], at_100_ms);
    let start = Instant::now();
    assert_eq!(bench.runtime.block_on(one_after_the_other(&bench.sandbox)), 10_000);
    let baseline = start.elapsed().as_secs_f64();
    println!("10,000 instances far away (100 ms a call)   seconds   ratio   calls   too many   at once");
    println!("{:43} {baseline:7.2} {:7.2} {:7}", "pages one after the other", 1.0, 200);
    let row = |name: &str, words: &[&str], change: &dyn Fn(&mut sandbox::Options)| {
        let bench = Bench::with(&REGIONS[..1], |options| {
            at_100_ms(options);
            change(options);
        });
        let start = Instant::now();
        bench.ssmx(words);
        let (took, calls) = (start.elapsed().as_secs_f64(), bench.sandbox.api_calls());
        let sum = |counts: &BTreeMap<String, usize>| counts.values().sum::<usize>();
        let (made, throttled) = (sum(&calls.made), sum(&calls.throttled));
        println!("{name:43} {took:7.2} {:7.2} {made:7} {throttled:10} {:9}", took / baseline, calls.most_at_once);
    };
    let cold = ["ls", "--no-cache"];
    row("ls, cold", &cold, &|_| {});
    row("ls, one call in five too many", &cold, &|options| options.api_throttle = Throttle::Share(0.2));
    row("ls, buckets as in AWS", &cold, &|options| options.api_throttle = Throttle::Real);
    row("ls of a tag of one in three", &["ls", "--no-cache", "Env=prod"], &|_| {});
    let denied = ApiFault::Deny { action: "ec2:DescribeInstances".to_owned() };
    row("ls without EC2, all of one platform", &cold, &|options| options.api_faults.push(denied.clone()));
}

criterion_group!(benches, ls, cache, far);
criterion_main!(benches);
