//! How long a shell waits when Tab is pressed with 10,000 instances in the cache, beside `ssmx --version`, which does
//! nothing but start. The program is run as a shell runs it.

use std::process::{Command, Stdio};
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use ssmx::sandbox::agent::Instances;
use ssmx::sandbox::{MOST_INSTANCES, Options, Sandbox};

/// A program with this environment and no other, and a home of its own.
struct Program {
    environment: Vec<(String, String)>,
    _home: tempfile::TempDir,
}

impl Program {
    /// After a listing of that many instances, of an account that is gone by now.
    fn with_instances(count: usize) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let runtime = tokio::runtime::Runtime::new().expect("threads");
        let mut options = Options::new(Arc::new(Instances::new()));
        let region = options.region.clone();
        let more = count - options.fleet.iter().count();
        options.fleet.add_generated(more, 1, &region).expect("instances");
        let sandbox = runtime.block_on(Sandbox::start(options)).expect("a sandbox");
        let mut environment = sandbox.environment();
        environment.push(("HOME".to_owned(), home.path().to_str().expect("a path").to_owned()));
        let program = Self { environment, _home: home };
        assert_eq!(program.run(&["ls", "-o", "ids"], None).lines().count(), count);
        runtime.block_on(sandbox.shutdown());
        program
    }

    fn run(&self, args: &[&str], shell: Option<&str>) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ssmx"));
        command.args(args).env_clear().envs(self.environment.iter().cloned()).stdin(Stdio::null());
        command.envs(shell.map(|shell| ("SSMX_COMPLETE", shell)));
        let output = command.output().expect("it runs");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    }

    /// What fish gets for a line.
    fn complete(&self, words: &[&str]) -> String {
        self.run(&[&["--", "ssmx"], words].concat(), Some("fish"))
    }
}

fn completion(criterion: &mut Criterion) {
    let program = Program::with_instances(MOST_INSTANCES);
    assert!(program.complete(&["exec", ""]).lines().count() >= MOST_INSTANCES - 1);
    assert!(program.complete(&["node-0012"]).lines().count() < 20);
    let mut group = criterion.benchmark_group("completion");
    group.bench_function("baseline: ssmx --version", |bencher| {
        bencher.iter(|| program.run(&["--version"], None));
    });
    group.bench_function("a command", |bencher| bencher.iter(|| program.complete(&["exe"])));
    group.bench_function("some names of 10,000", |bencher| bencher.iter(|| program.complete(&["node-0012"])));
    group.bench_function("all names of 10,000", |bencher| bencher.iter(|| program.complete(&["exec", ""])));
    group.finish();
}

criterion_group!(benches, completion);
criterion_main!(benches);
