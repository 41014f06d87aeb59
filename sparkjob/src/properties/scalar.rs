//! What single properties are read to: texts, numbers, words, and lists and maps of texts.
//!
//! `CloudFormation` makes a text of every number and boolean, so a text that holds one is as good as itself everywhere.

use std::collections::BTreeMap;

use serde_json::{Number, Value};

use super::fault::{Fault, either, nearest};
use super::reader::{Read, is_given};

/// The largest count that Spark and Livy hold: Java's `int`.
pub(super) const MAX_COUNT: u32 = i32::MAX.unsigned_abs();

/// The longest name, in characters.
const MAX_NAME: usize = 256;

/// Any text; a number or a boolean as it is written.
pub(super) fn text(value: &Value) -> Read<String> {
    match value {
        // No program can be given it as an argument.
        Value::String(text) if text.contains('\0') => wrong("must not hold a NUL character", value),
        Value::String(text) => Ok(text.clone()),
        Value::Bool(is_true) => Ok(is_true.to_string()),
        Value::Number(number) if is_exact(number) => Ok(number.to_string()),
        Value::Number(_) => wrong("must be written as a string, as so large a number loses digits", value),
        _ => wrong("must be a string", value),
    }
}

/// Text in one line.
pub(super) fn line(value: &Value) -> Read<String> {
    let text = text(value)?;
    if text.chars().any(char::is_control) { wrong("must not hold control characters", value) } else { Ok(text) }
}

/// What people call a job.
pub(super) fn name(value: &Value) -> Read<String> {
    let name = line(value)?;
    if name.chars().count() > MAX_NAME {
        return wrong(format!("must be at most {MAX_NAME} characters long"), value);
    }
    Ok(name)
}

