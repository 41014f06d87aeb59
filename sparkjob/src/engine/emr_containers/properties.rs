//! Whatever comes back, no call panics, and none takes it for more than it says.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::engine::{Engine, How, Kind, Lookup};
use crate::http::{Lost, Transport};
use crate::job::{Identity, Job, Parameters, Phase, Place, RunRef, Tags, Timestamp};
use crate::testing;

const ARN: &str = "arn:aws:emr-containers:eu-west-1:123456789012:/virtualclusters/vc1/jobruns/1";

/// Answers everything alike.
#[derive(Clone, Debug)]
struct Parrot(Result<(u16, Vec<u8>), Lost>);

#[async_trait]
impl Transport for Parrot {
    async fn send(&self, _: Request<Bytes>, _: Duration) -> Result<Response<Bytes>, Lost> {
        let (status, body) = self.0.clone()?;
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = StatusCode::from_u16(status).expect("a status");
        Ok(response)
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-zA-Z]{1,8}", inner, 0..4).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

/// Mostly this, or anything.
fn mostly(value: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Value> {
    prop_oneof![9 => value, 1 => any_json()].boxed()
}

/// Nearly a job run: of each member what it should hold, or anything.
fn any_job_run() -> impl Strategy<Value = Value> {
    let words =
        ["PENDING", "RUNNING", "CANCEL_PENDING", "COMPLETED", "FAILED", "CANCELLED", "PONDERING", "completed", ""];
    let monitoring = json!({
        "s3MonitoringConfiguration": {"logUri": "s3://logs/a b"},
        "cloudWatchMonitoringConfiguration": {"logGroupName": "/emr"},
    });
    let times = ["2026-11-21T07:00:00Z", "1960-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "yesterday"];
    let members = (
        mostly(prop::sample::select(vec![json!("1"), json!("2"), Value::Null])),
        mostly(prop::sample::select(vec![json!(name()), json!("stranger"), Value::Null])),
        mostly(prop::sample::select(vec![json!(ARN), json!(ARN.replace("vc1", "vc2")), Value::Null])),
        mostly(prop::sample::select(words.to_vec()).prop_map(Value::from)),
        mostly(prop::sample::select(times.to_vec()).prop_map(Value::from)),
        mostly("\\PC{0,400}".prop_map(Value::from)),
        mostly(Just(json!("USER_ERROR"))),
        mostly(Just(json!({"monitoringConfiguration": monitoring}))),
        mostly(Just(json!({"team": "data"}))),
        0..20_usize,
    );
    members.prop_map(|(id, name, arn, state, created, details, reason, overrides, tags, left_out)| {
        let mut run = json!({
            "id": id, "name": name, "arn": arn, "state": state, "createdAt": created, "stateDetails": details,
            "failureReason": reason, "configurationOverrides": overrides, "tags": tags,
        });
        let members = run.as_object_mut().expect("just made");
        let left_out = members.keys().nth(left_out).cloned();
        left_out.map(|key| members.remove(&key));
        run
    })
}

fn any_answer() -> impl Strategy<Value = Result<(u16, Vec<u8>), Lost>> {
    let codes =
        ["ResourceNotFoundException", "ValidationException", "ThrottlingException", "InternalServerException", ""];
    let refusal = (prop::sample::select(codes.to_vec()), "\\PC{0,40}|[a-z ]{0,2000}")
        .prop_map(|(code, message)| json!({"__type": code, "message": message}));
    let body = prop_oneof![
        any_job_run().prop_map(|run| json!({"jobRun": run})),
        any_job_run(),
        (prop::collection::vec(any_job_run(), 0..4), prop::option::of("[a-z]{0,3}"))
            .prop_map(|(runs, token)| json!({"jobRuns": runs, "nextToken": token})),
        refusal,
        any_json(),
    ];
    let body = prop_oneof![
        9 => body.prop_map(|json| json.to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..60),
    ];
    let status = prop_oneof![4 => Just(200_u16), 2 => Just(400), 2 => 200..600_u16];
    let lost = prop_oneof![
        Just(Lost::TimedOut),
        Just(Lost::TooLarge),
        "\\PC{0,20}".prop_map(Lost::Unclear),
        "\\PC{0,20}".prop_map(Lost::NotSent),
    ];
    prop_oneof![9 => (status, body).prop_map(Ok), 1 => lost.prop_map(Err)]
}

fn job() -> Job {
    let parameters = Parameters { file: "s3://code/pi.py".to_owned(), ..Parameters::default() };
    Job::of(Place::EmrOnEks("vc1".to_owned()), parameters)
}

fn identity() -> Identity {
    Identity::derive(&["stack", "Pi"], "request", "Pi", &job())
}

fn name() -> String {
    identity().name()
}

/// Whether the answer is a success that says this anywhere.
fn says(answer: &Result<(u16, Vec<u8>), Lost>, word: &str) -> bool {
    answer.as_ref().is_ok_and(|(status, body)| *status < 300 && String::from_utf8_lossy(body).contains(word))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_answer_is_taken_for_more_than_it_says(answer in any_answer()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let engine = testing::engines(Arc::new(Parrot(answer.clone()))).at(&job().place);
        let run: RunRef = ARN.parse().expect("a reference");
        runtime.block_on(ask_everything(&*engine, &run, &answer))?;
    }
}

async fn ask_everything(
    engine: &dyn Engine,
    run: &RunRef,
    answer: &Result<(u16, Vec<u8>), Lost>,
) -> Result<(), TestCaseError> {
    let is_bounded = |text: &str| text.chars().count() <= 1500;
    match engine.start(&job(), &identity()).await {
        Ok(made) => prop_assert!(made == *run && says(answer, ARN)),
        Err(trouble) => {
            // A success that cannot be read may have made a job.
            let succeeded = answer.as_ref().is_ok_and(|(status, _)| *status < 300);
            prop_assert!(!succeeded || trouble.kind == Kind::Unclear, "{:?}", trouble);
            prop_assert!(is_bounded(&trouble.to_string()) && is_bounded(&trouble.advice));
        }
    }
    for by in [Lookup::Name, Lookup::Token, Lookup::Owner, Lookup::Spec] {
        if let Ok(found) = engine.find(&identity(), by, Timestamp::default()).await {
            prop_assert!(found.iter().all(|found| found.name() == name() && found.run == *run));
            prop_assert!(found.is_empty() || says(answer, &name()));
        }
    }
    for runs in [vec![run.clone()], vec![run.clone(), run.clone()]] {
        if let Ok(statuses) = engine.describe(&runs).await {
            prop_assert_eq!(statuses.len(), runs.len());
            for status in statuses {
                prop_assert!(status.phase != Phase::Succeeded || says(answer, "\"COMPLETED\""));
                prop_assert!(status.phase == Phase::Gone || says(answer, "\"jobRun\""));
                prop_assert!(is_bounded(&status.reason) && is_bounded(&status.word));
            }
        }
    }
    let _ = engine.cancel(run, How::Ask).await;
    let _ = engine.tag(run, &Tags::from([("a".to_owned(), "b".to_owned())]), &Tags::new()).await;
    let report = engine.report(run).await;
    prop_assert!(is_bounded(&report.full_log) && report.links.console.ends_with("/clusters/vc1"));
    Ok(())
}
