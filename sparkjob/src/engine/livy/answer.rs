//! What came back from Livy, or did not, and what that means: the one place that knows HTTP status codes.

use bytes::Bytes;
use http::{Response, StatusCode, header};
use serde::de::DeserializeOwned;

use super::wire::Message;
use crate::engine::Kind;
use crate::engine::answer::{Asked, Failed, kind_of_loss, undecided};
use crate::engine::text::clip;
use crate::http::Lost;

/// The longest quotation of what a server said, in characters.
const MAX_QUOTE: usize = 600;

/// The body of a success; none where Livy itself says that it knows no such batch.
pub fn read<T: DeserializeOwned>(asked: Asked, came: Result<Response<Bytes>, Lost>) -> Result<Option<T>, Failed> {
    let response = came.map_err(|lost| Failed::new(kind_of_loss(asked, &lost), lost.to_string()))?;
    let status = response.status();
    if status.is_success() {
        return serde_json::from_slice(response.body()).map(Some).map_err(|_| {
            let said = format!("HTTP {} with an answer that is not Livy's{}", status.as_u16(), quoted(response.body()));
            Failed::new(undecided(asked), said)
        });
    }
    if is_unknown_batch(&response) {
        return Ok(None);
    }
    let said = format!("HTTP {}{}{}", status.as_u16(), quoted(response.body()), hint(&response));
    let kind = kind_of_status(asked, status, &said);
    Err(Failed::new(kind, said))
}

/// What a status other than success means.
fn kind_of_status(asked: Asked, status: StatusCode, said: &str) -> Kind {
    match status.as_u16() {
        401 | 403 => Kind::Denied,
        // Livy has one status for all that it refuses; only its words tell what passes.
        400 if asked == Asked::Submission && said.contains("Duplicate session name") => Kind::Taken,
        400 if said.contains("too many sessions are being created") => Kind::Busy,
        // Whoever limits the rate does so before anything is done. A 408 may come from a proxy that gave up on the answer.
        429 => Kind::Busy,
        408 => undecided(asked),
        300..=499 => Kind::Rejected,
        // Livy says 500 both before and after it has registered a batch, and a proxy's 502, 503 and 504 tell less still.
        _ => undecided(asked),
    }
}

/// Whether this is Livy's own `Session '5' not found.` or `Session 5 already stopped.`: a 404 of anyone else, a proxy whose
/// Livy is down, say, does not mean that a batch is gone.
fn is_unknown_batch(response: &Response<Bytes>) -> bool {
    response.status() == StatusCode::NOT_FOUND
        && Message::of(response.body()).is_some_and(|message| message.into_text().starts_with("Session "))
}

