//! What no text may show: the values in a description that look like secrets.
//!
//! A job's passwords come back from an engine in the log of the job, in an exception, in the reason of a state. Who reads the
//! answer to a request, or the logs, is to see none of them.

mod find;
mod names;
mod readable;
mod text;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::spark_submit::quote::within_single_quotes;

pub(crate) use names::is_label;
pub use readable::readable;
use text::{Author, Secret};

/// What stands for a secret: no longer than the shortest of them, so that no text grows.
const MASK: &str = "***";

/// Shorter values are none, in characters: they stand in any text.
const MIN_LENGTH: usize = 4;

/// What is left of a secret where a text was cut is hidden from so many characters on.
const MIN_BEGINNING: usize = 2;

/// The same where a text ends, which an engine may have cut without a sign of that.
const MIN_BEGINNING_AT_END: usize = 6;

/// How a key in [PEM](https://www.rfc-editor.org/rfc/rfc7468) begins, which is of several lines.
const PEM: &str = "-----BEGIN";

/// Where our own texts were cut.
const CUT: char = '\u{2026}';

/// Texts that are to be shown nowhere. Debug tells how many there are.
///
/// With each stands how much of its beginning may be all of it, in bytes: where a value ends within a text of several, only who reads
/// that text knows. So a beginning of that length is hidden, and as much as follows it there.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Hidden(BTreeMap<String, usize>);

impl Hidden {
    /// The values that look like secrets in a description, or in any part of one, read as far as it can be read: those of
    /// names and after flags that Spark hides by
    /// [`spark.redaction.regex`](https://spark.apache.org/docs/latest/configuration.html#runtime-environment), and of some
    /// more.
    pub fn in_description(description: &Value) -> Self {
        Self::in_words_of(Author::Description, description)
    }

    /// The values that look like secrets in a text that nobody has described, as what an engine says of a job of which no more is known
    /// than where it runs.
    pub fn in_text(text: &str) -> Self {
        Self::in_words_of(Author::Speaker, &Value::from(readable(text)))
    }

    fn in_words_of(author: Author, words: &Value) -> Self {
        let mut hidden = Self::default();
        find::values(words, author, &mut |secret| hidden.hide(secret));
        hidden
    }

    /// These values.
    pub fn of<'a>(values: impl IntoIterator<Item = &'a str>) -> Self {
        let mut hidden = Self::default();
        values.into_iter().for_each(|value| hidden.hide(Secret::whole(value)));
        hidden
    }

    /// These and those of `other`.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        other.0.iter().for_each(|(secret, &least)| self.insert(secret.clone(), least));
        self
    }

    /// `text` without them, [as it is seen](readable): what nobody sees may stand within them.
    pub fn mask<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match readable(text) {
            Cow::Borrowed(text) => self.mask_seen(text),
            Cow::Owned(text) => Cow::Owned(self.mask_seen(&text).into_owned()),
        }
    }

    /// The same in its place.
    pub fn mask_in(&self, text: &mut String) {
        if let Cow::Owned(masked) = self.mask(text) {
            *text = masked;
        }
    }

    fn mask_seen<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let spans = self.spans(text);
        if spans.is_empty() {
            return Cow::Borrowed(text);
        }
        let (mut masked, mut shown) = (String::with_capacity(text.len()), 0);
        for (begin, end) in spans {
            masked.push_str(&text[shown..begin]);
            masked.push_str(MASK);
            shown = end;
        }
        masked.push_str(&text[shown..]);
        Cow::Owned(masked)
    }

    /// `value` without them, in whatever depth, as text.
    pub fn shown(&self, value: Value) -> Value {
        match value {
            Value::String(text) => self.mask(&text).into(),
            Value::Number(number) if self.0.contains_key(&number.to_string()) => MASK.into(),
            Value::Array(items) => items.into_iter().map(|item| self.shown(item)).collect(),
            Value::Object(fields) => {
                fields.into_iter().map(|(name, field)| (self.mask(&name).into_owned(), self.shown(field))).collect()
            }
            other => other,
        }
    }

    /// Hides a value in every way in which it may be written.
    fn hide(&mut self, Secret { value, least }: Secret<'_>) {
        if is_plain(value) {
            return;
        }
        let mut leasts = ways(least);
        for secret in ways(value) {
            // More lines than the least has are what they are.
            let least = leasts.next().unwrap_or_else(|| secret.clone());
            if least.chars().count() >= MIN_LENGTH {
                let least = in_common(&secret, &least);
                self.insert(secret, least);
            }
        }
    }

    fn insert(&mut self, secret: String, least: usize) {
        let known = self.0.entry(secret).or_insert(least);
        *known = least.min(*known);
    }

    /// Where `text` shows one of them, or the beginning of one before it was cut, in order and without overlaps.
    fn spans(&self, text: &str) -> Vec<(usize, usize)> {
        let mut spans: Vec<(usize, usize)> = Vec::new();
        let end = text.strip_suffix("...").unwrap_or(text).len();
        let cuts = text.match_indices(CUT).map(|(at, _)| (at, MIN_BEGINNING));
        let cuts: Vec<(usize, usize)> = cuts.chain([(end, MIN_BEGINNING_AT_END)]).collect();
        for (secret, &least) in &self.0 {
            let mut from = 0;
            while let Some(found) = text[from..].find(&secret[..least]) {
                let begin = from + found;
                let shown = &secret[..in_common(secret, &text[begin..])];
                let end = begin + shown.trim_end().len();
                match spans.last_mut() {
                    Some((first, last)) if (*first..=*last).contains(&begin) => *last = end.max(*last),
                    _ => spans.push((begin, end)),
                }
                from = begin + text[begin..].chars().next().map_or(1, char::len_utf8);
            }
            spans.extend(
                cuts.iter().filter_map(|&(cut, least)| Some((cut - beginning(secret, least, &text[..cut])?, cut))),
            );
        }
        spans.sort_unstable();
        let mut merged: Vec<(usize, usize)> = Vec::new();
        for (begin, end) in spans {
            match merged.last_mut() {
                Some((_, last)) if begin <= *last => *last = end.max(*last),
                _ => merged.push((begin, end)),
            }
        }
        merged
    }
}

