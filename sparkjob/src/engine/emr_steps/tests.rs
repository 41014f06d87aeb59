//! The engine against the model: what it makes of EMR's answers, and of none.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use crate::engine::tests::{PI, engine, identity, invalid, phase, request, seconds, start, status};
use crate::engine::{How, Kind, Lookup};
use crate::job::{DeployMode, Identity, Job, Native, Parameters, Phase, Place, RunRef, Status, Timestamp};
use crate::testing::{FakeEmr, Fault, Instead, Script};

const CLUSTER: &str = "j-1ABCDEFGHIJKL";

fn place() -> Place {
    Place::EmrSteps(CLUSTER.to_owned())
}

fn job(file: &str) -> Job {
    Job::of(place(), Parameters { file: file.to_owned(), ..Parameters::default() })
}

/// A job whose driver is no part of its step.
fn apart() -> Job {
    Job { deploy_mode: DeployMode::Cluster, ..job(PI) }
}

/// The same, of a step that does not wait for it.
fn detached() -> Job {
    let mut job = apart();
    let configuration = &mut job.parameters.as_mut().unwrap().configuration;
    configuration.insert("spark.yarn.submit.waitAppCompletion".to_owned(), "false".to_owned());
    job
}

fn native(fields: serde_json::Value) -> Job {
    Job { parameters: None, native: Native(serde_json::from_value(fields).unwrap()), ..job(PI) }
}

/// Names, without their hashes, and states of the steps, in the order in which they were made.
fn steps(emr: &FakeEmr) -> Vec<String> {
    let short = |name: String| if name.starts_with("Pi-") { "Pi".to_owned() } else { name };
    emr.steps(CLUSTER).into_iter().map(|(name, word)| format!("{} {word}", short(name))).collect()
}

#[tokio::test(start_paused = true)]
async fn a_job_is_submitted_and_followed() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    emr.script(PI, Script { waits: Duration::from_secs(3), ..Script::default() });
    let run = start(&*engine, &job(PI)).await;
    let name = identity(&job(PI)).name();
    assert_eq!(run.to_string(), format!("emr-steps://{CLUSTER}/steps/s-0000000000001#{name}"));
    assert_eq!(phase(&*engine, &run).await, Phase::Waiting);
    seconds(4).await;
    let running = status(&*engine, &run).await;
    assert_eq!((running.phase, running.word.as_str(), running.name), (Phase::Running, "RUNNING", Some(name)));
    assert!(running.created.is_some_and(|created| created >= Timestamp(1_795_244_400_000)));
    seconds(10).await;
    assert_eq!(phase(&*engine, &run).await, Phase::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn the_same_submission_twice_is_two_steps_and_both_are_found_with_their_times() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    let first = start(&*engine, &job(PI)).await;
    seconds(1).await;
    let second = start(&*engine, &job(PI)).await;
    let found = engine.find(&identity(&job(PI)), Lookup::Name, Timestamp::default()).await.unwrap();
    assert_eq!(found.iter().map(|found| &found.run).collect::<Vec<_>>(), [&second, &first]);
    assert!(found[0].status.created > found[1].status.created);
}

#[tokio::test(start_paused = true)]
async fn native_fields_go_with_the_step() {
    let emr = FakeEmr::new();
    emr.cluster(CLUSTER, |cluster| cluster.takes_roles = true);
    let engine = engine(&emr, &place());
    let job = native(json!({
        "HadoopJarStep": {"Jar": "s3://code/etl.jar", "Args": ["1"]},
        "ActionOnFailure": "TERMINATE_CLUSTER",
        "ExecutionRoleArn": "arn:aws:iam::123456789012:role/job",
    }));
    start(&*engine, &job).await;
    let made = emr.runs().remove(0);
    assert_eq!(made.file, "s3://code/etl.jar");
    assert_eq!(made.request["ActionOnFailure"], "TERMINATE_CLUSTER");
    assert_eq!(made.request["ExecutionRoleArn"], "arn:aws:iam::123456789012:role/job");
}

#[tokio::test(start_paused = true)]
async fn lookups_tell_apart_request_description_and_owner_newest_first() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    emr.script(PI, Script::endless());
    let (old, new) = (job(PI), job("s3://code/other.py"));
    for (id, job) in [("1", &old), ("2", &new), ("3", &new)] {
        engine.start(job, &request(id, job)).await.unwrap();
        seconds(1).await;
    }
    engine.start(&old, &Identity::derive(&["stack", "Other"], "1", "Pi", &old)).await.unwrap();
    let found = async |by| {
        let runs = engine.find(&request("2", &new), by, Timestamp::default()).await.unwrap();
        runs.into_iter()
            .map(|found| found.run.id.trim_start_matches("s-0").replace('0', ""))
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(found(Lookup::Name).await, "2");
    assert_eq!(found(Lookup::Token).await, "2");
    assert_eq!(found(Lookup::Spec).await, "3 2");
    assert_eq!(found(Lookup::Owner).await, "3 2 1");
}

