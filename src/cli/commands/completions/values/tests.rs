use super::*;

/// What is offered where the cursor stands at the end of a line.
fn offered(line: &str) -> Vec<String> {
    let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    candidates(&words).iter().map(|candidate| candidate.get_value().to_string_lossy().into_owned()).collect()
}

fn has(line: &str, expected: &[&str]) {
    let offered = offered(line);
    for word in expected {
        assert!(offered.iter().any(|offered| offered == word), "{line}: no {word} among {offered:?}");
    }
}

fn lacks(line: &str, unexpected: &str) {
    assert!(!offered(line).iter().any(|offered| offered == unexpected), "{line}: {unexpected}");
}

#[test]
fn the_first_word_is_a_command() {
    has("ssmx ", &["shell", "exec", "fwd", "ssh", "sandbox", "completions"]);
    lacks("ssmx ", "--profile");
    assert_eq!(offered("ssmx com"), ["completions"]);
    has("ssmx -q -p work e", &["exec"]);
}

#[test]
fn flags_are_offered_once_they_are_begun_or_nothing_else_is_left() {
    has("ssmx --", &["--profile", "--region", "--document", "--reason", "--help", "--version"]);
    has("ssmx shell web-1 ", &["--document", "--profile"]);
    has("ssmx web-1 --do", &["--document"]);
    has("ssmx exec --b", &["--binary"]);
    lacks("ssmx exec --", "--escape");
    has("ssmx --color ", &["auto", "always", "never"]);
    has("ssmx --color=a", &["--color=auto", "--color=always"]);
    has("ssmx fwd db 80 --output ", &["table", "json"]);
}

#[test]
fn values_of_flags_are_offered_everywhere() {
    has("ssmx --region eu-", &["eu-west-1", "eu-central-1"]);
    has("ssmx shell web-1 --region=us-w", &["--region=us-west-2"]);
    has("ssmx -r eu-west-1,us-west-", &["eu-west-1,us-west-1", "eu-west-1,us-west-2"]);
    has("ssmx -reu-w", &["-reu-west-1"]);
    has("ssmx exec a --document AWS-", &["AWS-StartNonInteractiveCommand"]);
    has("ssmx web-1 --document SSM", &["SSM-SessionManagerRunShell"]);
    has("ssmx ls --columns name,pub", &["name,public_ip"]);
    has("ssmx completions ", &["bash", "zsh", "fish", "powershell", "elvish"]);
    has("ssmx help e", &["exec"]);
    has("ssmx config g", &["get"]);
    has("ssmx config get ssh_", &["ssh_user", "ssh_port"]);
    has("ssmx config set reg", &["region"]);
}

#[test]
fn behind_two_dashes_is_a_command_there_or_here() {
    assert!(offered("ssmx exec web-1 -- sh").is_empty());
    assert!(offered("ssmx web-1 -- ").is_empty());
    if cfg!(unix) {
        has("ssmx fwd db 80 -- s", &["sh"]);
        has("ssmx sandbox -- env /", &["/usr/"]);
        has("ssmx sandbox -- /usr/", &["/usr/bin/"]);
    }
    assert!(!offered("ssmx exec --document D -").is_empty());
}

#[test]
fn ssh_and_scp_keep_their_own_options() {
    has("ssmx ssh --re", &["--reason", "--region"]);
    has("ssmx ssh --region eu-w", &["eu-west-1"]);
    has("ssmx ssh -v --region=eu-w", &["--region=eu-west-1"]);
    assert!(offered("ssmx ssh -").iter().all(|flag| flag.starts_with("--")), "{:?}", offered("ssmx ssh -"));
    assert!(offered("ssmx ssh -p ").is_empty(), "a port is no profile");
    assert!(offered("ssmx ssh web-1 l").is_empty());
    if cfg!(unix) {
        has("ssmx ssh -i /us", &["/usr/"]);
        has("ssmx scp -r /us", &["/usr/"]);
        has("ssmx scp /etc/hostname /us", &["/usr/"]);
    }
    assert!(offered("ssmx scp web-1:/us").is_empty());
}

#[test]
fn the_definition_is_sound_with_what_is_added_to_it() {
    for current in ["", "-"] {
        definition(&Arc::new(Known::of(&["ssmx".into()])), current).debug_assert();
    }
}

#[test]
fn a_line_in_which_a_flag_lacks_its_value_is_left_alone() {
    for line in
        ["ssmx  ssh --region -i -", "ssmx exec --region -i -", "ssmx exec -qp --all ", "ssmx --region --profile x"]
    {
        assert!(offered(line).is_empty(), "{line}");
    }
    has("ssmx exec --all --region eu-w", &["eu-west-1"]);
}

/// The arguments of a command and of those below it: those that take values which nothing is known of.
fn unknown(command: &Command, path: &str, found: &mut Vec<String>) {
    for arg in command.get_arguments().filter(|arg| arg.get_action().takes_values() && !arg.is_hide_set()) {
        let is_known = arg.get::<Completes>().is_some()
            || !arg.get_possible_values().is_empty()
            || arg.get_value_hint() != clap::ValueHint::Unknown;
        if !is_known && !arg.is_global_set() {
            found.push(format!("{path}{}", arg.get_id()));
        }
    }
    for sub in command.get_subcommands() {
        unknown(sub, &format!("{path}{} ", sub.get_name()), found);
    }
}

/// An argument that is new, or has lost what its values name, shows up here.
#[test]
fn every_argument_has_values_that_are_known_or_is_free_text() {
    let mut found = Vec::new();
    unknown(&Cli::command(), "", &mut found);
    assert_eq!(found, FREE);
}

/// Values that people make up, and the words of other programs, which are completed apart.
const FREE: [&str; 29] = [
    "shell parameters",
    "shell reason",
    "shell escape",
    "shell command",
    "exec reason",
    "exec command",
    "fwd socks",
    "fwd socks_sessions",
    "fwd socks_idle",
    "fwd bind",
    "fwd lanes",
    "fwd reason",
    "fwd command",
    "ssh user",
    "ssh reason",
    "ssh args",
    "scp user",
    "scp reason",
    "scp args",
    "proxy port",
    "proxy typed",
    "proxy reason",
    "sandbox instances",
    "sandbox agent_version",
    "sandbox api_latency",
    "sandbox api_throttle",
    "sandbox faults",
    "sandbox seed",
    "sandbox command",
];

proptest::proptest! {
    #[test]
    fn no_line_brings_it_down(line in "(ssmx|x)( (-|--|ssh|scp|exec|fwd|-p|-i|--region|=|a@b:|web-1|help|)){0,6}") {
        let _ = offered(&line);
    }
}
