//! The engine against the models of EMR and of the Livy on its cluster.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response};
use tokio::time::sleep;

use crate::engine::tests::{PI, identity, phase, start};
use crate::engine::{Engine, How, Kind, Lookup};
use crate::http::{Lost, Transport};
use crate::job::{Job, Parameters, Phase, Place, RunRef, Timestamp};
use crate::testing::{FakeEmr, FakeLivy, Fault, Instead, Script, engines};

const CLUSTER: &str = "j-1ABCDEFGHIJKL";
const PRIMARY: &str = "ip-10-0-0-7.eu-west-1.compute.internal";

/// An account's EMR, and the Livy on its cluster, which is there under one name only.
#[derive(Clone, Debug)]
struct Town {
    emr: FakeEmr,
    livy: FakeLivy,
    host: Arc<std::sync::Mutex<String>>,
}

impl Town {
    fn new() -> Self {
        let town = Self { emr: FakeEmr::new(), livy: FakeLivy::new(), host: Arc::default() };
        town.move_to(PRIMARY);
        town
    }

    /// Has another node be the primary one.
    fn move_to(&self, host: &str) {
        host.clone_into(&mut self.host.lock().unwrap());
        self.emr.cluster(CLUSTER, |cluster| cluster.primary = Some(host.to_owned()));
    }

    fn engine(&self) -> Arc<dyn Engine> {
        engines(Arc::new(self.clone())).at(&place(), None)
    }
}

