//! Whatever comes back, no call panics, and none takes it for more than it says.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::engine::{Engine, How, Kind, Lookup, Trouble};
use crate::http::{Lost, Transport};
use crate::job::{Identity, Job, Parameters, Phase, Place, RunRef, Status, Tags, Timestamp};
use crate::testing::engines;

const ARN: &str = "arn:aws:emr-serverless:eu-west-1:123456789012:/applications/00f1/jobruns/00f2";

/// A status, the code of an error in its header, and a body; or nothing.
type Came = Result<(u16, &'static str, Vec<u8>), Lost>;

/// Answers everything alike.
#[derive(Clone, Debug)]
struct Parrot(Came);

#[async_trait]
impl Transport for Parrot {
    async fn send(&self, _: Request<Bytes>, _: Duration) -> Result<Response<Bytes>, Lost> {
        let (status, code, body) = self.0.clone()?;
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = StatusCode::from_u16(status).expect("a status");
        if !code.is_empty() {
            response.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(code));
        }
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
        "\\PC{1000,2000}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 30, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map("[a-zA-Z]{1,8}", inner, 0..6).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

/// Nearly a job run: of each member what it should hold, or anything, or nothing.
fn any_job_run() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec!["PENDING", "RUNNING", "CANCELLING", "SUCCESS", "FAILED", "PONDERING", ""]);
    let logs = prop::sample::select(vec![
        json!({}),
        json!({"monitoringConfiguration": {"s3MonitoringConfiguration": {"logUri": "s3://logs"}}}),
        json!({"monitoringConfiguration": {"cloudWatchLoggingConfiguration": {"enabled": true}}}),
        json!({"monitoringConfiguration": {"managedPersistenceMonitoringConfiguration": {"enabled": false}}}),
    ]);
    let fields = (
        prop_oneof![4 => Just(json!("00f1")), 1 => any_json()],
        prop_oneof![4 => Just(json!("00f2")), 1 => any_json()],
        prop_oneof![4 => Just(json!(ARN)), 1 => any_json()],
        prop_oneof![4 => Just(json!(name())), 1 => any_json()],
        prop_oneof![4 => word.prop_map(Value::from), 1 => any_json()],
        any_json(),
        prop_oneof![4 => Just(json!(1_795_244_400.5)), 1 => any_json()],
        prop_oneof![4 => logs, 1 => any_json()],
        0..12_usize,
    );
    fields.prop_map(|(application, id, arn, name, state, details, created, overrides, left_out)| {
        let members = [
            ("applicationId", application),
            ("jobRunId", id.clone()),
            ("id", id),
            ("arn", arn),
            ("name", name),
            ("state", state),
            ("stateDetails", details),
            ("createdAt", created),
            ("configurationOverrides", overrides),
        ];
        let kept = members.into_iter().enumerate().filter(|(index, _)| *index != left_out);
        kept.map(|(_, (member, value))| (member.to_owned(), value)).collect()
    })
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
        prop::collection::vec(any::<u8>(), 0..200),
        any_json().prop_map(|json| json.to_string().into_bytes()),
        any_job_run().prop_map(|run| run.to_string().into_bytes()),
        any_job_run().prop_map(|run| json!({"jobRun": run}).to_string().into_bytes()),
        prop::collection::vec(any_job_run(), 1..4).prop_map(|runs| json!({"jobRuns": runs}).to_string().into_bytes()),
        prop::collection::vec(any_job_run(), 0..2)
            .prop_map(|runs| json!({"jobRuns": runs, "nextToken": "on"}).to_string().into_bytes()),
        message.prop_map(|message| json!({"message": message}).to_string().into_bytes()),
        "\\PC{0,2000}".prop_map(|text| json!({"message": text}).to_string().into_bytes()),
    ];
    let code = prop::sample::select(vec![
        "ValidationException",
        "ConflictException",
        "ResourceNotFoundException",
        "AccessDeniedException",
        "ThrottlingException",
        "Whatever",
        "",
    ]);
    let status = prop_oneof![3 => Just(200_u16), 3 => 200..600_u16];
    let lost = prop_oneof![
        Just(Lost::TimedOut),
        Just(Lost::TooLarge),
        "\\PC{0,20}".prop_map(Lost::Unclear),
        "\\PC{0,20}".prop_map(Lost::NotSent),
    ];
    prop_oneof![9 => (status, code, body).prop_map(Ok), 1 => lost.prop_map(Err)]
}

