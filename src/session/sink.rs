//! Where the output of a command goes.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Mutex;

use super::decode::Decoder;
use crate::terminal::Output;

/// A line longer than this is handed on in pieces, each with the prefix: 64 KiB.
const MAX_LINE: usize = 64 * 1024;

/// Takes what a command writes; where it cannot go on, the command waits.
pub(crate) trait Sink: Send {
    /// Takes standard output.
    fn stdout(&mut self, bytes: Bytes) -> impl Future<Output = io::Result<()>> + Send;

    /// Takes standard error.
    fn stderr(&mut self, bytes: Bytes) -> impl Future<Output = io::Result<()>> + Send;

    /// Nothing follows.
    fn finish(&mut self) -> impl Future<Output = io::Result<()>> + Send;
}

impl<S: Sink> Sink for &mut S {
    async fn stdout(&mut self, bytes: Bytes) -> io::Result<()> {
        (**self).stdout(bytes).await
    }

    async fn stderr(&mut self, bytes: Bytes) -> io::Result<()> {
        (**self).stderr(bytes).await
    }

    async fn finish(&mut self) -> io::Result<()> {
        (**self).finish().await
    }
}

/// Passes every byte on to our own two streams.
#[derive(Debug)]
pub(crate) struct Direct {
    stdout: Output,
    stderr: Output,
}

impl Direct {
    /// A sink into our own standard output and standard error.
    ///
    /// # Errors
    /// They cannot be used.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { stdout: Output::stdout()?, stderr: Output::stderr()? })
    }
}

impl Sink for Direct {
    async fn stdout(&mut self, bytes: Bytes) -> io::Result<()> {
        self.stdout.write_all(&bytes).await
    }

    async fn stderr(&mut self, bytes: Bytes) -> io::Result<()> {
        self.stderr.write_all(&bytes).await
    }

    async fn finish(&mut self) -> io::Result<()> {
        let stdout = self.stdout.flush().await;
        // Its reader is another one.
        self.stderr.flush().await?;
        stdout
    }
}

/// Our two streams, shared by commands that run side by side; lines are never mixed.
#[derive(Clone, Debug)]
pub(crate) struct Shared(Arc<Mutex<Direct>>);

impl Shared {
    /// As [`Direct::new`], to be shared.
    ///
    /// # Errors
    /// As there.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(Arc::new(Mutex::new(Direct::new()?))))
    }
}

/// Passes whole lines on, each behind the name of where it comes from.
#[derive(Debug)]
pub(crate) struct Prefixed {
    prefix: String,
    shared: Shared,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Prefixed {
    /// A sink that puts `name` and a colon in front of every line.
    pub(crate) fn new(name: &str, shared: Shared) -> Self {
        Self { prefix: format!("{name}: "), shared, stdout: Vec::new(), stderr: Vec::new() }
    }
}

impl Sink for Prefixed {
    async fn stdout(&mut self, bytes: Bytes) -> io::Result<()> {
        let lines = prefixed(&self.prefix, &mut self.stdout, &bytes);
        self.shared.0.lock().await.stdout(lines.into()).await
    }

    async fn stderr(&mut self, bytes: Bytes) -> io::Result<()> {
        let lines = prefixed(&self.prefix, &mut self.stderr, &bytes);
        self.shared.0.lock().await.stderr(lines.into()).await
    }

    async fn finish(&mut self) -> io::Result<()> {
        let last = |rest: &mut Vec<u8>| if rest.is_empty() { Vec::new() } else { prefixed(&self.prefix, rest, b"\n") };
        let (stdout, stderr) = (last(&mut self.stdout), last(&mut self.stderr));
        let mut shared = self.shared.0.lock().await;
        shared.stdout(stdout.into()).await?;
        shared.stderr(stderr.into()).await?;
        shared.finish().await
    }
}

/// The lines that are complete with `bytes`, prefixed; what is begun stays in `rest`.
fn prefixed(prefix: &str, rest: &mut Vec<u8>, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + prefix.len());
    for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
        rest.extend_from_slice(piece);
        while rest.len() > MAX_LINE || rest.ends_with(b"\n") {
            let line: Vec<u8> = rest.drain(..rest.len().min(MAX_LINE)).collect();
            out.extend_from_slice(prefix.as_bytes());
            out.extend_from_slice(&line);
            if !line.ends_with(b"\n") {
                out.push(b'\n');
            }
        }
    }
    out
}

/// Decodes standard output, which arrives as base64, on its way to another sink.
#[derive(Debug)]
pub(crate) struct Decoding<S> {
    decoder: Decoder,
    inner: S,
}

impl<S> Decoding<S> {
    /// A sink in front of `inner`.
    pub(crate) fn new(inner: S) -> Self {
        Self { decoder: Decoder::default(), inner }
    }
}

impl<S: Sink> Sink for Decoding<S> {
    async fn stdout(&mut self, bytes: Bytes) -> io::Result<()> {
        let decoded = self.decoder.decode(&bytes)?;
        self.inner.stdout(decoded.into()).await
    }

    async fn stderr(&mut self, bytes: Bytes) -> io::Result<()> {
        self.inner.stderr(bytes).await
    }

    async fn finish(&mut self) -> io::Result<()> {
        let whole = self.decoder.finish();
        // What else there is explains it, and comes before a message of ours.
        self.inner.finish().await?;
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_prefixed_once_however_they_arrive() {
        let mut rest = Vec::new();
        assert_eq!(prefixed("a: ", &mut rest, b"on"), b"");
        assert_eq!(prefixed("a: ", &mut rest, b"e\ntwo\n\nthr"), b"a: one\na: two\na: \n");
        assert_eq!(rest, b"thr");
    }

    #[test]
    fn an_endless_line_does_not_grow_for_ever() {
        let mut rest = Vec::new();
        for _ in 0..100 {
            prefixed("a: ", &mut rest, &[b'x'; 10_000]);
            assert!(rest.len() <= MAX_LINE);
        }
    }
}
