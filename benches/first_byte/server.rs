//! What is connected to.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use super::Result;

/// Two ports, for as long as the process lives.
pub(crate) struct Server {
    /// Sends back what comes.
    pub(crate) echo: u16,
    /// Speaks first, as a server of SSH.
    pub(crate) banner: u16,
}

impl Server {
    /// Starts it.
    pub(crate) fn start() -> Result<Self> {
        let echo = |mut stream: TcpStream| {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = stream.read(&mut buffer) {
                stream.write_all(&buffer[..read])?;
            }
            Ok(())
        };
        let banner = |mut stream: TcpStream| {
            stream.write_all(b"SSH-2.0-bench\r\n")?;
            stream.read(&mut [0; 64]).map(drop)
        };
        Ok(Self { echo: serve(echo)?, banner: serve(banner)? })
    }
}

fn serve(each: impl Fn(TcpStream) -> std::io::Result<()> + Copy + Send + 'static) -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A connection that fails is seen at its other end.
            std::thread::spawn(move || each(stream));
        }
    });
    Ok(port)
}
