use std::io::Write;
use std::os::fd::OwnedFd;

use super::*;

async fn read_all(input: &mut Input) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        let read = input.read().await.unwrap();
        if read.is_empty() {
            return all;
        }
        all.extend_from_slice(&read);
    }
}

#[tokio::test]
async fn a_file_is_read_to_its_end_and_stays_there() {
    let mut file = tempfile::tempfile().unwrap();
    let content: Vec<u8> = (0..300_000).map(|n| (n % 251) as u8).collect();
    file.write_all(&content).unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    let mut input = Input::from_file(file).unwrap();
    assert!(read_all(&mut input).await == content);
    assert_eq!(input.read().await.unwrap(), Bytes::new());
}

#[tokio::test]
async fn a_pipe_that_somebody_made_non_blocking_is_waited_for() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let reader = OwnedFd::from(reader);
    rustix::io::ioctl_fionbio(&reader, true).unwrap();
    let mut input = Input::from_file(reader.into()).unwrap();
    let nothing = tokio::time::timeout(std::time::Duration::from_millis(20), input.read()).await;
    assert!(nothing.is_err(), "{nothing:?}");
    writer.write_all(b"late").unwrap();
    assert_eq!(input.read().await.unwrap(), "late");
    drop(writer);
    assert_eq!(input.read().await.unwrap(), "");
}

#[tokio::test]
async fn dropping_it_leaves_what_comes_later_to_others() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let mut other = reader.try_clone().unwrap();
    let mut input = Input::from_file(OwnedFd::from(reader).into()).unwrap();
    writer.write_all(b"ours").unwrap();
    assert_eq!(input.read().await.unwrap(), "ours");
    let Input { mut reads, _interest: interest } = input;
    drop(interest);
    assert_eq!(reads.recv().await.unwrap().unwrap(), "", "the thread goes");
    writer.write_all(b"theirs").unwrap();
    let mut theirs = [0; 6];
    std::io::Read::read_exact(&mut other, &mut theirs).unwrap();
    assert_eq!(&theirs, b"theirs");
}

#[tokio::test]
async fn a_directory_is_an_error_then_the_end() {
    let mut input = Input::from_file(File::open("/").unwrap()).unwrap();
    assert!(input.read().await.is_err());
    assert_eq!(input.read().await.unwrap(), "");
}
