//! A fault at every request that leaves the process, before and after it takes effect: still one job and one answer.
//!
//! A clean run counts the requests; then the run is repeated with each way to lose an answer at the first, the second, the
//! third … request. All of it in virtual time, on every engine, against models of Livy and EMR and a strict taker of answers.

mod account;
mod again;
mod alarms;
mod alone;
mod chaos;
mod claims;
mod cloudformation;
#[path = "../shared/conformance/suite.rs"]
mod conformance;
mod conforms;
mod counters;
mod crowd;
mod deaths;
mod delays;
mod denied;
#[path = "../shared/dice.rs"]
mod dice;
mod durable;
mod ending;
mod foreign;
mod functions;
mod hurry;
mod key;
#[path = "../shared/log.rs"]
mod log;
mod mishap;
mod orphans;
mod overlaps;
mod permissions;
mod policy;
mod queued;
mod responder;
mod scenario;
mod secrets;
#[path = "../shared/stacks.rs"]
mod stacks;
mod stopped;
mod stopped_updates;
mod tally;
mod template;
mod throttled;
mod told;
mod town;
mod trouble;
mod troubleshooting;
mod undelivered;

use std::time::Duration;

use http::Method;
use serde_json::json;
use sparkjob::testing::{Fault, Faulty};
use tracing::level_filters::LevelFilter;

use cloudformation::{Answer, Properties, Stack, deliver, deliver_twice, deliver_unheard};
use durable::strike_each_with;
use log::Log;
use scenario::{Scenario, each_scenario};
use tally::Tally;
use town::{Engine, Town};
use undelivered::refused;

/// What one run came to.
struct Run {
    sends: usize,
    struck: bool,
}

/// Files, and what becomes of them in a [`Town`].
const OLD: &str = "s3://code/old.py";
const NEW: &str = "s3://code/new.py";
const DYING: &str = "s3://code/dying.py";
const ORPHAN: &str = "s3://code/orphan.py";
const REFUSED: &str = "/etc/passwd";

each_scenario!();

#[tokio::test(start_paused = true)]
async fn a_life_without_the_right_to_ask_cloudformation_is_the_same() {
    for engine in Engine::ALL {
        let log = Log::at(LevelFilter::WARN);
        let town = Town::new(engine);
        town.stacks().may_be_asked(false);
        let mut stack = Stack::new(&town);
        for request in [Stack::create, Stack::update] {
            let answer = deliver(&town, &request(&mut stack, NEW, Properties::default())).await;
            assert_eq!((answer.status.as_str(), town.alive().len()), ("SUCCESS", 1), "{engine:?}: {}", answer.reason);
            stack.answered(&answer);
        }
        stack.finish(&town).await;
        assert!(town.alive().is_empty(), "{engine:?}: {:?} is left", town.alive());
        let log = log.text();
        for taken_for in ["one that is awaited", "an Update outside a rollback"] {
            let told = format!("CloudFormation does not tell; the request goes on as {taken_for}\"");
            assert_eq!(log.matches(&told).count(), 1, "{engine:?}: {log}");
        }
    }
}

/// Faults at each request of a clean run.
async fn survives_on(engine: Engine, scenario: Scenario) {
    let clean = play(engine, scenario, None).await;
    let mut tally = Tally::default();
    strike_each_with(&Fault::failures(), clean.sends, &mut tally, async |(k, fault)| {
        let run = play(engine, scenario, Some((k, fault.clone()))).await;
        assert!(run.struck, "{engine:?}, {scenario:?}: {fault:?} did not strike at {k}");
    })
    .await;
    tally.tell(&format!("{engine:?}, {:?}, {} requests", scenario.ask, clean.sends));
}

