//! The README and docs/ show what happens: their blocks marked `console sandbox` are run, each file in a sandbox.
//!
//! A line that begins with `$ ` is a command for bash, one that begins with `> ` goes on with it. It has to exit with 0,
//! or with N where it ends in `# exit code N`. What stands under it is what it has to print, on either stream; `…`
//! stands for anything, alone for any lines. Nothing under it leaves open what is printed.

mod page;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;

use tempfile::TempDir;

use crate::aws_cli;
use crate::support::DEADLINE;
use crate::support::command::ssmx;

use page::{Ports, Step};

/// Before the first command: OpenSSH does not look for a configuration in `HOME`, so it has to be named, and plain ssh
/// takes a key that the instance knows.
const BEFORE: &str = r#"
export HOME=$PWD PATH=$PWD/bin:$PATH GIT_CONFIG_NOSYSTEM=1
ssh-keygen -q -t ed25519 -N '' -f key
home='case "$*" in "-G -F none "*) echo "userknownhostsfile $HOME/.ssh/known_hosts"; exit ;; esac'
printf 'Include "%s"\nBatchMode yes\nIdentityFile "%s"\n' "$PWD/.ssh/ssmx_config" "$PWD/key" >config
for program in ssh scp sftp; do
    printf '#!/bin/sh\n%s\nexec %s -F "%s" "$@"\n' "$home" "$(command -v $program)" "$PWD/config" >bin/$program
    chmod +x bin/$program
done
ssmx exec web-1 -- sh -c 'mkdir -p .ssh && echo "$1" >.ssh/authorized_keys' sh "$(cat key.pub)"
mkdir work
cd work
"#;

#[test]
fn what_is_shown_is_what_happens() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let documents = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let pages: Vec<PathBuf> = documents
        .chain([root.join("README.md")])
        .filter(|path| path.extension().is_some_and(|is| is == "md"))
        .collect();
    let running: Vec<_> = pages.into_iter().map(|page| thread::spawn(move || check(&page))).collect();
    let checked: Vec<_> = running.into_iter().map(|page| page.join().expect("a page that can be run")).collect();
    let wrong: Vec<&str> = checked.iter().flat_map(|(_, wrong)| wrong).map(String::as_str).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(checked.iter().map(|(commands, _)| commands).sum::<usize>() > 30, "the marks of the blocks are gone");
}

/// Runs the commands of a page; how many there are, and what is wrong.
fn check(path: &Path) -> (usize, Vec<String>) {
    let ports = Ports::free(serve);
    let steps = page::steps(&ports.put_into(&fs::read_to_string(path).unwrap()));
    if steps.is_empty() {
        return (0, Vec::new());
    }
    let folder = TempDir::new().unwrap();
    run(folder.path(), &steps);
    let wrong = steps.iter().enumerate().filter_map(|(number, step)| {
        let left = |what: &str| fs::read_to_string(folder.path().join(format!("{number}.{what}")));
        let printed = left("printed").unwrap_or_default();
        let code = left("code").unwrap_or_else(|_| "none, it was not run".to_owned());
        let code_is_right = code.trim() == step.code.to_string();
        (!code_is_right || !step.is_shown_by(&printed)).then(|| {
            let place = format!("{}:{}", path.display(), step.line);
            format!("{place}: {}\nexit code {}; printed:\n{printed}", step.command, code.trim())
        })
    });
    (steps.len(), wrong.collect())
}

/// Runs commands one after the other in one shell in a sandbox, and leaves what each printed and its exit code.
fn run(folder: &Path, steps: &[Step]) {
    fs::create_dir(folder.join("bin")).unwrap();
    symlink(aws_cli::program(), folder.join("bin/aws")).unwrap();
    let mut script = BEFORE.to_owned();
    for (number, step) in steps.iter().enumerate() {
        // In a file each, so that a mistake in one does not keep the others from being run.
        fs::write(folder.join(format!("{number}.sh")), &step.command).unwrap();
        let at = format!("$HOME/{number}");
        script.push_str(&format!(". {at}.sh >{at}.printed 2>&1 </dev/null; echo $? >{at}.code\n"));
    }
    let mut sandbox = ssmx();
    sandbox.args(["-q", "sandbox", "--sshd", "--", "bash", "-c", &script]).current_dir(folder);
    let (done, ended) = mpsc::channel();
    thread::spawn(move || {
        // Nobody waits any more once the time is over.
        let _ = done.send(sandbox.output());
    });
    ended.recv_timeout(4 * DEADLINE).expect("the commands end in time").expect("the program runs");
}

/// Answers as a web server on the port on which the instances of the documentation have one.
fn serve(listener: TcpListener) {
    let answer = format!("HTTP/1.0 200 OK\r\n\r\nhello from port {}\n", listener.local_addr().unwrap().port());
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let answer = answer.clone();
            // `--wait` connects and asks for nothing.
            thread::spawn(move || {
                if matches!(stream.read(&mut [0; 4096]), Ok(1..)) {
                    let _ = stream.write_all(answer.as_bytes());
                }
            });
        }
    });
}
