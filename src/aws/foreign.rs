//! Answers that are none of AWS: of a login page, of a proxy, of another server.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::body::SdkBody;
use http::StatusCode;

/// Whether an answer without an error code of AWS is none of AWS at all.
pub(super) fn is_foreign(answer: &HttpResponse) -> bool {
    let kind = answer.headers().get("content-type").unwrap_or_default().to_ascii_lowercase();
    let is_data = ["json", "xml", "cbor"].iter().any(|data| kind.contains(data)) && !kind.contains("html");
    let body = answer.body().bytes().unwrap_or_default().trim_ascii_start();
    let begins = |with: &str| body.get(..with.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(with.as_bytes()));
    (300..400).contains(&answer.status().as_u16())
        || !(is_data || kind.is_empty())
        || begins("<!doctype html")
        || begins("<html")
}

/// What there is to know of who answered a WebSocket's upgrade, if it was none of AWS. How gateways word their own
/// refusals is not known, so that plain text is taken for one.
pub(crate) fn foreign_upgrade(answer: &http::Response<Option<Vec<u8>>>) -> Option<String> {
    let (parts, body) = answer.clone().into_parts();
    let body = SdkBody::from(body.unwrap_or_default());
    let answer = HttpResponse::try_from(http::Response::from_parts(parts, body)).ok()?;
    let is_plain = answer.headers().get("content-type").is_some_and(|kind| kind.starts_with("text/plain"));
    let is_refusal = answer.status().as_u16() >= 400;
    (is_foreign(&answer) && !(is_plain && is_refusal)).then(|| described(&answer))
}

/// Says what there is to know of who answered: status, type, where it leads, and its first words.
pub(super) fn described(answer: &HttpResponse) -> String {
    let status = answer.status().as_u16();
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    let mut message = format!("something other than AWS answered: status {status}");
    message.extend(reason.iter().flat_map(|reason| [" ", reason]));
    message.extend(answer.headers().get("content-type").iter().flat_map(|kind| [", ", kind]));
    message.extend(answer.headers().get("location").iter().flat_map(|to| [", redirecting to ", without_query(to)]));
    let words = first_words(answer.body().bytes().unwrap_or_default());
    if !words.is_empty() {
        message.push_str(&format!(": “{words}”"));
    }
    message
}

/// Queries of login pages hold tokens.
fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

/// What a person would read first: the title of a page, or else its text.
fn first_words(body: &[u8]) -> String {
    let body = String::from_utf8_lossy(&body[..body.len().min(BODY_READ)]);
    let lower = body.to_ascii_lowercase();
    let title = lower.find("<title>").map(|at| at + "<title>".len());
    let title = title.and_then(|from| Some(&body[from..from + lower[from..].find("</title")?]));
    let mut in_tag = false;
    let text: String = title
        .unwrap_or(&body)
        .chars()
        .filter_map(|c| match c {
            '<' => {
                in_tag = true;
                Some(' ')
            }
            '>' => {
                in_tag = false;
                None
            }
            c => (!in_tag).then_some(c),
        })
        .collect();
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.chars().count() > WORDS_SHOWN {
        return words.chars().take(WORDS_SHOWN).chain(['…']).collect();
    }
    words
}

/// Bytes of a page that are looked at, and characters of it that are shown.
const BODY_READ: usize = 16 * 1024;
const WORDS_SHOWN: usize = 100;
