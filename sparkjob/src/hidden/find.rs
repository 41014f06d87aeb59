//! What looks like a secret, wherever in a description it stands.

use serde_json::{Map, Value};

use super::{MIN_LENGTH, is_truth};
use crate::spark_submit::quote;

/// Parts of names that Spark takes for those of secrets, and others that are used alike. Blanks, dots and dashes do not
/// matter.
const NAMES: [&str; 17] = [
    "secret",
    "password",
    "passwd",
    "passphrase",
    "token",
    "signature",
    "accesskey",
    "accountkey",
    "apikey",
    "authkey",
    "encryptionkey",
    "masterkey",
    "privatekey",
    "secretkey",
    "sharedkey",
    "signingkey",
    "sshkey",
];

/// What stands before `key` in names of data, not of secrets.
const KEYS_OF_DATA: [&str; 12] = [
    "cluster",
    "foreign",
    "group",
    "join",
    "object",
    "partition",
    "primary",
    "public",
    "range",
    "record",
    "row",
    "sort",
];

/// What may end a value within a text of several, or be a part of it.
const ENDS: [char; 8] = ['&', ';', ',', '"', '\'', ')', '}', ']'];

/// What may stand before such a value.
const OPENS: [char; 4] = ['"', '\'', '{', '('];

/// Where a name within a text begins.
const BEGINS: [char; 9] = ['&', ';', ',', '"', '\'', '?', '=', '{', '('];

/// How many pairs are read of one word, and how much, in bytes, of a value within it and of all such values of one description: that is
/// written by people, and whoever else fills it with pairs is not to fill the memory.
const MAX_PAIRS: usize = 64;
const MAX_VALUE: usize = 4096;
const MAX_VALUES: usize = 512 * 1024;

/// Tells `found` every value in `description` that looks like a secret, and the shortest beginning of it that may be all of it.
pub fn values(description: &Value, found: &mut dyn FnMut(&str, &str)) {
    Finder::telling(found).values(description);
}

/// Whether a text holds a secret.
pub fn is_in(text: &str) -> bool {
    let mut is_in = false;
    Finder::telling(&mut |_, _| is_in = true).in_text(text);
    is_in
}

/// Finds the values of one description.
struct Finder<'f> {
    /// Who is told of them.
    found: &'f mut dyn FnMut(&str, &str),
    /// How much is still read of values within words, in bytes.
    left: usize,
}

