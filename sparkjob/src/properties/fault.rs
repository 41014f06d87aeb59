//! What is wrong with a description, told so that it fits a log line: bounded, escaped, without secrets.

use std::fmt;

use serde_json::Value;

use crate::hidden;

/// How many faults are told; a description that has more is not read to its end by anyone.
pub(super) const MAX_TOLD: usize = 30;

/// How many bytes of a text are shown, escapes counted.
const MAX_SHOWN: usize = 80;

/// Everything that is wrong with a description; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(pub(super) Vec<Fault>);

impl Faults {
    /// The faults, in the order of the properties' documentation, unknown names last.
    pub fn as_slice(&self) -> &[Fault] {
        &self.0
    }

    /// The same faults, seen from what holds the description as `name`.
    #[must_use]
    pub fn under(self, name: &str) -> Self {
        Self(self.0.into_iter().map(|fault| fault.under(name)).collect())
    }
}

/// In one line: `2 faults: LivyPort: must be ...; Parameters.File: ...`.
impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} fault{}: ", self.0.len(), if self.0.len() == 1 { "" } else { "s" })?;
        for (index, fault) in self.0.iter().take(MAX_TOLD).enumerate() {
            write!(f, "{}{fault}", if index == 0 { "" } else { "; " })?;
        }
        match self.0.len().saturating_sub(MAX_TOLD) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

impl std::error::Error for Faults {}

/// One thing that is wrong: where, what is allowed, what was found.
///
/// Its text is bounded, whatever the description holds, and control characters are escaped in it. Values that may be
/// secrets are not in it, only their kind and length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where it is: `Parameters.Args[3]`; empty where it concerns the description as a whole.
    pub path: String,
    problem: String,
    found: Option<Found>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Found {
    /// What it is: `a string of 14 characters`.
    kind: String,
    /// The value itself, quoted; none where it may not be shown.
    shown: Option<String>,
}

impl Fault {
    /// A fault of the whole that is being read; [`Fault::under`] tells where that is.
    pub(super) fn new(problem: impl Into<String>) -> Self {
        Self { path: String::new(), problem: problem.into(), found: None }
    }

    /// The same with what was found.
    pub(super) fn wrong(problem: impl Into<String>, value: &Value) -> Self {
        let (kind, shown) = match value {
            Value::Null => ("null".to_owned(), None),
            Value::Array(_) => ("a list".to_owned(), None),
            Value::Object(_) => ("an object".to_owned(), None),
            Value::Bool(_) => ("a boolean".to_owned(), Some(value.to_string())),
            Value::Number(_) => ("a number".to_owned(), Some(value.to_string())),
            Value::String(text) => (kind_of(text), (!looks_secret(text)).then(|| quoted(text))),
        };
        Self { found: Some(Found { kind, shown }), ..Self::new(problem) }
    }

    /// The same fault of a value that anything may be in, secrets too: what was found is told by its kind and length.
    pub(super) fn private(self) -> Self {
        Self { found: self.found.map(|found| Found { shown: None, ..found }), ..self }
    }

    /// The same fault of a value that has this name.
    pub(super) fn named(self, name: &str) -> Self {
        if looks_secret(name) { self.private() } else { self }
    }

    /// The same fault, seen from the object that holds it as `name`.
    pub(super) fn under(self, name: &str) -> Self {
        let fault = self.named(name);
        Self { path: join(&segment(name), &fault.path), ..fault }
    }

    /// Whether it is of the property `name`, or of something in it.
    pub(super) fn is_in(&self, name: &str) -> bool {
        self.path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    }

    /// The same fault of the property `name`, or of something in it, which is called otherwise.
    pub(super) fn renamed(self, name: &str, called: &str) -> Self {
        let within = self.path.strip_prefix(name).unwrap_or_default();
        Self { path: format!("{called}{within}"), ..self }
    }

    /// The same fault, seen from the list that holds it.
    pub(super) fn at(self, index: usize) -> Self {
        Self { path: join(&format!("[{index}]"), &self.path), ..self }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let colon = if self.path.is_empty() { "" } else { ": " };
        write!(f, "{}{colon}{}", self.path, self.problem)?;
        match &self.found {
            None => Ok(()),
            Some(Found { kind, shown }) => write!(f, ", got {}", shown.as_ref().unwrap_or(kind)),
        }
    }
}

/// `text` as it may be shown: quoted, escaped, cut; or by its length alone.
pub(super) fn shown(text: &str) -> String {
    if looks_secret(text) { kind_of(text) } else { quoted(text) }
}

/// The first of `known` that `name` resembles most, whatever the case of either; none where it resembles none.
pub(super) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    // A name is compared by its beginning only: nothing that is longer by far is a misspelling.
    let name: String = name.chars().take(MAX_SHOWN).collect::<String>().to_lowercase();
    let likeness = |known: &str| strsim::jaro_winkler(&name, &known.to_lowercase());
    let by_likeness = known.iter().map(|&known| (likeness(known), known));
    let best = by_likeness.reduce(|best, next| if next.0 > best.0 { next } else { best })?;
    (best.0 > 0.8).then_some(best.1)
}

