use std::io::Read;
use std::os::fd::OwnedFd;
use std::time::Duration;

use super::*;

fn pipe() -> (io::PipeReader, Output, OwnedFd) {
    let (reader, writer) = io::pipe().unwrap();
    let writer = OwnedFd::from(writer);
    let shared = writer.try_clone().unwrap();
    (reader, Output::to_file(writer.into()).unwrap(), shared)
}

#[tokio::test]
async fn a_slow_reader_gets_everything_in_order_and_holds_us_up() {
    let (mut reader, mut output, shared) = pipe();
    // Somebody who shares the pipe made it non-blocking.
    rustix::io::ioctl_fionbio(&shared, true).unwrap();
    drop(shared);
    let content: Vec<u8> = (0..2_000_000).map(|n| (n % 251) as u8).collect();

    let mut taken = 0;
    while let Ok(written) = tokio::time::timeout(Duration::from_millis(100), output.write(&content[taken..])).await {
        taken += written.unwrap();
    }
    assert!(taken >= MAX_BUFFERED && taken < content.len(), "nobody reads, but {taken} bytes were taken");
    let flushed = tokio::time::timeout(Duration::from_millis(20), output.flush()).await;
    assert!(flushed.is_err(), "nobody reads, but all is said to be written");

    let reading = tokio::task::spawn_blocking(move || {
        let mut all = Vec::new();
        reader.read_to_end(&mut all).unwrap();
        all
    });
    output.write_all(&content[taken..]).await.unwrap();
    output.flush().await.unwrap();
    drop(output);
    assert!(reading.await.unwrap() == content);
}

#[tokio::test]
async fn a_reader_that_went_away_is_a_broken_pipe() {
    let (reader, mut output, _shared) = pipe();
    drop(reader);
    output.write_all(b"lost").await.unwrap();
    assert_eq!(output.flush().await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    assert_eq!(output.write(b"more").await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
}

#[tokio::test]
async fn what_was_taken_is_written_even_when_dropped_at_once() {
    let (mut reader, mut output, shared) = pipe();
    output.write_all(b"last words").await.unwrap();
    drop((output, shared));
    let mut all = String::new();
    tokio::task::spawn_blocking(move || {
        reader.read_to_string(&mut all).unwrap();
        assert_eq!(all, "last words");
    })
    .await
    .unwrap();
}
