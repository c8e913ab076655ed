//! Puts our lines into a person's OpenSSH configuration and takes them out again, without losing anything else of it.

use super::arguments::setting;
use crate::cli::commands::proxy::without_suffix;

/// Our own file, beside the person's.
pub(crate) const FILE: &str = "ssmx_config";

/// In front of everything, where it counts before all else, and holds for every host: behind a `Host` line it would hold
/// for that host only.
const FIRST: &[u8] = b"Include ssmx_config\n";

/// At the end, where ssh has read the person's `HostName` of a host. `Match final` would do as well, and would have ssh
/// read everything twice, for all hosts, with other patterns that match the second time.
const LAST: [&[u8]; 3] = [
    b"# Of ssmx, for hosts above whose HostName is an instance. `ssmx ssh-config --install` moves it to the end.\n",
    b"Match all\n",
    b"    Include ssmx_config\n",
];

/// The content with our file included, at its top, unless a person has moved that line, and at its end.
pub(crate) fn include(content: &[u8]) -> Vec<u8> {
    let content = without_last(content);
    let mut included = if lines(&content).any(is_ours) { content } else { [FIRST, &content].concat() };
    let last = LAST.concat();
    match included.last() {
        // What ends without a line feed does so afterwards too.
        Some(byte) if *byte != b'\n' => {
            included.push(b'\n');
            included.extend_from_slice(&last[..last.len() - 1]);
        }
        _ => included.extend_from_slice(&last),
    }
    included
}

/// The content without the lines that include our file.
pub(crate) fn exclude(content: &[u8]) -> Vec<u8> {
    let content = without_last(content);
    let mut lines: Vec<_> = lines(&content).collect();
    if let Some(place) = lines.iter().position(|line| is_ours(line)) {
        lines.remove(place);
    }
    lines.concat()
}

/// The content without what stands at its end, or stood there before something was added.
fn without_last(content: &[u8]) -> Vec<u8> {
    let mut lines: Vec<_> = lines(content).collect();
    let is = |line: &[u8], ours: &[u8]| line.trim_ascii() == ours.trim_ascii();
    let Some(place) = lines.windows(2).position(|pair| is(pair[0], LAST[1]) && is(pair[1], LAST[2])) else {
        return content.to_vec();
    };
    let is_at_end = place + 2 == lines.len();
    let has_line_feed = lines[place + 1].ends_with(b"\n");
    let remark = place.checked_sub(1).filter(|before| is(lines[*before], LAST[0]));
    lines.drain(remark.unwrap_or(place)..place + 2);
    let mut content = lines.concat();
    if is_at_end && !has_line_feed && content.ends_with(b"\n") {
        content.pop();
    }
    content
}

/// Hosts of the content whose `HostName` is an instance, each by the first of its names that is no pattern.
pub(crate) fn hosts_of_instances(content: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(content);
    let (mut host, mut found) = (None, Vec::new());
    for (keyword, value) in text.lines().filter_map(setting) {
        match keyword.to_ascii_lowercase().as_str() {
            "host" => {
                let mut names = value.split_whitespace().map(|name| name.trim_matches('"'));
                host = names.find(|name| !name.starts_with('-') && !name.contains(['*', '?', '!'])).map(str::to_owned);
            }
            "match" => host = None,
            "hostname" if is_instance(value) => found.extend(host.clone()),
            _ => {}
        }
    }
    found
}

/// Whether our file is for a host of this name.
fn is_instance(name: &str) -> bool {
    const DIGITS: usize = 17;
    let id = name.strip_prefix("i-").or(name.strip_prefix("mi-"));
    without_suffix(name) != name || id.is_some_and(|digits| digits.len() == DIGITS)
}

fn lines(content: &[u8]) -> impl Iterator<Item = &[u8]> {
    content.split_inclusive(|byte| *byte == b'\n')
}

fn is_ours(line: &[u8]) -> bool {
    line.trim_ascii() == FIRST.trim_ascii()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_lines_are_there_once_in_front_and_at_the_end() {
        let last = LAST.concat();
        assert_eq!(include(b""), [FIRST, &last].concat());
        assert_eq!(include(b"Host a\n User b\n"), [FIRST, b"Host a\n User b\n", &last].concat());
        let unended = include(b"Host a\n User b");
        assert_eq!(unended, [FIRST, b"Host a\n User b\n", last.trim_ascii_end()].concat());
        let moved = b"Host a\n  Include ssmx_config\r\n";
        assert_eq!(include(moved), [moved, last.as_slice()].concat(), "a line that was moved stays where it is");
        assert_eq!(exclude(moved), b"Host a\n");
        let commented = b"# Include ssmx_config\n";
        assert_eq!(include(commented), [FIRST, commented, &last].concat());
        // Of a version that had no lines at the end, and with a host that was added behind them.
        assert_eq!(include(&[FIRST, b"Host a\n"].concat()), [FIRST, b"Host a\n", &last].concat());
        let added = [&include(b"Host a\n"), b"Host b\n".as_slice()].concat();
        assert_eq!(include(&added), [FIRST, b"Host a\nHost b\n", &last].concat());
        assert_eq!(exclude(&added), b"Host a\nHost b\n");
    }

    #[test]
    fn hosts_of_instances_are_found_by_their_names() {
        let content =
            b"HostName web.ssmx\nHost mydb *.db\n  hostname=Web-1.ssmx\nHost * !x\n  HostName i-0123456789abcdef0\n\
            Host c\n HostName example.com\nMatch user x\n HostName web.ssmx\nHost -x\n HostName web.ssmx";
        assert_eq!(hosts_of_instances(content), ["mydb"]);
        assert!(hosts_of_instances(b"\xff\n\n#\nHost\nHostName\n").is_empty());
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
