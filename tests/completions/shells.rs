//! Tab, pressed in real shells that have found the scripts by themselves.

use super::place::{Home, Typed};

/// What every shell completes alike.
fn common(shell: &mut Typed) {
    for (typed, line) in [
        // The first one is the one that loads the script.
        ("ssmx exe", "ssmx exec "),
        ("ssmx bas", "ssmx bastion "),
        ("ssmx web", "ssmx web-"),
        ("ssmx ord", "ssmx orders "),
        ("ssmx i-0fee", "ssmx i-0feedfacecafebeef "),
        ("ssmx exec db bas", "ssmx exec db bastion "),
        ("ssmx -v shell bas", "ssmx -v shell bastion "),
        ("ssmx db --docu", "ssmx db --document "),
        ("ssmx --profile wor", "ssmx --profile work "),
        ("ssmx --profile=wor", "ssmx --profile=work "),
        ("ssmx ls --region us-east-1,us-gov-w", "ssmx ls --region us-east-1,us-gov-west-1 "),
        ("ssmx fwd p", "ssmx fwd pg "),
        ("ssmx fwd pg p", "ssmx fwd pg pg "),
        ("ssmx fwd db 80 -- /usr/bi", "ssmx fwd db 80 -- /usr/bin/"),
        ("ssmx ssh -v ubuntu@bas", "ssmx ssh -v ubuntu@bastion "),
        ("ssmx scp bas", "ssmx scp bastion:"),
        ("ssmx scp fleet.toml root@bas", "ssmx scp fleet.toml root@bastion:"),
        ("ssmx scp fle", "ssmx scp fleet.toml "),
        ("ssmx my", "ssmx my\\ server\\ \\(1\\) "),
        ("ssmx completions fi", "ssmx completions fish "),
    ] {
        shell.completes(typed, line);
    }
    shell.lists("ssmx exec web-", &["web-1", "web-2"]);
    shell.lists("ssmx s", &["shell", "ssh-config", "scp", "sandbox"]);
}

#[test]
fn bash_completes() {
    let home = Home::new();
    let mut bash = home.shell(&["bash", "--noprofile", "-i"]);
    common(&mut bash);
    bash.completes("ssmx 'my", "ssmx 'my server (1)' ");
    bash.completes("ssmx \"my ser", "ssmx \"my server (1)\" ");
    bash.completes("ssmx my\\ s", "ssmx my\\ server\\ \\(1\\) ");
    bash.completes("true && AWS_PAGER=x ssmx bas", "true && AWS_PAGER=x ssmx bastion ");
}

#[test]
fn zsh_completes() {
    let home = Home::new();
    let mut zsh = home.shell(&["zsh", "-d", "-i"]);
    common(&mut zsh);
    zsh.completes("ssmx 'my", "ssmx 'my server (1)' ");
    zsh.lists("ssmx exec web-", &["i-", "online"]);
}

#[test]
fn fish_completes() {
    let home = Home::new();
    let mut fish = home.shell(&["fish", "-i", "--private"]);
    common(&mut fish);
    fish.completes("ssmx 'my", "ssmx 'my server (1)' ");
    fish.lists("ssmx exec web-", &["i-", "online"]);
}
