//! A path with a length: a TCP relay that takes its time.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::Result;

/// Pieces under way in one direction at most.
const UNDER_WAY: usize = 1024;

/// A path to a port of the loopback. Ends when dropped.
pub(crate) struct Path {
    /// Where it begins.
    pub(crate) port: u16,
    task: JoinHandle<()>,
}

impl Path {
    /// A path to `to`: what is sent arrives half a round trip later, and nothing before the connection has been made, which
    /// takes a whole one.
    pub(crate) async fn start(to: u16, round_trip: Duration) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let task = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let made = Instant::now() + round_trip;
                tokio::spawn(async move {
                    let far = TcpStream::connect(("127.0.0.1", to)).await?;
                    near.set_nodelay(true)?;
                    far.set_nodelay(true)?;
                    let ((from_near, to_near), (from_far, to_far)) = (near.into_split(), far.into_split());
                    tokio::join!(
                        carry(from_near, to_far, made, round_trip / 2),
                        carry(from_far, to_near, made, round_trip / 2)
                    );
                    std::io::Result::Ok(())
                });
            }
        });
        Ok(Self { port, task })
    }
}

impl Drop for Path {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Carries one direction. What breaks is seen at both ends.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, made: Instant, takes: Duration) {
    let (sender, mut under_way) = mpsc::channel::<(Instant, Vec<u8>)>(UNDER_WAY);
    let read = async move {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(read @ 1..) = from.read(&mut buffer).await {
            let arrives = Instant::now().max(made) + takes;
            if sender.send((arrives, buffer[..read].to_vec())).await.is_err() {
                return;
            }
        }
    };
    let write = async move {
        while let Some((arrives, bytes)) = under_way.recv().await {
            if !takes.is_zero() {
                sleep_until(arrives).await;
            }
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(read, write);
}
