//! Secrets within a text: `name=value`, `"name": "value"`, `--name value`, `scheme://user:value@host`.
//!
//! How far a value reaches is told where it is quoted. Where it is not, it may end sooner than it does here, so each comes with the
//! least of it that may be all.

use std::iter::from_fn;
use std::ops::Range;

use super::names::{PWD, is_called_value, is_label, is_name_of_pair, is_secret};
use super::{MIN_LENGTH, PEM, is_plain};

/// What may end a value that is not quoted, or be a part of it; and so may a blank.
pub const ENDS: [char; 8] = ['&', ';', ',', '"', '\'', ')', '}', ']'];

/// What ends an item of JSON.
const ENDS_ITEM: [char; 3] = [',', '}', ']'];

/// What quotes a value.
const QUOTES: [char; 2] = ['"', '\''];

/// What may stand before a value beside quotes.
const OPENS: [char; 3] = ['{', '(', '['];

/// What stands between the fields of an address or of a connection string.
const SEPARATES_FIELDS: [char; 3] = [';', '&', '?'];

/// What Scala writes between a name and a value.
const ARROW: &str = "->";

/// How much, in bytes, is read of a value.
const MAX_VALUE: usize = 4096;

/// How the last line of a key in [PEM](https://www.rfc-editor.org/rfc/rfc7468) begins, and how it ends.
const END_OF_PEM: [&str; 2] = ["-----END", "-----"];

/// Whose text it is: it decides how far a value without quotes reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// Whoever described a job. A text may be one argument or one value, so that blanks are a part of what begins before the first of them.
    Description,
    /// Whoever says something about it, perhaps cut short. Blanks separate its words.
    Speaker,
}

/// A value, and the shortest beginning of it that may be all of it.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub struct Secret<'t> {
    /// The value, or more than that.
    pub value: &'t str,
    /// No more than the value.
    pub least: &'t str,
}

impl<'t> Secret<'t> {
    /// A value that is all that there is.
    pub fn whole(value: &'t str) -> Self {
        Self { value, least: value }
    }

    /// A value that may end sooner.
    fn at_most(value: &'t str) -> Self {
        Self { value, least: least(value) }
    }
}

