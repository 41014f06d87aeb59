//! What runs: the portable block.

use serde_json::Value;

use super::checks;
use super::fault::Fault;
use super::reader::Reader;
use super::scalar::{
    MAX_COUNT, arguments, class_name, line, list, listed_location, location, map, memory, name, package, whole,
};
use crate::job::Parameters;

/// The block, as far as it can be read: a field that cannot be is left out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub parameters: Parameters,
    /// Whether nothing is wrong with it but a name that is not known.
    pub is_sound: bool,
}

/// Reads the block, and all that is wrong with it: none where it is no block at all. `place_of` tells where a name belongs
/// that is known elsewhere.
pub(super) fn read(value: &Value, place_of: impl Fn(&str) -> Option<&'static str>) -> (Option<Block>, Vec<Fault>) {
    let mut reader = match Reader::over(value) {
        Ok(reader) => reader,
        Err(faults) => return (None, faults),
    };
    let parameters = take(&mut reader);
    // What could not be read is not there, so that no fault is told twice.
    for fault in checks::faults(&parameters) {
        reader.fault(fault);
    }
    (Some(Block { parameters, is_sound: reader.is_sound() }), reader.finish(place_of))
}

/// Every field's name.
pub(super) fn names() -> Vec<&'static str> {
    let mut reader = Reader::over_any(&Value::Null);
    take(&mut reader);
    reader.into_known()
}

fn take(reader: &mut Reader) -> Parameters {
    let count = || whole(1, MAX_COUNT);
    reader.require("File", "the jar or Python file, such as s3://bucket/job.py");
    Parameters {
        file: reader.take("File", location).unwrap_or_default(),
        class_name: reader.take("ClassName", class_name),
        args: reader.take("Args", arguments).unwrap_or_default(),
        jars: reader.take("Jars", list(listed_location)).unwrap_or_default(),
        py_files: reader.take("PyFiles", list(listed_location)).unwrap_or_default(),
        files: reader.take("Files", list(listed_location)).unwrap_or_default(),
        archives: reader.take("Archives", list(listed_location)).unwrap_or_default(),
        packages: reader.take("Packages", list(package)).unwrap_or_default(),
        environment: reader.take_partly("Environment", map(variable_fault)),
        driver_memory: reader.take("DriverMemory", memory),
        driver_cores: reader.take("DriverCores", count()),
        executor_memory: reader.take("ExecutorMemory", memory),
        executor_cores: reader.take("ExecutorCores", count()),
        num_executors: reader.take("NumExecutors", count()),
        queue: reader.take("Queue", line),
        proxy_user: reader.take("ProxyUser", line),
        name: reader.take("Name", name),
        configuration: reader.take_partly("Configuration", map(property_fault)),
    }
}

fn variable_fault(name: &str) -> Option<&'static str> {
    let is_start = |b: u8| b.is_ascii_alphabetic() || b == b'_';
    let is_name = name.bytes().next().is_some_and(is_start) && name.bytes().all(|b| is_start(b) || b.is_ascii_digit());
    (!is_name).then_some("must be a variable's name: letters, digits and underscores, no digit first")
}

