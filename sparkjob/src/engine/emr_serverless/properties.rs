//! Whatever comes back, no call panics, and none takes it for more than it says.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::engine::tests::answers::{Came, Case, Parrot, any_came, mostly, mostly_like, object, refuses, says};
use crate::engine::tests::{PI, identity};
use crate::job::{Job, Parameters, Place, RunRef};
use crate::testing::engines;

const ARN: &str = "arn:aws:emr-serverless:eu-west-1:123456789012:/applications/00f1/jobruns/00f2";

/// Nearly a job run: of each member what it should hold, or anything.
fn any_job_run() -> impl Strategy<Value = Value> {
    let words = ["PENDING", "RUNNING", "CANCELLING", "SUCCESS", "FAILED", "PONDERING", ""];
    let logs = [
        json!({}),
        json!({"monitoringConfiguration": {"s3MonitoringConfiguration": {"logUri": "s3://logs"}}}),
        json!({"monitoringConfiguration": {"cloudWatchLoggingConfiguration": {"enabled": true}}}),
        json!({"monitoringConfiguration": {"managedPersistenceMonitoringConfiguration": {"enabled": false}}}),
    ];
    object([
        ("applicationId", mostly([json!("00f1")])),
        ("jobRunId", mostly([json!("00f2")])),
        ("id", mostly([json!("00f2")])),
        ("arn", mostly([json!(ARN), json!(ARN.replace("00f1", "00f9"))])),
        ("name", mostly([json!(identity(&job()).name()), json!("stranger")])),
        ("state", mostly(words.map(Value::from))),
        ("stateDetails", mostly_like("\\PC{0,2000}")),
        ("createdAt", mostly([json!(1_795_244_400.5)])),
        ("configurationOverrides", mostly(logs)),
    ])
}

fn any_answer() -> impl Strategy<Value = Came> {
    let message = prop::sample::select(vec![
        "Application 00f1 is in state TERMINATED",
        "Application 00f1 is STOPPED",
        "Job run is not in a cancellable state",
        "User: x is not authorized to perform: iam:PassRole",
        "",
    ]);
    let body = prop_oneof![
        any_job_run(),
        any_job_run().prop_map(|run| json!({"jobRun": run})),
        prop::collection::vec(any_job_run(), 1..4).prop_map(|runs| json!({"jobRuns": runs})),
        prop::collection::vec(any_job_run(), 0..2).prop_map(|runs| json!({"jobRuns": runs, "nextToken": "on"})),
        message.prop_map(|message| json!({"message": message})),
        "\\PC{0,2000}".prop_map(|text| json!({"message": text})),
    ];
    any_came(
        body,
        &[
            "ValidationException",
            "ConflictException",
            "ResourceNotFoundException",
            "AccessDeniedException",
            "ThrottlingException",
            "Whatever",
            "",
        ],
    )
}

fn job() -> Job {
    let parameters = Parameters { file: PI.to_owned(), ..Parameters::default() };
    Job::of(Place::EmrServerless("00f1".to_owned()), parameters)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_answer_is_taken_for_more_than_it_says(came in any_answer()) {
        let engine = engines(Arc::new(Parrot(came.clone()))).at(&job().place, None);
        let case = Case {
            job: &job(),
            run: &ARN.parse().expect("a reference"),
            came: &came,
            is_list: says(&came, "\"jobRuns\""),
            made: RunRef::to_string,
            well: "\"SUCCESS\"",
            may_be_gone: refuses(&came, "ResourceNotFoundException") || refuses(&came, "TERMINATED"),
        };
        case.ask(&*engine)?;
    }
}
