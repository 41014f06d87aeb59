//! Whatever comes back, no call panics, and none takes it for more than it says.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::engine::Engines;
use crate::engine::tests::answers::{
    Came, Case, Parrot, any_came, any_json, is_success, mostly, object, refuses, says,
};
use crate::engine::tests::{PI, identity};
use crate::job::{Job, Parameters, Place, RunRef};

/// Nearly a batch: of each field what it should hold, or anything.
fn any_batch() -> impl Strategy<Value = Value> {
    let words = ["starting", "running", "success", "dead", "killed", "pondering", "Success", ""];
    let line = prop_oneof!["\\PC{0,40}".prop_map(Value::from), Just(Value::Null)];
    let log = prop_oneof![4 => prop::collection::vec(line, 0..12).prop_map(Value::from), 1 => any_json()];
    object([
        ("id", mostly([0, 1, 2].map(Value::from))),
        ("name", mostly([json!(name()), json!("stranger"), Value::Null])),
        ("state", mostly(words.map(Value::from))),
        ("appId", mostly([json!("application_1_0001")])),
        ("appInfo", mostly([json!({"driverLogUrl": null, "sparkUiUrl": "http://rm"})])),
        ("log", log.boxed()),
    ])
}

fn any_listing() -> impl Strategy<Value = Value> {
    let total = mostly([0, 1, 2, 3, 4].map(Value::from));
    (total, prop::collection::vec(any_batch(), 0..4))
        .prop_map(|(total, sessions)| json!({"from": 0, "total": total, "sessions": sessions}))
}

fn any_answer() -> impl Strategy<Value = Came> {
    let message = prop_oneof!["\\PC{0,40}", Just("Session '1' not found.".to_owned())];
    let body = prop_oneof![any_batch(), any_listing(), message.prop_map(|text| json!({"msg": text}))];
    let came = any_came(body, &[""]);
    prop_oneof![
        9 => came,
        1 => "Session \\PC{0,20}".prop_map(|text| Ok((404, "", json!({"msg": text}).to_string().into_bytes()))),
    ]
}

fn job() -> Job {
    let place = Place::Livy("http://emr:8998".parse().expect("an address"));
    Job::of(place, Parameters { file: PI.to_owned(), ..Parameters::default() })
}

fn name() -> String {
    identity(&job()).name()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_answer_is_taken_for_more_than_it_says(came in any_answer()) {
        let engine = Engines::new(Arc::new(Parrot(came.clone()))).at(&job().place, None);
        let case = Case {
            job: &job(),
            run: &RunRef { place: job().place, id: "1".to_owned(), realm: None, name: Some(name()) },
            came: &came,
            is_list: says(&came, "\"total\"") || says(&came, &name()),
            made: |run| format!("\"id\":{}", run.id),
            well: "\"success\"",
            // It may be another batch by now.
            may_be_gone: is_success(&came) || refuses(&came, "Session "),
        };
        case.ask(&*engine)?;
    }
}
