//! What several fields of the portable block together must hold.

use super::fault::{Fault, shown};
use super::scalar::memory_kib;
use crate::job::Parameters;

/// The longest single argument that [Linux](https://man7.org/linux/man-pages/man2/execve.2.html) takes, in bytes:
/// `MAX_ARG_STRLEN` without the NUL at its end. Engines pass most of the block to `spark-submit` on a command line.
const MAX_ARGUMENT: usize = 131_071;

/// The most that the block may hold in all, in bytes. Linux takes 2 MiB as a rule for a command line and the environment
/// together, and engines say some of the block more than once.
const MAX_TOTAL: usize = 256 << 10;

/// What each argument costs besides its text: the NUL at its end and a pointer to it.
const ARGUMENT_COST: usize = 9;

/// What makes a Spark property of an environment variable, the longest first.
const VARIABLE_PREFIXES: [&str; 4] = [
    "spark.emr-serverless.driverEnv.",
    "spark.kubernetes.driverEnv.",
    "spark.yarn.appMasterEnv.",
    "spark.executorEnv.",
];

/// All faults that show only when fields are seen together, and those of their size.
pub(super) fn faults(parameters: &Parameters) -> Vec<Fault> {
    let mut faults = contradictions(parameters);
    faults.extend(class_of_python(parameters));
    faults.extend(sizes(parameters));
    faults
}

fn class_of_python(parameters: &Parameters) -> Option<Fault> {
    let class = parameters.class_name.as_deref()?;
    // Spark tells a Python file by just this, in this case.
    let is_python = parameters.file.rsplit_once('.').is_some_and(|(_, extension)| extension == "py");
    is_python.then(|| Fault::wrong("is for jars, but File is a Python file", &class.into()).under("ClassName"))
}

/// Spark properties that say otherwise than the field that stands for them. The same said twice is no fault, however it is
/// written.
fn contradictions(parameters: &Parameters) -> Vec<Fault> {
    let said = said_by_fields(parameters).into_iter().chain(said_by_environment(parameters));
    said.filter_map(|Said { property, field, value, kind, is_private }| {
        let meaning = |text: &str| kind.meaning(text);
        let found = parameters.configuration.get(&property).filter(|found| meaning(found) != meaning(&value))?;
        let value = if is_private { String::new() } else { format!(", which is {}", shown(&value)) };
        let fault = Fault::wrong(format!("contradicts {field}{value}"), &found.as_str().into());
        // What anything can be in is not told; a number holds nothing else.
        let is_number = matches!(meaning(found), Meaning::Number(_));
        let fault = if is_number { fault } else { fault.private() };
        Some(fault.under(&property).under("Configuration"))
    })
    .collect()
}

/// What a Spark property must be, as a field says it.
struct Said {
    property: String,
    field: String,
    value: String,
    kind: Kind,
    /// Whether the field's value may be a secret.
    is_private: bool,
}

#[derive(Clone, Copy)]
enum Kind {
    Text,
    List,
    Count,
    Size,
}

/// What a text comes to, however it is written.
#[derive(PartialEq)]
enum Meaning {
    Number(u64),
    List(Vec<String>),
    Text(String),
}

impl Kind {
    fn meaning(self, text: &str) -> Meaning {
        let number = match self {
            Self::Text => None,
            Self::List => return Meaning::List(text.split(',').map(|item| item.trim().to_owned()).collect()),
            Self::Count => text.parse().ok(),
            Self::Size => memory_kib(text),
        };
        number.map_or_else(|| Meaning::Text(text.to_owned()), Meaning::Number)
    }
}

/// The properties are those of
/// [`SparkSubmitArguments`](https://github.com/apache/spark/blob/master/core/src/main/scala/org/apache/spark/deploy/SparkSubmitArguments.scala)
/// and, on YARN, of [`SparkSubmit`](https://github.com/apache/spark/blob/master/core/src/main/scala/org/apache/spark/deploy/SparkSubmit.scala).
fn said_by_fields(parameters: &Parameters) -> Vec<Said> {
    let number = |number: Option<u32>| number.map(|n| n.to_string());
    let joined = |list: &[String]| (!list.is_empty()).then(|| list.join(","));
    let Parameters { jars, py_files, files, archives, packages, .. } = parameters;
    [
        ("spark.driver.memory", "DriverMemory", parameters.driver_memory.clone(), Kind::Size),
        ("spark.driver.cores", "DriverCores", number(parameters.driver_cores), Kind::Count),
        ("spark.executor.memory", "ExecutorMemory", parameters.executor_memory.clone(), Kind::Size),
        ("spark.executor.cores", "ExecutorCores", number(parameters.executor_cores), Kind::Count),
        ("spark.executor.instances", "NumExecutors", number(parameters.num_executors), Kind::Count),
        ("spark.yarn.queue", "Queue", parameters.queue.clone(), Kind::Text),
        ("spark.app.name", "Name", parameters.name.clone(), Kind::Text),
        ("spark.jars", "Jars", joined(jars), Kind::List),
        ("spark.yarn.dist.jars", "Jars", joined(jars), Kind::List),
        ("spark.submit.pyFiles", "PyFiles", joined(py_files), Kind::List),
        ("spark.yarn.dist.pyFiles", "PyFiles", joined(py_files), Kind::List),
        ("spark.files", "Files", joined(files), Kind::List),
        ("spark.yarn.dist.files", "Files", joined(files), Kind::List),
        ("spark.archives", "Archives", joined(archives), Kind::List),
        ("spark.yarn.dist.archives", "Archives", joined(archives), Kind::List),
        ("spark.jars.packages", "Packages", joined(packages), Kind::List),
    ]
    .into_iter()
    .filter_map(|(property, field, value, kind)| {
        let (property, field) = (property.to_owned(), field.to_owned());
        // An address may hold what lets in there.
        let is_private = matches!(kind, Kind::List);
        Some(Said { property, field, value: value?, kind, is_private })
    })
    .collect()
}

