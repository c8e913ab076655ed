//! The baseline: a process that passes TCP connections on, and does nothing else.

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

use super::Result;

/// Listens on `port` of the loopback and passes every connection on to the port `to`, for ever.
pub(crate) fn run(port: &str, to: &str) -> Result<()> {
    let (port, to): (u16, u16) = (port.parse()?, to.parse()?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        loop {
            let (mut near, _) = listener.accept().await?;
            tokio::spawn(async move {
                let mut far = TcpStream::connect(("127.0.0.1", to)).await?;
                near.set_nodelay(true)?;
                far.set_nodelay(true)?;
                copy_bidirectional(&mut near, &mut far).await
            });
        }
    })
}
