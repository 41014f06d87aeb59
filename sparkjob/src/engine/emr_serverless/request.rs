//! A job as the body of
//! [`StartJobRun`](https://docs.aws.amazon.com/emr-serverless/latest/APIReference/API_StartJobRun.html).

use serde_json::{Value, json};

use crate::engine::job_runs;
use crate::job::{Identity, Job, Mode, Parameters};
use crate::spark_submit::Way;
use crate::spark_submit::quote::Splitter;

/// What EMR Serverless is sent to run `job` under `identity`'s name. It may hold secrets.
pub fn body(job: &Job, identity: &Identity) -> Value {
    let mut body = job_runs::body(job, identity, driver);
    if job.mode == Mode::Streaming {
        body.insert("mode".to_owned(), "STREAMING".into());
    }
    if let Some(minutes) = timeout_minutes(job) {
        body.insert("executionTimeoutMinutes".to_owned(), minutes.into());
    }
    body.into()
}

fn driver(parameters: &Parameters, name: &str) -> Value {
    json!({"sparkSubmit": job_runs::spark_submit(parameters, name, Way::EmrServerless, Splitter::EmrServerless)})
}

/// Left to itself the service would cancel a streaming job, too, after
/// [12 hours](https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/jobs-spark.html).
fn timeout_minutes(job: &Job) -> Option<u32> {
    match job.mode {
        Mode::Batch => job.timeout_minutes,
        Mode::Streaming => Some(job.timeout_minutes.unwrap_or(0)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::job::{Digest, Native, Place};

    const ROLE: &str = "arn:aws:iam::123456789012:role/etl";
    const TOKEN: &str = "0a48c751cfa9368e348802b9e1dba12b1ed65423cb790805d28e2b86e7557532";

    fn job(parameters: Option<Parameters>, native: &[(&str, Value)]) -> Job {
        let native = native.iter().map(|(property, value)| ((*property).to_owned(), value.clone())).collect();
        let place = Place::EmrServerless("00f1abc".to_owned());
        Job { parameters, native: Native(native), ..Job::of(place, Parameters::default()) }
    }

    fn pi() -> Parameters {
        Parameters { file: "s3://code/pi.py".to_owned(), ..Parameters::default() }
    }

    fn sent(job: &Job) -> Value {
        // The hash of the description is not this module's business.
        let identity = Identity { spec: Digest::of(&[]), ..Identity::derive(&["stack", "Pi"], "1", "Pi", job) };
        body(job, &identity)
    }

    fn texts(items: &[&str]) -> Vec<String> {
        items.iter().map(|&item| item.to_owned()).collect()
    }

    fn map<const N: usize>(entries: [(&str, &str); N]) -> BTreeMap<String, String> {
        entries.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
    }

    #[test]
    fn only_what_is_said_is_sent() {
        let expected = json!({
            "clientToken": TOKEN,
            "name": "Pi-2f1f1ec0a005fab5-4f53cda1-0a48c751",
            "executionRoleArn": ROLE,
            "jobDriver": {"sparkSubmit": {
                "entryPoint": "s3://code/pi.py",
                "sparkSubmitParameters": "--conf spark.app.name=Pi-2f1f1ec0a005fab5-4f53cda1-0a48c751",
            }},
        });
        assert_eq!(sent(&job(Some(pi()), &[("ExecutionRoleArn", json!(ROLE))])), expected);
    }

    #[test]
    fn every_parameter_has_its_place() {
        let parameters = Parameters {
            file: "s3://code/etl.jar".to_owned(),
            class_name: Some("com.example.Etl".to_owned()),
            args: texts(&["--day", "two words", ""]),
            jars: texts(&["s3://code/a.jar", "s3://code/b.jar"]),
            py_files: texts(&["s3://code/c.zip"]),
            files: texts(&["s3://code/d.txt"]),
            archives: texts(&["s3://code/e.tgz#e"]),
            packages: texts(&["org.a:b:1"]),
            environment: map([("STAGE", "prod")]),
            driver_memory: Some("512m".to_owned()),
            driver_cores: Some(1),
            executor_memory: Some("2g".to_owned()),
            executor_cores: Some(2),
            num_executors: Some(3),
            name: Some("Daily orders".to_owned()),
            configuration: map([("spark.executor.extraJavaOptions", "-Da=1 -Db=2")]),
            ..Parameters::default()
        };
        let monitoring = json!({"monitoringConfiguration": {"s3MonitoringConfiguration": {"logUri": "s3://logs/"}}});
        let mut job = job(
            Some(parameters),
            &[
                ("ExecutionRoleArn", json!(ROLE)),
                ("ConfigurationOverrides", monitoring.clone()),
                ("RetryPolicy", json!({"maxAttempts": 3})),
                ("ExecutionIamPolicy", json!({"policyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"]})),
            ],
        );
        job.timeout_minutes = Some(90);
        job.tags = map([("team", "orders")]);
        let parameters = [
            "--class com.example.Etl",
            "--conf spark.app.name=\"Daily orders\"",
            "--conf spark.archives=s3://code/e.tgz#e",
            "--conf spark.driver.cores=1",
            "--conf spark.driver.memory=512m",
            "--conf spark.emr-serverless.driverEnv.STAGE=prod",
            "--conf spark.executor.cores=2",
            "--conf spark.executor.extraJavaOptions=\"-Da=1 -Db=2\"",
            "--conf spark.executor.instances=3",
            "--conf spark.executor.memory=2g",
            "--conf spark.executorEnv.STAGE=prod",
            "--conf spark.files=s3://code/d.txt",
            "--conf spark.jars=s3://code/a.jar,s3://code/b.jar",
            "--conf spark.jars.packages=org.a:b:1",
            "--conf spark.submit.pyFiles=s3://code/c.zip",
        ];
        let expected = json!({
            "clientToken": TOKEN,
            "name": "Daily-orders-2f1f1ec0a005fab5-4f53cda1-0a48c751",
            "executionRoleArn": ROLE,
            "executionIamPolicy": {"policyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"]},
            "jobDriver": {"sparkSubmit": {
                "entryPoint": "s3://code/etl.jar",
                "entryPointArguments": ["--day", "two words", ""],
                "sparkSubmitParameters": parameters.join(" "),
            }},
            "configurationOverrides": monitoring,
            "executionTimeoutMinutes": 90,
            "retryPolicy": {"maxAttempts": 3},
            "tags": {"team": "orders"},
        });
        assert_eq!(sent(&job), expected);
    }

    #[test]
    fn a_native_driver_goes_out_as_it_came_in_under_a_name_of_ours() {
        let driver =
            json!({"sparkSubmit": {"entryPoint": "s3://code/a.py", "sparkSubmitParameters": "--conf a=\"b c\""}});
        let native =
            [("ExecutionRoleArn", json!(ROLE)), ("JobDriver", driver.clone()), ("Name", json!("Nightly report"))];
        let expected = json!({
            "clientToken": TOKEN,
            "name": "Nightly-report-2f1f1ec0a005fab5-4f53cda1-0a48c751",
            "executionRoleArn": ROLE,
            "jobDriver": driver,
        });
        assert_eq!(sent(&job(None, &native)), expected);
    }

    #[test]
    fn a_streaming_job_is_never_cancelled_by_time_unless_told_so() {
        let minutes = |mode, minutes| {
            let sent = sent(&Job { mode, timeout_minutes: minutes, ..job(Some(pi()), &[]) });
            (sent["mode"].clone(), sent["executionTimeoutMinutes"].clone())
        };
        assert_eq!(minutes(Mode::Batch, None), (Value::Null, Value::Null));
        assert_eq!(minutes(Mode::Batch, Some(5)), (Value::Null, json!(5)));
        assert_eq!(minutes(Mode::Streaming, None), (json!("STREAMING"), json!(0)));
        assert_eq!(minutes(Mode::Streaming, Some(5)), (json!("STREAMING"), json!(5)));
    }
}