/// Spark [drops](https://github.com/apache/spark/blob/master/core/src/main/scala/org/apache/spark/deploy/SparkSubmitArguments.scala)
/// every property whose name does not begin with `spark.`, with no more than a warning in its log.
fn property_fault(name: &str) -> Option<&'static str> {
    let is_name =
        |rest: &str| !rest.is_empty() && !rest.contains(|c: char| c == '=' || c.is_whitespace() || c.is_control());
    match name.strip_prefix("spark.") {
        Some(rest) if is_name(rest) => None,
        Some(_) => Some("must be a Spark property's name, without blanks and equals signs"),
        None => Some("must begin with spark. or Spark ignores it (a Hadoop property begins with spark.hadoop.)"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The faults of a block that is sound but for `fields`.
    fn faults(fields: &Value) -> Vec<String> {
        let mut block = json!({"File": "s3://b/job.jar"});
        for (name, value) in fields.as_object().expect("an object of fields") {
            block[name] = value.clone();
        }
        let (_, faults) = read(&block, |name| (name == "Mode").then_some("beside Parameters"));
        faults.iter().map(Fault::to_string).collect()
    }

    #[test]
    fn every_field_is_read() {
        let given = json!({
            "File": "s3://b/job.jar", "ClassName": "com.example.Main$", "Args": [10, "", true, "a b"],
            "Jars": ["s3://b/a.jar", "", null], "PyFiles": ["/opt/a.py"], "Files": ["hdfs:///a#b"],
            "Archives": ["local:/a.tgz#x"], "Packages": ["org.a:b_2.12:1.0"], "Environment": {"A": 1, "B": ""},
            "DriverMemory": "512M", "DriverCores": "1", "ExecutorMemory": 2048, "ExecutorCores": 2, "NumExecutors": 3.0,
            "Queue": "etl", "ProxyUser": "me", "Name": "Pi", "Configuration": {"spark.a": false, "bad name": null},
        });
        let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        let parameters = Parameters {
            file: "s3://b/job.jar".to_owned(),
            class_name: Some("com.example.Main$".to_owned()),
            args: texts(&["10", "", "true", "a b"]),
            jars: texts(&["s3://b/a.jar"]),
            py_files: texts(&["/opt/a.py"]),
            files: texts(&["hdfs:///a#b"]),
            archives: texts(&["local:/a.tgz#x"]),
            packages: texts(&["org.a:b_2.12:1.0"]),
            environment: [("A".to_owned(), "1".to_owned())].into(),
            driver_memory: Some("512m".to_owned()),
            driver_cores: Some(1),
            executor_memory: Some("2048m".to_owned()),
            executor_cores: Some(2),
            num_executors: Some(3),
            queue: Some("etl".to_owned()),
            proxy_user: Some("me".to_owned()),
            name: Some("Pi".to_owned()),
            configuration: [("spark.a".to_owned(), "false".to_owned())].into(),
        };
        assert_eq!(read(&given, |_| None), (Some(Block { parameters, is_sound: true }), vec![]));
    }

    #[test]
    fn a_name_that_is_not_known_leaves_the_rest_readable() {
        for (block, is_sound) in [
            (json!({"File": "/pi.py", "Foo": 1}), true),
            (json!({"File": "/pi.py", "Jars": 1}), false),
            (json!({"File": "/pi.py", "ClassName": "a.B"}), false),
        ] {
            let (read, faults) = read(&block, |_| None);
            let read = read.expect("a block");
            assert_eq!(
                (read.parameters.file.as_str(), read.is_sound, faults.len()),
                ("/pi.py", is_sound, 1),
                "{block}"
            );
        }
    }

    #[test]
    fn each_fault_is_told_with_its_path() {
        for (fields, fault) in [
            (json!({"File": ""}), "File: required: the jar or Python file, such as s3://bucket/job.py"),
            (
                json!({"File": "job.py"}),
                r#"File: must be a URI, such as s3://bucket/job.py, or an absolute path, got "job.py""#,
            ),
            (
                json!({"ClassName": "Main.scala/x"}),
                r#"ClassName: must be a Java class name, such as com.example.Main, got "Main.scala/x""#,
            ),
            (
                json!({"Args": "a,b"}),
                "Args: must be a list of strings (!Split makes one of a string with commas), got a string of 3 characters",
            ),
            (json!({"Args": 7}), "Args: must be a list of strings, got a number"),
            (json!({"Args": ["hunter2\0"]}), "Args[0]: must not hold a NUL character, got a string of 8 characters"),
            (json!({"Args": ["a", ["b"]]}), "Args[1]: must be a string, got a list"),
            (json!({"Args": [null]}), "Args[0]: must be a string, got null"),
            (
                json!({"Args": [1e300]}),
                "Args[0]: must be written as a string, as so large a number loses digits, got a number",
            ),
            (
                json!({"Jars": ["s3://b/a.jar,s3://b/b.jar"]}),
                r#"Jars[0]: must be one location, without commas, got "s3://b/a.jar,s3://b/b.jar""#,
            ),
            (
                json!({"Packages": ["", "a:b"]}),
                r#"Packages[1]: must be Maven coordinates, group:artifact:version, got "a:b""#,
            ),
            (json!({"Environment": "A=B"}), "Environment: must be an object of strings, got a string of 3 characters"),
            (
                json!({"Environment": {"A-B": "c"}}),
                "Environment.A-B: must be a variable's name: letters, digits and underscores, no digit first",
            ),
            (json!({"Environment": {"A": {}}}), "Environment.A: must be a string, got an object"),
            (
                json!({"Environment": {"DB": "a\u{0}"}}),
                "Environment.DB: must not hold a NUL character, got a string of 2 characters",
            ),
            (
                json!({"Configuration": {"spark.a": "a\u{0}"}}),
                "Configuration.spark.a: must not hold a NUL character, got a string of 2 characters",
            ),
            (
                json!({"DriverMemory": "1.5g"}),
                r#"DriverMemory: must be a whole number and a unit (k, m, g or t), such as 512m; Spark takes no fractions, use 1536m, got "1.5g""#,
            ),
            (json!({"ExecutorCores": "two"}), r#"ExecutorCores: must be a whole number >= 1, got "two""#),
            (json!({"NumExecutors": 0}), "NumExecutors: must be a whole number >= 1, got 0"),
            (json!({"DriverCores": "2147483648"}), r#"DriverCores: must be at most 2147483647, got "2147483648""#),
            (json!({"Queue": "a\nb"}), r#"Queue: must not hold control characters, got "a\nb""#),
            (
                json!({"Name": "n".repeat(257)}),
                &format!("Name: must be at most 256 characters long, got \"{}...\" (257 bytes)", "n".repeat(79)),
            ),
            (
                json!({"Configuration": {"fs.s3a.path": "x"}}),
                "Configuration.fs.s3a.path: must begin with spark. or Spark ignores it (a Hadoop property begins with spark.hadoop.)",
            ),
            (
                json!({"Configuration": {"": "x"}}),
                "Configuration[\"\"]: must begin with spark. or Spark ignores it (a Hadoop property begins with spark.hadoop.)",
            ),
            (
                json!({"Configuration": {"spark.a=b": "x"}}),
                "Configuration[\"spark.a=b\"]: must be a Spark property's name, without blanks and equals signs",
            ),
            (json!({"ExecutorCore": 1}), "ExecutorCore: unknown; did you mean ExecutorCores?"),
            (json!({"Mode": "BATCH"}), "Mode: unknown here; it belongs beside Parameters"),
        ] {
            assert_eq!(faults(&fields), [fault], "{fields}");
        }
    }

    #[test]
    fn a_faulty_field_is_told_once() {
        let fields = json!({"DriverMemory": "many", "Configuration": {"spark.driver.memory": "2g"}});
        assert_eq!(faults(&fields).len(), 1);
    }
}
