//! Applications on YARN whose steps are over without them: nothing outlives its resource, and what failed is told as that.

use std::time::Duration;

use sparkjob::testing::Fault;
use tokio::time::{Instant, sleep};

use crate::cloudformation::{Answer, Properties, Stack, deliver};
use crate::scenario::IN_CLUSTER;
use crate::town::{CLUSTER, Engine, Town};
use crate::{NEW, OLD, ORPHAN, struck};

/// An application, of which no more is waited for than its submission.
const SUBMITTED: Properties = Properties { wait_for: "Submitted", ..IN_CLUSTER };

fn town() -> Town {
    Town::new(Engine::EmrSteps)
}

/// How many steps there were that kill.
fn killers(town: &Town) -> usize {
    town.emr().steps(CLUSTER).iter().filter(|(name, _)| name.starts_with("kill-")).count()
}

/// Creates a job of `file`, then waits until its client has died.
async fn create(town: &Town, file: &str) -> (Stack, Answer) {
    let mut stack = Stack::new(town);
    let created = deliver(town, &stack.create(file, SUBMITTED)).await;
    assert_eq!(created.status, "SUCCESS", "{}", created.reason);
    stack.answered(&created);
    sleep(Duration::from_mins(2)).await;
    (stack, created)
}

#[tokio::test(start_paused = true)]
async fn a_create_whose_client_dies_tells_why_and_leaves_nothing() {
    let town = town();
    let begin = Instant::now();
    let answer = deliver(&town, &Stack::new(&town).create(ORPHAN, IN_CLUSTER)).await;
    assert_eq!(answer.status, "FAILED");
    for told in
        ["failed on EMR", "it is FAILED", "OutOfMemoryError: Java heap space", "What was left of it has been stopped"]
    {
        assert!(answer.reason.contains(told), "{told}: {}", answer.reason);
    }
    assert!(!answer.reason.contains("cancelled from outside"), "{}", answer.reason);
    assert_eq!((town.alive().len(), killers(&town)), (0, 1));
    assert!(begin.elapsed() < Duration::from_mins(2), "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_create_whose_step_somebody_cancels_is_told_at_once_and_leaves_nothing() {
    let town = town();
    let begin = Instant::now();
    let emr = town.emr().clone();
    tokio::spawn(async move {
        sleep(Duration::from_secs(20)).await;
        emr.cancel_step(&emr.runs()[0].id);
    });
    let properties = Properties { wait_for: "Succeeded", ..IN_CLUSTER };
    let answer = deliver(&town, &Stack::new(&town).create(NEW, properties)).await;
    assert_eq!(answer.status, "FAILED");
    assert!(answer.reason.contains("was cancelled from outside on EMR"), "{}", answer.reason);
    assert_eq!((town.alive().len(), killers(&town)), (0, 1));
    assert!(begin.elapsed() < Duration::from_mins(2), "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_delete_of_a_job_whose_client_died_survives_any_one_fault() {
    let play = async |fault: Option<(usize, Fault)>| {
        let town = town();
        let (mut stack, _) = create(&town, ORPHAN).await;
        assert_eq!((town.alive().len(), killers(&town)), (1, 0));
        let way = struck(&town, fault.as_ref());
        let answer = deliver(&way, &stack.delete()).await;
        assert_eq!((answer.status.as_str(), town.alive().len()), ("SUCCESS", 0), "{fault:?}: {}", answer.reason);
        way.sends()
    };
    for k in 1..=play(None).await {
        for fault in Fault::failures() {
            play(Some((k, fault))).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_of_a_job_whose_client_died_stops_what_is_left_of_it_first() {
    for strategy in ["StopThenStart", "FinishThenStart", "StartThenStop"] {
        let town = town();
        let (mut stack, created) = create(&town, ORPHAN).await;
        let begin = Instant::now();
        let updated = deliver(&town, &stack.update(NEW, Properties { strategy, ..SUBMITTED })).await;
        assert_eq!(updated.status, "SUCCESS", "{strategy}: {}", updated.reason);
        assert_ne!(updated.id, created.id);
        let at_once = if strategy == "StartThenStop" { 2 } else { 1 };
        assert_eq!((town.alive().len(), town.most_alive()), (at_once, at_once), "{strategy}");
        assert!(begin.elapsed() < Duration::from_mins(2), "{strategy}: {:?}", begin.elapsed());
        stack.answered(&updated);
        stack.finish(&town).await;
        assert!(town.alive().is_empty(), "{strategy}: {:?}", town.alive());
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_on_which_no_step_can_kill_is_told_after_two_of_them() {
    let town = town();
    town.emr().cluster(CLUSTER, |cluster| "emr-5.36.2".clone_into(&mut cluster.release));
    town.emr().fail_killing(u32::MAX);
    let (mut stack, _) = create(&town, OLD).await;
    let begin = Instant::now();
    for _ in 0..2 {
        let answer = deliver(&town, &stack.delete()).await;
        assert_eq!(answer.status, "FAILED");
        for told in ["have FAILED", "yarn application -kill", "this is emr-5.36.2"] {
            assert!(answer.reason.contains(told), "{told}: {}", answer.reason);
        }
        assert_eq!(killers(&town), 2);
    }
    assert!(begin.elapsed() < Duration::from_mins(5), "{:?}", begin.elapsed());
}
