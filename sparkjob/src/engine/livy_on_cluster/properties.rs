//! Whatever EMR says of the cluster, no call panics, and none takes it for more than it says; what Livy answers is the subject
//! of Livy's own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::engine::tests::answers::{Came, Case, Parrot, any_came, mostly, mostly_like, object, refuses, says};
use crate::engine::tests::{PI, identity};
use crate::http::{Lost, Transport};
use crate::job::{Job, Parameters, Place, RunRef};
use crate::testing::engines;

const CLUSTER: &str = "j-1ABCDEFGHIJKL";

/// An EMR that answers so, and whatever host it names as a Livy whose only batch is over.
#[derive(Clone, Debug)]
struct Town {
    emr: Parrot,
    has_livy: Arc<AtomicBool>,
}

impl Town {
    /// Whether what EMR says leads to a Livy.
    fn has_livy(&self, run: &RunRef) -> bool {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let engine = engines(Arc::new(self.clone())).at(&run.place, None);
        _ = runtime.expect("a runtime").block_on(engine.describe(std::slice::from_ref(run)));
        self.has_livy.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Transport for Town {
    async fn send(&self, request: Request<Bytes>, limit: Duration) -> Result<Response<Bytes>, Lost> {
        if request.uri().host().is_some_and(|host| host.starts_with("elasticmapreduce.")) {
            return self.emr.send(request, limit).await;
        }
        self.has_livy.store(true, Ordering::SeqCst);
        let mut batch = json!({"id": 1, "name": name(), "state": "success", "appInfo": {}, "log": []});
        if request.uri().path() == "/batches" && request.method() == http::Method::GET {
            batch = json!({"from": 0, "total": 1, "sessions": [batch]});
        }
        Ok(Response::new(batch.to_string().into()))
    }
}

/// Nearly a cluster: of each member what it should hold, or anything.
fn any_cluster() -> impl Strategy<Value = Value> {
    // A cluster that is TERMINATING is asked and takes no job: two answers in one, which other tests are about.
    let words = ["STARTING", "RUNNING", "WAITING", "TERMINATED_WITH_ERRORS", "DREAMING", ""];
    let hosts = ["ip-10-0-0-7.eu-west-1.compute.internal", "", "a b", "host/path", "-", "10.0.0.7"];
    let reason = object([("Code", mostly([json!("USER_REQUEST")])), ("Message", mostly_like("\\PC{0,2000}"))]);
    let status = object([("State", mostly(words.map(Value::from))), ("StateChangeReason", reason)]);
    object([
        ("Status", status),
        ("MasterPublicDnsName", mostly(hosts.map(Value::from))),
        ("LogUri", mostly([json!("s3n://logs/"), json!(""), json!("x".repeat(5000)), Value::Null])),
    ])
}

fn any_answer() -> impl Strategy<Value = Came> {
    let said = prop_oneof![Just("Cluster id 'j-1' is not valid.".to_owned()), Just("x".repeat(5000)), "\\PC{0,40}",];
    let body = prop_oneof![
        4 => any_cluster().prop_map(|cluster| json!({"Cluster": cluster})),
        1 => said.prop_map(|said| json!({"message": said})),
    ];
    any_came(body, &["ValidationException", "InvalidRequestException", "ThrottlingException", "Odd", ""])
}

fn job() -> Job {
    let parameters = Parameters { file: PI.to_owned(), ..Parameters::default() };
    Job::of(Place::LivyOnCluster(CLUSTER.to_owned()), parameters)
}

fn name() -> String {
    identity(&job()).name()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_answer_is_taken_for_more_than_it_says(came in any_answer()) {
        let town = Town { emr: Parrot(came.clone()), has_livy: Arc::default() };
        let run = RunRef { place: job().place, id: "1".to_owned(), realm: None, name: Some(name()) };
        let has_livy = town.has_livy(&run);
        prop_assert!(!has_livy || says(&came, "\"MasterPublicDnsName\""));
        // Where there is a Livy, it says all the rest.
        let said = format!("\"id\":1 \"success\" {}", name());
        let said = if has_livy { Ok((200, "", said.into_bytes())) } else { Err(Lost::NotSent(String::new())) };
        let case = Case {
            job: &job(),
            run: &run,
            came: &said,
            is_list: has_livy,
            made: |run| format!("\"id\":{}", run.id),
            well: "\"success\"",
            may_be_gone: !has_livy && (says(&came, "TERMINATED") || refuses(&came, "Cluster id")),
        };
        case.ask(&*engines(Arc::new(town)).at(&job().place, None))?;
    }
}
