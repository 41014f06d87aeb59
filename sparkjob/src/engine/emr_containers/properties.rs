//! Whatever comes back, no call panics, and none takes it for more than it says.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::engine::tests::answers::{Came, Case, Parrot, any_came, mostly, mostly_like, object, refuses, says};
use crate::engine::tests::{PI, identity};
use crate::job::{Job, Parameters, Place, RunRef};
use crate::testing::engines;

const ARN: &str = "arn:aws:emr-containers:eu-west-1:123456789012:/virtualclusters/vc1/jobruns/1";

/// Nearly a job run: of each member what it should hold, or anything.
fn any_job_run() -> impl Strategy<Value = Value> {
    let words =
        ["PENDING", "RUNNING", "CANCEL_PENDING", "COMPLETED", "FAILED", "CANCELLED", "PONDERING", "completed", ""];
    let monitoring = json!({
        "s3MonitoringConfiguration": {"logUri": "s3://logs/a b"},
        "cloudWatchMonitoringConfiguration": {"logGroupName": "/emr"},
    });
    let times = ["2026-11-21T07:00:00Z", "1960-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "yesterday"];
    object([
        ("id", mostly([json!("1"), json!("2"), Value::Null])),
        ("name", mostly([json!(identity(&job()).name()), json!("stranger"), Value::Null])),
        ("arn", mostly([json!(ARN), json!(ARN.replace("vc1", "vc2")), Value::Null])),
        ("state", mostly(words.map(Value::from))),
        ("createdAt", mostly(times.map(Value::from))),
        ("stateDetails", mostly_like("\\PC{0,400}")),
        ("failureReason", mostly([json!("USER_ERROR")])),
        ("configurationOverrides", mostly([json!({"monitoringConfiguration": monitoring})])),
        ("tags", mostly([json!({"team": "data"})])),
    ])
}

fn any_answer() -> impl Strategy<Value = Came> {
    let body = prop_oneof![
        any_job_run().prop_map(|run| json!({"jobRun": run})),
        any_job_run(),
        (prop::collection::vec(any_job_run(), 0..4), prop::option::of("[a-z]{0,3}"))
            .prop_map(|(runs, token)| json!({"jobRuns": runs, "nextToken": token})),
        "\\PC{0,40}|[a-z ]{0,2000}".prop_map(|message| json!({"message": message})),
    ];
    any_came(
        body,
        &["ResourceNotFoundException", "ValidationException", "ThrottlingException", "InternalServerException", ""],
    )
}

fn job() -> Job {
    let parameters = Parameters { file: PI.to_owned(), ..Parameters::default() };
    Job::of(Place::EmrOnEks("vc1".to_owned()), parameters)
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
            well: "\"COMPLETED\"",
            may_be_gone: refuses(&came, "ResourceNotFoundException"),
        };
        case.ask(&*engine)?;
    }
}
