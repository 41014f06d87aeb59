//! What is joined comes through every splitter that the services may have.

use proptest::prelude::*;

use super::*;

const SPLITTERS: [Splitter; 2] = [Splitter::EmrOnEks, Splitter::EmrServerless];

/// How splitters differ.
#[derive(Clone, Copy)]
struct Rule {
    /// What a backslash does in double quotes, and outside quotes.
    in_double: Backslash,
    outside: Backslash,
    /// What it does in single quotes.
    in_single: Backslash,
}

#[derive(Clone, Copy, PartialEq)]
enum Backslash {
    /// It is a character like any other.
    Plain,
    /// It goes, and what follows means nothing.
    Escapes,
    /// What follows means nothing, but it stays.
    Shields,
}

/// Spark's `CommandBuilderUtils.parseOptionString`.
const SPARK: Rule = Rule { in_double: Backslash::Escapes, outside: Backslash::Escapes, in_single: Backslash::Plain };

/// Ant's and commons-exec's `translateCommandline`, which know quotes only.
const QUOTES_ONLY: Rule = Rule { in_double: Backslash::Plain, outside: Backslash::Plain, in_single: Backslash::Plain };

/// What was seen of EMR Serverless, in double quotes; the rest is as likely as anything.
const SEEN: Rule = Rule { in_double: Backslash::Shields, outside: Backslash::Shields, in_single: Backslash::Plain };

/// The same, should it make no difference between the two kinds of quotes.
const SEEN_IN_BOTH: Rule = Rule { in_single: Backslash::Shields, ..SEEN };

fn split_by(rule: Rule, text: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut open) = (Vec::new(), None::<String>, None::<char>);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if open.is_none() && c.is_whitespace() {
            words.extend(word.take());
            continue;
        }
        let word = word.get_or_insert_default();
        let backslash = match open {
            None => rule.outside,
            Some('"') => rule.in_double,
            Some(_) => rule.in_single,
        };
        match c {
            '\\' if backslash != Backslash::Plain => {
                word.extend((backslash == Backslash::Shields).then_some('\\'));
                word.push(chars.next()?);
            }
            '\'' | '"' if open.is_none() => open = Some(c),
            _ if open == Some(c) => open = None,
            _ => word.push(c),
        }
    }
    words.extend(word);
    open.is_none().then_some(words)
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ a-z'\"\\\\$`!=#\n\t{}()*~;&|<>é-]{0,12}",
        "spark\\.[a-z.]{1,8}=[ a-z'\"\\\\$`!\n]{0,12}",
        any::<String>().prop_map(|text| text.replace('\0', "")),
    ]
}

fn any_texts() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(any_text(), 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_is_joined_is_split_into_the_same(texts in any_texts()) {
        for splitter in SPLITTERS {
            prop_assert_eq!(split(&join(&texts, splitter)), Ok(texts.clone()));
        }
    }

    #[test]
    fn every_likely_splitter_agrees(texts in any_texts()) {
        for splitter in SPLITTERS {
            let joined = join(&texts, splitter);
            for rule in [SPARK, QUOTES_ONLY, SEEN] {
                prop_assert_eq!(split_by(rule, &joined), Some(texts.clone()), "{}", joined);
            }
        }
    }

    /// Nothing could be done about the rest.
    #[test]
    fn without_backslashes_even_an_unlikely_splitter_agrees(texts in any_texts()) {
        let texts: Vec<String> = texts.iter().map(|text| text.replace('\\', "/")).collect();
        for splitter in SPLITTERS {
            prop_assert_eq!(split_by(SEEN_IN_BOTH, &join(&texts, splitter)), Some(texts.clone()));
        }
    }

    #[test]
    fn no_text_is_too_odd_to_be_split(text in any_text()) {
        // It may be refused.
        let _ = split(&text);
    }

    /// A shell would expand a dollar sign or a backtick but in single quotes.
    #[test]
    fn a_shell_finds_nothing_to_expand(texts in any_texts()) {
        let joined = join(&texts, Splitter::EmrOnEks);
        let (mut open, mut bare) = (None, String::new());
        for c in joined.chars() {
            match open {
                None if c == '\'' || c == '"' => open = Some(c),
                Some(quote) if c == quote => open = None,
                Some('\'') => {}
                _ => bare.push(c),
            }
        }
        prop_assert!(!bare.contains(['$', '`', '\\']), "{}", joined);
    }
}