fn said_by_environment(parameters: &Parameters) -> impl Iterator<Item = Said> {
    parameters.environment.iter().flat_map(|(name, value)| {
        VARIABLE_PREFIXES.map(|prefix| Said {
            property: format!("{prefix}{name}"),
            field: format!("Environment.{name}"),
            value: value.clone(),
            kind: Kind::Text,
            is_private: true,
        })
    })
}

fn sizes(parameters: &Parameters) -> Vec<Fault> {
    let arguments = arguments(parameters);
    let total: usize = arguments.iter().map(|argument| argument.bytes + ARGUMENT_COST).sum();
    let mut faults: Vec<Fault> = arguments
        .iter()
        .filter(|argument| argument.bytes > MAX_ARGUMENT)
        .map(|Argument { field, at, bytes }| {
            let fault = Fault::new(format!("must be at most {MAX_ARGUMENT} bytes on a command line, got {bytes}"));
            match at {
                At::Whole => fault.under(field),
                At::Index(index) => fault.at(*index).under(field),
                At::Name(name) => fault.under(name).under(field),
            }
        })
        .collect();
    if total > MAX_TOTAL {
        faults.push(Fault::new(format!(
            "must be at most {MAX_TOTAL} bytes in all ({ARGUMENT_COST} more than its text for each element), got {total}; \
             put what is large into a file of its own"
        )));
    }
    faults
}

/// A part of the block that becomes one argument of a command line.
struct Argument<'a> {
    field: &'static str,
    at: At<'a>,
    bytes: usize,
}

enum At<'a> {
    Whole,
    Index(usize),
    Name(&'a str),
}

