//! What looks like a secret, wherever in a description it stands.

use serde_json::{Map, Value};

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

/// What may end a value within a text of several, or be a part of it: a value that each of these alone ends is none either.
const ENDS: [&[char]; 9] = [
    &['&', ';', ',', '"', '\''],
    &['&', ';', '"', '\''],
    &['&', '"', '\''],
    &['"', '\''],
    &['&', ';', ','],
    &['&', ';'],
    &['&'],
    &[';'],
    &[],
];

/// Where a name within a text begins.
const BEGINS: [char; 9] = ['&', ';', ',', '"', '\'', '?', '=', '{', '('];

/// How many pairs are read of one word, and how much of a value within it, in bytes: a description of ours is written by
/// people, and whoever else fills it with pairs is not to fill the memory.
const MAX_PAIRS: usize = 64;
const MAX_VALUE: usize = 4096;

/// Tells `found` every value in `description` that looks like a secret.
pub fn values(description: &Value, found: &mut dyn FnMut(&str)) {
    match description {
        Value::Object(fields) => in_object(fields, found),
        Value::Array(items) => in_list(items, found),
        Value::String(text) => in_text(text, found),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether a text holds a secret.
pub fn is_in(text: &str) -> bool {
    let mut is_in = false;
    in_text(text, &mut |_| is_in = true);
    is_in
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

fn in_object(fields: &Map<String, Value>, found: &mut dyn FnMut(&str)) {
    // A pair, as EMR writes properties of a step.
    let pair = |name: &str| fields.get(name).or_else(|| fields.get(&name.to_ascii_lowercase()));
    if let (Some(Value::String(name)), Some(value)) = (pair("Key").or_else(|| pair("Name")), pair("Value")) {
        in_named(name, value, found);
        return;
    }
    for (name, value) in fields {
        in_named(name, value, found);
    }
}

fn in_named(name: &str, value: &Value, found: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) if is_secret(name) => found(text),
        Value::Number(number) if is_secret(name) => found(&number.to_string()),
        Value::Array(items) if is_secret(name) => items.iter().filter_map(Value::as_str).for_each(&mut *found),
        _ => {}
    }
    values(value, found);
}

/// A list may be the arguments of a command.
fn in_list(items: &[Value], found: &mut dyn FnMut(&str)) {
    let texts: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
    in_arguments(&texts, found);
    for item in items {
        values(item, found);
    }
}

fn in_arguments(arguments: &[&str], found: &mut dyn FnMut(&str)) {
    for (index, argument) in arguments.iter().enumerate() {
        match argument.split_once('=') {
            Some((name, value)) if is_secret(last_name(name)) => found(value),
            None if is_flag(argument) => arguments.get(index + 1).into_iter().for_each(|value| in_value(value, found)),
            _ => {}
        }
    }
}

/// A secret, perhaps with what ends it in a text that is about JSON.
fn in_value(value: &str, found: &mut dyn FnMut(&str)) {
    found(value);
    let bare = value.trim_matches(['"', '\'', ',', '}', ']']);
    if bare != value {
        found(bare);
    }
}

/// Whether a value follows that is a secret: `--password`, `password:`.
fn is_flag(word: &str) -> bool {
    (word.starts_with('-') || word.ends_with(':')) && is_secret(word)
}

/// A text may be a command line, an address or JSON.
fn in_text(text: &str, found: &mut dyn FnMut(&str)) {
    if in_json(text, found) {
        return;
    }
    if text.contains(char::is_whitespace) {
        let words: Vec<&str> = text.split_whitespace().collect();
        in_arguments(&words, found);
        if let Ok(arguments) = quote::split(text) {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            in_arguments(&arguments, found);
            for argument in arguments {
                in_json_of(argument, found);
            }
        }
    }
    in_json_of(text, found);
    text.split_whitespace().for_each(|word| in_word(word, found));
}

/// Whether a text is JSON of several values.
fn in_json(text: &str, found: &mut dyn FnMut(&str)) -> bool {
    if !text.starts_with(['{', '[']) {
        return false;
    }
    let Ok(value @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(text) else { return false };
    values(&value, found);
    true
}

/// The JSON that an argument gives to a flag or a property: `--config={"password": "value"}`.
fn in_json_of(argument: &str, found: &mut dyn FnMut(&str)) {
    for (at, _) in argument.match_indices('=').take(MAX_PAIRS) {
        if in_json(&argument[at + 1..], found) {
            return;
        }
    }
}

/// `name=value` anywhere in it, and the password of an address: `jdbc:x://me:password@host/?secret=value&more`.
fn in_word(word: &str, found: &mut dyn FnMut(&str)) {
    for (at, _) in word.match_indices('=').take(MAX_PAIRS) {
        if is_secret(last_name(&word[..at])) {
            let value = word[at + 1..].trim_start_matches(['"', '\'']);
            let value = &value[..value.floor_char_boundary(MAX_VALUE)];
            ENDS.into_iter().filter_map(|ends| value.split(ends).next()).for_each(&mut *found);
        }
    }
    for rest in word.match_indices("://").take(MAX_PAIRS).map(|(at, mark)| &word[at + mark.len()..]) {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let user = authority.rsplit_once('@').map(|(user, _)| user);
        if let Some((_, password)) = user.and_then(|user| user.split_once(':')) {
            found(password);
        }
    }
}

/// The name at the end of a text: that of a pair among others.
fn last_name(text: &str) -> &str {
    text.rsplit(BEGINS).next().unwrap_or_default()
}
