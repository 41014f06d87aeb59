//! What is submitted.

use serde_json::{Value, json};

use crate::engine::job_runs;
use crate::job::{Identity, Job, Parameters};
use crate::spark_submit::Way;
use crate::spark_submit::quote::Splitter;

/// The body of [`StartJobRun`](https://docs.aws.amazon.com/emr-on-eks/latest/APIReference/API_StartJobRun.html). It may hold
/// secrets.
pub fn body(job: &Job, identity: &Identity) -> Value {
    job_runs::body(job, identity, driver).into()
}

fn driver(parameters: &Parameters, name: &str) -> Value {
    json!({"sparkSubmitJobDriver": job_runs::spark_submit(parameters, name, Way::EmrOnEks, Splitter::EmrOnEks)})
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::job::{Native, Place};
    use crate::spark_submit::quote;

    fn identity(job: &Job) -> Identity {
        Identity::derive(&["stack", "Pi"], "request-1", "Pi", job)
    }

    fn native(description: Value) -> Native {
        Native(serde_json::from_value(description).expect("an object"))
    }

    fn portable() -> Job {
        let parameters = Parameters {
            file: "s3://code/pi.py".to_owned(),
            args: vec!["10".to_owned(), "two words".to_owned()],
            environment: BTreeMap::from([("TITLE".to_owned(), "it's \"so\" for $5".to_owned())]),
            num_executors: Some(2),
            ..Parameters::default()
        };
        let mut job = Job::of(Place::EmrOnEks("vc1".to_owned()), parameters);
        job.native = native(json!({
            "ExecutionRoleArn": "arn:aws:iam::123456789012:role/job",
            "ReleaseLabel": "emr-7.5.0-latest",
            "ConfigurationOverrides": {"monitoringConfiguration": {"s3MonitoringConfiguration": {"logUri": "s3://logs"}}},
            "RetryPolicyConfiguration": {"maxAttempts": 3},
        }));
        job.tags = [("team".to_owned(), "data".to_owned())].into();
        job
    }

    #[test]
    fn the_portable_block_is_submitted_with_what_stands_beside_it() {
        let job = portable();
        let identity = identity(&job);
        let mut body = body(&job, &identity);
        let submit = body["jobDriver"]["sparkSubmitJobDriver"].take();
        let expected = json!({
            "clientToken": identity.token.to_string(),
            "name": identity.name(),
            "executionRoleArn": "arn:aws:iam::123456789012:role/job",
            "releaseLabel": "emr-7.5.0-latest",
            "jobDriver": {"sparkSubmitJobDriver": null},
            "configurationOverrides": {"monitoringConfiguration": {"s3MonitoringConfiguration": {"logUri": "s3://logs"}}},
            "retryPolicyConfiguration": {"maxAttempts": 3},
            "tags": {"team": "data"},
        });
        assert_eq!(body, expected);
        assert_eq!(submit["entryPoint"], "s3://code/pi.py");
        assert_eq!(submit["entryPointArguments"], json!(["10", "two words"]));
        let parameters = submit["sparkSubmitParameters"].as_str().expect("a text");
        let name = format!("spark.app.name={}", identity.name());
        let words = [
            "--conf",
            &name,
            "--conf",
            "spark.executor.instances=2",
            "--conf",
            "spark.executorEnv.TITLE=it's \"so\" for $5",
            "--conf",
            "spark.kubernetes.driverEnv.TITLE=it's \"so\" for $5",
        ];
        assert_eq!(quote::split(parameters).expect("balanced"), words, "{parameters}");
        assert!(parameters.contains(r#"'spark.executorEnv.TITLE=it'"'"'s "so" for $5'"#), "{parameters}");
    }

    #[test]
    fn only_what_is_said_is_sent() {
        let parameters = Parameters { file: "s3://code/pi.py".to_owned(), ..Parameters::default() };
        let job = Job::of(Place::EmrOnEks("vc1".to_owned()), parameters);
        let identity = identity(&job);
        let expected = json!({
            "clientToken": identity.token.to_string(),
            "name": identity.name(),
            "jobDriver": {"sparkSubmitJobDriver": {
                "entryPoint": "s3://code/pi.py",
                "sparkSubmitParameters": format!("--conf spark.app.name={}", identity.name()),
            }},
        });
        assert_eq!(body(&job, &identity), expected);
    }

    #[test]
    fn a_native_driver_is_submitted_as_it_is() {
        let driver = json!({"sparkSqlJobDriver": {"entryPoint": "s3://code/a.sql", "sparkSqlParameters": "-v"}});
        let mut job = portable();
        job.parameters = None;
        job.native = native(json!({"Name": "My job", "ReleaseLabel": "emr-7.5.0-latest", "JobDriver": driver}));
        job.tags.clear();
        let identity = identity(&job);
        let expected = json!({
            "clientToken": identity.token.to_string(),
            "name": identity.name(),
            "releaseLabel": "emr-7.5.0-latest",
            "jobDriver": driver,
        });
        assert!(identity.name().starts_with("My-job-"));
        assert_eq!(body(&job, &identity), expected);
    }

    #[test]
    fn a_job_template_says_the_rest() {
        let mut job = portable();
        job.parameters = None;
        job.native = native(json!({"JobTemplateId": "t1", "JobTemplateParameters": {"EntryPoint": "s3://code/a.py"}}));
        let identity = identity(&job);
        let expected = json!({
            "clientToken": identity.token.to_string(),
            "name": identity.name(),
            "jobTemplateId": "t1",
            "jobTemplateParameters": {"EntryPoint": "s3://code/a.py"},
            "tags": {"team": "data"},
        });
        assert_eq!(body(&job, &identity), expected);
    }
}
