//! Secrets within a text: `name=value`, `"name": "value"`, `--name value`, `scheme://user:value@host`.
//!
//! How far a value reaches is told where it is quoted. Where it is not, it may end sooner than it does here, so each comes with the
//! least of it that may be all.

use std::iter::from_fn;
use std::ops::Range;

use super::names::{is_key_of_pair, is_label, is_secret};
use super::{MIN_LENGTH, is_plain};

/// What may end a value that is not quoted, or be a part of it; and so may a blank.
const ENDS: [char; 8] = ['&', ';', ',', '"', '\'', ')', '}', ']'];

/// What ends an item of JSON.
const ENDS_ITEM: [char; 3] = [',', '}', ']'];

/// What quotes a value.
const QUOTES: [char; 2] = ['"', '\''];

/// What may stand before a value beside quotes.
const OPENS: [char; 3] = ['{', '(', '['];

/// What separates a name from a value within a line, once more than a name is there.
const BLANKS: [char; 2] = [' ', '\t'];

/// How much, in bytes, is read of a value.
const MAX_VALUE: usize = 4096;

/// How the key of [PEM](https://www.rfc-editor.org/rfc/rfc7468) begins, which is of several lines, and how its last line does.
const PEM: [&str; 2] = ["-----BEGIN", "-----END"];

/// Whose text it is: it decides how far a value without quotes reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// Whoever described a job. Before its first blank, a text is one argument or one value, so that blanks are a part of it.
    Description,
    /// Whoever says something about it. Blanks separate its words.
    Speaker,
}

/// A value, and the shortest beginning of it that may be all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Secret<'t> {
    /// The value, or more than that.
    pub value: &'t str,
    /// No more than the value.
    pub least: &'t str,
}

/// The secrets in `text`. Within `json`, which is in order, it was read before what a `Key` is of; what else stands there is hidden as it is
/// written, too.
pub fn secrets<'t>(text: &'t str, author: Author, json: &'t [Range<usize>]) -> impl Iterator<Item = Secret<'t>> {
    let mut json = json.iter().peekable();
    let is_unread = move |name: &Name<'_>| {
        while json.next_if(|range| range.end <= name.range.start).is_some() {}
        let is_within = json.peek().is_some_and(|range| range.start < name.range.start);
        !(is_within && is_key_of_pair(name.word()))
    };
    names(text)
        .filter(is_unread)
        .filter_map(Name::value)
        .flat_map(move |place| place.secrets(author))
        .chain(passwords(text))
}

/// A word that may be a name, and where it stands.
struct Name<'t> {
    text: &'t str,
    range: Range<usize>,
    /// The quote that was opened before it, in the same word between blanks.
    within: Option<char>,
    /// Whether no blank stands before it.
    is_first: bool,
}

fn names(text: &str) -> impl Iterator<Item = Name<'_>> {
    let (mut within, mut is_first) = (None, true);
    let mut chars = text.char_indices().peekable();
    from_fn(move || {
        loop {
            let (start, c) = chars.next()?;
            if is_of_name(c) {
                let mut end = start + c.len_utf8();
                while let Some((at, c)) = chars.next_if(|(_, c)| is_of_name(*c)) {
                    end = at + c.len_utf8();
                }
                return Some(Name { text, range: start..end, within, is_first });
            }
            if c.is_whitespace() {
                (within, is_first) = (None, false);
            } else if QUOTES.contains(&c) {
                within = match within {
                    Some(quote) if quote == c => None,
                    None => Some(c),
                    other => other,
                };
            }
        }
    })
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || ['_', '-', '.'].contains(&c)
}

/// Where a value begins.
struct ValuePlace<'t> {
    /// The text from there on.
    rest: &'t str,
    /// The quote within which it stands.
    within: Option<char>,
    /// Whether its name is quoted, as in JSON, where a value is or ends with the item.
    is_json: bool,
    /// Whether it is one of the words between blanks.
    is_word: bool,
    /// Whether no blank stands before its name.
    is_first: bool,
}

impl<'t> Name<'t> {
    fn word(&self) -> &'t str {
        &self.text[self.range.clone()]
    }

    /// Where its value begins, if it is a secret's and has one.
    fn value(self) -> Option<ValuePlace<'t>> {
        let (name, rest) = (self.word(), &self.text[self.range.end..]);
        if !is_secret(name) {
            return None;
        }
        let (rest, is_quoted) = behind_quote(rest);
        let within = self.within.filter(|_| !is_quoted);
        let is_flag = name.starts_with('-');
        let place = |rest, is_word| ValuePlace { rest, within, is_json: is_quoted, is_word, is_first: self.is_first };
        match rest.trim_start_matches(BLANKS).chars().next() {
            Some('=') => assigned(rest).map(|rest| place(rest, false)),
            Some(':') if is_quoted || is_label(name) && !self.text[..self.range.start].ends_with(':') => {
                assigned(rest).map(|rest| place(rest, false))
            }
            // An item of a list, as some write a command.
            Some(',') if is_flag => Some(place(rest.trim_start_matches(BLANKS)[1..].trim_start(), true)),
            _ if is_flag && rest.starts_with(char::is_whitespace) => next_word(rest).map(|rest| place(rest, true)),
            _ => None,
        }
    }
}

