//! A fault at every request that leaves the process, before and after it takes effect: still one job and one answer.
//!
//! A clean run counts the requests; then the run is repeated with each way to lose an answer at the first, the second, the
//! third … request. All of it in virtual time, against a model of Livy and a strict taker of answers.

mod cloudformation;
mod town;

use std::time::Duration;

use sparkjob::testing::{Fault, Faulty};

use cloudformation::{Stack, deliver, deliver_twice};
use town::Town;

/// What is tried with faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scenario {
    Create,
    Update(&'static str),
    Delete,
}

/// What one run came to.
struct Run {
    sends: usize,
    struck: bool,
}

const OLD: &str = "s3://code/old.py";
const NEW: &str = "s3://code/new.py";

#[tokio::test(start_paused = true)]
async fn a_create_survives_any_one_fault() {
    survives(Scenario::Create).await;
}

#[tokio::test(start_paused = true)]
async fn a_delete_survives_any_one_fault() {
    survives(Scenario::Delete).await;
}

#[tokio::test(start_paused = true)]
async fn an_update_that_stops_first_survives_any_one_fault() {
    survives(Scenario::Update("StopThenStart")).await;
}

#[tokio::test(start_paused = true)]
async fn an_update_that_lets_finish_survives_any_one_fault() {
    survives(Scenario::Update("FinishThenStart")).await;
}

#[tokio::test(start_paused = true)]
async fn an_update_that_starts_first_survives_any_one_fault() {
    survives(Scenario::Update("StartThenStop")).await;
}

/// Each fault at each request of a clean run and at a few beyond, where a fault makes the run longer.
async fn survives(scenario: Scenario) {
    let clean = play(scenario, None).await;
    let mut survived = 0;
    for k in 1..=clean.sends {
        for fault in Fault::losses() {
            let run = play(scenario, Some((k, fault.clone()))).await;
            assert!(run.struck, "{scenario:?}: {fault:?} did not strike at {k}");
            survived += 1;
        }
    }
    println!("{scenario:?}: {survived} faults at {} requests survived", clean.sends);
}

/// One run from an empty Livy to an empty Livy, with the fault in the request that is tried; all that must hold is checked.
async fn play(scenario: Scenario, fault: Option<(usize, Fault)>) -> Run {
    let told = format!("{scenario:?} with {fault:?}");
    let town = Town::new();
    let mut stack = Stack::new(&town);
    if scenario != Scenario::Create {
        let created = deliver(&town, &stack.create(OLD)).await;
        stack.answered(&created);
    }
    if scenario == Scenario::Update("FinishThenStart") {
        town.finish_within(Duration::from_mins(3));
    }
    let request = match scenario {
        Scenario::Create => stack.create(NEW),
        Scenario::Update(strategy) => stack.update(NEW, strategy),
        Scenario::Delete => stack.delete(),
    };
    let way = Faulty::new(town.clone());
    if let Some((k, fault)) = &fault {
        way.fault_at(*k, fault.clone());
    }
    let answer = deliver(&way, &request).await;

    assert_eq!(answer.status, "SUCCESS", "{told}: {}", answer.reason);
    assert_eq!(town.distinct_answers(&request), 1, "{told}");
    let alive = town.alive();
    match scenario {
        Scenario::Delete => assert!(alive.is_empty(), "{told}: {alive:?}"),
        Scenario::Update("StartThenStop") => assert_eq!(alive.len(), 2, "{told}: {alive:?}"),
        _ => assert_eq!(alive.len(), 1, "{told}: {alive:?}"),
    }
    let wanted = if scenario == Scenario::Delete { OLD } else { NEW };
    assert_eq!(town.jobs_of(wanted), 1, "{told}");
    let run = Run { sends: way.sends(), struck: way.requests().iter().any(|sent| sent.fault.is_some()) };

    stack.answered(&answer);
    stack.finish(&town).await;
    assert!(town.alive().is_empty(), "{told}: {:?} is left", town.alive());
    run
}

#[tokio::test(start_paused = true)]
async fn two_deliveries_at_once_make_one_job_whatever_is_lost() {
    let play = async |fault: Option<(usize, Fault)>| {
        let town = Town::new();
        let mut stack = Stack::new(&town);
        let request = stack.create(NEW);
        let way = Faulty::new(town.clone());
        if let Some((k, fault)) = &fault {
            way.fault_at(*k, fault.clone());
        }
        let answers = deliver_twice(&way, &request).await;
        for answer in &answers {
            assert_eq!(answer.status, "SUCCESS", "{fault:?}: {}", answer.reason);
            assert_eq!(answer.id, answers[0].id, "{fault:?}");
        }
        assert_eq!(town.jobs_of(NEW), 1, "{fault:?}");
        stack.answered(&answers[0]);
        stack.finish(&town).await;
        assert!(town.alive().is_empty(), "{fault:?}: {:?} is left", town.alive());
        way.sends()
    };
    let sends = play(None).await;
    for k in 1..=sends {
        for fault in Fault::losses() {
            play(Some((k, fault))).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_submission_that_arrives_late_is_still_the_only_one() {
    // It was sent, the sender gave up waiting, and then it took effect.
    for minutes in 1..=4 {
        let town = Town::new();
        let mut stack = Stack::new(&town);
        let request = stack.create(NEW);
        let way = Faulty::new(town.clone());
        way.fault_next(http::Method::POST, "/batches", Fault::Late(Duration::from_mins(minutes)));
        let answer = deliver(&way, &request).await;
        assert_eq!(answer.status, "SUCCESS", "{minutes}: {}", answer.reason);
        tokio::time::sleep(Duration::from_mins(10)).await;
        assert_eq!(town.jobs_of(NEW), 1, "{minutes}");
        stack.answered(&answer);
        stack.finish(&town).await;
        assert!(town.alive().is_empty(), "{minutes}");
    }
}
