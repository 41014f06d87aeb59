//! Whatever comes back, no call panics, and none takes it for more than it says.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::engine::{Engine, How, Kind, Lookup, Trouble};
use crate::http::{Lost, Transport};
use crate::job::{DeployMode, Identity, Job, Parameters, Phase, Place, RunRef, Timestamp};
use crate::testing::engines;

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
    leaf.prop_recursive(3, 20, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::hash_map("[a-zA-Z]{1,8}", inner, 0..5).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

fn any_of(values: Vec<Value>) -> impl Strategy<Value = Value> {
    prop_oneof![9 => prop::sample::select(values), 1 => any_json()]
}

/// Nearly a step: of each field what it should hold, or anything.
fn any_step() -> impl Strategy<Value = Value> {
    let words = ["PENDING", "RUNNING", "CANCEL_PENDING", "COMPLETED", "CANCELLED", "FAILED", "INTERRUPTED", "DREAMING"];
    let tag = format!("spark.yarn.tags={}", name().to_lowercase());
    let args = json!(["spark-submit", "--deploy-mode", "cluster", "--conf", tag, "pi.py"]);
    let times = || any_of(vec![json!(1_795_244_400.0), json!(1_795_244_460.5), Value::Null]);
    let message = prop_oneof!["\\PC{0,40}".prop_map(Value::from), Just("x".repeat(5000).into())];
    let fields = (
        any_of(vec![json!("s-1"), json!("s-2"), json!("s-3")]),
        any_of(vec![json!(name()), json!("kill-s-1"), json!("stranger"), Value::Null]),
        any_of(words.map(Value::from).to_vec()),
        any_of(vec![args, json!(["spark-submit", "pi.py"]), json!([])]),
        (times(), times(), times()),
        message,
    );
    fields.prop_map(|(id, name, word, args, (created, started, ended), message)| {
        json!({
            "Id": id,
            "Name": name,
            "Config": {"Jar": "command-runner.jar", "Args": args},
            "Status": {
                "State": word,
                "StateChangeReason": {"Message": message},
                "FailureDetails": {"Reason": message, "Message": message},
                "Timeline": {"CreationDateTime": created, "StartDateTime": started, "EndDateTime": ended},
            },
        })
    })
}

/// An answer to every question at once.
fn any_success() -> impl Strategy<Value = Value> {
    let fields = (
        any_of(vec![json!(["s-1"]), json!([]), json!(["s-1", "s-2"]), json!(["17"]), Value::Null]),
        prop_oneof![9 => prop::collection::vec(any_step(), 0..4).prop_map(Value::from), 1 => any_json()],
        any_step(),
        any_of(vec![json!("SUBMITTED"), json!("FAILED"), json!("PERHAPS")]),
        any_of(vec![Value::Null, Value::Null, json!("more")]),
        any_of(vec![json!("WAITING"), json!("TERMINATED")]),
    );
    fields.prop_map(|(ids, steps, step, cancelled, marker, state)| {
        json!({
            "StepIds": ids,
            "Steps": steps,
            "Step": step,
            "CancelStepsInfoList": [{"StepId": "s-1", "Status": cancelled, "Reason": "no"}],
            "Marker": marker,
            "Cluster": {"Id": "j-1", "Status": {"State": state}, "LogUri": "s3://logs"},
        })
    })
}

fn any_refusal() -> impl Strategy<Value = Value> {
    let code =
        prop::sample::select(vec!["ValidationException", "InvalidRequestException", "ThrottlingException", "Odd"]);
    let said = prop_oneof![
        Just("Cluster id 'j-1' is not valid.".to_owned()),
        Just("Step id 's-1' is not valid.".to_owned()),
        Just("Step id '' is not valid.".to_owned()),
        Just("x".repeat(5000)),
        "\\PC{0,40}",
    ];
    (code, said).prop_map(|(code, said)| json!({"__type": code, "message": said}))
}

fn any_answer() -> impl Strategy<Value = Result<(u16, Vec<u8>), Lost>> {
    let body = prop_oneof![
        1 => prop::collection::vec(any::<u8>(), 0..200),
        1 => any_json().prop_map(|json| json.to_string().into_bytes()),
        5 => any_success().prop_map(|json| json.to_string().into_bytes()),
        2 => any_refusal().prop_map(|json| json.to_string().into_bytes()),
    ];
    let status = prop_oneof![5 => Just(200_u16), 2 => Just(400), 2 => 200..600_u16];
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
    Job { deploy_mode: DeployMode::Cluster, ..Job::of(Place::EmrSteps("j-1".to_owned()), parameters) }
}

fn identity() -> Identity {
    Identity::derive(&["stack", "Pi"], "request", "Pi", &job())
}

fn name() -> String {
    identity().name()
}

/// Whether a success says this anywhere.
fn says(answer: &Result<(u16, Vec<u8>), Lost>, word: &str) -> bool {
    answer.as_ref().is_ok_and(|(status, body)| *status < 300 && String::from_utf8_lossy(body).contains(word))
}

/// Whether EMR refuses with these words.
fn refuses(answer: &Result<(u16, Vec<u8>), Lost>, words: &str) -> bool {
    answer.as_ref().is_ok_and(|(status, body)| *status >= 300 && String::from_utf8_lossy(body).contains(words))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_answer_is_taken_for_more_than_it_says(answer in any_answer()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let engine = engines(Arc::new(Parrot(answer.clone()))).at(&job().place);
        let run = RunRef { place: job().place, id: "s-1".to_owned(), realm: None, name: Some(name()) };
        runtime.block_on(ask_everything(&*engine, &run, &answer))?;
    }
}

async fn ask_everything(
    engine: &dyn Engine,
    run: &RunRef,
    answer: &Result<(u16, Vec<u8>), Lost>,
) -> Result<(), TestCaseError> {
    match engine.start(&job(), &identity()).await {
        Ok(made) => prop_assert!(says(answer, "\"StepIds\":[\"s-1\"]") && made == *run),
        Err(trouble) => {
            // A success that cannot be read may have made a job.
            let succeeded = answer.as_ref().is_ok_and(|(status, _)| *status < 300);
            prop_assert!(!succeeded || trouble.kind == Kind::Unclear);
            is_orderly(&trouble)?;
        }
    }
    for by in [Lookup::Name, Lookup::Token, Lookup::Owner, Lookup::Spec] {
        match engine.find(&identity(), by, Timestamp::default()).await {
            Ok(found) => {
                prop_assert!(found.iter().all(|found| found.run.name.as_deref() == Some(&name())));
                prop_assert!(found.is_empty() || says(answer, &name()));
                prop_assert!(says(answer, "\"Steps\":[") || refuses(answer, "Cluster id"));
            }
            Err(trouble) => is_orderly(&trouble)?,
        }
    }
    for runs in [vec![run.clone()], vec![run.clone(), run.clone()]] {
        match engine.describe(&runs).await {
            Ok(statuses) => {
                prop_assert_eq!(statuses.len(), runs.len());
                for status in statuses {
                    prop_assert!(status.phase != Phase::Succeeded || says(answer, "\"COMPLETED\""));
                    prop_assert!(status.phase == Phase::Gone || says(answer, &name()));
                    prop_assert!(status.word.chars().count() <= 64 && status.reason.chars().count() <= 700);
                }
            }
            Err(trouble) => is_orderly(&trouble)?,
        }
    }
    for how in [How::Ask, How::Kill] {
        match engine.cancel(run, how).await {
            Ok(()) => {
                let knows = says(answer, "\"Step\":{");
                prop_assert!(knows || refuses(answer, "Cluster id") || refuses(answer, "Step id"));
            }
            Err(trouble) => is_orderly(&trouble)?,
        }
    }
    let report = engine.report(run).await;
    prop_assert!(!report.full_log.is_empty());
    prop_assert!(report.exception.iter().all(|line| line.chars().count() <= 450));
    Ok(())
}

fn is_orderly(trouble: &Trouble) -> Result<(), TestCaseError> {
    prop_assert!(!trouble.said.is_empty() && trouble.said.chars().count() <= 800, "{}", trouble);
    Ok(())
}
