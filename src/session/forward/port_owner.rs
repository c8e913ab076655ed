//! The process that has a port, as far as this machine knows.

#[cfg(target_os = "linux")]
pub(super) use linux::port_owner;

/// The process that listens on a port. Only Linux says so without the help of other programs.
#[cfg(not(target_os = "linux"))]
pub(super) fn port_owner(_port: u16) -> Option<String> {
    None
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::path::Path;

    /// The state `TCP_LISTEN` in the tables of the kernel.
    const LISTEN: &str = "0A";

    /// The process that listens on a TCP port, by name and id. Processes of other people hide theirs.
    pub(in super::super) fn port_owner(port: u16) -> Option<String> {
        let inodes: Vec<String> =
            ["/proc/net/tcp", "/proc/net/tcp6"].iter().flat_map(|table| listening(table, port)).collect();
        fs::read_dir("/proc").ok()?.flatten().find_map(|process| {
            let id: u32 = process.file_name().to_str()?.parse().ok()?;
            let mut files = fs::read_dir(process.path().join("fd")).ok()?.flatten();
            files.find(|file| is_one_of(&file.path(), &inodes))?;
            let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            Some(format!("{} (pid {id})", name.trim()))
        })
    }

    /// The inodes of the sockets that listen on the port.
    fn listening(table: &str, port: u16) -> Vec<String> {
        let suffix = format!(":{port:04X}");
        let inode = |line: &str| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let &[_, local, _, state, _, _, _, _, _, inode, ..] = fields.as_slice() else { return None };
            (state == LISTEN && local.ends_with(&suffix)).then(|| inode.to_owned())
        };
        fs::read_to_string(table).unwrap_or_default().lines().filter_map(inode).collect()
    }

    fn is_one_of(file: &Path, inodes: &[String]) -> bool {
        let Ok(link) = fs::read_link(file) else { return false };
        let link = link.to_string_lossy();
        let inode = link.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']'));
        inode.is_some_and(|inode| inodes.iter().any(|one| one == inode))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn finds_ourselves() {
            for address in ["127.0.0.1:0", "[::1]:0"] {
                let Ok(listener) = std::net::TcpListener::bind(address) else { continue };
                let port = listener.local_addr().unwrap().port();
                let found = port_owner(port).unwrap();
                assert!(found.ends_with(&format!("(pid {})", std::process::id())), "{found}");
            }
            assert_eq!(port_owner(0), None);
        }
    }
}
