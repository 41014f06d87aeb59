//! The patterns of AWS's models, each in words that help.
//!
//! A text must look like its pattern as a whole, as it does in
//! [what the APIs document](https://docs.aws.amazon.com/emr-on-eks/latest/APIReference/API_StartJobRun.html): `[0-9a-z]+` is
//! an identifier, not a text that holds one. Whether `.` stands for the end of a line too is not published: here it does,
//! since it is better to let the service refuse what it will than to refuse what it takes.
//!
//! `regex-lite` is in the Lambda anyway, for the AWS SDKs find their endpoints with it; like the models it knows `\d`, `\s` and
//! `\w` as ASCII.

use std::sync::OnceLock;

use regex_lite::Regex;

/// What is wrong with `text`, which must look like `pattern`; nothing where the pattern is one that any text looks like.
pub(super) fn problem(pattern: &str, text: &str) -> Option<&'static str> {
    let rule = RULES.iter().find(|rule| rule.pattern == pattern)?;
    (!rule.regex().is_match(text)).then_some(rule.words)
}

/// A pattern and what it asks for.
pub(super) struct Rule {
    /// As the model has it.
    pub pattern: &'static str,
    /// As it is meant.
    meant: &'static str,
    /// What goes on after a path.
    pub words: &'static str,
    compiled: OnceLock<Regex>,
}

impl Rule {
    const fn new(pattern: &'static str, words: &'static str) -> Self {
        Self::meaning(pattern, pattern, words)
    }

    const fn meaning(pattern: &'static str, meant: &'static str, words: &'static str) -> Self {
        Self { pattern, meant, words, compiled: OnceLock::new() }
    }

    fn regex(&self) -> &Regex {
        let whole = || Regex::new(&format!(r"\A(?s:{})\z", self.meant)).expect("a pattern that is tested");
        self.compiled.get_or_init(whole)
    }
}

/// All patterns in the table but one, for URIs on EMR Serverless: it begins and ends with `.*` and asks for nothing between.
pub(super) static RULES: [Rule; 20] = [
    Rule::new(r".*\S.*", "must not be blank"),
    Rule::new(r"[0-9a-z]+", "must be digits and lower-case letters"),
    Rule::new(r"[A-Za-z0-9._-]+", "must be letters, digits and . _ -"),
    Rule::new(r"[\.\-_/#A-Za-z0-9]+", "must be letters, digits and . - _ / #"),
    Rule::new(r"[\.\-_/A-Za-z0-9]+", "must be letters, digits and . - _ /"),
    Rule::new(r"[\.\-_\#A-Za-z0-9]+", "must be letters, digits and . - _ #"),
    Rule::new(r"[A-Za-z0-9 /_.:=+@-]+", "must be letters, digits, blanks and / _ . : = + @ -"),
    Rule::new(r"[A-Za-z0-9 /_.:=+@-]*", "must be letters, digits, blanks and / _ . : = + @ -"),
    Rule::new(r"[^:*]*", "must not hold colons and asterisks"),
    Rule::new(
        r"[a-zA-Z]+[-_]*[a-zA-Z]+",
        "must be two letters or more, with hyphens or underscores in one place between them at most, such as SPARK_DRIVER",
    ),
    Rule::new(r"^\d+(\.\d+)?[KMG][Bb]?$", "must be a number and a unit (K, M or G), such as 100M"),
    Rule::new(
        r"^arn:(aws[a-zA-Z0-9-]*):iam::(\d{12})?:(role((\u002F)|(\u002F[\u0021-\u007F]+\u002F))[\w+=,.@-]+)$",
        ROLE,
    ),
    Rule::new(
        r"arn:(aws[a-zA-Z0-9-]*):iam::([0-9]{12}):(role((\u002F)|(\u002F[\u0021-\u007F]+\u002F))[\w+=,.@-]+)",
        ROLE,
    ),
    Rule::new(r"^(arn:(aws[a-zA-Z0-9-]*):kms:.+:(\d{12})?:key\/[(0-9a-zA-Z)-?]+|\$\{[a-zA-Z]\w*\})$", KEY),
    Rule::new(r"arn:(aws[a-zA-Z0-9-]*):kms:[a-zA-Z0-9\-]*:([0-9]{12}):key\/[a-zA-Z0-9-]+", KEY),
    Rule::new(
        "https://aps-workspaces.([a-z]{2}-[a-z-]{1,20}-[1-9]).amazonaws(.[0-9A-Za-z]{2,4})+/workspaces/\
         [-_.0-9A-Za-z]{1,100}/api/v1/remote_write",
        "must be a workspace's address in Amazon Managed Service for Prometheus, such as \
         https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-0123/api/v1/remote_write",
    ),
    // Java's way to write U+10000 to U+10FFFF.
    Rule::meaning(
        r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t]*",
        r"[\u0020-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF\r\n\t]*",
        PRINTABLE,
    ),
    // The same with two of its halves the wrong way round.
    Rule::meaning(
        r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDBFF-\uDC00\uDFFF\r\n\t]*",
        r"[\u0020-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF\r\n\t]*",
        PRINTABLE,
    ),
    // The blanks were a tab and the ends of lines once, as in the patterns that
    // [IAM](https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html) has for the same.
    Rule::meaning(
        "([    -~\u{85}\u{a0}-\u{d7ff}\u{e000}-\u{fffd}\u{1000}0-\u{10ff}FF]+)",
        r"[\t\n\r\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]+",
        PRINTABLE,
    ),
    Rule::meaning("([    -\u{ff}]+)", r"[\t\n\r\u0020-\u00FF]+", "must be a policy in Latin-1 characters (to U+00FF)"),
];