/// What to do about it, where the status tells.
fn hint(response: &Response<Bytes>) -> String {
    match response.status().as_u16() {
        300..=399 | 404 | 405 => "; this address does not seem to be that of a Livy server".to_owned(),
        401 => {
            let challenge = response.headers().get(header::WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
            let scheme = challenge.and_then(|value| value.split_whitespace().next());
            scheme.map_or_else(String::new, |scheme| format!("; it asks for credentials ({})", clip(scheme, 20)))
        }
        _ => String::new(),
    }
}

/// `: ` and what a body says, for people; empty where it says nothing.
fn quoted(body: &[u8]) -> String {
    let text = Message::of(body).map_or_else(|| readable(&String::from_utf8_lossy(body)), Message::into_text);
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.is_empty() { String::new() } else { format!(": {}", clip(&words.join(" "), MAX_QUOTE)) }
}

/// The text that an HTML page shows.
fn readable(page: &str) -> String {
    // More is never quoted, and a page may be megabytes long.
    let page = clip(page, 20 * MAX_QUOTE);
    let shown = page.to_ascii_lowercase().find("<body").map_or(&*page, |body| &page[body..]);
    let shown = without_tags(shown);
    ["&lt;<", "&gt;>", "&quot;\"", "&#39;'", "&nbsp; ", "&amp;&"]
        .iter()
        .filter_map(|entity| entity.split_at_checked(entity.len() - 1))
        .fold(shown, |text, (entity, character)| text.replace(entity, character))
}

fn without_tags(page: &str) -> String {
    let mut shown = String::new();
    let mut rest = page;
    while let Some((before, tag)) = rest.split_once('<') {
        shown.push_str(before);
        shown.push(' ');
        rest = tag.split_once('>').map_or("", |(_, after)| after);
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(asked: Asked, status: u16, body: &str) -> Failed {
        let mut response = Response::new(Bytes::from(body.to_owned()));
        *response.status_mut() = StatusCode::from_u16(status).expect("a status");
        read::<serde_json::Value>(asked, Ok(response)).expect_err("a failure")
    }

    #[test]
    fn every_status_has_its_kind() {
        use Kind::{Busy, Denied, Rejected, Unavailable, Unclear};
        let kinds = [
            // Status, after a look, after a submission or a deletion.
            (301, Rejected, Rejected),
            (302, Rejected, Rejected),
            (400, Rejected, Rejected),
            (401, Denied, Denied),
            (403, Denied, Denied),
            (404, Rejected, Rejected),
            (405, Rejected, Rejected),
            (408, Unavailable, Unclear),
            (413, Rejected, Rejected),
            (429, Busy, Busy),
            (500, Unavailable, Unclear),
            (502, Unavailable, Unclear),
            (503, Unavailable, Unclear),
            (504, Unavailable, Unclear),
            (599, Unavailable, Unclear),
        ];
        for (status, look, deed) in kinds {
            assert_eq!(failed(Asked::Look, status, "").kind, look, "{status}");
            assert_eq!(failed(Asked::Submission, status, "").kind, deed, "{status}");
            assert_eq!(failed(Asked::Deed, status, "").kind, deed, "{status}");
        }
    }

    #[test]
    fn a_refusal_that_passes_and_a_name_that_is_taken_are_told_by_their_words() {
        let kind = |body| failed(Asked::Submission, 400, body).kind;
        assert_eq!(kind(r#"{"msg":"Rejected, too many sessions are being created!"}"#), Kind::Busy);
        assert_eq!(kind(r#""Rejected, too many sessions are being created!""#), Kind::Busy);
        assert_eq!(kind(r#"{"msg":"Duplicate session name: Some(pi-1) for session 1"}"#), Kind::Taken);
        assert_eq!(
            kind(r#"{"msg":"Rejected, Reason: Duplicate session name: Some(pi-1) for session 1"}"#),
            Kind::Taken
        );
        assert_eq!(kind(r#"{"msg":"requirement failed: File is required."}"#), Kind::Rejected);
    }

    #[test]
    fn livys_words_are_quoted_whatever_they_are_wrapped_in() {
        let said = |body| failed(Asked::Submission, 400, body).said;
        assert_eq!(said(r#"{"msg":"File is\n required."}"#), "HTTP 400: File is required.");
        assert_eq!(said(r#""File is required.""#), "HTTP 400: File is required.");
        assert_eq!(said("  "), "HTTP 400");
        let page = "<html><head><title>Error 400 </title><style>p {}</style></head>\n<body><h2>HTTP ERROR: 400</h2>\n\
                    <p>Reason:\n<pre>    Missing &lt;Header&gt; &amp; more.</pre></p><hr /></body></html>";
        assert_eq!(said(page), "HTTP 400: HTTP ERROR: 400 Reason: Missing <Header> & more.");
    }

    #[test]
    fn a_quotation_is_bounded() {
        let long = failed(Asked::Look, 500, &"x".repeat(1 << 20));
        assert_eq!(long.said.chars().count(), "HTTP 500: ".len() + MAX_QUOTE);
    }

    #[test]
    fn only_livys_own_words_mean_that_a_batch_is_unknown() {
        let read = |body: &'static str| {
            let mut response = Response::new(Bytes::from_static(body.as_bytes()));
            *response.status_mut() = StatusCode::NOT_FOUND;
            read::<serde_json::Value>(Asked::Look, Ok(response))
        };
        assert!(matches!(read(r#"{"msg":"Session '5' not found."}"#), Ok(None)));
        assert!(matches!(read(r#""Session '5' not found.""#), Ok(None)));
        assert!(matches!(read(r#"{"msg":"Session 5 already stopped."}"#), Ok(None)));
        assert!(read("").is_err());
        assert!(read("<html><title>404 Not Found</title></html>").is_err());
        assert!(read("default backend - 404").is_err());
    }
}
