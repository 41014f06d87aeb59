//! The engine against the model: what it makes of Livy's answers, and of none.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;

use crate::engine::tests::{PI, identity, phase, request, seconds, start};
use crate::engine::{Engine, Engines, How, Kind, Lookup};
use crate::http::Transport;
use crate::job::{Job, Parameters, Phase, Place, RunRef, Timestamp};
use crate::testing::{FakeLivy, Fault, Instead, Script, Version};

fn job(file: &str) -> Job {
    let parameters = Parameters { file: file.to_owned(), ..Parameters::default() };
    Job::of(place(), parameters)
}

fn place() -> Place {
    Place::Livy("http://emr:8998".parse().expect("an address"))
}

/// What Livy says of a batch that it does not know.
const NOT_FOUND: &str = r#"{"msg":"Session '0' not found."}"#;

fn engine(livy: &FakeLivy) -> Arc<dyn Engine> {
    Engines::new(Arc::new(livy.clone())).at(&place(), None)
}

#[tokio::test(start_paused = true)]
async fn a_job_is_submitted_followed_and_forgotten() {
    let livy = FakeLivy::new();
    let engine = engine(&livy);
    livy.script(PI, Script { waits: Duration::from_secs(3), ..Script::default() });
    let run = start(&*engine, &job(PI)).await;
    assert_eq!(run.to_string(), format!("livy+http://emr:8998/batches/0#{}", identity(&job(PI)).name()));
    assert_eq!(phase(&*engine, &run).await, Phase::Waiting);
    seconds(4).await;
    assert_eq!(phase(&*engine, &run).await, Phase::Running);
    seconds(10).await;
    assert_eq!(phase(&*engine, &run).await, Phase::Succeeded);
    seconds(700).await;
    assert_eq!(phase(&*engine, &run).await, Phase::Gone);
}