/// `a, b or c`.
pub(super) fn either(choices: &[&str]) -> String {
    match choices {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// Whether it holds what is hidden wherever it comes back, or Spark itself would redact it, name or value:
/// [`spark.redaction.regex`](https://spark.apache.org/docs/latest/configuration.html#runtime-environment) is
/// `(?i)secret|password|token|access[.]?key`. Other separators than the dot count too: `AWS_ACCESS_KEY_ID`.
fn looks_secret(text: &str) -> bool {
    let letters: String = text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    ["secret", "password", "token", "accesskey"].iter().any(|word| letters.contains(word))
        || letters.ends_with("pwd")
        || hidden::is_label(text)
        || hidden::is_in(text)
}

fn kind_of(text: &str) -> String {
    let length = text.chars().count();
    format!("a string of {length} character{}", if length == 1 { "" } else { "s" })
}

fn quoted(text: &str) -> String {
    let mut written = String::from("\"");
    for (start, c) in text.char_indices() {
        let escaped = if c == '\'' { c.to_string() } else { c.escape_debug().to_string() };
        if written.len() + escaped.len() > MAX_SHOWN && start + c.len_utf8() < text.len() {
            return format!("{written}...\" ({} bytes)", text.len());
        }
        written.push_str(&escaped);
    }
    written.push('"');
    written
}

/// A name as part of a path: as it is where it is plain, else quoted in brackets.
fn segment(name: &str) -> String {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    let is_name = (1..=MAX_SHOWN).contains(&name.len()) && name.bytes().all(is_plain);
    if is_name { name.to_owned() } else { format!("[{}]", quoted(name)) }
}

fn join(outer: &str, inner: &str) -> String {
    let dot = if inner.is_empty() || inner.starts_with('[') { "" } else { "." };
    format!("{outer}{dot}{inner}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_found_is_escaped_and_cut() {
        let told = |value: Value| Fault::wrong("must be x", &value).under("Name").to_string();
        for (value, text) in [
            (json!("two"), r#"Name: must be x, got "two""#),
            (json!("a\"b\nc\u{0}\u{202e}"), r#"Name: must be x, got "a\"b\nc\0\u{202e}""#),
            (json!(-1), "Name: must be x, got -1"),
            (json!(true), "Name: must be x, got true"),
            (json!(null), "Name: must be x, got null"),
            (json!([[[1]]]), "Name: must be x, got a list"),
            (json!({"a": {"b": {}}}), "Name: must be x, got an object"),
        ] {
            assert_eq!(told(value), text);
        }
        let long = told(json!("é".repeat(500_000)));
        assert!(long.ends_with("é...\" (1000000 bytes)") && long.len() < 150, "{long}");
    }

    #[test]
    fn a_path_shows_odd_names_quoted() {
        let fault = Fault::new("unknown");
        assert_eq!(fault.clone().under("spark.a-b_c").under("Configuration").path, "Configuration.spark.a-b_c");
        assert_eq!(fault.clone().at(3).under("Args").path, "Args[3]");
        assert_eq!(fault.clone().under("a \"b\"\n").under("P").path, r#"P["a \"b\"\n"]"#);
        assert_eq!(fault.clone().under("").under("P").path, r#"P[""]"#);
        assert!(fault.under(&"n".repeat(1 << 20)).path.len() < 120);
    }

    #[test]
    fn a_secret_is_not_shown_but_its_kind_and_length_are() {
        let told = |name: &str, value: Value| Fault::wrong("must be x", &value).under(name).under("E").to_string();
        for name in
            ["DB_PASSWORD", "spark.hadoop.fs.s3a.secret.key", "authToken", "fs.s3a.access.key", "api-key", "DB_PWD"]
        {
            assert_eq!(told(name, json!("äbc")), format!("E.{name}: must be x, got a string of 3 characters"));
            assert_eq!(told(name, json!(17)), format!("E.{name}: must be x, got a number"));
            assert_eq!(told(name, json!(["abc"])), format!("E.{name}: must be x, got a list"));
        }
        assert_eq!(told("X", json!("my password")), "E.X: must be x, got a string of 11 characters");
        assert_eq!(told("sort.key", json!("abc")), "E.sort.key: must be x, got \"abc\"");
        let private = |value: Value| Fault::wrong("must be x", &value).private().to_string();
        assert_eq!(private(json!("\0")), "must be x, got a string of 1 character");
        assert_eq!(private(json!(true)), "must be x, got a boolean");
        assert_eq!(private(json!(null)), "must be x, got null");
    }

    #[test]
    fn a_misspelt_name_finds_the_one_that_was_meant() {
        let known = ["File", "ExecutorCores", "ExecutorMemory", "Environment", "Configuration"];
        for (name, meant) in [
            ("ExecutorCore", Some("ExecutorCores")),
            ("executormemory", Some("ExecutorMemory")),
            ("conf", Some("Configuration")),
            ("Env", Some("Environment")),
            ("flie", Some("File")),
            ("Colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, &known), meant, "{name}");
        }
    }

    #[test]
    fn faults_are_counted_and_the_last_of_many_not_told() {
        let faults = |count| Faults((0..count).map(|i| Fault::new("bad").at(i).under("Args")).collect());
        assert_eq!(faults(1).to_string(), "1 fault: Args[0]: bad");
        assert_eq!(faults(2).to_string(), "2 faults: Args[0]: bad; Args[1]: bad");
        let many = faults(50_000).to_string();
        assert!(many.starts_with("50000 faults: Args[0]: bad; ") && many.ends_with("; Args[29]: bad; and 49970 more"));
    }
}