const ROLE: &str = "must be a role's ARN, such as arn:aws:iam::123456789012:role/spark";
const KEY: &str = "must be a KMS key's ARN, such as arn:aws:kms:eu-west-1:123456789012:key/1234abcd";
const PRINTABLE: &str = "must not hold control characters";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::Api;
    use super::super::table::{Shape, shapes};
    use super::*;

    #[test]
    fn every_pattern_of_the_models_has_words_but_the_one_that_asks_for_nothing() {
        let anything = r".*[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDBFF-\uDC00\uDFFF\r\n\t]*.*";
        let published: BTreeSet<&str> = [Api::Emr, Api::EmrContainers, Api::EmrServerless]
            .into_iter()
            .flat_map(|api| shapes(api).values())
            .filter_map(|shape| if let Shape::String(text) = shape { text.pattern.as_deref() } else { None })
            .collect();
        let known: BTreeSet<&str> = RULES.iter().map(|rule| rule.pattern).chain([anything]).collect();
        assert_eq!(known, published, "a pattern is new or gone: say in RULES what it asks for");
    }

    #[test]
    fn each_pattern_tells_good_from_bad() {
        let role = "arn:aws:iam::123456789012:role";
        let key = "arn:aws:kms:eu-west-1:123456789012:key";
        let prometheus = "https://aps-workspaces.us-gov-west-1.amazonaws.com/workspaces/ws-1_a.b/api/v1/remote_write";
        let (deep_role, china_key) = (format!("{role}/a/b!/c+d=,.@-_"), key.replace("aws", "aws-cn"));
        let (no_account, any_region) = (role.replace("123456789012", ""), key.replace("123456789012", ""));
        let role_name = format!("{role}/spark");
        let any_key = format!("{any_region}/mrk-1/a:?)(");
        let (spark_key, china_key) = (format!("{key}/1234-abcd"), format!("{china_key}/1"));
        let account_free = format!("{no_account}/spark");
        let cases: [(&[&str], &[&str]); 20] = [
            (&["a", " a ", "\na\n", "é", "\u{a0}"], &["", " ", "\t\n\u{b}\u{c}\r "]),
            (&["0abc9"], &["", "A", "a b", "a-b", "a\n", "é"]),
            (&["Az09._-"], &["", "a/b", "é"]),
            (&["Az09.-_/#"], &["", "a b", "a:b", "é"]),
            (&["emr-7.5.0-latest/x_1"], &["", "a#b", "a b"]),
            (&["Az09.-_#"], &["", "a/b", "${a}"]),
            (&["Az09 /_.:=+@-"], &["", "a#b", "é", "a\n"]),
            (&["", "Az09 /_.:=+@-"], &["a#b", "é", "a\n"]),
            (&["", "a/b\n"], &["a:b", "*"]),
            (&["SPARK_DRIVER", "STDOUT", "aa", "a--b"], &["", "a", "A_B_C", "a1", "_a", "a_", "é"]),
            (&["1K", "2.5GB", "100Mb"], &["", "1", "K", "1.K", ".5K", "1KBB", "1T", "1k", "1K\n", "\u{661}K"]),
            (
                &[&role_name, &deep_role, &account_free],
                &["", role, "role/spark", "arn:aws:iam::12345:role/a", "my role"],
            ),
            (&[&role_name, &deep_role], &[&account_free, &role_name[1..], "arn:aws:iam::123456789012:user/a"]),
            (&[&spark_key, &any_key, "${key}"], &[key, "${}", "${1}", "alias/a", "arn:aws:kms::123456789012:key/a"]),
            (&[&spark_key, &china_key, "arn:aws:kms::123456789012:key/a"], &[&any_key, key, "${key}", "alias/a"]),
            (&[prometheus], &["", "https://example.com/", &prometheus[1..], &prometheus.replace("us-gov-west-1", "x")]),
            (&["", "s3://b/é\u{1f600}\u{7f}\r\n\t"], &["\0", "\u{1b}", "\u{ffff}"]),
            (&["", "s3://b/é\u{1f600}\u{7f}\r\n\t"], &["\0", "\u{1b}", "\u{ffff}"]),
            (&[&role_name, "é\u{1f600}\r\n\t"], &["", "\0", "\u{7f}", "\u{ffff}"]),
            (&["{\n\t\"Version\": \"ÿ\"\r\n}"], &["", "\0", "\u{100}", "\u{1f600}"]),
        ];
        for (rule, (good, bad)) in RULES.iter().zip(cases) {
            for text in good {
                assert_eq!(problem(rule.pattern, text), None, "{} and {text:?}", rule.pattern);
            }
            for text in bad {
                assert_eq!(problem(rule.pattern, text), Some(rule.words), "{} and {text:?}", rule.pattern);
            }
        }
    }
}