#[tokio::test(start_paused = true)]
async fn what_is_alive_is_found_however_old_and_what_is_over_only_if_it_is_recent() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    emr.script(PI, Script::endless());
    let other = job("s3://code/other.py");
    let old_and_alive = start(&*engine, &job(PI)).await;
    engine.start(&other, &request("2", &other)).await.unwrap();
    seconds(100).await;
    // More than a page of the other steps of this cluster.
    for count in 0..13 {
        engine
            .start(&other, &Identity::derive(&["stack", "Other"], &count.to_string(), "Other", &other))
            .await
            .unwrap();
    }
    let recent = engine.start(&other, &request("3", &other)).await.unwrap();
    seconds(100).await;
    let since = Timestamp(1_795_244_400_000 + 50_000);
    let sends = emr.sends();
    let found = engine.find(&identity(&job(PI)), Lookup::Owner, since).await.unwrap();
    assert_eq!(found.iter().map(|found| &found.run).collect::<Vec<_>>(), [&recent, &old_and_alive]);
    assert_eq!([found[0].status.phase, found[1].status.phase], [Phase::Succeeded, Phase::Running]);
    // Three pages of all steps, down to one that is old enough, and one of those that are alive.
    assert_eq!(emr.sends() - sends, 4);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_with_few_steps_is_listed_in_one_call() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    start(&*engine, &job(PI)).await;
    let sends = emr.sends();
    assert_eq!(engine.find(&identity(&job(PI)), Lookup::Owner, Timestamp(u64::MAX)).await.unwrap().len(), 1);
    assert_eq!(emr.sends() - sends, 1);
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_was_cut_short_is_an_error() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    for _ in 0..7 {
        start(&*engine, &job(PI)).await;
    }
    let whole = r#"{"Steps":[],"Marker":"again"}"#;
    let identity = identity(&job(PI));
    for fault in [
        Fault::After(Instead::Answer(200, whole.to_owned())),
        Fault::After(Instead::Answer(200, "{}".to_owned())),
        Fault::After(Instead::Page(200)),
    ] {
        emr.fault_all(fault);
        let trouble = engine.find(&identity, Lookup::Name, Timestamp::default()).await.unwrap_err();
        assert_eq!(trouble.kind, Kind::Unavailable, "{trouble}");
    }
    emr.heal();
    emr.fault_at(emr.sends() + 2, Fault::Before(Instead::Page(503)));
    assert!(engine.find(&identity, Lookup::Name, Timestamp::default()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn many_steps_are_described_ten_in_a_call() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    let mut runs = Vec::new();
    for _ in 0..23 {
        runs.push(start(&*engine, &job(PI)).await);
    }
    let stranger = RunRef { name: Some("other".to_owned()), ..runs[3].clone() };
    runs.push(stranger);
    let sends = emr.sends();
    let phases: Vec<Phase> = engine.describe(&runs).await.unwrap().iter().map(|status| status.phase).collect();
    assert!(phases[..23].iter().all(|phase| *phase == Phase::Running));
    // The id alone does not make it ours.
    assert_eq!(phases[23], Phase::Gone);
    // The model's pages are shorter than ten.
    assert_eq!(emr.sends() - sends, 2 * 3 - 1);
}

#[tokio::test(start_paused = true)]
async fn steps_that_emr_does_not_know_are_gone_and_the_others_are_told() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    let run = start(&*engine, &job(PI)).await;
    let unknown = |id: &str| RunRef { id: id.to_owned(), ..run.clone() };
    // The ids of those that are there begin with that of one that is not.
    let long = start(&*engine, &job(PI)).await;
    let runs = [unknown("s-404"), run.clone(), unknown("s-00000000"), long];
    let phases: Vec<Phase> = engine.describe(&runs).await.unwrap().iter().map(|status| status.phase).collect();
    assert_eq!(phases, [Phase::Gone, Phase::Running, Phase::Gone, Phase::Running]);
    for run in [&runs[0], &runs[2]] {
        assert_eq!(status(&*engine, run).await, Status::gone());
        engine.cancel(run, How::Ask).await.unwrap();
    }
    let stranger = RunRef { name: Some("stranger".to_owned()), ..run.clone() };
    assert_eq!(phase(&*engine, &stranger).await, Phase::Gone);
}

