//! Whatever comes back, no call panics, and none takes it for more than it says.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::engine::tests::answers::{Came, Case, Parrot, any_came, any_json, mostly, object, refuses, says};
use crate::engine::tests::{PI, identity};
use crate::job::{DeployMode, Job, Parameters, Place, RunRef};
use crate::testing::engines;

/// Nearly a step: of each field what it should hold, or anything.
fn any_step() -> impl Strategy<Value = Value> {
    let words = ["PENDING", "RUNNING", "CANCEL_PENDING", "COMPLETED", "CANCELLED", "FAILED", "INTERRUPTED", "DREAMING"];
    let tag = format!("spark.yarn.tags={}", name().to_lowercase());
    let args = json!(["spark-submit", "--deploy-mode", "cluster", "--conf", tag, "pi.py"]);
    let args = [args, json!(["spark-submit", "pi.py"]), json!([])];
    let time = || mostly([json!(1_795_244_400.0), json!(1_795_244_460.5), Value::Null]);
    let message = || mostly([json!("no column 'amount'"), json!("x".repeat(5000)), Value::Null]);
    let timeline = object([("CreationDateTime", time()), ("StartDateTime", time()), ("EndDateTime", time())]);
    let status = object([
        ("State", mostly(words.map(Value::from))),
        ("StateChangeReason", object([("Message", message())])),
        ("FailureDetails", object([("Reason", message()), ("Message", message()), ("LogFile", message())])),
        ("Timeline", timeline),
    ]);
    object([
        ("Id", mostly(["s-1", "s-2", "s-3"].map(Value::from))),
        ("Name", mostly([json!(name()), json!("kill-s-1"), json!("stranger"), Value::Null])),
        ("Config", mostly(args).prop_map(|args| json!({"Jar": "command-runner.jar", "Args": args})).boxed()),
        ("Status", status),
    ])
}

/// An answer to every question at once.
fn any_success() -> impl Strategy<Value = Value> {
    let steps = prop_oneof![9 => prop::collection::vec(any_step(), 0..4).prop_map(Value::from), 1 => any_json()];
    let cancelled = ["SUBMITTED", "FAILED", "PERHAPS"];
    let cancelled = cancelled.map(|word| json!([{"StepId": "s-1", "Status": word, "Reason": "no"}]));
    let cluster = ["WAITING", "TERMINATED"].map(|state| json!({"Status": {"State": state}, "LogUri": "s3://logs"}));
    object([
        ("StepIds", mostly([json!(["s-1"]), json!([]), json!(["s-1", "s-2"]), json!(["17"]), Value::Null])),
        ("Steps", steps.boxed()),
        ("Step", any_step().boxed()),
        ("CancelStepsInfoList", mostly(cancelled)),
        ("Marker", mostly([Value::Null, Value::Null, json!("more")])),
        ("Cluster", mostly(cluster)),
    ])
}

fn any_answer() -> impl Strategy<Value = Came> {
    let said = prop_oneof![
        Just("Cluster id 'j-1' is not valid.".to_owned()),
        Just("Step id 's-1' is not valid.".to_owned()),
        Just("Step id '' is not valid.".to_owned()),
        Just("x".repeat(5000)),
        "\\PC{0,40}",
    ];
    let body = prop_oneof![5 => any_success(), 2 => said.prop_map(|said| json!({"message": said}))];
    any_came(body, &["ValidationException", "InvalidRequestException", "ThrottlingException", "Odd", ""])
}

fn job() -> Job {
    let parameters = Parameters { file: PI.to_owned(), ..Parameters::default() };
    Job { deploy_mode: DeployMode::Cluster, ..Job::of(Place::EmrSteps("j-1".to_owned()), parameters) }
}

fn name() -> String {
    identity(&job()).name()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_answer_is_taken_for_more_than_it_says(came in any_answer()) {
        let engine = engines(Arc::new(Parrot(came.clone()))).at(&job().place, None);
        let case = Case {
            job: &job(),
            run: &RunRef { place: job().place, id: "s-1".to_owned(), realm: None, name: Some(name()) },
            came: &came,
            is_list: says(&came, "\"Steps\":["),
            made: |run| format!("\"StepIds\":[\"{}\"]", run.id),
            well: "\"COMPLETED\"",
            // It may be a list of other steps, or a step of another name.
            may_be_gone: says(&came, "\"Steps\":[") || says(&came, "\"Step\":{") || refuses(&came, "Cluster id") || refuses(&came, "Step id"),
        };
        case.ask(&*engine)?;
    }
}
