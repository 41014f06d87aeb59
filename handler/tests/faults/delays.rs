//! What services of AWS do not show, or do not allow, as soon as they were told to.

use std::time::Duration;

use sparkjob::testing::Script;
use tokio::time::{Instant, sleep};

use crate::cloudformation::{Answer, Delivery, Properties, Stack, deliver};
use crate::town::{APPLICATION, CLUSTER, Engine, Town, VIRTUAL_CLUSTER};
use crate::{NEW, OLD};

/// An engine, its place, and the operations that submit, look at and stop a job there.
const ENGINES: [(Engine, &str, [&str; 3]); 3] = [
    (Engine::EmrOnEks, VIRTUAL_CLUSTER, ["StartJobRun", "DescribeJobRun", "CancelJobRun"]),
    (Engine::EmrServerless, APPLICATION, ["StartJobRun", "GetJobRun", "CancelJobRun"]),
    (Engine::EmrSteps, CLUSTER, ["AddJobFlowSteps", "DescribeStep", "CancelSteps"]),
];

const SUBMITTED: Properties = Properties { wait_for: "Submitted", ..Properties::USUAL };

/// A stack whose job has been submitted just now.
async fn created(town: &Town) -> Stack {
    let mut stack = Stack::new(town);
    let answer = deliver(town, &stack.create(OLD, SUBMITTED)).await;
    assert_eq!(answer.status, "SUCCESS", "{}", answer.reason);
    stack.answered(&answer);
    stack
}

/// The answer, and how long it took.
async fn timed(town: &Town, request: &Delivery) -> (Answer, Duration) {
    let begin = Instant::now();
    (deliver(town, request).await, begin.elapsed())
}

/// Denies these operations, or allows them again.
fn deny(town: &Town, operations: &[&str], denied: bool) {
    for operation in operations {
        town.emr().deny(operation, denied);
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_not_shown_yet_does_not_outlive_its_delete() {
    for (engine, ..) in ENGINES {
        for seconds in [1, 10, 30, 55] {
            let town = Town::new(engine);
            let mut stack = created(&town).await;
            town.emr().show_after(Duration::from_secs(seconds));
            let answer = deliver(&town, &stack.delete()).await;
            assert_eq!(answer.status, "SUCCESS", "{engine:?}, {seconds} s: {}", answer.reason);
            assert!(town.alive().is_empty(), "{engine:?}, {seconds} s");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_delete_of_a_job_that_never_was_takes_about_a_minute() {
    for (engine, ..) in ENGINES {
        let town = Town::new(engine);
        let mut stack = created(&town).await;
        // The same reference means nothing in an account in which nothing has run.
        let elsewhere = Town::new(engine);
        let (answer, took) = timed(&elsewhere.answering(&town), &stack.delete()).await;
        assert_eq!(answer.status, "SUCCESS", "{engine:?}: {}", answer.reason);
        assert!((60..65).contains(&took.as_secs()), "{engine:?}: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn with_its_place_a_job_is_gone_at_once() {
    for (engine, place, _) in ENGINES {
        for end in [
            |town: &Town, place: &str| town.emr().forget(place),
            |town: &Town, place: &str| town.emr().terminate(place),
        ] {
            let town = Town::new(engine);
            let mut stack = created(&town).await;
            end(&town, place);
            let (answer, took) = timed(&town, &stack.delete()).await;
            assert_eq!(answer.status, "SUCCESS", "{engine:?}: {}", answer.reason);
            assert!(took < Duration::from_secs(10), "{engine:?}: {took:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_old_job_that_is_not_shown_yet_does_not_meet_the_new_one() {
    for (engine, ..) in ENGINES {
        for strategy in ["StopThenStart", "FinishThenStart"] {
            let town = Town::new(engine);
            let mut stack = created(&town).await;
            town.emr().show_after(Duration::from_secs(30));
            if strategy == "FinishThenStart" {
                town.finish_old_within(Duration::from_mins(3));
            }
            let updated = deliver(&town, &stack.update(NEW, Properties { strategy, ..SUBMITTED })).await;
            assert_eq!(updated.status, "SUCCESS", "{engine:?}, {strategy}: {}", updated.reason);
            assert_eq!((town.alive().len(), town.most_alive()), (1, 1), "{engine:?}, {strategy}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_right_that_the_same_deployment_gives_is_waited_for() {
    for (engine, _, operations) in ENGINES {
        for denied in [&operations[..1], &operations[1..2], &operations[..]] {
            let town = Town::new(engine);
            let mut stack = Stack::new(&town);
            deny(&town, denied, true);
            let allowed = async {
                sleep(Duration::from_secs(20)).await;
                deny(&town, denied, false);
            };
            let request = stack.create(NEW, Properties::default());
            let (created, ()) = tokio::join!(deliver(&town, &request), allowed);
            assert_eq!(created.status, "SUCCESS", "{engine:?}, {denied:?}: {}", created.reason);
            assert_eq!(town.jobs_of(NEW), 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_right_that_is_missing_is_named_within_a_minute() {
    for (engine, _, [submit, look, stop]) in ENGINES {
        for (missing, alive) in [(submit, 0), (look, 0), (stop, 1)] {
            let town = Town::new(engine);
            let mut stack = Stack::new(&town);
            deny(&town, &[missing], true);
            let request = stack.create(NEW, Properties::default());
            let (answer, took) = if missing == stop {
                let answer = deliver(&town, &request).await;
                stack.answered(&answer);
                timed(&town, &stack.delete()).await
            } else {
                timed(&town, &request).await
            };
            assert_eq!(answer.status, "FAILED", "{engine:?}, {missing}");
            assert!(answer.reason.contains(&format!(":{missing} on ")), "{engine:?}, {missing}: {}", answer.reason);
            assert!(took < Duration::from_secs(75), "{engine:?}, {missing}: {took:?}");
            assert_eq!(town.alive().len(), alive, "{engine:?}, {missing}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_is_not_given_up_for_a_role_that_is_being_changed() {
    for (engine, _, operations) in ENGINES {
        let town = Town::new(engine);
        town.emr().script(NEW, Script { runs: Some(Duration::from_mins(12)), ..Script::endless() });
        let request = Stack::new(&town).create(NEW, Properties { wait_for: "Succeeded", ..Properties::default() });
        let (answer, ()) = tokio::join!(deliver(&town, &request), deny_for_a_while(&town, &operations));
        assert_eq!(answer.status, "SUCCESS", "{engine:?}: {}", answer.reason);
    }
}

#[tokio::test(start_paused = true)]
async fn nor_is_a_stop_that_is_under_way() {
    for (engine, _, operations) in ENGINES {
        let town = Town::new(engine);
        town.emr().script(OLD, Script { stops: Duration::from_mins(10), ..Script::endless() });
        let request = created(&town).await.delete();
        let (answer, ()) = tokio::join!(deliver(&town, &request), deny_for_a_while(&town, &operations));
        assert_eq!(answer.status, "SUCCESS", "{engine:?}: {}", answer.reason);
        assert!(town.alive().is_empty(), "{engine:?}");
    }
}

/// Denies all of this for four minutes, when things have gone on for a while.
async fn deny_for_a_while(town: &Town, operations: &[&str]) {
    sleep(Duration::from_mins(5)).await;
    deny(town, operations, true);
    sleep(Duration::from_mins(4)).await;
    deny(town, operations, false);
}