#[tokio::test(start_paused = true)]
async fn a_step_is_cancelled_whatever_its_state() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    emr.script(PI, Script { waits: Duration::from_secs(30), stops: Duration::from_secs(5), ..Script::endless() });
    let waiting = start(&*engine, &job(PI)).await;
    engine.cancel(&waiting, How::Ask).await.unwrap();
    assert_eq!(phase(&*engine, &waiting).await, Phase::Cancelled);
    engine.cancel(&waiting, How::Ask).await.unwrap();

    let running = start(&*engine, &job(PI)).await;
    seconds(31).await;
    engine.cancel(&running, How::Ask).await.unwrap();
    assert_eq!(phase(&*engine, &running).await, Phase::Ending);
    engine.cancel(&running, How::Ask).await.unwrap();
    seconds(6).await;
    assert_eq!(phase(&*engine, &running).await, Phase::Cancelled);
    engine.cancel(&running, How::Kill).await.unwrap();
    assert!(emr.alive().is_empty());
    assert_eq!(steps(&emr), ["Pi CANCELLED", "Pi CANCELLED"]);
}

#[tokio::test(start_paused = true)]
async fn what_pays_no_heed_to_the_interrupt_is_killed() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    emr.script(PI, Script { deaf: true, ..Script::endless() });
    let run = start(&*engine, &job(PI)).await;
    engine.cancel(&run, How::Ask).await.unwrap();
    seconds(60).await;
    assert_eq!(phase(&*engine, &run).await, Phase::Ending);
    engine.cancel(&run, How::Kill).await.unwrap();
    seconds(1).await;
    assert_eq!(phase(&*engine, &run).await, Phase::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_ended_before_the_cancellation_came_is_fine() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    emr.script(PI, Script::endless());
    let run = start(&*engine, &job(PI)).await;
    let (meanwhile, id) = (emr.clone(), run.id.clone());
    emr.before(emr.sends() + 1, move || meanwhile.end(&id, true));
    engine.cancel(&run, How::Ask).await.unwrap();
    assert_eq!(phase(&*engine, &run).await, Phase::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_is_over_needs_no_cancelling_in_whatever_words_that_is_refused() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    let run = start(&*engine, &job(PI)).await;
    let message = "Steps may only be cancelled when the cluster is running or waiting";
    let refused = invalid(message);
    emr.fault_at(2, refused.clone());
    let trouble = engine.cancel(&run, How::Ask).await.unwrap_err();
    assert_eq!((trouble.kind, trouble.said.contains(message)), (Kind::Rejected, true), "{trouble}");
    seconds(20).await;
    assert_eq!(phase(&*engine, &run).await, Phase::Succeeded);
    emr.fault_at(emr.sends() + 1, refused);
    engine.cancel(&run, How::Ask).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_release_that_cannot_cancel_what_runs_is_told() {
    let emr = FakeEmr::new();
    emr.script(PI, Script::endless());
    let engine = engine(&emr, &place());
    let run = start(&*engine, &job(PI)).await;
    emr.cluster(CLUSTER, |cluster| {
        (cluster.cancels_running, cluster.release) = (false, "emr-5.27.1".to_owned());
    });
    let trouble = engine.cancel(&run, How::Ask).await.unwrap_err();
    assert_eq!(trouble.kind, Kind::Rejected);
    assert!(trouble.said.ends_with("it is RUNNING, and emr-5.27.1 cancels only what is PENDING"), "{trouble}");
    assert!(trouble.advice.contains("EMR 5.28 or later"), "{}", trouble.advice);
    // Of a later one it may pass.
    emr.cluster(CLUSTER, |cluster| "emr-5.28.0".clone_into(&mut cluster.release));
    assert_eq!(engine.cancel(&run, How::Ask).await.unwrap_err().kind, Kind::Unclear);
}

#[tokio::test(start_paused = true)]
async fn an_application_outlives_its_cancelled_step_until_a_step_of_its_own_has_killed_it() {
    let emr = FakeEmr::new();
    emr.script(PI, Script { stops: Duration::from_secs(5), ..Script::endless() });
    emr.cluster(CLUSTER, |cluster| cluster.one_at_a_time = true);
    let engine = engine(&emr, &place());
    let run = start(&*engine, &apart()).await;
    engine.cancel(&run, How::Ask).await.unwrap();
    assert_eq!(steps(&emr), ["Pi CANCEL_PENDING", "kill-s-0000000000001 PENDING"]);
    // Another process, or the same one again, adds no second one.
    engine.cancel(&run, How::Ask).await.unwrap();
    engine.cancel(&run, How::Kill).await.unwrap();
    seconds(6).await;
    assert_eq!(steps(&emr), ["Pi CANCELLED", "kill-s-0000000000001 RUNNING"]);
    let ending = status(&*engine, &run).await;
    assert_eq!((ending.phase, ending.word.as_str(), emr.alive().len()), (Phase::Ending, "CANCELLED", 1));
    assert_eq!(ending.reason, "step s-0000000000002 is to kill its application and is RUNNING");
    let by_owner = engine.find(&request("9", &apart()), Lookup::Owner, Timestamp::default()).await.unwrap();
    assert_eq!(
        by_owner.iter().map(|found| (&found.run, found.status.phase)).collect::<Vec<_>>(),
        [(&run, Phase::Ending)]
    );
    seconds(3).await;
    let over = status(&*engine, &run).await;
    assert_eq!((over.phase, emr.alive().len()), (Phase::Cancelled, 0));
    assert_eq!(over.reason, "step s-0000000000002 left nothing of its application alive");
    engine.cancel(&run, How::Kill).await.unwrap();
    assert_eq!(steps(&emr).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_kills_the_application_of_a_twin_spares_that_of_the_other() {
    let emr = FakeEmr::new();
    emr.script(PI, Script::endless());
    let engine = engine(&emr, &place());
    let first = start(&*engine, &apart()).await;
    let twin = start(&*engine, &apart()).await;
    seconds(1).await;
    for _ in 0..3 {
        engine.cancel(&twin, How::Ask).await.unwrap();
        seconds(10).await;
    }
    assert_eq!((phase(&*engine, &twin).await, phase(&*engine, &first).await), (Phase::Cancelled, Phase::Running));
    assert_eq!(emr.alive().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_killing_step_that_began_too_early_does_not_count() {
    let emr = FakeEmr::new();
    emr.script(PI, Script { stops: Duration::from_secs(20), ..Script::endless() });
    let engine = engine(&emr, &place());
    let run = start(&*engine, &apart()).await;
    seconds(1).await;
    engine.cancel(&run, How::Ask).await.unwrap();
    seconds(21).await;
    assert_eq!(steps(&emr), ["Pi CANCELLED", "kill-s-0000000000001 COMPLETED"]);
    // It may have looked before the application was there.
    assert_eq!(phase(&*engine, &run).await, Phase::Ending);
    engine.cancel(&run, How::Kill).await.unwrap();
    seconds(3).await;
    assert_eq!(phase(&*engine, &run).await, Phase::Cancelled);
    assert_eq!(steps(&emr).len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_killing_step_that_failed_is_replaced_by_the_next_cancellation() {
    let emr = FakeEmr::new();
    emr.script(PI, Script::endless());
    emr.cluster(CLUSTER, |cluster| cluster.one_at_a_time = true);
    emr.fail_killing(1);
    let engine = engine(&emr, &place());
    let run = start(&*engine, &apart()).await;
    engine.cancel(&run, How::Ask).await.unwrap();
    seconds(2).await;
    phase(&*engine, &run).await;
    seconds(4).await;
    let failed = status(&*engine, &run).await;
    assert_eq!(failed.phase, Phase::Ending);
    assert_eq!(failed.reason, "its application may be alive: step s-0000000000002, which was to kill it, is FAILED");
    assert_eq!(emr.alive().len(), 1);
    engine.cancel(&run, How::Kill).await.unwrap();
    seconds(5).await;
    assert_eq!(phase(&*engine, &run).await, Phase::Cancelled);
    assert!(emr.alive().is_empty());
}

#[tokio::test(start_paused = true)]
async fn after_two_killing_steps_that_failed_there_is_no_third() {
    let emr = FakeEmr::new();
    emr.script(PI, Script::endless());
    emr.fail_killing(u32::MAX);
    emr.cluster(CLUSTER, |cluster| "emr-5.36.2".clone_into(&mut cluster.release));
    let engine = engine(&emr, &place());
    let run = start(&*engine, &apart()).await;
    for how in [How::Ask, How::Kill] {
        engine.cancel(&run, how).await.unwrap();
        seconds(30).await;
    }
    // More of them would push those that failed to the next page.
    for _ in 0..7 {
        start(&*engine, &job("s3://code/other.py")).await;
    }
    let failed = "its application may be alive, and the steps that were to kill it have FAILED: s-0000000000002, \
                  s-0000000000003";
    for how in [How::Kill, How::Ask] {
        let trouble = engine.cancel(&run, how).await.unwrap_err();
        assert_eq!((trouble.kind, trouble.said.as_str()), (Kind::Futile, failed));
        let told = ["yarn application -kill", "EMR 6.0 or later, and this is emr-5.36.2", "OnDeleteError: Ignore"];
        assert!(told.iter().all(|told| trouble.advice.contains(told)), "{}", trouble.advice);
        assert!(trouble.advice.contains(&identity(&apart()).name().to_lowercase()), "{}", trouble.advice);
    }
    let killers = emr.steps(CLUSTER).into_iter().filter(|(name, _)| name.starts_with("kill-")).count();
    assert_eq!((killers, phase(&*engine, &run).await), (2, Phase::Ending));
    // They have nothing left to do once the cluster is over.
    emr.terminate(CLUSTER);
    engine.cancel(&run, How::Kill).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_application_outlives_its_client_until_it_is_killed_and_is_told_as_failed() {
    let emr = FakeEmr::new();
    emr.script(PI, Script::endless());
    emr.lose_client(PI, Duration::from_secs(20));
    let engine = engine(&emr, &place());
    let run = start(&*engine, &apart()).await;
    assert_eq!(phase(&*engine, &run).await, Phase::Running);
    seconds(21).await;
    let left = status(&*engine, &run).await;
    assert_eq!((left.phase, left.ended, left.word.as_str()), (Phase::Ending, Some(Phase::Failed), "FAILED"));
    let found = engine.find(&identity(&apart()), Lookup::Spec, Timestamp(u64::MAX)).await.unwrap();
    assert_eq!(found[0].status, left);
    engine.cancel(&run, How::Ask).await.unwrap();
    seconds(3).await;
    let over = status(&*engine, &run).await;
    assert_eq!((over.phase, over.ended, emr.alive().len()), (Phase::Failed, None, 0));
    assert!(over.reason.contains("OutOfMemoryError"), "{}", over.reason);
    engine.cancel(&run, How::Kill).await.unwrap();
    assert_eq!(steps(&emr), ["Pi FAILED", "kill-s-0000000000001 COMPLETED"]);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_may_have_failed_alone_is_over_once_nothing_of_it_is_alive() {
    let emr = FakeEmr::new();
    emr.script(PI, Script::dying(Duration::from_secs(5)));
    let engine = engine(&emr, &place());
    let run = start(&*engine, &apart()).await;
    seconds(6).await;
    let failed = status(&*engine, &run).await;
    assert!(failed.reason.contains("finished with failed status"), "{}", failed.reason);
    assert_eq!((failed.phase, failed.ended), (Phase::Ending, Some(Phase::Failed)));
    engine.cancel(&run, How::Ask).await.unwrap();
    seconds(3).await;
    assert_eq!(phase(&*engine, &run).await, Phase::Failed);
}

#[tokio::test(start_paused = true)]
async fn a_step_whose_application_was_killed_first_needs_no_further_step() {
    let emr = FakeEmr::new();
    // The client pays no heed, and the killing step does not wait for it.
    emr.script(PI, Script { deaf: true, ..Script::endless() });
    let engine = engine(&emr, &place());
    let run = start(&*engine, &apart()).await;
    seconds(1).await;
    engine.cancel(&run, How::Ask).await.unwrap();
    seconds(3).await;
    let over = status(&*engine, &run).await;
    assert_eq!((over.phase, emr.alive().len()), (Phase::Cancelled, 0));
    assert!(over.reason.ends_with("is killed"), "{}", over.reason);
}

#[tokio::test(start_paused = true)]
async fn what_someone_else_cancelled_is_killed_only_when_it_is_to_be_stopped() {
    let emr = FakeEmr::new();
    emr.script(PI, Script::endless());
    let engine = engine(&emr, &place());
    let run = start(&*engine, &apart()).await;
    // In the console, say: no one adds a step that kills.
    emr.deny("AddJobFlowSteps", true);
    let denied = engine.cancel(&run, How::Ask).await.unwrap_err();
    assert_eq!((denied.kind, denied.doing), (Kind::Denied, format!("stop step {} at EMR, cluster {CLUSTER}", run.id)));
    emr.deny("AddJobFlowSteps", false);
    seconds(60).await;
    let left = status(&*engine, &run).await;
    assert_eq!((left.phase, left.ended, emr.alive().len()), (Phase::Ending, Some(Phase::Cancelled), 1));
    assert_eq!(left.reason, "the step is over, but its application may be alive");
    engine.cancel(&run, How::Ask).await.unwrap();
    seconds(3).await;
    assert_eq!(phase(&*engine, &run).await, Phase::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn what_never_began_or_ended_by_itself_leaves_nothing_to_kill() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    emr.script(PI, Script { waits: Duration::from_secs(30), ..Script::default() });
    let waiting = start(&*engine, &apart()).await;
    engine.cancel(&waiting, How::Ask).await.unwrap();
    assert_eq!(phase(&*engine, &waiting).await, Phase::Cancelled);
    let finished = start(&*engine, &apart()).await;
    seconds(41).await;
    engine.cancel(&finished, How::Ask).await.unwrap();
    assert_eq!(phase(&*engine, &finished).await, Phase::Succeeded);
    assert_eq!(steps(&emr), ["Pi CANCELLED", "Pi COMPLETED"]);
}

#[tokio::test(start_paused = true)]
async fn an_application_that_its_step_does_not_wait_for_runs_until_it_is_killed() {
    let emr = FakeEmr::new();
    emr.script(PI, Script::endless());
    let engine = engine(&emr, &place());
    let run = start(&*engine, &detached()).await;
    assert_eq!(phase(&*engine, &run).await, Phase::Running);
    seconds(60).await;
    let submitted = status(&*engine, &run).await;
    assert_eq!((submitted.phase, submitted.word.as_str()), (Phase::Running, "COMPLETED"));
    engine.cancel(&run, How::Ask).await.unwrap();
    assert_eq!(phase(&*engine, &run).await, Phase::Ending);
    seconds(3).await;
    assert_eq!(phase(&*engine, &run).await, Phase::Cancelled);
    assert!(emr.alive().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_killing_step_runs_in_the_role_of_the_one_that_it_kills() {
    let emr = FakeEmr::new();
    emr.script(PI, Script::endless());
    emr.cluster(CLUSTER, |cluster| cluster.takes_roles = true);
    let engine = engine(&emr, &place());
    let fields = json!({"ExecutionRoleArn": "arn:aws:iam::123456789012:role/job"});
    let job = Job { native: Native(serde_json::from_value(fields).unwrap()), ..apart() };
    let run = start(&*engine, &job).await;
    engine.cancel(&run, How::Ask).await.unwrap();
    seconds(60).await;
    engine.cancel(&run, How::Kill).await.unwrap();
    seconds(3).await;
    assert_eq!(phase(&*engine, &run).await, Phase::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn an_application_goes_with_its_cluster() {
    let emr = FakeEmr::new();
    emr.script(PI, Script::endless());
    let engine = engine(&emr, &place());
    for job in [apart(), detached()] {
        let run = start(&*engine, &job).await;
        seconds(10).await;
        assert_eq!(phase(&*engine, &run).await, Phase::Running);
    }
    emr.terminate(CLUSTER);
    let found = engine.find(&identity(&apart()), Lookup::Owner, Timestamp::default()).await.unwrap();
    assert_eq!(found.len(), 2);
    for found in found {
        assert_eq!(found.status.phase, Phase::Cancelled);
        assert_eq!(phase(&*engine, &found.run).await, Phase::Cancelled);
        engine.cancel(&found.run, How::Ask).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_over_takes_no_job_and_has_nothing_alive() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    let run = start(&*engine, &job(PI)).await;
    emr.terminate(CLUSTER);
    let trouble = engine.start(&job(PI), &request("2", &job(PI))).await.unwrap_err();
    assert_eq!(trouble.kind, Kind::Rejected);
    assert!(trouble.advice.starts_with("Give the id of a cluster that runs"), "{}", trouble.advice);
    assert!(trouble.said.ends_with("shutting down, terminated, or finished may not be modified."), "{trouble}");
    assert_eq!(phase(&*engine, &run).await, Phase::Cancelled);
    engine.cancel(&run, How::Ask).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_emr_does_not_know_takes_no_job_and_whatever_ran_there_is_gone() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    let run = start(&*engine, &job(PI)).await;
    emr.forget(CLUSTER);
    let trouble = engine.start(&job(PI), &request("2", &job(PI))).await.unwrap_err();
    assert_eq!(trouble.kind, Kind::Rejected);
    assert_eq!(trouble.said, "ValidationException: Specified job flow ID does not exist.");
    assert!(trouble.advice.starts_with(&format!("Cluster {CLUSTER} does not exist")), "{}", trouble.advice);
    let looked = engine.find(&identity(&job(PI)), Lookup::Owner, Timestamp::default()).await.unwrap_err();
    assert_eq!(looked.kind, Kind::Absent, "{looked}");
    assert!(looked.advice.starts_with(&format!("Cluster {CLUSTER} does not exist")), "{}", looked.advice);
    assert_eq!(status(&*engine, &run).await, Status::gone_with_place());
    let both = engine.describe(&[run.clone(), run.clone()]).await.unwrap();
    assert_eq!(both, [Status::gone_with_place(), Status::gone_with_place()]);
    engine.cancel(&run, How::Ask).await.unwrap();
    assert_eq!(engine.report(&run).await.full_log, "no longer there: EMR does not know the step");
}

#[tokio::test(start_paused = true)]
async fn a_cluster_with_all_the_steps_that_it_may_have_is_busy() {
    let emr = FakeEmr::new();
    emr.script(PI, Script::endless());
    let engine = engine(&emr, &place());
    for _ in 0..256 {
        start(&*engine, &job(PI)).await;
    }
    let trouble = engine.start(&job(PI), &request("2", &job(PI))).await.unwrap_err();
    assert_eq!(trouble.kind, Kind::Busy);
    assert!(trouble.said.contains("Maximum number of active steps"), "{trouble}");
    // The model's pages are so short that they are too many, which is an error and no short list.
    let found = engine.find(&identity(&job(PI)), Lookup::Name, Timestamp(u64::MAX)).await;
    assert_eq!(found.unwrap_err().kind, Kind::Unavailable);
}

#[tokio::test(start_paused = true)]
async fn a_runtime_role_that_the_cluster_does_not_take_is_explained() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    let fields = json!({"ExecutionRoleArn": "arn:aws:iam::123456789012:role/job"});
    let with_role = Job { native: Native(serde_json::from_value(fields).unwrap()), ..job(PI) };
    let trouble = engine.start(&with_role, &identity(&with_role)).await.unwrap_err();
    assert_eq!(trouble.kind, Kind::Rejected);
    assert!(trouble.said.contains("Runtime roles are not supported on this cluster"), "{trouble}");
    assert!(trouble.advice.contains("EnableApplicationScopedIAMRole"), "{}", trouble.advice);
    emr.cluster(CLUSTER, |cluster| cluster.takes_roles = true);
    let trouble = engine.start(&job(PI), &identity(&job(PI))).await.unwrap_err();
    assert!(trouble.said.contains("Runtime roles are required"), "{trouble}");
}

#[tokio::test(start_paused = true)]
async fn no_loss_of_an_answer_is_taken_for_success_or_refusal() {
    let job = job(PI);
    for fault in Fault::losses() {
        let emr = FakeEmr::new();
        let engine = engine(&emr, &place());
        emr.fault_at(1, fault.clone());
        let trouble = engine.start(&job, &identity(&job)).await.unwrap_err();
        let expected = if fault == Fault::refused() { Kind::Unavailable } else { Kind::Unclear };
        assert_eq!(trouble.kind, expected, "{fault:?}: {trouble}");
        let found = engine.find(&identity(&job), Lookup::Name, Timestamp::default()).await.unwrap();
        assert_eq!(found.len(), emr.runs().len(), "{fault:?}");

        let run = start(&*engine, &job).await;
        emr.fault_all(fault.clone());
        let cancelled = engine.cancel(&run, How::Ask).await.unwrap_err();
        assert_eq!(cancelled.kind, expected, "{fault:?}: {cancelled}");
        let kinds = [
            engine.find(&identity(&job), Lookup::Name, Timestamp::default()).await.unwrap_err().kind,
            engine.describe(std::slice::from_ref(&run)).await.unwrap_err().kind,
        ];
        assert_eq!(kinds, [Kind::Unavailable; 2], "{fault:?}");
        assert!(engine.report(&run).await.full_log.contains("not read"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_denied_call_names_the_permission_and_the_cluster() {
    let emr = FakeEmr::new();
    emr.script(PI, Script::endless());
    let engine = engine(&emr, &place());
    let run = start(&*engine, &job(PI)).await;
    for operation in ["AddJobFlowSteps", "ListSteps", "DescribeStep", "CancelSteps"] {
        emr.deny(operation, true);
    }
    let identity = identity(&job(PI));
    let troubles = [
        ("AddJobFlowSteps", engine.start(&job(PI), &identity).await.unwrap_err()),
        ("ListSteps", engine.find(&identity, Lookup::Name, Timestamp::default()).await.unwrap_err()),
        ("ListSteps", engine.describe(&[run.clone(), run.clone()]).await.unwrap_err()),
        ("DescribeStep", engine.describe(std::slice::from_ref(&run)).await.unwrap_err()),
        ("CancelSteps", engine.cancel(&run, How::Ask).await.unwrap_err()),
    ];
    let arn = format!("arn:aws:elasticmapreduce:eu-west-1:123456789012:cluster/{CLUSTER}");
    for (operation, trouble) in troubles {
        assert_eq!(trouble.kind, Kind::Denied, "{trouble}");
        let allow = format!("Allow elasticmapreduce:{operation} on {arn} to the role");
        assert!(trouble.advice.starts_with(&allow), "{}", trouble.advice);
    }
}

#[tokio::test(start_paused = true)]
async fn throttling_is_busy() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    emr.throttle("AddJobFlowSteps", 1);
    assert_eq!(engine.start(&job(PI), &identity(&job(PI))).await.unwrap_err().kind, Kind::Busy);
    let run = start(&*engine, &job(PI)).await;
    emr.throttle("ListSteps", 1);
    assert_eq!(engine.describe(&[run.clone(), run.clone()]).await.unwrap_err().kind, Kind::Busy);
    emr.throttle("DescribeStep", 1);
    assert_eq!(engine.describe(std::slice::from_ref(&run)).await.unwrap_err().kind, Kind::Busy);
    assert_eq!(phase(&*engine, &run).await, Phase::Running);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_state_is_still_going() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    let run = start(&*engine, &job(PI)).await;
    emr.show(&run.id, Some("PONDERING"));
    assert_eq!(phase(&*engine, &run).await, Phase::Waiting);
}

#[tokio::test(start_paused = true)]
async fn a_failed_step_tells_why_and_where_its_logs_are() {
    let emr = FakeEmr::new();
    emr.script(PI, Script::dying(Duration::from_secs(5)));
    let engine = engine(&emr, &place());
    let run = start(&*engine, &job(PI)).await;
    seconds(6).await;
    let failed = status(&*engine, &run).await;
    assert_eq!(failed.phase, Phase::Failed);
    assert!(failed.reason.starts_with("Unknown Error: Traceback") && failed.reason.contains("no column 'amount'"));
    let report = engine.report(&run).await;
    assert!(failed.reason.contains(&report.exception[0]));
    assert_eq!(report.links.log_uri, format!("s3://logs/emr/{CLUSTER}/steps/{}/", run.id));
    let error = format!("the error is in s3://logs/emr/steps/{}/stderr.gz", run.id);
    assert_eq!(report.full_log, format!("{}, some minutes late; {error}", report.links.log_uri));
    let console = "https://eu-west-1.console.aws.amazon.com";
    let folder = report.links.log_uri["s3://logs/".len()..].replace('/', "%2F");
    assert_eq!(report.links.driver_log, format!("{console}/s3/buckets/logs?region=eu-west-1&prefix={folder}"));
    assert_eq!(report.links.console, format!("{console}/emr/home?region=eu-west-1#/clusterDetails/{CLUSTER}"));
}

#[tokio::test(start_paused = true)]
async fn where_no_logs_are_kept_it_says_how_to_keep_them() {
    let emr = FakeEmr::new();
    emr.cluster(CLUSTER, |cluster| cluster.log_uri = None);
    let engine = engine(&emr, &place());
    let run = start(&*engine, &job(PI)).await;
    let report = engine.report(&run).await;
    assert_eq!(report.links.log_uri, "");
    assert!(report.full_log.contains("give the cluster a LogUri"), "{}", report.full_log);
    // A step may have its own.
    for log_uri in ["s3://logs/mine/", "s3://logs/mine"] {
        let monitoring = json!({"S3MonitoringConfiguration": {"LogUri": log_uri}});
        let own = native(json!({"HadoopJarStep": {"Jar": "a.jar"}, "StepMonitoringConfiguration": monitoring}));
        let run = start(&*engine, &own).await;
        let report = engine.report(&run).await;
        assert_eq!(report.links.log_uri, format!("s3://logs/mine/{CLUSTER}/steps/{}/", run.id));
        assert!(report.full_log.starts_with(&report.links.log_uri), "{}", report.full_log);
    }
}

#[tokio::test(start_paused = true)]
async fn the_drivers_log_of_an_application_is_elsewhere() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    let run = start(&*engine, &apart()).await;
    let full_log = engine.report(&run).await.full_log;
    assert!(full_log.ends_with(&format!("; the driver's in s3://logs/emr/{CLUSTER}/containers/")), "{full_log}");
}

#[tokio::test(start_paused = true)]
async fn tags_cost_no_call() {
    let emr = FakeEmr::new();
    let engine = engine(&emr, &place());
    let run = start(&*engine, &job(PI)).await;
    let sends = emr.sends();
    engine.tag(&run, &[("a".to_owned(), "b".to_owned())].into(), &[].into()).await.unwrap();
    assert_eq!(emr.sends(), sends);
}

#[tokio::test(start_paused = true)]
async fn only_these_operations_are_asked_for() {
    let emr = FakeEmr::new();
    emr.script(PI, Script::endless());
    let engine = engine(&emr, &place());
    let run = start(&*engine, &apart()).await;
    engine.find(&identity(&apart()), Lookup::Owner, Timestamp::default()).await.unwrap();
    engine.cancel(&run, How::Ask).await.unwrap();
    seconds(60).await;
    phase(&*engine, &run).await;
    engine.report(&run).await;
    let asked: BTreeSet<String> = emr.operations().into_iter().map(|asked| asked.action).collect();
    let operations = ["AddJobFlowSteps", "CancelSteps", "DescribeCluster", "DescribeStep", "ListSteps"];
    assert_eq!(asked, operations.map(|operation| format!("elasticmapreduce:{operation}")).into());
}