/// What stands behind the quote, or bracket, that ends a name, and whether it was a quote.
fn behind_quote(rest: &str) -> (&str, bool) {
    match rest.trim_start_matches('\\').strip_prefix(QUOTES) {
        Some(behind) => (behind, true),
        None => (rest.strip_prefix(']').unwrap_or(rest), false),
    }
}

/// What stands behind the sign that gives a value to a name: `=`, `:` or, as some write, `=>` or `:=`. Nothing does where only the next
/// flag follows.
fn assigned(rest: &str) -> Option<&str> {
    let sign = rest.trim_start_matches(BLANKS);
    let behind = sign.trim_start_matches(['=', ':', '>']);
    let value = behind.trim_start_matches(BLANKS);
    let is_address = sign.starts_with("://");
    let is_flag = value.len() < behind.len() && value.starts_with('-') && !value.starts_with(PEM[0]);
    (!is_address && !is_flag).then_some(value)
}

/// The word that follows a flag, on the next line perhaps, unless it is another flag.
fn next_word(rest: &str) -> Option<&str> {
    let word = rest.trim_start();
    let word = word.strip_prefix("\\\n").or(word.strip_prefix("\\\r\n")).map_or(word, str::trim_start);
    let is_flag = word.strip_prefix("--").is_some_and(|name| name.starts_with(char::is_alphabetic));
    (!is_flag).then_some(word)
}

impl<'t> ValuePlace<'t> {
    /// What may be the value: as it stands there, and without what may only enclose it.
    fn secrets(self, author: Author) -> impl Iterator<Item = Secret<'t>> {
        let mut next = Some(&self.rest[..self.rest.floor_char_boundary(MAX_VALUE)]);
        from_fn(move || {
            let rest = next.take()?;
            if let Some(secret) = quoted(rest) {
                return Some(secret);
            }
            next = rest.strip_prefix(OPENS);
            Some(self.bare(rest, author))
        })
    }

    /// A value without quotes.
    fn bare(&self, rest: &'t str, author: Author) -> Secret<'t> {
        if rest.starts_with(PEM[0]) {
            let end = rest.find(PEM[1]).map_or(rest.len(), |end| end + first_line(&rest[end..]).len());
            return Secret { value: &rest[..end], least: &rest[..end] };
        }
        let line = first_line(rest);
        let quote = self.within.and_then(|quote| closing(line, 0, quote));
        let value = match quote {
            Some(end) if !self.is_word => before_flag(&line[..end]),
            _ if !self.is_word && !self.is_json && self.is_first && author == Author::Description => before_flag(line),
            _ => line
                .split(|c: char| c.is_whitespace() || self.is_json && ENDS_ITEM.contains(&c))
                .next()
                .unwrap_or_default(),
        };
        Secret { value, least: least(value) }
    }
}

/// The value at the beginning of a text, if it is quoted: with as many backslashes as the text has before its quotes, as JSON within
/// JSON has. All of a line is where the quote is not closed.
fn quoted(rest: &str) -> Option<Secret<'_>> {
    let bare = rest.trim_start_matches('\\');
    let depth = rest.len() - bare.len();
    let quote = bare.chars().next().filter(|c| QUOTES.contains(c))?;
    let inside = &bare[1..];
    let secret = match closing(inside, depth, quote) {
        Some(end) => Secret { value: &inside[..end], least: &inside[..end] },
        None => Secret { value: first_line(inside), least: least(first_line(inside)) },
    };
    Some(secret)
}

/// Where a quote is closed that has `depth` backslashes before it: what goes on as a word is a quote within the value.
fn closing(inside: &str, depth: usize, quote: char) -> Option<usize> {
    inside.match_indices(quote).map(|(at, _)| at).find_map(|at| {
        let before = at - inside[..at].trim_end_matches('\\').len();
        let is_closed = if depth == 0 { before.is_multiple_of(2) } else { before == depth };
        let goes_on = inside[at + 1..].starts_with(char::is_alphanumeric);
        (is_closed && !goes_on).then_some(at - depth)
    })
}

fn first_line(text: &str) -> &str {
    text.split(['\n', '\r']).next().unwrap_or_default()
}

/// A text up to the first flag in it.
fn before_flag(text: &str) -> &str {
    let is_flag = |at: &usize| text[at + 1..].trim_start_matches('-').starts_with(char::is_alphabetic);
    let end = text.match_indices(" -").map(|(at, _)| at).find(is_flag);
    end.map_or(text, |end| &text[..end])
}

/// The shortest beginning of a value that may be all of it.
fn least(value: &str) -> &str {
    let ends = value.match_indices(|c: char| ENDS.contains(&c) || c.is_whitespace());
    let mut beginnings = ends.map(|(at, _)| &value[..at]);
    let least = beginnings.find(|least| least.chars().count() >= MIN_LENGTH && !is_plain(least));
    least.unwrap_or(value)
}

/// The passwords of addresses.
fn passwords(text: &str) -> impl Iterator<Item = Secret<'_>> {
    text.match_indices("://").filter_map(|(at, mark)| {
        let rest = &text[at + mark.len()..];
        let authority = rest.split(|c: char| ['/', '?', '#'].contains(&c) || c.is_whitespace()).next()?;
        let (_, value) = authority.rsplit_once('@')?.0.split_once(':')?;
        Some(Secret { value, least: value })
    })
}
