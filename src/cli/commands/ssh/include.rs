//! Puts our line into a person's OpenSSH configuration and takes it out again, without losing anything else of it.

/// Our own file, beside the person's.
pub(crate) const FILE: &str = "ssmx_config";

const LINE: &[u8] = b"Include ssmx_config\n";

/// The content with our file included, once. In front of everything: behind a `Host` line it would hold for that host only.
pub(crate) fn include(content: &[u8]) -> Vec<u8> {
    if content.split_inclusive(|byte| *byte == b'\n').any(is_ours) {
        return content.to_vec();
    }
    [LINE, content].concat()
}

/// The content without the line that includes our file.
pub(crate) fn exclude(content: &[u8]) -> Vec<u8> {
    let mut lines: Vec<_> = content.split_inclusive(|byte| *byte == b'\n').collect();
    if let Some(place) = lines.iter().position(|line| is_ours(line)) {
        lines.remove(place);
    }
    lines.concat()
}

fn is_ours(line: &[u8]) -> bool {
    line.trim_ascii() == LINE.trim_ascii()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_line_is_there_once_and_in_front() {
        assert_eq!(include(b""), LINE);
        assert_eq!(include(b"Host a\n User b"), b"Include ssmx_config\nHost a\n User b");
        let moved = b"Host a\n  Include ssmx_config\r\n";
        assert_eq!(include(moved), moved, "a line that was moved stays where it is");
        assert_eq!(exclude(moved), b"Host a\n");
        let commented = b"# Include ssmx_config\n";
        assert_eq!(include(commented), [LINE, commented].concat());
    }

    proptest! {
        #[test]
        fn what_was_there_comes_back_byte_by_byte(
            content in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), any::<u8>()], 0..200),
        ) {
            let included = include(&content);
            prop_assert_eq!(&include(&included), &included);
            prop_assert_eq!(exclude(&included), content);
        }

        #[test]
        fn configurations_come_back(lines in proptest::collection::vec("(Host|User|Include|#)? ?[ -~]{0,20}\r?", 0..10)) {
            let content = lines.join("\n").into_bytes();
            prop_assert_eq!(exclude(&include(&content)), content);
        }
    }
}
