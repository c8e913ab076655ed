//! The configuration of an instance's sshd.

use std::io;
use std::path::Path;

use crate::sandbox::agent::environment::Environment;
use crate::sandbox::fleet::Instance;

/// Where distributions keep the server of sftp.
const SFTP_SERVERS: [&str; 4] = [
    "/usr/lib/openssh/sftp-server",
    "/usr/libexec/openssh/sftp-server",
    "/usr/libexec/sftp-server",
    "/usr/lib/ssh/sftp-server",
];

/// The configuration of an instance's sshd, whose files are in `folder`, for the only user that may log in.
pub(crate) fn configuration(folder: &Path, user: &str, environment: &Environment) -> io::Result<String> {
    let login = shlex::try_quote(text(&folder.join("login"))?).map_err(io::Error::other)?.into_owned();
    let (folder, home) = (text(folder)?, text(&environment.home)?);
    // The first value of a setting is taken: all variables stand in one line.
    let variables: String = environment
        .variables()
        .iter()
        .filter(|(name, _)| ["HOME", "SHELL", "LANG"].contains(name))
        .filter_map(|(name, value)| Some((name, value.to_str().filter(|value| !value.contains(['"', '\n']))?)))
        .map(|(name, value)| format!(" \"{name}={value}\""))
        .collect();
    let sftp = SFTP_SERVERS.iter().find(|path| Path::new(path).exists());
    let sftp = sftp.map(|path| format!("Subsystem sftp {path}\n")).unwrap_or_default();
    Ok(format!(
        "HostKey \"{folder}/host_key\"\n\
         PidFile none\n\
         AllowUsers {user}\n\
         AuthenticationMethods publickey\n\
         AuthorizedKeysFile \"{home}/.ssh/authorized_keys\"\n\
         PasswordAuthentication no\n\
         PermitRootLogin prohibit-password\n\
         UsePAM no\n\
         StrictModes no\n\
         UseDNS no\n\
         LoginGraceTime 60\n\
         MaxSessions 100\n\
         PrintMotd no\n\
         PrintLastLog no\n\
         PermitUserRC no\n\
         X11Forwarding no\n\
         AcceptEnv LC_*\n\
         SetEnv{variables}\n\
         ForceCommand exec /bin/sh {login}\n\
         {sftp}"
    ))
}

/// What every login runs: the shell of the instance, or the command that was asked for, in the instance's home.
pub(crate) fn login_script(environment: &Environment) -> String {
    let (name, prompt) = environment.prompt();
    // A prompt is made of letters, digits and what is safe between quotes.
    let prompt = prompt.to_string_lossy();
    format!(
        "cd \"$HOME\" || exit 1\n\
         if [ -n \"$SSH_ORIGINAL_COMMAND\" ]; then exec /bin/sh -c \"$SSH_ORIGINAL_COMMAND\"; fi\n\
         {name}='{prompt}' exec /bin/sh\n"
    )
}

/// The line of `known_hosts` for an instance with this public key: under its id, and under the names by which OpenSSH
/// finds it, which it looks up in lower case.
pub(crate) fn known_host(instance: &Instance, key: &str) -> String {
    let plain = |name: &&str| name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
    let name = instance.name().filter(plain).map(str::to_ascii_lowercase);
    let names = name.map(|name| format!(",{name},{name}.ssmx")).unwrap_or_default();
    let key: Vec<&str> = key.split_whitespace().take(2).collect();
    format!("{}{names} {}\n", instance.id, key.join(" "))
}

/// A path that sshd's configuration can hold.
pub(crate) fn text(path: &Path) -> io::Result<&str> {
    let text = path.to_str().filter(|text| !text.contains(['"', '%', '\n']));
    text.ok_or_else(|| {
        io::Error::other("the configuration of sshd cannot hold the path of the folder for temporary files")
    })
}