#[test]
fn texts_are_quoted_as_each_service_is_known_to_take_them() {
    for (text, on_eks, on_serverless) in [
        ("", r#""""#, r#""""#),
        ("spark.driver.memory=2g", "spark.driver.memory=2g", "spark.driver.memory=2g"),
        (
            "spark.archives=s3://b/v.tgz#environment",
            "spark.archives=s3://b/v.tgz#environment",
            "spark.archives=s3://b/v.tgz#environment",
        ),
        ("k=a b", r#""k=a b""#, r#"k="a b""#),
        ("k=it's", r#""k=it's""#, r#"k="it's""#),
        ("k={\"a\": 1}", r#"'k={"a": 1}'"#, r#"k='{"a": 1}'"#),
        (r"k=C:\d", r"'k=C:\d'", r"k='C:\d'"),
        ("k=`$x`", "'k=`$x`'", r#"k="`$x`""#),
        (r#"k=it's "so""#, r#"'k=it'"'"'s "so"'"#, r#"k='it'"'"'s "so"'"#),
        ("k='\"", r#"'k='"'"'"'"#, r#"k="'"'"'"#),
        ("a*b=c d", r#""a*b=c d""#, r#""a*b=c d""#),
        ("naïve", "\"naïve\"", "\"naïve\""),
        ("#x", "\"#x\"", "\"#x\""),
    ] {
        let joined = SPLITTERS.map(|splitter| join(&[text.to_owned()], splitter));
        assert_eq!(joined, [on_eks, on_serverless], "{text}");
    }
}

#[test]
fn the_published_examples_are_split_as_published() {
    let words = |words: &[&str]| Ok(words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>());
    let converted = r#"--conf "spark.executor.extraJavaOptions=-XX:+PrintGCDetails -XX:+PrintGCTimeStamps" --verbose"#;
    let split_up =
        words(&["--conf", "spark.executor.extraJavaOptions=-XX:+PrintGCDetails -XX:+PrintGCTimeStamps", "--verbose"]);
    assert_eq!(split(converted), split_up);
    let query = "--conf spark.flint.job.query=\"SELECT `day` FROM t WHERE a = 's3://x'\"";
    assert_eq!(split(query), words(&["--conf", "spark.flint.job.query=SELECT `day` FROM t WHERE a = 's3://x'"]));
}

#[test]
fn escapes_are_where_splitters_differ() {
    let text = r#""a \"b\" \c""#;
    assert_eq!(split(text), Ok(vec![r#"a "b" \c"#.to_owned()]));
    assert_eq!(split_by(SPARK, text), Some(vec![r#"a "b" c"#.to_owned()]));
    assert_eq!(split_by(SEEN, text), Some(vec![r#"a \"b\" \c"#.to_owned()]));
    assert_eq!(split_by(QUOTES_ONLY, text), Some(vec![r"a \b\ \c".to_owned()]));
}

#[test]
fn what_is_not_closed_is_refused() {
    for (text, error) in [
        ("a 'b", "a single quote is not closed"),
        (r#"a "b\""#, "a double quote is not closed"),
        (r#"a "b\"#, "a double quote is not closed"),
        (r"a\", "nothing follows a backslash"),
    ] {
        assert_eq!(split(text), Err(error), "{text}");
    }
}

#[test]
fn a_line_break_is_all_that_cannot_be_told() {
    for text in ["a\nb", "\r", "\u{85}", "\u{2028}", "a\u{2029}"] {
        assert_eq!(unspeakable(text), Some("must not hold line breaks"), "{text:?}");
    }
    assert_eq!(unspeakable("a \t'\"\\$é"), None);
}