/// The secrets in `text`.
pub fn secrets(text: &str, author: Author) -> impl Iterator<Item = Secret<'_>> {
    names(text).filter_map(Name::value).flat_map(move |place| place.secrets(author)).chain(passwords(text))
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
        if is_name_of_pair(name)
            && let Some((name, rest)) = pair(rest)
        {
            return is_secret(name).then(|| self.place(rest, false));
        }
        let before = self.text[..self.range.start].trim_end_matches(is_blank);
        let is_field = name == PWD && before.ends_with(SEPARATES_FIELDS);
        if !is_field && !is_secret(name) {
            return None;
        }
        let is_flag = name.starts_with('-');
        let (behind, is_quoted) = behind_quote(rest);
        let sign = behind.trim_start_matches(is_blank);
        let is_assigned = match sign.chars().next() {
            Some('=') => true,
            Some(':') => is_quoted || is_label(name) && !self.text[..self.range.start].ends_with(':'),
            _ => sign.starts_with(ARROW),
        };
        match sign.chars().next() {
            _ if is_assigned => assigned(behind).map(|value| self.place(value, is_quoted)),
            // An item of a list, as some write a command.
            Some(',') if is_flag => Some(self.word_at(sign[1..].trim_start(), is_quoted)),
            _ if is_flag && behind.starts_with(char::is_whitespace) => {
                next_word(behind).map(|word| self.word_at(word, false))
            }
            _ => None,
        }
    }

    fn place(&self, rest: &'t str, is_json: bool) -> ValuePlace<'t> {
        let within = self.within.filter(|_| !is_json);
        ValuePlace { rest, within, is_json, is_word: false, is_first: self.is_first }
    }

    fn word_at(&self, rest: &'t str, is_json: bool) -> ValuePlace<'t> {
        ValuePlace { is_word: true, ..self.place(rest, is_json) }
    }
}

/// The name that a pair has, as EMR writes properties, and its value: `Key=name, Value=value`. `rest` stands behind `Key`.
fn pair(rest: &str) -> Option<(&str, &str)> {
    let is_between = |c: char| c.is_whitespace() || c == ',' || c == '\\' || QUOTES.contains(&c);
    let name = assigned(behind_quote(rest).0)?.trim_start_matches(is_between);
    let (name, rest) = name.split_at(name.find(|c| !is_of_name(c))?);
    let value = rest.trim_start_matches(is_between);
    let (word, rest) = value.split_at(value.find(|c| !is_of_name(c))?);
    Some((name, assigned(behind_quote(rest).0)?)).filter(|_| is_called_value(word))
}

/// Whether it separates words of a line.
fn is_blank(c: char) -> bool {
    c.is_whitespace() && !['\n', '\r'].contains(&c)
}

/// What stands behind the quote, or bracket, that ends a name, and whether it was a quote.
fn behind_quote(rest: &str) -> (&str, bool) {
    match rest.trim_start_matches('\\').strip_prefix(QUOTES) {
        Some(behind) => (behind, true),
        None => (rest.strip_prefix(']').unwrap_or(rest), false),
    }
}

/// What stands behind the sign that gives a value to a name: `=`, `:` or, as some write, `=>`, `->` or `:=`. Nothing does where only the next
/// flag follows.
fn assigned(rest: &str) -> Option<&str> {
    let sign = rest.trim_start_matches(is_blank);
    let behind = sign.strip_prefix(ARROW).unwrap_or_else(|| sign.trim_start_matches(['=', ':', '>']));
    let value = behind.trim_start_matches(is_blank);
    let is_address = sign.starts_with("://");
    let is_next = value.len() < behind.len() && is_flag(value);
    (behind.len() < sign.len() && !is_address && !is_next).then(|| continued(value))
}

/// The word that follows a flag, on the next line perhaps, unless it is another flag.
fn next_word(rest: &str) -> Option<&str> {
    let word = continued(rest.trim_start());
    (!is_flag(word)).then_some(word)
}

fn is_flag(word: &str) -> bool {
    word.strip_prefix("--").is_some_and(|name| name.starts_with(char::is_alphabetic))
}

/// What stands in the next line, if that is the same one to a shell.
fn continued(rest: &str) -> &str {
    rest.strip_prefix("\\\n").or(rest.strip_prefix("\\\r\n")).map_or(rest, str::trim_start)
}

impl<'t> ValuePlace<'t> {
    /// What may be the value: as it stands there, and without what may only enclose it.
    fn secrets(self, author: Author) -> impl Iterator<Item = Secret<'t>> {
        let mut next = Some(&self.rest[..self.rest.floor_char_boundary(MAX_VALUE)]);
        from_fn(move || {
            let mut rest = next.take()?;
            if self.is_json {
                // Its items may be; what an object has has names.
                rest = rest.trim_start_matches('[');
            }
            if self.is_json && rest.starts_with('{') {
                return None;
            }
            if let Some(secret) = quoted(rest, author, self.is_json || self.is_word) {
                return Some(secret);
            }
            next = rest.strip_prefix(OPENS);
            Some(self.bare(rest, author))
        })
    }

    /// A value without quotes.
    fn bare(&self, rest: &'t str, author: Author) -> Secret<'t> {
        if rest.starts_with(PEM) {
            return Secret::whole(up_to_end_of_pem(rest));
        }
        let line = first_line(rest);
        let quote = self.within.filter(|_| !self.is_word);
        let quote = quote.and_then(|quote| closing(line, 0, quote).find(|&end| !goes_on(line, 0, end)));
        let has_blanks = self.is_first && !self.is_word && !self.is_json && author == Author::Description;
        let value = match quote {
            Some(end) => &line[..end],
            None if has_blanks => line,
            None => {
                let ends = |c: char| c.is_whitespace() || self.is_json && ENDS_ITEM.contains(&c);
                up_to_end_of_string(line.split(ends).next().unwrap_or_default())
            }
        };
        Secret::at_most(value)
    }
}

/// The value at the beginning of a text, if it is quoted: with as many backslashes as the text has before its quotes, as JSON within
/// JSON has. Where it is not closed, the text was cut; or, unless it surely `is_quote`, it is an apostrophe.
fn quoted(rest: &str, author: Author, is_quote: bool) -> Option<Secret<'_>> {
    let bare = rest.trim_start_matches('\\');
    let depth = rest.len() - bare.len();
    let quote = bare.chars().next().filter(|c| QUOTES.contains(c))?;
    let inside = &bare[1..];
    let has_lines = author == Author::Description || inside.starts_with(PEM);
    let inside = if has_lines { inside } else { first_line(inside) };
    let secret = match closing(inside, depth, quote).find(|&end| !goes_on(inside, depth, end)) {
        Some(end) => {
            let mut sooner = closing(&inside[..end], depth, quote).map(|end| &inside[..end]);
            let least = sooner.find(|value| is_one(value)).unwrap_or(&inside[..end]);
            Secret { value: &inside[..end], least }
        }
        None if inside.starts_with(PEM) => Secret::whole(up_to_end_of_pem(inside)),
        None if is_quote || author == Author::Description => Secret::at_most(first_line(inside)),
        None => Secret::at_most(inside.split(char::is_whitespace).next().unwrap_or_default()),
    };
    Some(secret)
}

