//! 10,000 instances in three regions: `ssmx ls` asked of AWS (the sandbox, on loopback) and out of the cache, beside a
//! start of the program that does nothing; and the cache alone, as a completion and a listing read it.

#![allow(clippy::disallowed_methods, reason = "benchmarks make files as they need them")]

use std::hint::black_box;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use criterion::{Criterion, criterion_group, criterion_main};
use ssmx::bench::aws::{Ambient, Aws, Endpoints, InstanceState, PingStatus, Platform, Settings};
use ssmx::bench::fleet::{self, CacheUse, Instance, Options, Place, Query, TargetState};
use ssmx::bench::fleet::{Cache, Cached, names};
use ssmx::sandbox::agent::Instances;
use ssmx::sandbox::{self, Fleet, Sandbox};
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
        let file = tempfile::NamedTempFile::new().expect("a file");
        let text = format!("generate = {{ count = 10_000, regions = {REGIONS:?} }}");
        std::fs::write(file.path(), text).expect("a file that can be written");
        let mut options = sandbox::Options::new(Arc::new(Instances::new()));
        options.fleet = Fleet::read(file.path(), REGIONS[0]).expect("a fleet");
        let runtime = Runtime::new().expect("threads");
        let sandbox = runtime.block_on(Sandbox::start(options)).expect("a sandbox");
        let bench = Self { sandbox, cache: TempDir::new().expect("a folder"), runtime };
        bench.ssmx(&["ls", "--refresh", "--region", &REGIONS.join(",")]);
        bench
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

criterion_group!(benches, ls, cache);
criterion_main!(benches);
