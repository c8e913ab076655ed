use super::*;

#[test]
fn accepts_up_to_its_limit_and_cuts() {
    let mut queue = SendQueue::new(10);
    assert_eq!(queue.push_data(PayloadType::Output, b"abcdef"), 6);
    assert_eq!(queue.push_data(PayloadType::Output, b"ghijkl"), 4);
    assert_eq!(queue.push_data(PayloadType::Output, b"x"), 0);
    assert_eq!(queue.next_length(4), Some(4));
    let cut: Vec<_> = std::iter::from_fn(|| queue.pop(4)).map(|(_, bytes)| bytes).collect();
    assert_eq!(cut, ["abcd", "efgh", "ij"]);
    assert_eq!(queue.room(), 10);
}

#[test]
fn control_keeps_its_place_and_types_are_not_mixed() {
    let mut queue = SendQueue::new(100);
    queue.push_data(PayloadType::Output, b"a");
    queue.push_data(PayloadType::StdErr, b"b");
    queue.push_control(PayloadType::Flag, Bytes::from_static(b"flag"));
    queue.push_data(PayloadType::StdErr, b"c");
    let order: Vec<_> = std::iter::from_fn(|| queue.pop(9)).map(|(_, bytes)| bytes).collect();
    assert_eq!(order, ["a", "b", "flag", "c"]);
}

#[test]
fn the_newest_size_replaces_one_that_waits() {
    let mut queue = SendQueue::new(0);
    queue.push_urgent(PayloadType::Size, Bytes::from_static(b"1"));
    queue.push_urgent(PayloadType::HandshakeResponse, Bytes::from_static(b"r"));
    queue.push_urgent(PayloadType::Size, Bytes::from_static(b"2"));
    assert_eq!(queue.pop_urgent(|kind| kind == PayloadType::Size).unwrap().1, "2");
    assert_eq!(queue.pop_urgent(|kind| kind == PayloadType::Size), None);
    assert!(!queue.is_empty());
}

#[test]
fn what_is_put_back_is_what_it_was() {
    let mut queue = SendQueue::new(1);
    queue.push_data(PayloadType::Output, b"d");
    for (payload_type, payload) in [
        (PayloadType::Size, "new"),
        (PayloadType::Flag, "flag"),
        (PayloadType::Size, "old"),
        (PayloadType::Output, "abc"),
    ] {
        queue.put_back(payload_type, Bytes::from_static(payload.as_bytes()));
    }
    assert_eq!(queue.pop_urgent(|_| true).unwrap().1, "new");
    assert_eq!(queue.pop_urgent(|_| true), None);
    let order: Vec<_> = std::iter::from_fn(|| queue.pop(2)).map(|(_, bytes)| bytes).collect();
    assert_eq!(order, ["ab", "c", "flag", "d"], "a flag is never cut");
}

#[test]
fn control_messages_are_bounded() {
    let mut queue = SendQueue::new(0);
    for _ in 0..MAX_CONTROL {
        assert!(queue.push_control(PayloadType::Flag, Bytes::new()));
    }
    assert!(!queue.push_control(PayloadType::Flag, Bytes::new()));
}
