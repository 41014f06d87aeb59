//! What looks like a secret, wherever in a description it stands.

use std::ops::Range;

use serde_json::{Deserializer, Map, Value};

use super::names::{is_key_of_pair, is_label, is_secret};
use super::text::{self, Author, Secret};
use crate::spark_submit::quote;

/// How much is read, in bytes, of the values within the texts of one description, and how often it is tried to read JSON within a text:
/// that is written by people, and whoever else fills it with what looks like secrets is not to fill the memory.
const MAX_VALUES: usize = 512 * 1024;
const MAX_FAILURES: usize = 64;

/// Tells `found` every value in `description` that looks like a secret, and the shortest beginning of it that may be all of it.
pub fn values(description: &Value, author: Author, found: &mut dyn FnMut(Secret<'_>)) {
    Finder { author, found, left: MAX_VALUES }.values(description);
}

/// Finds the values of one description.
struct Finder<'f> {
    /// Whose it is.
    author: Author,
    /// Who is told of them.
    found: &'f mut dyn FnMut(Secret<'_>),
    /// How much is still read of values within texts, in bytes.
    left: usize,
}

impl Finder<'_> {
    fn values(&mut self, description: &Value) {
        match description {
            Value::Object(fields) => self.in_object(fields),
            Value::Array(items) => self.in_list(items),
            Value::String(text) => self.in_text(text),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn in_object(&mut self, fields: &Map<String, Value>) {
        // A pair, as EMR writes properties of a step.
        let of_pair = |name: &str| fields.get(name).or_else(|| fields.get(&name.to_ascii_lowercase()));
        let pair = of_pair("Key").or_else(|| of_pair("Name")).and_then(Value::as_str).zip(of_pair("Value"));
        if let Some((name, value)) = pair {
            self.in_named(name, value);
        }
        for (name, value) in fields.iter().filter(|(name, _)| pair.is_none() || !is_key_of_pair(name)) {
            self.in_named(name, value);
        }
    }

    fn in_named(&mut self, name: &str, value: &Value) {
        match value {
            Value::String(text) if is_secret(name) => self.whole(text),
            Value::Number(number) if is_secret(name) => self.whole(&number.to_string()),
            Value::Array(items) if is_secret(name) => {
                items.iter().filter_map(Value::as_str).for_each(|text| self.whole(text));
            }
            _ => {}
        }
        self.values(value);
    }

    /// A list may be the arguments of a command.
    fn in_list(&mut self, items: &[Value]) {
        let texts: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
        self.in_arguments(&texts);
        for item in items {
            self.values(item);
        }
    }

    /// What stands in arguments is what it is, blanks and lines included.
    fn in_arguments(&mut self, arguments: &[&str]) {
        for (index, argument) in arguments.iter().enumerate() {
            match argument.split_once('=') {
                Some((name, value)) if name.starts_with('-') && is_secret(name) => self.whole(value),
                None if is_flag(argument) => arguments.get(index + 1).into_iter().for_each(|value| self.whole(value)),
                _ => {}
            }
        }
    }

    /// A text may be a command line, an address, JSON or have that in it.
    fn in_text(&mut self, text: &str) {
        if text.starts_with(['{', '['])
            && let Ok(value) = serde_json::from_str(text)
        {
            return self.values(&value);
        }
        if self.author == Author::Description
            && let Ok(arguments) = quote::split(text)
        {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            self.in_arguments(&arguments);
            // What a command line quotes may be JSON only without that.
            for argument in arguments {
                self.in_json_within(argument);
            }
        }
        let known = self.in_json_within(text);
        for secret in text::secrets(text, self.author, &known) {
            let Some(left) = self.left.checked_sub(secret.value.len()) else { break };
            self.left = left;
            (self.found)(secret);
        }
    }

    /// The JSON within a text, and where it stands: `--config={"password": "value"}`.
    fn in_json_within(&mut self, text: &str) -> Vec<Range<usize>> {
        let (mut read, mut failures, mut from) = (Vec::new(), 0, 0);
        while let Some(found) = text[from..].find(['{', '[']).filter(|_| failures < MAX_FAILURES) {
            let start = from + found;
            let mut values = Deserializer::from_str(&text[start..]).into_iter();
            if let Some(Ok(value)) = values.next() {
                from = start + values.byte_offset();
                read.push(start..from);
                self.values(&value);
            } else {
                from = start + 1;
                failures += 1;
            }
        }
        read
    }

    /// A value that is all that there is.
    fn whole(&mut self, value: &str) {
        (self.found)(Secret { value, least: value });
    }
}

/// Whether a value follows that is a secret: `--password`, `password:`.
fn is_flag(word: &str) -> bool {
    word.starts_with('-') && is_secret(word) || word.ends_with(':') && is_label(word)
}