fn job() -> Job {
    let parameters = Parameters { file: "s3://code/pi.py".to_owned(), ..Parameters::default() };
    Job::of(Place::EmrServerless("00f1".to_owned()), parameters)
}

fn identity() -> Identity {
    Identity::derive(&["stack", "Pi"], "request", "Pi", &job())
}

fn name() -> String {
    identity().name()
}

fn succeeded(came: &Came) -> bool {
    came.as_ref().is_ok_and(|(status, _, _)| (200..300).contains(status))
}

/// Whether a success says this anywhere.
fn says(came: &Came, text: &str) -> bool {
    succeeded(came) && came.as_ref().is_ok_and(|(_, _, body)| String::from_utf8_lossy(body).contains(text))
}

/// Whether the service says that there is nothing.
fn denies(came: &Came) -> bool {
    came.as_ref().is_ok_and(|(_, code, body)| {
        *code == "ResourceNotFoundException" || String::from_utf8_lossy(body).to_lowercase().contains("terminated")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_answer_is_taken_for_more_than_it_says(came in any_answer()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let engine = engines(Arc::new(Parrot(came.clone()))).at(&job().place);
        let run: RunRef = ARN.parse().expect("a reference");
        runtime.expect("a runtime").block_on(ask_everything(&*engine, &run, &came))?;
    }
}

async fn ask_everything(engine: &dyn Engine, run: &RunRef, came: &Came) -> Result<(), TestCaseError> {
    match engine.start(&job(), &identity()).await {
        Ok(made) => prop_assert!(made == *run && says(came, ARN)),
        Err(trouble) => {
            // A success that cannot be read may have made a job.
            prop_assert!(!succeeded(came) || trouble.kind == Kind::Unclear, "{:?}", trouble);
            bounded(&trouble)?;
        }
    }
    for by in [Lookup::Name, Lookup::Token, Lookup::Owner, Lookup::Spec] {
        match engine.find(&identity(), by, Timestamp::default()).await {
            Ok(found) => {
                prop_assert!(found.iter().all(|found| found.run == *run && found.name() == name()));
                prop_assert!(succeeded(came) || (found.is_empty() && denies(came)));
                found.iter().try_for_each(|found| orderly(&found.status, came))?;
            }
            Err(trouble) => bounded(&trouble)?,
        }
    }
    match engine.describe(&[run.clone(), run.clone()]).await {
        Ok(statuses) => {
            prop_assert_eq!(statuses.len(), 2);
            statuses.iter().try_for_each(|status| orderly(status, came))?;
        }
        Err(trouble) => bounded(&trouble)?,
    }
    for how in [How::Ask, How::Kill] {
        if let Err(trouble) = engine.cancel(run, how).await {
            bounded(&trouble)?;
        }
    }
    let tags: Tags = [("a".to_owned(), "1".to_owned())].into();
    let _ = engine.tag(run, &tags, &Tags::new()).await;
    let report = engine.report(run).await;
    prop_assert!(!report.full_log.is_empty());
    Ok(())
}

fn orderly(status: &Status, came: &Came) -> Result<(), TestCaseError> {
    prop_assert!(status.phase != Phase::Succeeded || says(came, "\"SUCCESS\""));
    prop_assert!(status.phase != Phase::Gone || denies(came));
    prop_assert!(status.word.chars().count() <= 64 && status.reason.chars().count() <= 600);
    Ok(())
}

fn bounded(trouble: &Trouble) -> Result<(), TestCaseError> {
    prop_assert!(trouble.said.chars().count() <= 1000 && trouble.advice.chars().count() <= 1000, "{:?}", trouble);
    Ok(())
}
