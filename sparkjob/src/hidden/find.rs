//! What looks like a secret, wherever in a description it stands.

use std::borrow::Cow;

use serde_json::{Deserializer, Map, Value};

use super::names::{is_called_value, is_label, is_name_of_pair, is_secret};
use super::text::{self, Author, Secret};
use crate::spark_submit::quote;

/// How much is read, in bytes, of the values within the texts of one description: that is written by people, and whoever else fills it
/// with what looks like secrets is not to fill the memory.
const MAX_VALUES: usize = 512 * 1024;

/// How much, in bytes, of all its texts, of which each is read anew where it stands within another one.
const MAX_TEXTS: usize = 2 * 1024 * 1024;

/// How often what begins like JSON within its texts may be none.
const MAX_FAILURES: usize = 64;

/// Tells `found` every value in `description` that looks like a secret, and the shortest beginning of it that may be all of it.
pub fn values(description: &Value, author: Author, found: &mut dyn FnMut(Secret<'_>)) {
    Finder { author, found, values_left: MAX_VALUES, texts_left: MAX_TEXTS, failures: 0 }.values(description);
}

/// Finds the values of one description.
struct Finder<'f> {
    /// Whose it is.
    author: Author,
    /// Who is told of them.
    found: &'f mut dyn FnMut(Secret<'_>),
    /// How much is still read of values within texts, in bytes.
    values_left: usize,
    /// How much is still read of texts, in bytes.
    texts_left: usize,
    /// How often what began like JSON was none.
    failures: usize,
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
        let value = fields.iter().find(|(field, _)| is_called_value(field)).map(|(_, value)| value);
        for (field, name) in fields {
            // Whoever writes a list's item among names, as `DB_PASSWORD=…: ''`, reads it in the fault.
            self.in_pairs(field);
            match (name, value) {
                (Value::String(name), Some(value)) if is_name_of_pair(field) => {
                    self.in_named(name, value);
                    self.in_text(name);
                }
                (name, _) => self.in_named(field, name),
            }
        }
    }

    fn in_named(&mut self, name: &str, value: &Value) {
        if is_secret(name) {
            self.leaves(value);
        }
        self.values(value);
    }

    /// All that stands under the name of a secret.
    fn leaves(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.whole(text),
            Value::Number(number) => self.whole(&number.to_string()),
            Value::Array(items) => items.iter().for_each(|item| self.leaves(item)),
            Value::Object(fields) => fields.values().for_each(|field| self.leaves(field)),
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// A list may be the arguments of a command.
    fn in_list(&mut self, items: &[Value]) {
        let arguments: Vec<Cow<'_, str>> = items.iter().map(argument).collect();
        self.in_arguments(&arguments);
        for item in items {
            self.values(item);
        }
    }

    /// What stands in arguments is what it is, blanks and lines included.
    fn in_arguments(&mut self, arguments: &[impl AsRef<str>]) {
        for (index, argument) in arguments.iter().map(AsRef::as_ref).enumerate() {
            match argument.split_once('=') {
                Some((name, value)) if name.starts_with('-') && is_secret(name) => self.whole(value),
                None if is_flag(argument) => {
                    arguments.get(index + 1).into_iter().for_each(|value| self.whole(value.as_ref()));
                }
                _ => {}
            }
        }
    }

    /// A text may be a command line, an address, JSON or have that in it.
    fn in_text(&mut self, text: &str) {
        let Some(left) = self.texts_left.checked_sub(text.len()) else { return };
        self.texts_left = left;
        if text.starts_with(['{', '['])
            && let Ok(value) = serde_json::from_str(text)
        {
            self.values(&value);
        } else {
            self.in_command_line(text);
            self.in_json_within(text);
        }
        self.in_pairs(text);
    }

    /// What the arguments are in a command line, without what quotes them there.
    fn in_command_line(&mut self, text: &str) {
        let is_one = self.author == Author::Description
            && text.contains(|c: char| c.is_whitespace() || ['\\', '"', '\''].contains(&c));
        let Some(arguments) = is_one.then(|| quote::split(text).ok()).flatten() else { return };
        self.in_arguments(&arguments);
        for argument in arguments {
            self.in_json_within(&argument);
            self.in_pairs(&argument);
        }
    }

    /// The JSON within a text: `--config={"password": "value"}`.
    fn in_json_within(&mut self, text: &str) {
        let mut rest = text;
        while let Some(start) = rest.find(['{', '[']).filter(|_| self.failures < MAX_FAILURES) {
            let mut values = Deserializer::from_str(&rest[start..]).into_iter();
            if let Some(Ok(value)) = values.next() {
                rest = &rest[start + values.byte_offset()..];
                self.values(&value);
            } else {
                rest = &rest[start + 1..];
                self.failures += 1;
            }
        }
    }

    /// The values of names in a text, as they are written there.
    fn in_pairs(&mut self, text: &str) {
        for secret in text::secrets(text, self.author) {
            let Some(left) = self.values_left.checked_sub(secret.value.len()) else { break };
            self.values_left = left;
            (self.found)(secret);
        }
    }

    /// A value that is all that there is.
    fn whole(&mut self, value: &str) {
        (self.found)(Secret::whole(value));
    }
}

/// An item of a list as an argument; what is none separates others.
fn argument(item: &Value) -> Cow<'_, str> {
    match item {
        Value::String(text) => text.into(),
        Value::Number(number) => number.to_string().into(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => "".into(),
    }
}

/// Whether a value follows that is a secret: `--password`, `password:`.
fn is_flag(word: &str) -> bool {
    word.starts_with('-') && is_secret(word) || word.ends_with(':') && is_label(word)
}
