//! A list that is read page after page, as a stream.

use futures_util::{Stream, stream};

use crate::aws::{Error, Page};

/// The items of a list page by page, which `ask` gets with the token of the page before; that of the page before the
/// first one is `from`. Ends after the last page, or
/// after an error; that of a list of `action` with more than `most` pages is that it has no end.
pub(crate) fn pages<T, F: Future<Output = Result<Page<T>, Error>>>(
    action: &'static str,
    most: usize,
    from: Option<String>,
    ask: impl Fn(Option<String>) -> F,
) -> impl Stream<Item = Result<Vec<T>, Error>> {
    stream::unfold(Some((from, most)), move |at| {
        let left = at.as_ref().map(|(_, left)| *left);
        let asked = at.filter(|(_, left)| *left > 0).map(|(token, _)| ask(token));
        async move {
            let left = left?;
            let Some(asked) = asked else { return Some((Err(Error::incomplete(action, "end")), None)) };
            Some(match asked.await {
                Ok(page) => (Ok(page.items), page.next.map(|token| (Some(token), left - 1))),
                Err(err) => (Err(err), None),
            })
        }
    })
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;

    use super::*;

    fn page(token: Option<String>) -> impl Future<Output = Result<Page<usize>, Error>> {
        let at = token.map_or(0, |token| token.len());
        std::future::ready(Ok(Page { items: vec![at], next: Some("x".repeat(at + 1)).filter(|_| at < 3) }))
    }

    #[tokio::test]
    async fn pages_end_with_the_last_or_when_there_are_too_many() {
        let read: Vec<_> = pages("ec2:DescribeInstances", 10, None, page).map(Result::unwrap).collect().await;
        assert_eq!(read, [[0], [1], [2], [3]]);
        let rest = pages("ec2:DescribeInstances", 10, Some("xx".to_owned()), page).map(Result::unwrap);
        assert_eq!(rest.collect::<Vec<_>>().await, [[2], [3]]);
        let read: Vec<_> = pages("ec2:DescribeInstances", 2, None, page).collect().await;
        assert_eq!(read.len(), 3);
        assert_eq!(read[2].as_ref().unwrap_err().to_string(), "ec2:DescribeInstances failed: the response has no end");
    }
}
