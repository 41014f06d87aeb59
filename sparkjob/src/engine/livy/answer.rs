//! What came back from Livy, or did not, and what that means: the one place that knows HTTP status codes.

use bytes::Bytes;
use http::{Response, StatusCode, header};
use serde::de::DeserializeOwned;

use super::text::clip;
use super::wire::Message;
use crate::engine::Kind;
use crate::http::Lost;

/// The longest quotation of what a server said, in characters.
const MAX_QUOTE: usize = 600;

/// What a request asked for: the same silence means one thing after a look and another after a deed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    Look,
    Submission,
    Deletion,
}

/// A call that brought nothing usable.
#[derive(Debug)]
pub struct Failed {
    pub kind: Kind,
    pub said: String,
}

/// The body of a success; none where Livy itself says that it knows no such batch.
pub fn read<T: DeserializeOwned>(asked: Asked, came: Result<Response<Bytes>, Lost>) -> Result<Option<T>, Failed> {
    let response = came.map_err(|lost| Failed { kind: kind_of_loss(asked, &lost), said: lost.to_string() })?;
    let status = response.status();
    if status.is_success() {
        return serde_json::from_slice(response.body()).map(Some).map_err(|_| Failed {
            kind: undecided(asked),
            said: format!("HTTP {} with an answer that is not Livy's{}", status.as_u16(), quoted(response.body())),
        });
    }
    if is_unknown_batch(&response) {
        return Ok(None);
    }
    let said = format!("HTTP {}{}{}", status.as_u16(), quoted(response.body()), hint(&response));
    Err(Failed { kind: kind_of_status(asked, status, &said), said })
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

fn kind_of_loss(asked: Asked, lost: &Lost) -> Kind {
    match lost {
        Lost::NotSent(_) => Kind::Unavailable,
        Lost::TimedOut | Lost::Unclear(_) | Lost::TooLarge => undecided(asked),
    }
}

/// For an answer that does not tell whether what was asked for was done.
fn undecided(asked: Asked) -> Kind {
    match asked {
        Asked::Look => Kind::Unavailable,
        Asked::Submission | Asked::Deletion => Kind::Unclear,
    }
}

/// Whether this is Livy's own `Session '5' not found.` or `Session 5 already stopped.`: a 404 of anyone else, a proxy whose
/// Livy is down, say, does not mean that a batch is gone.
fn is_unknown_batch(response: &Response<Bytes>) -> bool {
    response.status() == StatusCode::NOT_FOUND
        && serde_json::from_slice(response.body())
            .is_ok_and(|message: Message| message.into_text().starts_with("Session "))
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
    let text = match serde_json::from_slice(body) {
        Ok(message) => Message::into_text(message),
        Err(_) => readable(&String::from_utf8_lossy(body)),
    };
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