impl<'f> Finder<'f> {
    fn telling(found: &'f mut dyn FnMut(&str, &str)) -> Self {
        Self { found, left: MAX_VALUES }
    }

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
        let pair = |name: &str| fields.get(name).or_else(|| fields.get(&name.to_ascii_lowercase()));
        if let (Some(Value::String(name)), Some(value)) = (pair("Key").or_else(|| pair("Name")), pair("Value")) {
            self.in_named(name, value);
            return;
        }
        for (name, value) in fields {
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

    fn in_arguments(&mut self, arguments: &[&str]) {
        for (index, argument) in arguments.iter().enumerate() {
            match argument.split_once('=') {
                Some((name, value)) if is_secret(last_name(name)) => self.whole(value),
                None if is_flag(argument) => {
                    arguments.get(index + 1).into_iter().for_each(|value| self.in_value(value));
                }
                _ => {}
            }
        }
    }

    /// A secret, perhaps with what ends it in a text that is about JSON.
    fn in_value(&mut self, value: &str) {
        self.whole(value);
        self.within(value);
    }

    /// A text may be a command line, an address or JSON.
    fn in_text(&mut self, text: &str) {
        if self.in_json(text) {
            return;
        }
        if text.contains(char::is_whitespace) {
            let words: Vec<&str> = text.split_whitespace().collect();
            self.in_arguments(&words);
            if let Ok(arguments) = quote::split(text) {
                let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
                self.in_arguments(&arguments);
                for argument in arguments {
                    self.in_json_of(argument);
                }
            }
            // A value may have blanks in it; what each word holds follows below.
            self.in_pairs(text);
        }
        self.in_json_of(text);
        text.split_whitespace().for_each(|word| self.in_word(word));
    }

    /// Whether a text is JSON of several values.
    fn in_json(&mut self, text: &str) -> bool {
        if !text.starts_with(['{', '[']) {
            return false;
        }
        let Ok(value @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(text) else { return false };
        self.values(&value);
        true
    }

    /// The JSON that an argument gives to a flag or a property: `--config={"password": "value"}`.
    fn in_json_of(&mut self, argument: &str) {
        for (at, _) in argument.match_indices('=').take(MAX_PAIRS) {
            if self.in_json(&argument[at + 1..]) {
                return;
            }
        }
    }

    /// `name=value` anywhere in a text: `user = "me" password = "a value"`.
    fn in_pairs(&mut self, text: &str) {
        for (at, _) in text.match_indices('=').take(MAX_PAIRS) {
            if is_secret(last_name(&text[..at])) {
                self.within(text[at + 1..].trim_start());
            }
        }
    }

    /// The same in a word, and the password of an address: `jdbc:x://me:password@host/?secret=value&more`.
    fn in_word(&mut self, word: &str) {
        self.in_pairs(word);
        for rest in word.match_indices("://").take(MAX_PAIRS).map(|(at, mark)| &word[at + mark.len()..]) {
            let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
            let user = authority.rsplit_once('@').map(|(user, _)| user);
            if let Some((_, password)) = user.and_then(|user| user.split_once(':')) {
                self.whole(password);
            }
        }
    }

    /// A value that is all that there is.
    fn whole(&mut self, value: &str) {
        (self.found)(value, value);
    }

    /// A value that may end before the text does.
    fn within(&mut self, value: &str) {
        let opened = value.trim_start_matches(OPENS);
        if opened.len() < value.len() {
            self.within(opened);
        }
        let value = &value[..value.floor_char_boundary(MAX_VALUE)];
        let Some(left) = self.left.checked_sub(value.len()) else { return };
        self.left = left;
        let mut beginnings = value.match_indices(ENDS).map(|(at, _)| &value[..at]);
        let least = beginnings.find(|least| least.chars().count() >= MIN_LENGTH && !is_truth(least));
        (self.found)(value, least.unwrap_or(value));
    }
}

/// Whether a value of this name is a secret. The ARN of where one is kept is none; nor is the `ServiceToken` of every custom
/// resource, the ARN of the function.
fn is_secret(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    if plain.ends_with("arn") || plain == "servicetoken" {
        return false;
    }
    NAMES.iter().any(|part| plain.contains(part))
        || plain == "sig"
        || plain.len() > "pwd".len() && !plain.ends_with("oldpwd") && plain.ends_with("pwd")
        || is_key(name, &plain)
}

/// Whether it is a key's, as the last of its words tells; `plain` is the name without what separates its words.
fn is_key(name: &str, plain: &str) -> bool {
    let Some(before) = plain.strip_suffix("key") else { return false };
    let name = name.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    let word = name.len().checked_sub("key".len()).and_then(|at| Some((name.get(..at)?, name.get(at..)?)));
    let is_word = word.is_some_and(|(before, word)| {
        !before.ends_with(|c: char| c.is_ascii_alphanumeric())
            || word.starts_with('K') && before.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
    });
    is_word && !KEYS_OF_DATA.iter().any(|kind| before.ends_with(kind))
}

/// Whether a value follows that is a secret: `--password`, `password:`.
fn is_flag(word: &str) -> bool {
    (word.starts_with('-') || word.ends_with(':')) && is_secret(word)
}

/// The name at the end of a text: that of a pair among others.
fn last_name(text: &str) -> &str {
    text.trim_end().rsplit(|c: char| BEGINS.contains(&c) || c.is_whitespace()).next().unwrap_or_default()
}