#[async_trait]
impl Transport for Town {
    async fn send(&self, request: Request<Bytes>, limit: Duration) -> Result<Response<Bytes>, Lost> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        if host.starts_with("elasticmapreduce.") {
            return self.emr.send(request, limit).await;
        }
        if host != *self.host.lock().unwrap() {
            return Err(Lost::NotSent("no such host".to_owned()));
        }
        assert_eq!(request.uri().port_u16(), Some(8998));
        self.livy.send(request, limit).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_not_to_be_had_is_told_as_such() {
    let secret = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:livy-AbCdEf".parse().expect("an ARN");
    let engine = engines(Arc::new(Town::new())).at(&place(), Some(&secret));
    let trouble = engine.start(&job(), &identity(&job())).await.unwrap_err();
    assert_eq!(trouble.kind, Kind::Unavailable);
    assert!(trouble.said.starts_with("its secret could not be read: "), "{trouble:?}");
    assert!(trouble.advice.contains("secretsmanager") && !trouble.advice.contains("8998"), "{trouble:?}");
}

fn place() -> Place {
    Place::LivyOnCluster(CLUSTER.to_owned())
}

fn job() -> Job {
    Job::of(place(), Parameters { file: PI.to_owned(), ..Parameters::default() })
}

#[tokio::test(start_paused = true)]
async fn a_job_runs_on_the_primary_node_and_is_named_by_its_cluster() {
    let town = Town::new();
    town.livy.script(PI, Script::endless());
    let engine = town.engine();
    let run = start(&*engine, &job()).await;
    assert_eq!(run.to_string(), format!("livy+cluster://{CLUSTER}/batches/0#{}", identity(&job()).name()));
    assert_eq!(phase(&*engine, &run).await, Phase::Running);
    let found = engine.find(&identity(&job()), Lookup::Owner, Timestamp::default()).await.unwrap();
    assert_eq!(found[0].run, run);
    let taken = engine.start(&job(), &identity(&job())).await.unwrap_err();
    assert_eq!((taken.kind, taken.doing), (Kind::Taken, format!("submit the job to Livy on cluster {CLUSTER}")));
    engine.cancel(&run, How::Ask).await.unwrap();
    assert_eq!(phase(&*engine, &run).await, Phase::Gone);
    // EMR was asked before each submission alone.
    assert_eq!(town.emr.sends(), 2);
}

#[tokio::test(start_paused = true)]
async fn another_process_finds_the_job_by_its_reference() {
    let town = Town::new();
    town.livy.script(PI, Script::endless());
    let run: RunRef = start(&*town.engine(), &job()).await.to_string().parse().unwrap();
    town.engine().cancel(&run, How::Ask).await.unwrap();
    assert!(town.livy.alive().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_primary_node_that_was_replaced_is_asked_for_anew() {
    let town = Town::new();
    town.livy.script(PI, Script::endless());
    let engine = town.engine();
    let run = start(&*engine, &job()).await;
    town.move_to("ip-10-0-0-8.eu-west-1.compute.internal");
    let trouble = engine.describe(std::slice::from_ref(&run)).await.unwrap_err();
    assert_eq!(trouble.kind, Kind::Unavailable);
    assert!(trouble.advice.contains("Livy is among the applications of cluster j-1ABCDEFGHIJKL"), "{}", trouble.advice);
    assert_eq!(phase(&*engine, &run).await, Phase::Running);
    assert_eq!(town.emr.sends(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_terminating_is_still_asked_for_its_jobs() {
    let town = Town::new();
    town.livy.script(PI, Script::endless());
    let while_it_ran = town.engine();
    let run = start(&*while_it_ran, &job()).await;
    let state = |state: &str| town.emr.cluster(CLUSTER, |cluster| state.clone_into(&mut cluster.state));
    state("TERMINATING");
    let engine = town.engine();
    let identity = identity(&job());
    let find = || engine.find(&identity, Lookup::Owner, Timestamp::default());
    assert_eq!(phase(&*engine, &run).await, Phase::Running);
    assert_eq!(find().await.unwrap()[0].run, run);
    for engine in [&engine, &while_it_ran] {
        let trouble = engine.start(&job(), &identity).await.unwrap_err();
        assert_eq!((trouble.kind, town.livy.batches().len()), (Kind::Rejected, 1));
    }
    // Its Livy goes first.
    "gone".clone_into(&mut town.host.lock().unwrap());
    for trouble in [
        engine.describe(std::slice::from_ref(&run)).await.unwrap_err(),
        engine.cancel(&run, How::Ask).await.unwrap_err(),
        find().await.unwrap_err(),
    ] {
        // It answers that it cannot yet, so it is asked for as long as there is time.
        assert_eq!(trouble.kind, Kind::Busy, "{trouble}");
        assert!(trouble.said.ends_with(&format!("(on cluster {CLUSTER}, which is TERMINATING)")), "{trouble}");
        assert!(trouble.advice.contains("when the cluster is TERMINATED"), "{}", trouble.advice);
    }
    // No job can be submitted there, which the look before that tells: not that none is there, as one may have been submitted.
    let before = || engine.find(&identity, Lookup::Name, Timestamp::default());
    let trouble = before().await.unwrap_err();
    assert_eq!((trouble.kind, trouble.advice.as_str()), (Kind::Rejected, super::NAME_ANOTHER));
    // Nor is one without a name for its primary node over.
    town.emr.cluster(CLUSTER, |cluster| cluster.primary = None);
    assert_eq!(engine.cancel(&run, How::Ask).await.unwrap_err().kind, Kind::Busy);
    let log = engine.report(&run).await.full_log;
    assert!(log.starts_with(&format!("out of reach, as there is no Livy on cluster {CLUSTER}")), "{log}");
    assert_eq!((find().await.unwrap_err().kind, before().await.unwrap_err().kind), (Kind::Busy, Kind::Rejected));
    state("TERMINATED");
    assert_eq!(phase(&*engine, &run).await, Phase::Gone);
    engine.cancel(&run, How::Ask).await.unwrap();
    assert_eq!(find().await.unwrap_err().kind, Kind::Absent);
}

#[tokio::test(start_paused = true)]
async fn a_job_on_a_cluster_that_is_terminating_is_stopped_where_livy_still_answers() {
    let town = Town::new();
    town.livy.script(PI, Script::endless());
    let run = start(&*town.engine(), &job()).await;
    town.emr.cluster(CLUSTER, |cluster| cluster.state = "TERMINATING".to_owned());
    town.engine().cancel(&run, How::Ask).await.unwrap();
    assert!(town.livy.alive().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_has_ended_takes_its_jobs_with_it() {
    for state in ["TERMINATED", "TERMINATED_WITH_ERRORS"] {
        let town = Town::new();
        let run = start(&*town.engine(), &job()).await;
        town.emr.cluster(CLUSTER, |cluster| {
            (cluster.state, cluster.reason) = (state.to_owned(), "User request".to_owned());
        });
        let engine = town.engine();
        let trouble = engine.start(&job(), &identity(&job())).await.unwrap_err();
        assert_eq!(trouble.kind, Kind::Rejected);
        assert_eq!(trouble.said, format!("cluster {CLUSTER}, which is {state}: User request"));
        let looked = engine.find(&identity(&job()), Lookup::Name, Timestamp::default()).await.unwrap_err();
        assert_eq!(looked.kind, Kind::Absent, "{looked}");
        assert_eq!(phase(&*engine, &run).await, Phase::Gone);
        engine.cancel(&run, How::Ask).await.unwrap();
        let report = engine.report(&run).await;
        let logs = format!("s3://logs/emr/{CLUSTER}/");
        let expected = format!(
            "gone with cluster {CLUSTER}, which is {state}: User request; what EMR keeps of the cluster's logs: {logs}"
        );
        assert_eq!((report.full_log, report.links.log_uri), (expected, logs));
        assert_eq!(town.livy.sends(), 1, "nothing is asked of a Livy that is gone");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_emr_does_not_know_has_no_jobs() {
    let town = Town::new();
    let run = start(&*town.engine(), &job()).await;
    town.emr.forget(CLUSTER);
    let engine = town.engine();
    let trouble = engine.start(&job(), &identity(&job())).await.unwrap_err();
    assert_eq!(trouble.kind, Kind::Rejected);
    assert_eq!(trouble.said, format!("InvalidRequestException: Cluster id '{CLUSTER}' is not valid."));
    assert_eq!(phase(&*engine, &run).await, Phase::Gone);
    engine.cancel(&run, How::Kill).await.unwrap();
    assert!(engine.report(&run).await.full_log.contains("is not valid"));
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_not_up_yet_is_worth_another_try() {
    let town = Town::new();
    town.emr.cluster(CLUSTER, |cluster| {
        (cluster.state, cluster.primary) = ("STARTING".to_owned(), None);
    });
    let engine = town.engine();
    let trouble = engine.start(&job(), &identity(&job())).await.unwrap_err();
    assert_eq!(trouble.kind, Kind::Unavailable);
    assert_eq!(trouble.said, format!("cluster {CLUSTER} has no primary node yet, it is STARTING"));
    assert_eq!(trouble.advice, "Try again when the cluster runs.");
    town.move_to(PRIMARY);
    start(&*engine, &job()).await;
}

#[tokio::test(start_paused = true)]
async fn where_the_cluster_may_not_be_looked_at_the_permission_is_named() {
    let town = Town::new();
    let run = start(&*town.engine(), &job()).await;
    town.emr.deny("DescribeCluster", true);
    let engine = town.engine();
    let troubles = [
        engine.start(&job(), &identity(&job())).await.unwrap_err(),
        engine.find(&identity(&job()), Lookup::Name, Timestamp::default()).await.unwrap_err(),
        engine.describe(std::slice::from_ref(&run)).await.unwrap_err(),
        engine.cancel(&run, How::Ask).await.unwrap_err(),
    ];
    for trouble in troubles {
        assert_eq!(trouble.kind, Kind::Denied);
        assert!(trouble.advice.contains("elasticmapreduce:DescribeCluster"), "{}", trouble.advice);
    }
}

#[tokio::test(start_paused = true)]
async fn while_emr_does_not_answer_nothing_is_taken_for_gone_or_submitted() {
    for fault in Fault::losses() {
        let town = Town::new();
        let run = start(&*town.engine(), &job()).await;
        town.emr.fault_all(fault.clone());
        let engine = town.engine();
        let kinds = [
            // Livy was not even asked.
            engine.start(&job(), &identity(&job())).await.unwrap_err().kind,
            engine.find(&identity(&job()), Lookup::Name, Timestamp::default()).await.unwrap_err().kind,
            engine.describe(std::slice::from_ref(&run)).await.unwrap_err().kind,
            engine.cancel(&run, How::Ask).await.unwrap_err().kind,
        ];
        assert_eq!(kinds, [Kind::Unavailable; 4], "{fault:?}");
        assert!(engine.report(&run).await.full_log.contains("not read"));
        assert_eq!(town.livy.batches().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_of_livys_is_as_unclear_as_ever() {
    let town = Town::new();
    let engine = town.engine();
    town.livy.fault_next(Method::POST, "/batches", Fault::After(Instead::Silence));
    assert_eq!(engine.start(&job(), &identity(&job())).await.unwrap_err().kind, Kind::Unclear);
    let found = engine.find(&identity(&job()), Lookup::Name, Timestamp::default()).await.unwrap();
    assert_eq!(found.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_report_has_livys_log_and_the_clusters_links() {
    let town = Town::new();
    town.livy.script(PI, Script::dying(Duration::from_secs(5)));
    let engine = town.engine();
    let run = start(&*engine, &job()).await;
    sleep(Duration::from_secs(6)).await;
    let report = engine.report(&run).await;
    assert_eq!(report.exception, ["ValueError: no column 'amount'"]);
    assert!(report.full_log.starts_with(&format!("GET http://{PRIMARY}:8998/batches/0/log")), "{}", report.full_log);
    assert_eq!(report.links.log_uri, format!("s3://logs/emr/{CLUSTER}/"));
    let console =
        format!("https://eu-west-1.console.aws.amazon.com/emr/home?region=eu-west-1#/clusterDetails/{CLUSTER}");
    assert_eq!(report.links.console, console);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_without_a_folder_for_logs_has_no_link_to_it() {
    let town = Town::new();
    town.emr.cluster(CLUSTER, |cluster| cluster.log_uri = None);
    let engine = town.engine();
    let run = start(&*engine, &job()).await;
    let report = engine.report(&run).await;
    assert_eq!(report.links.log_uri, "");
    assert!(!report.full_log.contains("what EMR keeps"), "{}", report.full_log);
}
