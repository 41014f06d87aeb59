//! A job as the body of `POST /batches`.

use std::collections::BTreeMap;

use super::wire::Submission;
use crate::job::{Identity, Parameters};
use crate::spark_submit::{append, yarn_tag};

/// What Livy is sent to run what is `told` under `identity`'s name.
pub fn submission<'a>(told: &'a Parameters, identity: &Identity) -> Submission<'a> {
    let name = identity.name();
    Submission {
        file: &told.file,
        class_name: told.class_name.as_deref(),
        args: &told.args,
        jars: &told.jars,
        py_files: &told.py_files,
        files: &told.files,
        archives: &told.archives,
        driver_memory: told.driver_memory.as_deref(),
        driver_cores: told.driver_cores,
        executor_memory: told.executor_memory.as_deref(),
        executor_cores: told.executor_cores,
        num_executors: told.num_executors,
        queue: told.queue.as_deref(),
        proxy_user: told.proxy_user.as_deref(),
        // YARN keeps tags in lower case. By this one the application can be found after Livy has forgotten the batch.
        conf: conf(told, &yarn_tag(&name)),
        name,
    }
}

/// The Spark properties: the user's own, and those for which Livy has no field.
fn conf(told: &Parameters, tag: &str) -> BTreeMap<String, String> {
    let mut conf = told.configuration.clone();
    for coordinates in &told.packages {
        append(&mut conf, "spark.jars.packages", coordinates);
    }
    for (name, value) in &told.environment {
        // The second reaches the driver in YARN cluster mode; in client mode it runs in Livy's own environment.
        conf.insert(format!("spark.executorEnv.{name}"), value.clone());
        conf.insert(format!("spark.yarn.appMasterEnv.{name}"), value.clone());
    }
    append(&mut conf, "spark.yarn.tags", tag);
    conf
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::job::{Digest, Job, Place};

    fn sent(parameters: &Parameters) -> Value {
        let place = Place::Livy("http://emr:8998".parse().expect("an address"));
        let job = Job::of(place, parameters.clone());
        // The hashes in the name are not this module's business.
        let identity = Identity { spec: Digest::of(&[]), ..Identity::derive(&["stack", "Pi"], "1", "Pi", &job) };
        serde_json::to_value(submission(parameters, &identity)).expect("JSON")
    }

    fn map<const N: usize>(entries: [(&str, &str); N]) -> BTreeMap<String, String> {
        entries.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
    }

    #[test]
    fn only_what_is_said_is_sent() {
        let parameters = Parameters { file: "s3://code/pi.py".to_owned(), ..Parameters::default() };
        let name = "Pi-2f1f1ec0a005fab5-4f53cda1-0a48c751";
        let conf = json!({"spark.yarn.tags": name.to_lowercase()});
        assert_eq!(sent(&parameters), json!({"file": "s3://code/pi.py", "name": name, "conf": conf}));
    }

    #[test]
    fn every_parameter_has_its_field() {
        let list = |items: &[&str]| items.iter().map(|&item| item.to_owned()).collect::<Vec<_>>();
        let parameters = Parameters {
            file: "s3://code/pi.jar".to_owned(),
            class_name: Some("org.apache.spark.examples.SparkPi".to_owned()),
            args: list(&["10", "two words", ""]),
            jars: list(&["s3://code/a.jar"]),
            py_files: list(&["s3://code/b.zip"]),
            files: list(&["s3://code/c.txt"]),
            archives: list(&["s3://code/d.tgz#d"]),
            packages: list(&["org.a:b:1", "org.c:d:2"]),
            environment: map([("STAGE", "prod")]),
            driver_memory: Some("512m".to_owned()),
            driver_cores: Some(1),
            executor_memory: Some("2g".to_owned()),
            executor_cores: Some(2),
            num_executors: Some(3),
            queue: Some("etl".to_owned()),
            proxy_user: Some("alice".to_owned()),
            name: Some("Daily orders".to_owned()),
            configuration: map([("spark.yarn.tags", "orders,daily"), ("spark.eventLog.enabled", "true")]),
        };
        let expected = json!({
            "file": "s3://code/pi.jar",
            "name": "Daily-orders-2f1f1ec0a005fab5-4f53cda1-0a48c751",
            "className": "org.apache.spark.examples.SparkPi",
            "args": ["10", "two words", ""],
            "jars": ["s3://code/a.jar"],
            "pyFiles": ["s3://code/b.zip"],
            "files": ["s3://code/c.txt"],
            "archives": ["s3://code/d.tgz#d"],
            "driverMemory": "512m",
            "driverCores": 1,
            "executorMemory": "2g",
            "executorCores": 2,
            "numExecutors": 3,
            "queue": "etl",
            "proxyUser": "alice",
            "conf": {
                "spark.eventLog.enabled": "true",
                "spark.executorEnv.STAGE": "prod",
                "spark.jars.packages": "org.a:b:1,org.c:d:2",
                "spark.yarn.appMasterEnv.STAGE": "prod",
                "spark.yarn.tags": "orders,daily,daily-orders-2f1f1ec0a005fab5-4f53cda1-0a48c751",
            },
        });
        assert_eq!(sent(&parameters), expected);
    }

    #[test]
    fn what_is_said_twice_is_written_once() {
        let packages = |said: &str, listed: &[&str]| {
            let configuration = map([("spark.jars.packages", said)]);
            let packages = listed.iter().map(|&item| item.to_owned()).collect();
            sent(&Parameters { packages, configuration, ..Parameters::default() })["conf"]["spark.jars.packages"]
                .clone()
        };
        assert_eq!(packages("a:b:1", &["a:b:1"]), "a:b:1");
        assert_eq!(packages("a:b:1, c:d:2", &["c:d:2", "a:b:1"]), "a:b:1, c:d:2");
        assert_eq!(packages(" ", &["a:b:1", "c:d:2", "a:b:1"]), "a:b:1,c:d:2");
        assert_eq!(packages("a:b:10", &["a:b:1"]), "a:b:10,a:b:1");
    }
}