/// One run from an empty engine to an empty engine, with the fault in the request that is tried; all that must hold is checked.
async fn play(engine: Engine, scenario: Scenario, fault: Option<(usize, Fault)>) -> Run {
    let told = format!("{engine:?}, {scenario:?} with {fault:?}");
    let town = Town::new(engine);
    let mut stack = Stack::new(&town);
    match scenario.of_the_old() {
        Some(properties) if scenario.is_of_an_unheard() => {
            let way = Faulty::new(town.clone());
            way.fault_each(Method::PUT, "", refused());
            deliver_unheard(&way, &stack.create(OLD, properties)).await;
        }
        Some(properties) => {
            let created = deliver(&town, &stack.create(OLD, properties)).await;
            stack.answered(&created);
        }
        None => {}
    }
    let mut updated = None;
    if let Some(update) = scenario.taken_back(&town, &mut stack) {
        updated = Some(deliver(&town, &update).await);
    }
    let request = scenario.request(&town, &mut stack, updated.as_ref());
    let way = struck(&town, fault.as_ref());
    let answer = deliver(&way, &request).await;

    assert_eq!(answer.status, scenario.status, "{told}: {}", answer.reason);
    scenario.assert_reason(&answer, false, &told);
    assert_eq!(town.distinct_answers(&request), 1, "{told}");
    assert_eq!(town.jobs_of(scenario.file()), scenario.jobs, "{told}");
    assert!(scenario.is_true_of(&town), "{told}");
    let alive = town.alive();
    let most = scenario.most_alive(&answer, false);
    assert!((scenario.alive..=most).contains(&alive.len()), "{told}: {alive:?}");
    if scenario.is_one_at_a_time() {
        assert_eq!(town.most_alive(), 1, "{told}");
    }
    let run = Run { sends: way.sends(), struck: way.requests().iter().any(|sent| sent.fault.is_some()) };

    if let Some(alive) = scenario.alive_again() {
        stack.fails(&answer);
        let restored = deliver(&way, &stack.roll_back()).await;
        assert_eq!(restored.status, "SUCCESS", "{told}: {}", restored.reason);
        assert_eq!(town.alive().len(), alive, "{told}: {:?}", town.alive());
        stack.answered(&restored);
    } else {
        stack.answered(&answer);
    }
    stack.finish(&town).await;
    assert!(town.alive().is_empty(), "{told}: {:?} is left", town.alive());
    assert_eq!(town.phantoms(), 0, "{told}");
    run
}

#[tokio::test(start_paused = true)]
async fn two_deliveries_at_once_make_one_job_whatever_is_lost() {
    let play = async |engine, fault: Option<(usize, Fault)>| {
        let town = Town::new(engine);
        let mut stack = Stack::new(&town);
        let request = stack.create(NEW, Properties::BRIEF);
        let way = struck(&town, fault.as_ref());
        let answers = deliver_twice(&way, &request).await;
        for answer in &answers {
            assert_eq!(answer.status, "SUCCESS", "{fault:?}: {}", answer.reason);
            assert_eq!(answer.id, answers[0].id, "{fault:?}");
        }
        // Of twin steps the second is stopped before anyone is answered.
        assert!(town.jobs_of(NEW) == 1 || engine == Engine::EmrSteps, "{fault:?}");
        assert_eq!(town.alive().len(), 1, "{fault:?}");
        assert_struck(&way, fault.as_ref());
        stack.answered(&answers[0]);
        stack.finish(&town).await;
        assert!(town.alive().is_empty(), "{fault:?}: {:?} is left", town.alive());
        way.sends()
    };
    let mut tally = Tally::default();
    for engine in Engine::ALL {
        let sends = play(engine, None).await;
        for k in 1..=sends {
            for fault in Fault::failures() {
                play(engine, Some((k, fault))).await;
                tally.survived(1);
            }
        }
    }
    tally.tell("two deliveries at once");
}

