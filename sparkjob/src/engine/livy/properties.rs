//! Whatever comes back, no call panics, and none takes it for more than it says.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::engine::{Engine, Engines, How, Kind, Lookup};
use crate::http::{Lost, Transport};
use crate::job::{Identity, Job, Parameters, Phase, Place, RunRef, Timestamp};

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
    leaf.prop_recursive(4, 30, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map("[a-zA-Z]{1,8}", inner, 0..6).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

/// Nearly a batch: of each field what it should hold, or anything.
fn any_batch() -> impl Strategy<Value = Value> {
    let word =
        prop::sample::select(vec!["starting", "running", "success", "dead", "killed", "pondering", "Success", ""]);
    let line = prop_oneof!["\\PC{0,40}".prop_map(Value::from), Just(Value::Null)];
    let fields = (
        prop_oneof![4 => (0..3_u64).prop_map(Value::from), 1 => any_json()],
        prop_oneof![4 => prop::sample::select(vec![json!(name()), json!("stranger"), Value::Null]), 1 => any_json()],
        prop_oneof![4 => word.prop_map(Value::from), 1 => any_json()],
        prop_oneof![4 => Just(json!("application_1_0001")), 1 => any_json()],
        prop_oneof![4 => Just(json!({"driverLogUrl": null, "sparkUiUrl": "http://rm"})), 1 => any_json()],
        prop_oneof![4 => prop::collection::vec(line, 0..12).prop_map(Value::from), 1 => any_json()],
        0..20_usize,
    );
    fields.prop_map(|(id, name, state, app_id, app_info, log, left_out)| {
        let fields =
            [("id", id), ("name", name), ("state", state), ("appId", app_id), ("appInfo", app_info), ("log", log)];
        let kept = fields.into_iter().enumerate().filter(|(index, _)| *index != left_out);
        kept.map(|(_, (field, value))| (field.to_owned(), value)).collect()
    })
}

fn any_listing() -> impl Strategy<Value = Value> {
    let total = prop_oneof![4 => (0..5_u64).prop_map(Value::from), 1 => any_json()];
    (total, prop::collection::vec(any_batch(), 0..4))
        .prop_map(|(total, sessions)| json!({"from": 0, "total": total, "sessions": sessions}))
}

fn any_answer() -> impl Strategy<Value = Result<(u16, Vec<u8>), Lost>> {
    let body = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        "(<[a-z/]{0,6}>?|&[a-z]{0,4};?|\\PC{0,8}){0,20}".prop_map(String::into_bytes),
        any_json().prop_map(|json| json.to_string().into_bytes()),
        any_batch().prop_map(|json| json.to_string().into_bytes()),
        any_listing().prop_map(|json| json.to_string().into_bytes()),
        "\\PC{0,40}".prop_map(|text| json!({"msg": text}).to_string().into_bytes()),
    ];
    let status = prop_oneof![3 => Just(200_u16), 1 => Just(201), 3 => 200..600_u16];
    let lost = prop_oneof![
        Just(Lost::TimedOut),
        Just(Lost::TooLarge),
        "\\PC{0,20}".prop_map(Lost::Unclear),
        "\\PC{0,20}".prop_map(Lost::NotSent),
    ];
    prop_oneof![9 => (status, body).prop_map(Ok), 1 => lost.prop_map(Err)]
}

fn job() -> Job {
    let place = Place::Livy("http://emr:8998".parse().expect("an address"));
    let parameters = Parameters { file: "s3://code/pi.py".to_owned(), ..Parameters::default() };
    Job::of(place, parameters)
}

fn identity() -> Identity {
    Identity::derive(&["stack", "Pi"], "request", "Pi", &job())
}

fn name() -> String {
    identity().name()
}

/// Whether `body` says this word anywhere.
fn says(answer: &Result<(u16, Vec<u8>), Lost>, word: &str) -> bool {
    answer.as_ref().is_ok_and(|(status, body)| *status < 300 && String::from_utf8_lossy(body).contains(word))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_answer_is_taken_for_more_than_it_says(answer in any_answer()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let place = job().place;
        let engine = Engines::new(Arc::new(Parrot(answer.clone()))).at(&place);
        let run = RunRef { place, id: "1".to_owned(), realm: None, name: Some(name()) };
        runtime.block_on(ask_everything(&*engine, &run, &answer))?;
    }
}

async fn ask_everything(
    engine: &dyn Engine,
    run: &RunRef,
    answer: &Result<(u16, Vec<u8>), Lost>,
) -> Result<(), TestCaseError> {
    match engine.start(&job(), &identity()).await {
        Ok(made) => {
            let id = format!("\"id\":{}", made.id);
            prop_assert!(says(answer, &id));
        }
        Err(trouble) => {
            // A success that cannot be read may have made a job.
            let succeeded = answer.as_ref().is_ok_and(|(status, _)| *status < 300);
            prop_assert!(!succeeded || trouble.kind == Kind::Unclear);
        }
    }
    for by in [Lookup::Name, Lookup::Token, Lookup::Owner, Lookup::Spec] {
        if let Ok(found) = engine.find(&identity(), by, Timestamp::default()).await {
            prop_assert!(found.iter().all(|found| found.run.name.as_deref() == Some(&name())));
            prop_assert!(found.is_empty() || says(answer, &name()));
            prop_assert!(says(answer, "total") || says(answer, &name()) || answer.as_ref().is_ok_and(|a| a.0 == 404));
        }
    }
    for runs in [vec![run.clone()], vec![run.clone(), run.clone()]] {
        if let Ok(statuses) = engine.describe(&runs).await {
            prop_assert_eq!(statuses.len(), runs.len());
            for status in statuses {
                prop_assert!(status.phase != Phase::Succeeded || says(answer, "\"success\""));
                prop_assert!(status.phase == Phase::Gone || says(answer, &name()));
            }
        }
    }
    let _ = engine.cancel(run, How::Ask).await;
    let _ = engine.report(run).await;
    Ok(())
}
