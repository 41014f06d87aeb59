//! Many texts as the one text that a service splits again.
//!
//! `sparkSubmitParameters` of EMR on EKS and EMR Serverless is one text, and neither says how it splits it. What is known:
//!
//! - EMR on EKS: AWS's own [converter](https://github.com/aws/aws-emr-containers-best-practices/tree/main/tools/start-job-run-converter)
//!   puts double quotes around a whole `name=value` that has a blank in it.
//! - EMR Serverless: [OpenSearch](https://github.com/opensearch-project/sql/pull/2587) puts double quotes around the value
//!   of `name=value`. They are gone when Spark gets it, and single quotes and backticks within them are kept.
//!   A [backslash before a double quote](https://github.com/opensearch-project/opensearch-spark/pull/306) keeps that
//!   from ending the text, but stays in the value; so no text that holds a double quote can be told like that.
//!
//! So nothing is escaped here, ever: texts are bare, within double quotes where they hold nothing that means something there,
//! and else within single quotes. All splitters that are likely agree on that: POSIX shells, Python's `shlex`, Spark's own
//! [`parseOptionString`](https://github.com/apache/spark/blob/master/launcher/src/main/java/org/apache/spark/launcher/CommandBuilderUtils.java)
//! (which spoils characters beyond U+FFFF, however they are quoted), those of Ant and commons-exec that know quotes only,
//! and what was seen of EMR Serverless. Double quotes are known to work; single quotes, and several quoted parts in one
//! text, are believed to, and used only where double quotes cannot be.

/// Who splits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Splitter {
    /// EMR on EKS. It may be a shell, so nothing is left to it that a shell would expand.
    EmrOnEks,
    /// EMR Serverless, which leaves backticks alone and so is no shell.
    EmrServerless,
}

/// One text that `splitter` splits into just these. Texts that are [`unspeakable`] may not come through.
pub fn join(texts: &[String], splitter: Splitter) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| quoted(text, splitter)).collect();
    quoted.join(" ")
}

/// As what `part` of a text stands in what [`join`] makes of that, where it is in single quotes.
pub fn within_single_quotes(part: &str) -> String {
    let quoted = single_quoted(part);
    let opened = if part.starts_with('\'') { &quoted } else { quoted.strip_prefix('\'').unwrap_or(&quoted) };
    let within = if part.ends_with('\'') { opened } else { opened.strip_suffix('\'').unwrap_or(opened) };
    within.to_owned()
}

/// Why a text cannot be relied on to come through.
///
/// The API's pattern of the whole is `.*\S.*`. A dot matches no line break, so a service that holds the whole against it
/// refuses them.
pub fn unspeakable(text: &str) -> Option<&'static str> {
    // Java's line terminators: https://docs.oracle.com/javase/8/docs/api/java/util/regex/Pattern.html#lt
    text.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).then_some("must not hold line breaks")
}

fn quoted(text: &str, splitter: Splitter) -> String {
    if is_bare(text) {
        return text.to_owned();
    }
    let (bare, rest) = text.split_at(quotes_begin(text, splitter));
    if !rest.contains(|c| means_something_in_double_quotes(c, splitter)) {
        return format!("{bare}\"{rest}\"");
    }
    format!("{bare}{}", single_quoted(rest))
}

/// Only a single quote ends single quotes, and only a double quote is none in double quotes.
fn single_quoted(text: &str) -> String {
    let parts = text.split_inclusive('\'').map(|part| match part.strip_suffix('\'') {
        Some("") => "\"'\"".to_owned(),
        Some(before) => format!("'{before}'\"'\""),
        None => format!("'{part}'"),
    });
    parts.collect()
}

/// Each service is given quotes where they are known to work: around the whole, or behind the first equals sign.
fn quotes_begin(text: &str, splitter: Splitter) -> usize {
    let value = match splitter {
        Splitter::EmrOnEks => None,
        Splitter::EmrServerless => text.find('=').map(|equals| equals + 1),
    };
    value.filter(|&value| is_bare(&text[..value])).unwrap_or(0)
}

/// Whether no splitter and no shell does anything to `text`.
fn is_bare(text: &str) -> bool {
    // In the middle a number sign begins no comment: `s3://bucket/venv.tgz#environment`.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-#".contains(c);
    !text.is_empty() && !text.starts_with('#') && text.chars().all(is_plain)
}

fn means_something_in_double_quotes(c: char, splitter: Splitter) -> bool {
    match c {
        '"' | '\\' => true,
        // A shell would expand them.
        '$' | '`' => splitter == Splitter::EmrOnEks,
        _ => false,
    }
}

/// Splits as POSIX has it in [2.2 Quoting](https://pubs.opengroup.org/onlinepubs/9699919799/utilities/V3_chap02.html#tag_18_02)
/// and expands nothing: what the services are taken to do.
///
/// # Errors
/// What is not closed.
pub fn split(text: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c.is_ascii_whitespace() {
            words.extend(word.take());
            continue;
        }
        let word = word.get_or_insert_default();
        match c {
            '\'' => read_single_quoted(&mut chars, word)?,
            '"' => read_double_quoted(&mut chars, word)?,
            '\\' => word.push(chars.next().ok_or("nothing follows a backslash")?),
            c => word.push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

fn read_single_quoted(chars: &mut std::str::Chars, word: &mut String) -> Result<(), &'static str> {
    for c in chars {
        match c {
            '\'' => return Ok(()),
            c => word.push(c),
        }
    }
    Err("a single quote is not closed")
}

fn read_double_quoted(chars: &mut std::str::Chars, word: &mut String) -> Result<(), &'static str> {
    while let Some(c) = chars.next() {
        match c {
            '"' => return Ok(()),
            '\\' => match chars.next() {
                Some(c @ ('"' | '\\' | '$' | '`')) => word.push(c),
                Some(c) => word.extend(['\\', c]),
                None => break,
            },
            c => word.push(c),
        }
    }
    Err("a double quote is not closed")
}

#[cfg(test)]
mod tests;