#[tokio::test(start_paused = true)]
async fn a_submission_that_arrives_late_is_still_the_only_one() {
    // It was sent, the sender gave up waiting, and then it took effect.
    for engine in Engine::ALL {
        // Steps have neither tokens nor names that are taken, so a lost one is waited for, for two minutes.
        let latest = if engine == Engine::EmrSteps { 1 } else { 4 };
        for minutes in 1..=latest {
            let told = format!("{engine:?}, {minutes}");
            let town = Town::new(engine);
            let mut stack = Stack::new(&town);
            let request = stack.create(NEW, Properties::default());
            let way = Faulty::new(town.clone());
            way.fault_next(Method::POST, engine.submission(), Fault::Late(Duration::from_mins(minutes)));
            let answer = deliver(&way, &request).await;
            assert_eq!(answer.status, "SUCCESS", "{told}: {}", answer.reason);
            tokio::time::sleep(Duration::from_mins(10)).await;
            assert_eq!(town.jobs_of(NEW), 1, "{told}");
            stack.answered(&answer);
            stack.finish(&town).await;
            assert!(town.alive().is_empty(), "{told}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_stays_though_it_was_edited_gets_its_tags_whatever_is_lost() {
    for engine in [Engine::EmrOnEks, Engine::EmrServerless] {
        for k in 1..=edit_and_tag(engine, None).await {
            for fault in Fault::failures() {
                edit_and_tag(engine, Some((k, fault))).await;
            }
        }
    }
}

/// One update that edits the job, lets that wait for the next rerun, and changes the tags; how many requests it took.
async fn edit_and_tag(engine: Engine, fault: Option<(usize, Fault)>) -> usize {
    let told = format!("{engine:?} with {fault:?}");
    let (town, mut stack, created) = with_a_job(engine).await;
    let way = struck(&town, fault.as_ref());
    let edited = json!({"RunOn": "Rerun", "Parameters": {"File": NEW}, "Tags": {"Team": "data"}});
    let answer = deliver(&way, &stack.change(edited)).await;
    assert_eq!((&*answer.status, &answer.id), ("SUCCESS", &created.id), "{told}: {}", answer.reason);
    let runs = town.emr().runs();
    assert_eq!((runs.len(), runs[0].tags.get("Team").map(String::as_str)), (1, Some("data")), "{told}");
    assert_struck(&way, fault.as_ref());
    way.sends()
}

#[tokio::test(start_paused = true)]
async fn a_move_between_engines_survives_any_one_fault() {
    for (from, to) in [
        (Engine::Livy, Engine::EmrServerless),
        (Engine::EmrServerless, Engine::EmrOnEks),
        (Engine::EmrSteps, Engine::Livy),
    ] {
        let (clean, mut tally) = (migrate(from, to, None).await, Tally::default());
        for k in 1..=clean {
            for fault in Fault::failures() {
                migrate(from, to, Some((k, fault))).await;
                tally.survived(1);
            }
        }
        tally.tell(&format!("{from:?} to {to:?}, {clean} requests"));
    }
}

/// Moves a job and deletes it where it has gone; how many requests the move took.
async fn migrate(from: Engine, to: Engine, fault: Option<(usize, Fault)>) -> usize {
    let told = format!("{from:?} to {to:?} with {fault:?}");
    let (town, mut stack, _) = with_a_job(from).await;
    let way = struck(&town, fault.as_ref());
    let moved = deliver(&way, &stack.update_on(to, OLD, Properties::BRIEF)).await;
    assert_eq!(moved.status, "SUCCESS", "{told}: {}", moved.reason);
    assert_eq!((town.alive().len(), town.most_alive()), (1, 1), "{told}");
    assert_struck(&way, fault.as_ref());
    stack.answered(&moved);
    stack.finish(&town).await;
    assert!(town.alive().is_empty(), "{told}: {:?} is left", town.alive());
    way.sends()
}

/// The way to a town, with the fault in the request that is told, counted from 1.
fn struck(town: &Town, fault: Option<&(usize, Fault)>) -> Faulty<Town> {
    let way = Faulty::new(town.clone());
    if let Some((k, fault)) = fault {
        way.fault_at(*k, fault.clone());
    }
    way
}

/// Looks that the fault has struck.
fn assert_struck(way: &Faulty<Town>, fault: Option<&(usize, Fault)>) {
    let has_struck = way.requests().iter().any(|sent| sent.fault.is_some());
    assert_eq!(has_struck, fault.is_some(), "{fault:?} did not strike");
}

/// A stack whose job runs, and what its Create was answered.
async fn with_a_job(engine: Engine) -> (Town, Stack, Answer) {
    let town = Town::new(engine);
    let mut stack = Stack::new(&town);
    let created = deliver(&town, &stack.create(OLD, Properties::BRIEF)).await;
    stack.answered(&created);
    (town, stack, created)
}