/// A whole number of at least `least` and at most `most`.
pub(super) fn whole(least: u32, most: u32) -> impl Fn(&Value) -> Read<u32> {
    move |value| {
        let written = match value {
            Value::String(text) => text.clone(),
            // A float is written without exponent, and without a point where it is whole.
            Value::Number(number) if number.is_f64() => number.as_f64().map(|n| n.to_string()).unwrap_or_default(),
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        let is_whole = !written.is_empty() && written.bytes().all(|b| b.is_ascii_digit());
        let number = written.parse().ok();
        match number.filter(|number| is_whole && (least..=most).contains(number)) {
            Some(number) => Ok(number),
            None if most < MAX_COUNT => wrong(format!("must be a whole number from {least} to {most}"), value),
            None if is_whole && number.is_none_or(|number| number > most) => {
                wrong(format!("must be at most {most}"), value)
            }
            None => wrong(format!("must be a whole number >= {least}"), value),
        }
    }
}

/// One of `words`, spelt just so.
pub(super) fn word<T: Copy>(words: &[(&'static str, T)]) -> impl Fn(&Value) -> Read<T> {
    move |value| {
        let found = value.as_str().unwrap_or_default();
        if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == found) {
            return Ok(*meaning);
        }
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let meant = nearest(found, &words).map(|near| format!(" (did you mean {near}?)")).unwrap_or_default();
        wrong(format!("must be {}{meant}", either(&words)), value)
    }
}

/// A memory size in Spark's spelling, made one: `2G`, `2gb` and `2g` are `2g`.
pub(super) fn memory(value: &Value) -> Read<String> {
    memory_text(&text(value)?).or_else(|problem| wrong(problem, value))
}

/// A memory size in one spelling, or what is wrong with it.
fn memory_text(text: &str) -> Result<String, String> {
    memory_size(text).map(|Size { number, unit, .. }| format!("{number}{unit}"))
}

/// What a memory size comes to, however it is written; none where it is faulty.
pub(super) fn memory_kib(text: &str) -> Option<u64> {
    memory_size(text).ok().map(|Size { number, kib, .. }| number * kib)
}

struct Size {
    number: u64,
    unit: &'static str,
    /// What one of the unit is.
    kib: u64,
}

/// Reads a memory size, or tells what is wrong with it.
///
/// Spark's [`JavaUtils.byteStringAs`](https://github.com/apache/spark/blob/branch-4.0/common/utils/src/main/java/org/apache/spark/network/util/JavaUtils.java)
/// takes a whole number with `b k kb m mb g gb t tb p pb` in any case, and means MiB where there is no unit. The driver's
/// size also becomes `-Xmx`, where Java knows `k m g t` only and means bytes where there is no unit: so `m` is written out,
/// the second letter left out, and `b` and `p` are refused.
fn memory_size(text: &str) -> Result<Size, String> {
    let rule = "must be a whole number and a unit (k, m, g or t), such as 512m";
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let (unit, kib) = match unit.to_ascii_lowercase().as_str() {
        "k" | "kb" => ("k", 1),
        "" | "m" | "mb" => ("m", 1 << 10),
        "g" | "gb" => ("g", 1_u64 << 20),
        "t" | "tb" => ("t", 1 << 30),
        fraction if fraction.starts_with('.') => return Err(format!("{rule}{}", whole_instead(text))),
        _ => return Err(rule.to_owned()),
    };
    if digits.is_empty() {
        return Err(rule.to_owned());
    }
    // Spark counts memory in MiB, which must fit Java's `int`.
    let number = digits.parse::<u64>().ok().filter(|n| n.checked_mul(kib).is_some_and(|k| k >> 10 <= MAX_COUNT.into()));
    match number {
        None => Err(format!("must be at most {MAX_COUNT}m")),
        Some(number) if number * kib < 1 << 10 => Err("must be at least 1m".to_owned()),
        Some(number) => Ok(Size { number, unit, kib }),
    }
}

/// The whole number of the next smaller unit that could be written instead of a fraction.
fn whole_instead(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let (number, unit) = lower.split_at(lower.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(lower.len()));
    let smaller = match unit {
        "t" | "tb" => "g",
        "g" | "gb" => "m",
        "" | "m" | "mb" => "k",
        _ => return String::new(),
    };
    let is_fraction = number.len() < 12 && number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    match number.parse::<f64>() {
        Ok(number) if is_fraction && number > 0.0 => {
            format!("; Spark takes no fractions, use {}{smaller}", (number * 1024.0).ceil())
        }
        _ => String::new(),
    }
}

/// A Java class name with its package.
pub(super) fn class_name(value: &Value) -> Read<String> {
    let name = text(value)?;
    let is_start = |c: char| c.is_alphabetic() || c == '_' || c == '$';
    let is_identifier =
        |part: &str| part.starts_with(is_start) && part.chars().all(|c| is_start(c) || c.is_alphanumeric());
    if name.split('.').all(is_identifier) {
        Ok(name)
    } else {
        wrong("must be a Java class name, such as com.example.Main", value)
    }
}

/// Where a file is: a URI with its scheme, or an absolute path. Which schemes there are is the cluster's business.
///
/// What stands behind two slashes is a host or a bucket, not a file, but for Ivy: [`ivy://group:artifact:version`].
///
/// [`ivy://group:artifact:version`]: https://spark.apache.org/docs/latest/configuration.html#runtime-environment
pub(super) fn location(value: &Value) -> Read<String> {
    let location = line(value)?;
    let (scheme, path) = location.split_once(':').unwrap_or(("", &location));
    let is_scheme = |scheme: &str| {
        // One letter is a drive of Windows.
        scheme.len() > 1
            && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
    };
    let is_absolute = |path: &str| path.starts_with('/') && !path.trim_matches('/').is_empty();
    let names_a_file = |path: &str| match path.strip_prefix("//") {
        Some(rest) if !scheme.eq_ignore_ascii_case("ivy") => {
            rest.find('/').is_some_and(|end| is_absolute(&rest[end..]))
        }
        _ => is_absolute(path),
    };
    let problem = if is_absolute(&location) || is_scheme(scheme) && names_a_file(path) {
        return Ok(location);
    } else if is_scheme(scheme) && is_absolute(path) {
        "must go on after its host or bucket, such as s3://bucket/job.py"
    } else {
        "must be a URI, such as s3://bucket/job.py, or an absolute path"
    };
    wrong_location(problem, value)
}

/// The fault of what may be an address: before an at sign may stand a password, after a question mark a token.
fn wrong_location<T>(problem: impl Into<String>, value: &Value) -> Read<T> {
    let may_hold_a_secret = value.as_str().is_some_and(|location| location.contains(['@', '?']));
    let fault = Fault::wrong(problem, value);
    Err(vec![if may_hold_a_secret { fault.private() } else { fault }])
}

/// The same as an element of a list, which Spark separates by commas.
pub(super) fn listed_location(value: &Value) -> Read<String> {
    let location = location(value)?;
    if location.contains(',') { wrong_location("must be one location, without commas", value) } else { Ok(location) }
}

/// Maven coordinates. As Spark's `MavenUtils.extractMavenCoordinates` has it, a slash may stand for a colon.
pub(super) fn package(value: &Value) -> Read<String> {
    let package = text(value)?;
    let parts: Vec<&str> = package.split([':', '/']).collect();
    let is_part =
        |part: &&str| !part.is_empty() && !part.contains(|c: char| c == ',' || c.is_whitespace() || c.is_control());
    if parts.len() == 3 && parts.iter().all(is_part) {
        Ok(package)
    } else {
        wrong_location("must be Maven coordinates, group:artifact:version", value)
    }
}

/// The id of a cluster of EMR on EC2.
pub(super) fn cluster_id(value: &Value) -> Read<String> {
    let id = text(value)?;
    let is_id = id.strip_prefix("j-").is_some_and(|rest| {
        (1..=30).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    });
    if is_id { Ok(id) } else { wrong("must be a cluster's id, such as j-1ABCDEFGHIJKL", value) }
}

/// A list of strings whose empty elements are kept: an empty argument is an argument. Any of them may be a secret.
pub(super) fn arguments(value: &Value) -> Read<Vec<String>> {
    elements(value, |_| true, text).map_err(private)
}

/// A list whose empty elements are optional ones that were left out.
pub(super) fn list(element: fn(&Value) -> Read<String>) -> impl Fn(&Value) -> Read<Vec<String>> {
    move |value| elements(value, is_given, element)
}

/// A map of texts, without the empty ones, and all faults of the others; `name_fault` tells what is wrong with a name.
/// Any text may be a secret, whatever its name.
pub(super) fn map(
    name_fault: fn(&str) -> Option<&'static str>,
) -> impl Fn(&Value) -> (BTreeMap<String, String>, Vec<Fault>) {
    move |value| {
        let Some(object) = value.as_object() else {
            return (BTreeMap::new(), vec![Fault::wrong("must be an object of strings", value).private()]);
        };
        let given = object.iter().filter(|(_, value)| is_given(value));
        partly(given.map(|(name, value)| {
            let read = match name_fault(name) {
                None => text(value).map(|text| (name.clone(), text)),
                Some(fault) => Err(vec![Fault::new(fault)]),
            };
            read.map_err(|faults| private(faults).into_iter().map(|fault| fault.under(name)).collect())
        }))
    }
}

fn elements(value: &Value, is_kept: fn(&Value) -> bool, read: fn(&Value) -> Read<String>) -> Read<Vec<String>> {
    let Some(list) = value.as_array() else {
        return no_list("a list of strings", value);
    };
    let kept = list.iter().enumerate().filter(|(_, value)| is_kept(value));
    let (elements, faults) =
        partly(kept.map(|(index, value)| {
            read(value).map_err(|faults| faults.into_iter().map(|fault| fault.at(index)).collect())
        }));
    if faults.is_empty() { Ok(elements) } else { Err(faults) }
}

/// The fault of what should be `a list of ...`.
pub(super) fn no_list<T>(list: &str, value: &Value) -> Read<T> {
    let commas = value.as_str().is_some_and(|text| text.contains(','));
    let hint = if commas { " (!Split makes one of a string with commas)" } else { "" };
    wrong_location(format!("must be {list}{hint}"), value)
}

/// The same faults without what was found.
pub(super) fn private(faults: Vec<Fault>) -> Vec<Fault> {
    faults.into_iter().map(Fault::private).collect()
}

/// All that was read, and all faults.
fn partly<T, C: FromIterator<T>>(reads: impl Iterator<Item = Read<T>>) -> (C, Vec<Fault>) {
    let mut faults = Vec::new();
    let read = reads.filter_map(|read| read.map_err(|more| faults.extend(more)).ok()).collect();
    (read, faults)
}

/// Whether a number is written as it was given. Whole numbers beyond 64 bits are read as floats, which round them.
fn is_exact(number: &Number) -> bool {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    !number.is_f64() || number.as_f64().is_some_and(|n| n.abs() < EXACT)
}

fn wrong<T>(problem: impl Into<String>, value: &Value) -> Read<T> {
    Err(vec![Fault::wrong(problem, value)])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_may_hold_a_secret_is_quoted_by_no_fault_of_an_address() {
        let jar = json!("https://ghp_x1y2@host/a.jar,b.jar?code=ghp_x1y2");
        for fault in [listed_location(&jar), location(&json!("ghp_x1y2@host")), no_list("a list of locations", &jar)] {
            let told = fault.expect_err("a fault")[0].to_string();
            assert!(!told.contains("ghp_x1y2"), "{told}");
        }
    }

    #[test]
    fn a_memory_size_has_one_spelling() {
        for (given, kept) in [
            ("512m", "512m"),
            ("2G", "2g"),
            ("2gb", "2g"),
            ("2GB", "2g"),
            ("1T", "1t"),
            ("1024k", "1024k"),
            ("2048KB", "2048k"),
            ("2048", "2048m"),
            ("0512m", "512m"),
            ("2147483647m", "2147483647m"),
        ] {
            assert_eq!(memory(&json!(given)), Ok(kept.to_owned()), "{given}");
        }
        assert_eq!(memory(&json!(512)), Ok("512m".to_owned()));
    }

    #[test]
    fn a_memory_size_has_one_value_however_it_is_written() {
        for same in ["2g", "2G", "2048m", "2048", "2097152k", "002gb"] {
            assert_eq!(memory_kib(same), Some(2 << 20), "{same}");
        }
        assert_eq!((memory_kib("2047m"), memory_kib("two")), (Some((2 << 20) - 1024), None));
    }

    #[test]
    fn a_memory_size_that_spark_or_java_would_refuse_is_told_how_to_write_it() {
        let rule = "must be a whole number and a unit (k, m, g or t), such as 512m";
        let instead = |size: &str| format!("{rule}; Spark takes no fractions, use {size}");
        for (given, problem) in [
            ("1.5g", instead("1536m")),
            ("0.5TB", instead("512g")),
            ("1.1g", instead("1127m")),
            ("1.5", instead("1536k")),
            ("1.5k", rule.to_owned()),
            ("1.5.5g", rule.to_owned()),
            ("9999999999999.5g", rule.to_owned()),
            (".5g", instead("512m")),
            ("0.0g", rule.to_owned()),
            ("g", rule.to_owned()),
            ("2 g", rule.to_owned()),
            (" 2g", rule.to_owned()),
            ("-2g", rule.to_owned()),
            ("+2g", rule.to_owned()),
            ("2x", rule.to_owned()),
            ("1073741824b", rule.to_owned()),
            ("1p", rule.to_owned()),
            ("2gib", rule.to_owned()),
            ("0", "must be at least 1m".to_owned()),
            ("0g", "must be at least 1m".to_owned()),
            ("1023k", "must be at least 1m".to_owned()),
            ("2147483648m", "must be at most 2147483647m".to_owned()),
            ("99999999999999999999999g", "must be at most 2147483647m".to_owned()),
        ] {
            assert_eq!(memory_text(given), Err(problem), "{given}");
        }
    }

    #[test]
    fn a_whole_number_may_be_a_text_of_digits() {
        for (given, number) in
            [(json!("1"), 1), (json!(1), 1), (json!(1.0), 1), (json!("007"), 7), (json!("65535"), 65535)]
        {
            assert_eq!(whole(1, 65535)(&given), Ok(number), "{given}");
        }
        for given in [
            json!("0"),
            json!(65536),
            json!(-1),
            json!("+1"),
            json!(" 1 "),
            json!("1.0"),
            json!("1e3"),
            json!(1.5),
            json!(1e300),
            json!("99999999999999999999"),
            json!("\u{661}"),
            json!(true),
            json!([1]),
        ] {
            let told = whole(1, 65535)(&given).expect_err("a fault")[0].to_string();
            assert!(told.starts_with("must be a whole number from 1 to 65535, got "), "{told}");
        }
    }

    #[test]
    fn a_location_is_a_uri_or_an_absolute_path() {
        for good in [
            "s3://b/a.py",
            "s3a://b/a b,c.jar",
            "https://h:8443/a.jar?x=y",
            "hdfs:/a",
            "hdfs:///a.py",
            "local:/a",
            "local:///a",
            "file:///a",
            "abfss://c@a.dfs.core.windows.net/a.py",
            "gs://b/a.py",
            "ivy://group:artifact:1.0",
            "/opt/a.py",
        ] {
            assert_eq!(location(&json!(good)), Ok(good.to_owned()));
        }
        for bad in [
            "a.py",
            "./a.py",
            "C:/a.py",
            "s3://",
            "s3:",
            "s3:b/a.py",
            "://b/a",
            "3s://b",
            "/",
            "a b://c/d",
            "s3://b/\n",
            "s3://bucket",
            "s3://bucket/",
            "s3://bucket//",
            "https://host",
            "https://host?a=b",
            "hdfs:////",
            "ivy://",
        ] {
            assert!(location(&json!(bad)).is_err(), "{bad}");
        }
        let told = |bad: &str| location(&json!(bad)).expect_err("a fault")[0].to_string();
        let no_key = "must go on after its host or bucket, such as s3://bucket/job.py, got";
        assert_eq!(told("s3://bucket/"), format!("{no_key} \"s3://bucket/\""));
        assert_eq!(told("https://me:pw@host"), format!("{no_key} a string of 18 characters"));
    }

    #[test]
    fn names_of_classes_and_packages_are_checked_as_java_and_spark_would() {
        for good in ["Main", "com.example.Main", "a.B$C", "_a.\u{e9}t\u{e9}1", "$"] {
            assert_eq!(class_name(&json!(good)), Ok(good.to_owned()));
        }
        for bad in ["com/example/Main", "a..B", ".a", "a.", "1a", "a-b", "Main.class ", "a.B[]"] {
            assert!(class_name(&json!(bad)).is_err(), "{bad}");
        }
        for good in ["org.apache.spark:spark-avro_2.12:3.5.1", "group/artifact:1"] {
            assert_eq!(package(&json!(good)), Ok(good.to_owned()));
        }
        for bad in ["a:b", "a:b:c:d", "a::c", "a:b:c,d:e:f", "a:b: c"] {
            assert!(package(&json!(bad)).is_err(), "{bad}");
        }
    }
}