/// Whether a text holds a secret, as those who describe a job write it.
pub(crate) fn is_in(text: &str) -> bool {
    let mut is_in = false;
    find::values(&Value::from(text), Author::Description, &mut |_| is_in = true);
    is_in
}

/// Whether a value is none to be hidden, whatever its name: what says that there is none, a truth, which stands everywhere, or the ARN of
/// where a secret is kept.
fn is_plain(value: &str) -> bool {
    let value = value.trim_matches(|c: char| c.is_whitespace() || text::ENDS.contains(&c));
    value.starts_with("arn:") || ["true", "false", "null", "none"].contains(&value.to_ascii_lowercase().as_str())
}

/// The ways in which a value may be written elsewhere: a log has it in lines, and without what does not print; a message of JSON has it
/// with backslashes; a quotation with single blanks; the one text of many that a service splits again in
/// [single quotes](within_single_quotes). A key may be in one line with the signs of those that it is to have.
fn ways(value: &str) -> impl Iterator<Item = String> {
    let key = if value.starts_with(PEM) { value.replace("\\n", "\n") } else { value.to_owned() };
    let lines: Vec<String> = key.split(['\n', '\r']).map(|line| line.replace(char::is_control, "")).collect();
    let seen = readable(value).into_owned();
    let escaped = Value::from(value).to_string();
    let escaped = escaped[1..escaped.len() - 1].to_owned();
    let blanks = value.split_whitespace().collect::<Vec<_>>().join(" ");
    let joined = within_single_quotes(value);
    [value.to_owned(), seen, escaped, blanks, joined].into_iter().chain(lines).map(|way| way.trim().to_owned())
}

/// With how many bytes two texts begin alike.
fn in_common(one: &str, other: &str) -> usize {
    one.chars().zip(other.chars()).take_while(|(one, other)| one == other).map(|(one, _)| one.len_utf8()).sum()
}

/// How much of `secret` the end of `text` shows, in bytes; none where that is less than so many characters.
fn beginning(secret: &str, least: usize, text: &str) -> Option<usize> {
    let ends = secret.char_indices().skip(least).map(|(end, _)| end);
    ends.take_while(|&end| end <= text.len()).filter(|&end| text.ends_with(&secret[..end])).last()
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hidden({})", self.0.len())
    }
}
