//! Whether a program still holds its end of a TCP connection to this machine.
//!
//! On the wire a program that has closed a connection looks like one that has only sent all it had to send: both send
//! a FIN, and the second one waits for an answer. The kernel knows which it is when the other end is on this machine.

#[cfg(target_os = "linux")]
pub(super) use linux::{can_tell, is_orphaned};

/// Only Linux is asked so far.
#[cfg(not(target_os = "linux"))]
pub(super) fn can_tell(_program: std::net::SocketAddr, _here: std::net::SocketAddr) -> bool {
    false
}

#[cfg(not(target_os = "linux"))]
pub(super) fn is_orphaned(_program: std::net::SocketAddr, _here: std::net::SocketAddr) -> bool {
    false
}

#[cfg(target_os = "linux")]
mod linux {
    use std::net::{IpAddr, SocketAddr};

    use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with};

    /// `SOCK_DIAG_BY_FAMILY` of `linux/sock_diag.h`: the question, and the answer to it.
    const BY_FAMILY: u16 = 20;

    /// `NLM_F_REQUEST`.
    const REQUEST: u16 = 1;

    /// `IPPROTO_TCP`.
    const TCP: u8 = 6;

    /// `TCP_ESTABLISHED`, in which a program holds every socket.
    const ESTABLISHED: u8 = 1;

    /// Where the state and the inode stand in an answer (`struct inet_diag_msg` behind the header).
    const STATE: usize = 16 + 1;
    const INODE: usize = 16 + 68;

    /// Whether the kernel knows of the socket at `program`, connected to `here`.
    pub(in super::super) fn can_tell(program: SocketAddr, here: SocketAddr) -> bool {
        ask(program, here).is_some()
    }

    /// Whether the socket at `program`, connected to `here`, belongs to no process any more. False where the kernel
    /// does not say: the socket is on another machine or in another network, or the question is not allowed.
    pub(in super::super) fn is_orphaned(program: SocketAddr, here: SocketAddr) -> bool {
        ask(program, here).is_some_and(|(state, inode)| state != ESTABLISHED && inode == 0)
    }

    fn ask(program: SocketAddr, here: SocketAddr) -> Option<(u8, u32)> {
        // A socket of both families sees addresses of the older one in the form of the newer.
        let (from, to) = (program.ip().to_canonical(), here.ip().to_canonical());
        let family = if from.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let mut question = Vec::with_capacity(72);
        question.extend(72_u32.to_ne_bytes());
        question.extend(BY_FAMILY.to_ne_bytes());
        question.extend(REQUEST.to_ne_bytes());
        question.extend([0; 8]);
        question.extend([u8::try_from(family.as_raw()).ok()?, TCP, 0, 0]);
        question.extend(u32::MAX.to_ne_bytes());
        question.extend(program.port().to_be_bytes());
        question.extend(here.port().to_be_bytes());
        for address in [from, to] {
            match address {
                IpAddr::V4(address) => {
                    question.extend(address.octets());
                    question.extend([0; 12]);
                }
                IpAddr::V6(address) => question.extend(address.octets()),
            }
        }
        // Any interface, any cookie.
        question.extend([0; 4]);
        question.extend([0xff; 8]);
        let protocol = Some(netlink::SOCK_DIAG);
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, protocol).ok()?;
        send(&socket, &question, SendFlags::empty()).ok()?;
        let mut answer = [0_u8; 512];
        // The kernel has answered by the time the question is sent.
        let (count, _) = recv(&socket, &mut answer, RecvFlags::DONTWAIT).ok()?;
        let answer = &answer[..count];
        if answer.get(4..6)? != BY_FAMILY.to_ne_bytes() {
            return None;
        }
        Some((*answer.get(STATE)?, u32::from_ne_bytes(answer.get(INODE..INODE + 4)?.try_into().ok()?)))
    }

    #[cfg(test)]
    mod tests {
        use std::net::{Shutdown, TcpListener, TcpStream};

        use super::*;

        #[test]
        fn a_closed_end_is_told_from_a_half_closed_one() {
            for address in ["127.0.0.1:0", "[::1]:0", "[::]:0"] {
                let Ok(listener) = TcpListener::bind(address) else { continue };
                let port = listener.local_addr().unwrap().port();
                let host = if address.contains("::1") { "::1" } else { "127.0.0.1" };
                let program = TcpStream::connect((host, port)).unwrap();
                let (accepted, there) = listener.accept().unwrap();
                let here = accepted.local_addr().unwrap();
                assert!(!is_orphaned(there, here), "open, {address}");
                program.shutdown(Shutdown::Write).unwrap();
                assert!(!is_orphaned(there, here), "half closed, {address}");
                // Where the kernel does not answer, nothing can be told.
                let answers = ask(there, here).is_some();
                drop(program);
                assert_eq!(is_orphaned(there, here), answers, "closed, {address}");
            }
        }
    }
}