/// Where a quote may be closed that has `depth` backslashes before it.
fn closing(inside: &str, depth: usize, quote: char) -> impl Iterator<Item = usize> {
    inside.match_indices(quote).filter_map(move |(at, _)| {
        let before = at - inside[..at].trim_end_matches('\\').len();
        let is_closed = if depth == 0 { before.is_multiple_of(2) } else { before == depth };
        is_closed.then(|| at - depth)
    })
}

/// Whether what is closed there goes on: that is a quote within the value, most likely, or one that a shell only closes to open another.
fn goes_on(inside: &str, depth: usize, end: usize) -> bool {
    let behind = &inside[end + depth + 1..];
    let is_shell = depth == 0 && (behind.starts_with(QUOTES) || behind.starts_with("\\'"));
    is_shell || behind.starts_with(char::is_alphanumeric)
}

/// A word, up to where the string of JSON ends that has it for its last one.
fn up_to_end_of_string(word: &str) -> &str {
    let is_end = |&at: &usize| word[at + 1..].starts_with(ENDS_ITEM);
    let end = word.match_indices('"').map(|(at, _)| at).find(is_end);
    end.map_or(word, |end| word[..end].trim_end_matches('\\'))
}

/// A key in PEM, which may have lost its line breaks; all of the text where that was cut.
fn up_to_end_of_pem(text: &str) -> &str {
    let [begins, ends] = END_OF_PEM;
    let last = text.find(begins).map(|at| at + begins.len());
    let end = last.and_then(|last| text[last..].find(ends).map(|at| last + at + ends.len()));
    end.map_or(text, |end| &text[..end])
}

fn first_line(text: &str) -> &str {
    text.split(['\n', '\r']).next().unwrap_or_default()
}

/// The shortest beginning of a value that may be all of it.
fn least(value: &str) -> &str {
    let ends = value.match_indices(|c: char| ENDS.contains(&c) || c.is_whitespace());
    let mut beginnings = ends.map(|(at, _)| &value[..at]);
    beginnings.find(|least| is_one(least)).unwrap_or(value)
}

/// Whether it may be a secret at all.
fn is_one(value: &str) -> bool {
    value.trim().chars().count() >= MIN_LENGTH && !is_plain(value)
}

/// The passwords of addresses.
fn passwords(text: &str) -> impl Iterator<Item = Secret<'_>> {
    text.match_indices("://").filter_map(|(at, mark)| {
        let rest = &text[at + mark.len()..];
        let authority = rest.split(|c: char| ['/', '?', '#'].contains(&c) || c.is_whitespace()).next()?;
        let (_, value) = authority.rsplit_once('@')?.0.split_once(':')?;
        Some(Secret::whole(value))
    })
}