fn arguments(parameters: &Parameters) -> Vec<Argument<'_>> {
    let whole = |(field, bytes): (&'static str, usize)| Argument { field, at: At::Whole, bytes };
    let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    // A list is one argument, joined by commas.
    let joined = |list: &[String]| list.iter().map(|text| text.len() + 1).sum::<usize>();
    let whole_fields = [
        ("File", parameters.file.len()),
        ("ClassName", length(&parameters.class_name)),
        ("Jars", joined(&parameters.jars)),
        ("PyFiles", joined(&parameters.py_files)),
        ("Files", joined(&parameters.files)),
        ("Archives", joined(&parameters.archives)),
        ("Packages", joined(&parameters.packages)),
        ("Queue", length(&parameters.queue)),
        ("ProxyUser", length(&parameters.proxy_user)),
        ("Name", length(&parameters.name)),
    ];
    let args = parameters.args.iter().enumerate();
    let args = args.map(|(index, arg)| Argument { field: "Args", at: At::Index(index), bytes: arg.len() });
    let variables = parameters.environment.iter().map(|(name, value)| Argument {
        field: "Environment",
        at: At::Name(name),
        bytes: VARIABLE_PREFIXES[0].len() + name.len() + 1 + value.len(),
    });
    let properties = parameters.configuration.iter().map(|(name, value)| Argument {
        field: "Configuration",
        at: At::Name(name),
        bytes: name.len() + 1 + value.len(),
    });
    whole_fields.into_iter().map(whole).chain(args).chain(variables).chain(properties).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(parameters: &Parameters) -> Vec<String> {
        faults(parameters).iter().map(Fault::to_string).collect()
    }

    /// One value for every field that a property can contradict.
    fn full() -> Parameters {
        let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        Parameters {
            jars: texts(&["/a.jar", "/b.jar"]),
            py_files: texts(&["/a.py"]),
            files: texts(&["/a"]),
            archives: texts(&["/a.zip"]),
            packages: texts(&["a:b:1"]),
            environment: [("A".to_owned(), "1".to_owned()), ("TOKEN".to_owned(), "abc".to_owned())].into(),
            driver_memory: Some("2g".to_owned()),
            driver_cores: Some(1),
            executor_memory: Some("3g".to_owned()),
            executor_cores: Some(2),
            num_executors: Some(3),
            queue: Some("etl".to_owned()),
            name: Some("Pi".to_owned()),
            ..Parameters::default()
        }
    }

    fn with(property: &str, value: &str) -> Parameters {
        Parameters { configuration: [(property.to_owned(), value.to_owned())].into(), ..full() }
    }

    #[test]
    fn the_same_said_twice_is_no_fault() {
        for (property, value) in [
            ("spark.driver.memory", "2GB"),
            ("spark.driver.memory", "2048m"),
            ("spark.driver.cores", "1"),
            ("spark.executor.memory", "3145728K"),
            ("spark.executor.cores", "02"),
            ("spark.executor.instances", "3"),
            ("spark.yarn.queue", "etl"),
            ("spark.app.name", "Pi"),
            ("spark.jars", "/a.jar, /b.jar"),
            ("spark.submit.pyFiles", "/a.py"),
            ("spark.files", "/a"),
            ("spark.archives", "/a.zip"),
            ("spark.jars.packages", "a:b:1"),
            ("spark.executorEnv.A", "1"),
            ("spark.yarn.appMasterEnv.A", "1"),
            ("spark.executorEnv.B", "2"),
        ] {
            assert_eq!(told(&with(property, value)), Vec::<String>::new(), "{property}");
        }
    }

    #[test]
    fn another_value_is_a_fault_that_names_the_field() {
        for (property, field) in [
            ("spark.yarn.queue", r#"Queue, which is "etl""#),
            ("spark.app.name", r#"Name, which is "Pi""#),
            ("spark.jars", "Jars"),
            ("spark.yarn.dist.jars", "Jars"),
            ("spark.submit.pyFiles", "PyFiles"),
            ("spark.yarn.dist.pyFiles", "PyFiles"),
            ("spark.files", "Files"),
            ("spark.yarn.dist.files", "Files"),
            ("spark.archives", "Archives"),
            ("spark.yarn.dist.archives", "Archives"),
            ("spark.jars.packages", "Packages"),
            ("spark.executor.cores", r#"ExecutorCores, which is "2""#),
            ("spark.executorEnv.A", "Environment.A"),
            ("spark.yarn.appMasterEnv.A", "Environment.A"),
            ("spark.executorEnv.TOKEN", "Environment.TOKEN"),
        ] {
            let fault = format!("Configuration.{property}: contradicts {field}, got a string of 7 characters");
            assert_eq!(told(&with(property, "hunter2")), [fault]);
        }
    }

    #[test]
    fn another_number_is_a_fault_that_tells_both() {
        for (property, found, field) in [
            ("spark.driver.memory", "2047m", r#"DriverMemory, which is "2g""#),
            ("spark.driver.cores", "2", r#"DriverCores, which is "1""#),
            ("spark.executor.memory", "2g", r#"ExecutorMemory, which is "3g""#),
            ("spark.executor.cores", "1", r#"ExecutorCores, which is "2""#),
            ("spark.executor.instances", "30", r#"NumExecutors, which is "3""#),
        ] {
            let fault = format!(r#"Configuration.{property}: contradicts {field}, got "{found}""#);
            assert_eq!(told(&with(property, found)), [fault]);
        }
    }

    #[test]
    fn a_property_without_its_field_is_no_fault() {
        let alone =
            Parameters { configuration: with("spark.driver.memory", "x").configuration, ..Parameters::default() };
        assert_eq!(told(&alone), Vec::<String>::new());
    }

    #[test]
    fn a_python_file_has_no_class() {
        let class_of = |file: &str| {
            told(&Parameters { file: file.to_owned(), class_name: Some("a.B".to_owned()), ..Parameters::default() })
        };
        assert_eq!(class_of("s3://b/a.py"), [r#"ClassName: is for jars, but File is a Python file, got "a.B""#]);
        assert_eq!(class_of("s3://b/a.jar"), Vec::<String>::new());
    }

    #[test]
    fn what_no_command_line_holds_is_a_fault() {
        let args = |args: Vec<String>| told(&Parameters { args, ..Parameters::default() });
        let fault = |bytes| format!("Args[1]: must be at most 131071 bytes on a command line, got {bytes}");
        assert_eq!(args(vec![String::new(), "a".repeat(131_071)]), Vec::<String>::new());
        assert_eq!(args(vec![String::new(), "a".repeat(131_072)]), [fault(131_072)]);
        let total = |bytes| {
            format!(
                "must be at most 262144 bytes in all (9 more than its text for each element), got {bytes}; \
                 put what is large into a file of its own"
            )
        };
        // Ten fields that are one argument each are counted too.
        assert_eq!(args(vec![String::new(), "é".repeat(1 << 19)]), [fault(1 << 20), total((1 << 20) + 108)]);
        assert_eq!(args(vec!["a".to_owned(); 100_000]), [total(1_000_090)]);
        let jars = vec![format!("/{}", "j".repeat(1000)); 140];
        assert_eq!(told(&Parameters { jars, ..Parameters::default() }).len(), 1);
        let environment = [("TOKEN".to_owned(), "é".repeat(65_530))].into();
        assert_eq!(
            told(&Parameters { environment, ..Parameters::default() }),
            ["Environment.TOKEN: must be at most 131071 bytes on a command line, got 131097"]
        );
    }
}
