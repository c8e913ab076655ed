//! Pages of lists, with marks that clients can neither read nor carry over to another list.

use aws_lc_rs::digest;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

/// Where a list goes on, for one query.
#[derive(Debug)]
pub(crate) struct Pager {
    query: [u8; 8],
    after: Option<u64>,
}

/// A mark that is not of this list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InvalidToken;

impl Pager {
    /// A pager for the query that `query` describes, at the mark that a client has sent.
    pub(crate) fn new(query: &str, token: Option<&str>) -> Result<Self, InvalidToken> {
        let digest = digest::digest(&digest::SHA256, query.as_bytes());
        let query = digest.as_ref().first_chunk().copied().ok_or(InvalidToken)?;
        let after = token.map(|token| read(token, query).ok_or(InvalidToken)).transpose()?;
        Ok(Self { query, after })
    }

    /// The next `most` of items that stand in the order of their numbers, and the mark of the page after them.
    pub(crate) fn page<T>(&self, items: impl IntoIterator<Item = (u64, T)>, most: usize) -> (Vec<T>, Option<String>) {
        let mut rest =
            items.into_iter().filter(|(number, _)| self.after.is_none_or(|after| *number > after)).peekable();
        let mut page = Vec::new();
        let mut last = None;
        while page.len() < most {
            let Some((number, item)) = rest.next() else { return (page, None) };
            last = Some(number);
            page.push(item);
        }
        let token =
            rest.peek().and(last).map(|last| BASE64_URL_SAFE_NO_PAD.encode([self.query, last.to_be_bytes()].concat()));
        (page, token)
    }
}

fn read(token: &str, query: [u8; 8]) -> Option<u64> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
    let number = bytes.strip_prefix(&query)?;
    Some(u64::from_be_bytes(number.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_hold_everything_once() {
        let items = || (0..23_u64).map(|n| (n, n));
        let (mut all, mut token, mut pages) = (Vec::new(), None, 0);
        loop {
            let pager = Pager::new("q", token.as_deref()).unwrap();
            let (page, next) = pager.page(items(), 5);
            all.extend(page);
            pages += 1;
            token = next;
            if token.is_none() {
                break;
            }
        }
        assert_eq!((all, pages), ((0..23).collect(), 5));
    }

    #[test]
    fn a_full_last_page_has_no_mark() {
        let pager = Pager::new("q", None).unwrap();
        assert_eq!(pager.page((0..5).map(|n| (n, n)), 5), ((0..5).collect(), None));
        assert_eq!(pager.page((0..0).map(|n| (n, n)), 5), (vec![], None));
    }

    #[test]
    fn marks_belong_to_their_query() {
        let (_, token) = Pager::new("q", None).unwrap().page((0..9).map(|n| (n, n)), 5);
        assert!(Pager::new("q", token.as_deref()).is_ok());
        assert_eq!(Pager::new("other", token.as_deref()).unwrap_err(), InvalidToken);
        for bad in ["", "x", "!!", "AAAAAAAAAAAAAAAAAAAAAA"] {
            assert_eq!(Pager::new("q", Some(bad)).unwrap_err(), InvalidToken, "{bad}");
        }
    }
}