#[tokio::test(start_paused = true)]
async fn a_second_submission_of_the_same_request_is_taken() {
    for version in [Version::V0_7, Version::V0_8] {
        let livy = FakeLivy::of(version);
        let engine = engine(&livy);
        let job = job(PI);
        start(&*engine, &job).await;
        assert_eq!(engine.start(&job, &identity(&job)).await.unwrap_err().kind, Kind::Taken);
        assert_eq!(livy.batches().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_livy_without_names_is_refused_before_anything_is_submitted() {
    let livy = FakeLivy::of(Version::V0_5);
    let trouble = engine(&livy).find(&identity(&job(PI)), Lookup::Name, Timestamp::default()).await.unwrap_err();
    assert_eq!(trouble.kind, Kind::Rejected);
    assert!(trouble.said.contains("Livy 0.6 or later is needed"), "{trouble}");
    assert_eq!(livy.sends(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_in_livys_own_words_and_its_phantom_is_found_silent() {
    for version in [Version::V0_7, Version::V0_8] {
        let livy = FakeLivy::of(version);
        livy.allow_local(&["/jobs/"]);
        let engine = engine(&livy);
        let job = job("/etc/passwd");
        let trouble = engine.start(&job, &identity(&job)).await.unwrap_err();
        assert_eq!(trouble.kind, Kind::Rejected);
        assert!(trouble.said.ends_with("Local path /etc/passwd cannot be added to user sessions."), "{trouble}");
        assert_eq!(trouble.doing, "submit the job to Livy at http://emr:8998");

        let found = engine.find(&identity(&job), Lookup::Name, Timestamp::default()).await.unwrap();
        assert_eq!((found.len(), found[0].status.phase, found[0].status.silent), (1, Phase::Waiting, true));
        engine.cancel(&found[0].run, How::Ask).await.unwrap();
        assert_eq!(engine.find(&identity(&job), Lookup::Name, Timestamp::default()).await.unwrap(), []);
    }
}

#[tokio::test(start_paused = true)]
async fn too_many_sessions_may_be_tried_again() {
    let livy = FakeLivy::new();
    livy.be_busy(1);
    let engine = engine(&livy);
    let trouble = engine.start(&job(PI), &identity(&job(PI))).await.unwrap_err();
    assert_eq!(trouble.kind, Kind::Busy);
    start(&*engine, &job(PI)).await;
}

#[tokio::test(start_paused = true)]
async fn no_loss_of_an_answer_is_taken_for_success_or_refusal() {
    let job = job(PI);
    for fault in Fault::losses() {
        let livy = FakeLivy::new();
        let engine = engine(&livy);
        livy.fault_at(1, fault.clone());
        let trouble = engine.start(&job, &identity(&job)).await.unwrap_err();
        let expected = if fault == Fault::refused() { Kind::Unavailable } else { Kind::Unclear };
        assert_eq!(trouble.kind, expected, "{fault:?}: {trouble}");
        let found = engine.find(&identity(&job), Lookup::Name, Timestamp::default()).await.unwrap();
        assert_eq!(found.len(), livy.batches().len(), "{fault:?}");

        livy.fault_all(fault.clone());
        let run = RunRef { place: place(), id: "0".to_owned(), realm: None, name: Some(identity(&job).name()) };
        let kinds = [
            engine.find(&identity(&job), Lookup::Name, Timestamp::default()).await.unwrap_err().kind,
            engine.find(&identity(&job), Lookup::Owner, Timestamp::default()).await.unwrap_err().kind,
            engine.describe(std::slice::from_ref(&run)).await.unwrap_err().kind,
            engine.describe(&[run.clone(), run.clone()]).await.unwrap_err().kind,
            engine.cancel(&run, How::Ask).await.unwrap_err().kind,
        ];
        assert_eq!(kinds, [Kind::Unavailable; 5], "{fault:?}");
        assert!(engine.report(&run).await.full_log.contains("not read"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_submission_that_takes_effect_after_its_time_is_unclear() {
    let livy = FakeLivy::new();
    let engine = engine(&livy);
    livy.fault_at(1, Fault::Late(Duration::from_secs(150)));
    let job = job(PI);
    assert_eq!(engine.start(&job, &identity(&job)).await.unwrap_err().kind, Kind::Unclear);
    assert_eq!(engine.find(&identity(&job), Lookup::Name, Timestamp::default()).await.unwrap(), []);
    seconds(31).await;
    assert_eq!(engine.find(&identity(&job), Lookup::Name, Timestamp::default()).await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn credentials_are_denied_and_the_scheme_is_told() {
    let livy = FakeLivy::new();
    let engine = engine(&livy);
    livy.deny(Some(401));
    let trouble = engine.start(&job(PI), &identity(&job(PI))).await.unwrap_err();
    assert_eq!(trouble.kind, Kind::Denied);
    assert!(trouble.said.contains("Reason: Authentication required"), "{trouble}");
    assert!(trouble.said.ends_with("; it asks for credentials (Negotiate)"), "{trouble}");
    livy.deny(Some(403));
    assert_eq!(
        engine.find(&identity(&job(PI)), Lookup::Name, Timestamp::default()).await.unwrap_err().kind,
        Kind::Denied
    );
}

#[tokio::test(start_paused = true)]
async fn an_address_that_is_not_livys_is_refused_and_never_means_that_a_batch_is_gone() {
    let livy = FakeLivy::new();
    let engine = engine(&livy);
    let run = start(&*engine, &job(PI)).await;
    for status in [302, 404, 405] {
        livy.fault_all(Fault::Before(Instead::Page(status)));
        let started = engine.start(&job(PI), &identity(&job(PI))).await.unwrap_err();
        assert_eq!(started.kind, Kind::Rejected);
        assert!(started.said.contains("does not seem to be that of a Livy server"), "{started}");
        assert!(engine.describe(std::slice::from_ref(&run)).await.is_err());
        assert!(engine.cancel(&run, How::Ask).await.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn lookups_tell_apart_request_description_and_owner_newest_first() {
    let livy = FakeLivy::new();
    let engine = engine(&livy);
    let (old, new) = (job(PI), job("s3://code/other.py"));
    engine.start(&old, &request("1", &old)).await.unwrap();
    engine.start(&new, &request("2", &new)).await.unwrap();
    engine.start(&new, &request("3", &new)).await.unwrap();
    livy.make(Some("Pi-0000000000000000-00000000-00000000"), PI);
    livy.make(Some("stranger"), PI);
    livy.make(None, PI);
    let found = async |by| {
        let runs = engine.find(&request("2", &new), by, Timestamp::default()).await.unwrap();
        runs.into_iter().map(|found| found.run.id).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(found(Lookup::Name).await, "1");
    assert_eq!(found(Lookup::Token).await, "1");
    assert_eq!(found(Lookup::Spec).await, "2 1");
    assert_eq!(found(Lookup::Owner).await, "2 1 0");
}

#[tokio::test(start_paused = true)]
async fn a_long_listing_is_read_to_its_end() {
    let livy = FakeLivy::new();
    livy.script(PI, Script::endless());
    let engine = engine(&livy);
    for _ in 0..350 {
        livy.make(None, PI);
    }
    let run = start(&*engine, &job(PI)).await;
    assert_eq!(engine.find(&identity(&job(PI)), Lookup::Owner, Timestamp::default()).await.unwrap().len(), 1);
    let nameless = RunRef { name: None, ..run.clone() };
    let unknown = RunRef { id: "900".to_owned(), ..run.clone() };
    let phases: Vec<Phase> =
        engine.describe(&[unknown, run, nameless]).await.unwrap().iter().map(|status| status.phase).collect();
    // A number alone may mean another batch tomorrow.
    assert_eq!(phases, [Phase::Gone, Phase::Running, Phase::Gone]);
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_shifts_while_it_is_read_misses_nothing() {
    let livy = FakeLivy::new();
    livy.script(PI, Script { stops: Duration::ZERO, ..Script::endless() });
    let engine = engine(&livy);
    for _ in 0..110 {
        livy.make(None, PI);
    }
    let run = start(&*engine, &job(PI)).await;
    // Between the first page and the second, ours moves up to where the first page was.
    let meanwhile = livy.clone();
    livy.before(3, move || (0..50).for_each(|id| meanwhile.delete(id)));
    let found = engine.find(&identity(&job(PI)), Lookup::Owner, Timestamp::default()).await.unwrap();
    assert_eq!(found[0].run, run);
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_a_strangers_batch_of_the_same_id_is_left_alone() {
    let livy = FakeLivy::new();
    livy.script(PI, Script::endless());
    let engine = engine(&livy);
    let run = start(&*engine, &job(PI)).await;
    livy.restart();
    livy.make(Some("stranger"), PI);
    assert_eq!(phase(&*engine, &run).await, Phase::Gone);
    assert_eq!(engine.describe(&[run.clone(), run.clone()]).await.unwrap()[1].phase, Phase::Gone);
    engine.cancel(&run, How::Kill).await.unwrap();
    assert_eq!(livy.alive().len(), 1);
    assert!(engine.report(&run).await.tail.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_livy_denies_while_its_tables_grow_is_not_gone() {
    let livy = FakeLivy::new();
    livy.script(PI, Script::endless());
    let engine = engine(&livy);
    let run = start(&*engine, &job(PI)).await;
    let deny = || {
        let look = format!("/batches/{}", run.id);
        livy.fault_next(Method::GET, &look, Fault::Before(Instead::Answer(404, NOT_FOUND.to_owned())));
    };
    deny();
    let trouble = engine.describe(std::slice::from_ref(&run)).await.unwrap_err();
    assert_eq!((trouble.kind, trouble.said.as_str()), (Kind::Unavailable, super::DENIED));
    deny();
    assert_eq!(engine.cancel(&run, How::Ask).await.unwrap_err().kind, Kind::Unavailable);
    deny();
    assert!(
        engine
            .report(&run)
            .await
            .full_log
            .ends_with("(not read: Livy answered that it does not know this batch, and lists it)")
    );
    assert_eq!(phase(&*engine, &run).await, Phase::Running);
}

#[tokio::test(start_paused = true)]
async fn a_restart_between_look_and_deletion_leaves_the_stranger_alone() {
    let livy = FakeLivy::new();
    livy.script(PI, Script::endless());
    let engine = engine(&livy);
    let run = start(&*engine, &job(PI)).await;
    let meanwhile = livy.clone();
    livy.before(3, move || {
        meanwhile.restart();
        meanwhile.make(Some("stranger"), PI);
    });
    engine.cancel(&run, How::Ask).await.unwrap();
    assert_eq!(livy.requests().last().unwrap().method, Method::DELETE);
    assert_eq!(livy.alive()[0].name, "stranger");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_slow_to_stop_is_asked_and_goes_in_its_own_time() {
    let livy = FakeLivy::new();
    livy.script(PI, Script { stops: Duration::from_mins(5), ..Script::endless() });
    let engine = engine(&livy);
    let run = start(&*engine, &job(PI)).await;
    assert_eq!(engine.cancel(&run, How::Ask).await.unwrap_err().kind, Kind::Unclear);
    assert_eq!(phase(&*engine, &run).await, Phase::Running);
    seconds(200).await;
    assert_eq!(phase(&*engine, &run).await, Phase::Gone);
}

#[tokio::test(start_paused = true)]
async fn a_finished_job_keeps_its_log_when_it_is_cancelled() {
    let livy = FakeLivy::new();
    livy.script(PI, Script::dying(Duration::from_secs(5)));
    let engine = engine(&livy);
    let run = start(&*engine, &job(PI)).await;
    seconds(6).await;
    engine.cancel(&run, How::Ask).await.unwrap();
    assert_eq!(phase(&*engine, &run).await, Phase::Failed);
    assert_eq!(engine.report(&run).await.exception, ["ValueError: no column 'amount'"]);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_state_is_still_going() {
    let livy = FakeLivy::new();
    let engine = engine(&livy);
    let run = start(&*engine, &job(PI)).await;
    livy.show(0, Some("pondering"));
    assert_eq!(phase(&*engine, &run).await, Phase::Waiting);
}

#[tokio::test(start_paused = true)]
async fn a_yarn_application_in_client_mode_counts_as_running_once_its_id_is_known() {
    let livy = FakeLivy::of(Version::V0_8);
    let application = Some(Duration::from_secs(10));
    livy.script(PI, Script { application, shows_running: false, ..Script::endless() });
    let engine = engine(&livy);
    let run = start(&*engine, &job(PI)).await;
    let status = engine.describe(std::slice::from_ref(&run)).await.unwrap().remove(0);
    assert_eq!((status.phase, status.silent), (Phase::Waiting, false));
    seconds(11).await;
    let status = engine.describe(std::slice::from_ref(&run)).await.unwrap().remove(0);
    assert_eq!((status.phase, status.word.as_str()), (Phase::Running, "starting"));
    assert_eq!(status.application.as_deref(), Some("application_1795244400000_0001"));
}

#[tokio::test(start_paused = true)]
async fn what_livy_says_of_a_batch_is_kept_within_bounds() {
    let livy = FakeLivy::new();
    livy.script(PI, Script::endless());
    let engine = engine(&livy);
    let run = start(&*engine, &job(PI)).await;
    let long = "x".repeat(300_000);
    let batch = serde_json::json!({
        "id": 0, "name": identity(&job(PI)).name(), "state": "running", "appId": long, "log": [],
        "appInfo": {"driverLogUrl": long, "sparkUiUrl": "http://emr:4040"},
    });
    livy.fault_each(Method::GET, "/batches/0", Fault::Before(Instead::Answer(200, batch.to_string())));
    let status = engine.describe(std::slice::from_ref(&run)).await.unwrap().remove(0);
    assert!(status.application.is_some_and(|id| id.chars().count() == 64));
    let report = engine.report(&run).await;
    assert_eq!((report.links.driver_log.as_str(), report.links.spark_ui.as_str()), ("", "http://emr:4040"));
    assert!(report.full_log.len() < 1_000, "{}", report.full_log.len());
}

#[tokio::test(start_paused = true)]
async fn an_id_that_livy_could_not_have_given_is_gone() {
    let livy = FakeLivy::new();
    let engine = engine(&livy);
    let run = RunRef { place: place(), id: "9999999999".to_owned(), realm: None, name: Some("job".to_owned()) };
    assert_eq!(phase(&*engine, &run).await, Phase::Gone);
    engine.cancel(&run, How::Ask).await.unwrap();
    assert_eq!(livy.sends(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_model_takes_no_write_without_the_header_against_forged_requests() {
    let livy = FakeLivy::new();
    let forged = http::Request::post("http://emr:8998/batches").body(Bytes::from_static(b"{}")).unwrap();
    let answer = livy.send(forged, Duration::from_secs(1)).await.unwrap();
    assert_eq!(answer.status(), 400);
    assert!(livy.batches().is_empty());
}
