//! Requests in every order in which `CloudFormation` and Lambda may deliver them, on every engine, worked on within one
//! invocation and in steps, as the workflow takes them: whole requests, from the event to the answer, in virtual time. Of the
//! workflow itself, its claim, its retries and the responder the fault runs have theirs.

#[path = "../shared/dice.rs"]
mod dice;
mod lives;
#[path = "../shared/log.rs"]
mod log;
mod overtaken;
mod random;
#[path = "../shared/stacks.rs"]
mod stacks;
mod tries;
mod world;

use std::time::Duration;

use handler::envelope::Envelope;
use handler::mishap::FailedStep;
use handler::moment;
use handler::physical_id::PhysicalId;
use handler::plan;
use handler::turn::{Progress, Step};
use serde_json::{Value, json};
use sparkjob::testing::Script;
use tokio::time::{sleep, timeout};
use tracing::level_filters::LevelFilter;

use log::Log;
use world::{Answer, Asked, BAD, Driver, Engine, GOOD, World, worlds};

/// What `CloudFormation` invents for a Create that it cut off.
const INVENTED: &str = "demo-Pi-1ABCDEFGHIJKL";

/// A stack whose Create succeeded: its properties, and the id of its job.
async fn created(world: &World, more: &Value) -> (Value, String) {
    let good = world.properties(GOOD, more);
    let id = world.succeeds(&world.create("create", &good)).await;
    assert_eq!(world.alive(), [GOOD], "{}", world.name());
    sleep(Duration::from_mins(30)).await;
    world.stack_is("UPDATE_IN_PROGRESS");
    (good, id)
}

/// The process goes once a job of this file runs, and so does every later one.
async fn dies_with_its_job(world: &World, asked: &Asked, file: &str) {
    let died = async {
        while !world.alive().iter().any(|alive| alive == file) {
            sleep(Duration::from_secs(1)).await;
        }
    };
    tokio::select! {
        answer = world.deliver(asked) => panic!("{}: it was answered: {answer:?}", world.name()),
        () = died => {}
    }
}

#[tokio::test(start_paused = true)]
async fn a_delete_while_the_create_is_in_flight_leaves_no_job() {
    for world in worlds() {
        let properties = world.properties(GOOD, &json!({"WaitFor": "Succeeded"}));
        let create = world.create("create", &properties);
        let delete = async {
            // Another resource fails.
            sleep(Duration::from_secs(100)).await;
            let delete = world.delete("delete", INVENTED, &properties);
            world.succeeds(&delete).await;
        };
        let (answer, ()) = tokio::join!(world.deliver(&create), delete);
        // It saw its job cancelled, or was told that nobody waits: either is fine, no third is.
        assert!(answer.is_none_or(|answer| answer.status == "FAILED"), "{}", world.name());
        assert!(world.alive().is_empty(), "{}", world.name());
        assert_eq!(world.made(GOOD), 1, "{}", world.name());
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_that_is_delivered_after_its_delete_makes_nothing() {
    for world in worlds() {
        let properties = world.properties(GOOD, &json!({}));
        let create = world.create("create", &properties);
        sleep(Duration::from_mins(10)).await;
        world.succeeds(&world.delete("delete", INVENTED, &properties)).await;
        sleep(Duration::from_mins(5)).await;
        let log = Log::at(LevelFilter::ERROR);
        assert_eq!(world.deliver(&create).await, None, "{}", world.name());
        assert_eq!(world.made(GOOD), 0, "{}", world.name());
        assert!(log.counted().is_empty(), "{}: {:?}", world.name(), log.counted());
    }
}

/// Whoever followed the job is dead, and the rollback counts as another update.
#[tokio::test(start_paused = true)]
async fn a_delete_in_the_rollback_of_an_update_finds_what_a_create_in_that_has_made() {
    for world in worlds() {
        world.stack_is("UPDATE_IN_PROGRESS");
        let properties = world.properties(GOOD, &json!({"WaitFor": "Succeeded"}));
        let create = world.create("create", &properties);
        assert!(timeout(Duration::from_secs(100), world.deliver(&create)).await.is_err(), "{}", world.name());
        assert_eq!(world.alive(), [GOOD], "{}", world.name());
        world.stack_goes_back();
        // What else goes back may take its time.
        sleep(Duration::from_hours(2)).await;
        world.succeeds(&world.delete("delete", INVENTED, &properties)).await;
        assert!(world.alive().is_empty(), "{}", world.name());
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_that_is_delivered_after_an_update_has_taken_its_resource_away_makes_nothing() {
    for world in worlds() {
        world.stack_is("UPDATE_IN_PROGRESS");
        let properties = world.properties(GOOD, &json!({}));
        let create = world.create("create", &properties);
        world.stack_is("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS");
        sleep(Duration::from_mins(10)).await;
        world.succeeds(&world.delete("delete", INVENTED, &properties)).await;
        world.stack_is("UPDATE_ROLLBACK_COMPLETE");
        world.loses_the_resource();
        assert_eq!(world.deliver(&create).await, None, "{}", world.name());
        assert_eq!(world.made(GOOD), 0, "{}", world.name());
    }
}

#[tokio::test(start_paused = true)]
async fn a_delete_that_comes_while_a_late_create_submits_leaves_no_job() {
    for world in worlds() {
        let properties = world.properties(GOOD, &json!({"WaitFor": "Submitted"}));
        let create = world.create("create", &properties);
        sleep(Duration::from_secs(30)).await;
        let delete = world.delete("delete", INVENTED, &properties);
        let late = async {
            sleep(Duration::from_secs(20)).await;
            world.deliver(&create).await
        };
        let (late, _) = tokio::join!(late, world.succeeds(&delete));
        assert_eq!(late, None, "{}: {late:?}", world.name());
        assert!(world.alive().is_empty(), "{}", world.name());
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_that_is_delivered_again_after_its_answer_touches_nothing() {
    for world in worlds() {
        let properties = world.properties(GOOD, &json!({}));
        let create = world.create("create", &properties);
        world.succeeds(&create).await;
        for minutes in [3, 30] {
            sleep(Duration::from_mins(minutes)).await;
            assert_eq!(world.deliver(&create).await, None, "{}", world.name());
            assert_eq!((world.alive(), world.made(GOOD)), (vec![GOOD.to_owned()], 1), "{}", world.name());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_that_is_delivered_again_while_it_is_awaited_is_answered_again_with_the_same_id() {
    for world in worlds() {
        world.may_ask(false);
        let properties = world.properties(GOOD, &json!({}));
        let create = world.create("create", &properties);
        let id = world.succeeds(&create).await;
        sleep(Duration::from_mins(3)).await;
        assert_eq!(world.succeeds(&create).await, id, "{}", world.name());
        assert_eq!((world.alive().len(), world.made(GOOD)), (1, 1), "{}", world.name());
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_that_is_delivered_after_the_next_one_was_answered_changes_nothing() {
    for world in worlds() {
        let (good, id) = created(&world, &json!({})).await;
        let bad = world.properties(BAD, &json!({}));
        let late = world.update("update", &id, &good, &bad);
        sleep(Duration::from_mins(10)).await;
        world.stack_is("UPDATE_ROLLBACK_IN_PROGRESS");
        assert_eq!(world.succeeds(&world.update("rollback", &id, &bad, &good)).await, id, "{}", world.name());
        sleep(Duration::from_mins(5)).await;
        assert_eq!(world.deliver(&late).await, None, "{}", world.name());
        assert_eq!((world.alive(), world.made(BAD)), (vec![GOOD.to_owned()], 0), "{}", world.name());
    }
}

#[tokio::test(start_paused = true)]
async fn a_rollback_stops_what_an_update_left_behind_that_died() {
    for strategy in ["StopThenStart", "StartThenStop"] {
        for world in worlds() {
            let told = format!("{}, {strategy}", world.name());
            let more = json!({"UpdateStrategy": strategy});
            let (good, id) = created(&world, &more).await;
            let bad = world.properties(BAD, &more);
            let update = world.update("update", &id, &good, &bad);
            dies_with_its_job(&world, &update, BAD).await;
            sleep(Duration::from_hours(1)).await;
            world.stack_is("UPDATE_ROLLBACK_IN_PROGRESS");
            let back = world.succeeds(&world.update("rollback", &id, &bad, &good)).await;
            assert_eq!(world.alive(), [GOOD], "{told}");
            // The old job was stopped, so a new one runs, or was never touched.
            assert_eq!(
                (back == id, world.made(GOOD)),
                if strategy == "StartThenStop" { (true, 1) } else { (false, 2) }
            );
            if back != id {
                world.succeeds(&world.delete("clean-up", &id, &good)).await;
            }
            world.succeeds(&world.delete("delete", &back, &good)).await;
            assert!(world.alive().is_empty(), "{told}");
        }
    }
}

/// What `CloudFormation` sends after a replacement that succeeded, when another resource fails.
#[derive(Clone, Copy, Debug)]
enum Next {
    /// An Update back, with the id of the new job.
    BackFromNew,
    /// The same with the id of the old one, which is what it was before.
    BackFromOld,
    /// A Delete of the new job.
    DeleteNew,
    /// A Delete of the old one.
    DeleteOld,
}

#[tokio::test(start_paused = true)]
async fn replacement_rollback_and_clean_up_leave_one_job_in_whichever_order_they_come() {
    use Next::{BackFromNew, BackFromOld, DeleteNew, DeleteOld};
    // A clean-up that succeeded deletes the old job: then only the new one is there.
    let orders: [&[Next]; 7] = [
        &[BackFromNew],
        &[BackFromOld],
        &[BackFromNew, DeleteNew],
        &[BackFromOld, DeleteNew],
        &[DeleteNew, BackFromOld],
        &[DeleteNew, BackFromNew],
        &[BackFromNew, DeleteNew, DeleteOld],
    ];
    for strategy in ["StopThenStart", "StartThenStop"] {
        for order in orders {
            for world in worlds() {
                replaced(&world, strategy, order).await;
            }
        }
    }
}

async fn replaced(world: &World, strategy: &str, order: &[Next]) {
    let told = format!("{}, {strategy}, {order:?}", world.name());
    let more = json!({"UpdateStrategy": strategy});
    let (good, old) = created(world, &more).await;
    let bad = world.properties(BAD, &more);
    let new = world.succeeds(&world.update("update", &old, &good, &bad)).await;
    assert_ne!(new, old, "{told}");
    sleep(Duration::from_mins(5)).await;
    world.stack_is("UPDATE_ROLLBACK_IN_PROGRESS");
    let mut current = old.clone();
    for (number, next) in order.iter().enumerate() {
        let request = format!("next-{number}");
        match next {
            Next::BackFromNew => {
                current = world.succeeds(&world.update(&request, &new, &bad, &good)).await;
            }
            Next::BackFromOld => {
                current = world.succeeds(&world.update(&request, &old, &bad, &good)).await;
            }
            Next::DeleteNew => {
                world.succeeds(&world.delete(&request, &new, &bad)).await;
            }
            // It is the clean-up of what was replaced; what is current is never cleaned up.
            Next::DeleteOld if current != old => {
                world.succeeds(&world.delete(&request, &old, &good)).await;
            }
            Next::DeleteOld => {}
        }
        sleep(Duration::from_mins(1)).await;
    }
    assert_eq!(world.alive(), [GOOD], "{told}");
    world.stack_is("DELETE_IN_PROGRESS");
    world.succeeds(&world.delete("delete", &current, &good)).await;
    // Whatever else is alive is what a clean-up is still to come for.
    assert!(world.alive().is_empty(), "{told}: {:?}", world.alive());
}

#[tokio::test(start_paused = true)]
async fn hours_of_work_are_not_repeated_because_another_resource_failed() {
    for world in worlds() {
        let more = json!({"WaitFor": "Running", "UpdateStrategy": "StartThenStop"});
        let (good, old) = created(&world, &more).await;
        world.end(GOOD, true);
        let bad = world.properties(BAD, &more);
        let new = world.succeeds(&world.update("update", &old, &good, &bad)).await;
        sleep(Duration::from_mins(5)).await;
        world.stack_is("UPDATE_ROLLBACK_IN_PROGRESS");
        let back = world.succeeds(&world.update("rollback", &new, &bad, &good)).await;
        assert_eq!((back == old, world.made(GOOD)), (true, 1), "{}", world.name());
        assert!(world.alive().is_empty(), "{}", world.name());
    }
}

#[tokio::test(start_paused = true)]
async fn a_rollback_runs_again_what_the_update_stopped_and_not_what_failed_by_itself() {
    for (has_failed, with_new) in [(false, false), (false, true), (true, false), (true, true)] {
        for world in worlds() {
            let told = format!("{}, {has_failed}, {with_new}", world.name());
            let more = json!({"WaitFor": "Running"});
            let (good, old) = created(&world, &more).await;
            if has_failed {
                world.end(GOOD, false);
            }
            let bad = world.properties(BAD, &more);
            let new = world.succeeds(&world.update("update", &old, &good, &bad)).await;
            sleep(Duration::from_mins(5)).await;
            world.stack_is("UPDATE_ROLLBACK_IN_PROGRESS");
            let id = if with_new { &new } else { &old };
            let back = world.succeeds(&world.update("rollback", id, &bad, &good)).await;
            let (alive, made) = if has_failed { (0, 1) } else { (1, 2) };
            assert_eq!((world.alive().len(), world.made(GOOD)), (alive, made), "{told}");
            assert_eq!(back == old, has_failed, "{told}");
        }
    }
}

/// Livy forgets a batch ten minutes after its end.
#[tokio::test(start_paused = true)]
async fn a_rollback_runs_no_job_again_that_was_to_succeed_and_is_forgotten() {
    let more = json!({"WaitFor": "Succeeded"});
    for with_new in [false, true] {
        for world in worlds().into_iter().filter(|world| world.engine == Engine::Livy) {
            let told = format!("{}, {with_new}", world.name());
            let runs_for_a_minute = Script { runs: Some(Duration::from_mins(1)), ..Script::endless() };
            for file in [GOOD, BAD] {
                world.livy.script(file, runs_for_a_minute.clone());
            }
            let (good, bad) = (world.properties(GOOD, &more), world.properties(BAD, &more));
            let old = world.succeeds(&world.create("create", &good)).await;
            sleep(Duration::from_mins(30)).await;
            world.stack_is("UPDATE_IN_PROGRESS");
            let new = world.succeeds(&world.update("update", &old, &good, &bad)).await;
            sleep(Duration::from_mins(1)).await;
            world.stack_is("UPDATE_ROLLBACK_IN_PROGRESS");
            let id = if with_new { &new } else { &old };
            let back = world.succeeds(&world.update("rollback", id, &bad, &good)).await;
            assert_eq!((back == old, back != new, world.made(GOOD)), (!with_new, true, 1), "{told}: {back}");
            world.succeeds(&world.delete("clean-up", &new, &bad)).await;
            world.stack_is("DELETE_IN_PROGRESS");
            world.succeeds(&world.delete("delete", &back, &good)).await;
            assert_eq!((world.alive().len(), world.made(GOOD)), (0, 1), "{told}");
        }
    }
}

/// Where its step does not heed the cancellation, its application is killed first, and the step fails of that.
#[tokio::test(start_paused = true)]
async fn a_job_in_a_cluster_that_an_update_has_killed_runs_again_in_its_rollback() {
    for deaf in [false, true] {
        for with_new in [false, true] {
            for world in worlds().into_iter().filter(|world| world.engine == Engine::EmrStepsInCluster) {
                let told = format!("{}, {deaf}, {with_new}", world.name());
                for file in [GOOD, BAD] {
                    world.emr.script(file, Script { deaf, ..Script::endless() });
                }
                let (good, old) = created(&world, &json!({})).await;
                let bad = world.properties(BAD, &json!({}));
                let new = world.succeeds(&world.update("update", &old, &good, &bad)).await;
                sleep(Duration::from_mins(5)).await;
                world.stack_is("UPDATE_ROLLBACK_IN_PROGRESS");
                let present = if with_new { &new } else { &old };
                let back = world.succeeds(&world.update("rollback", present, &bad, &good)).await;
                assert_eq!((world.alive(), back == old), (vec![GOOD.to_owned()], false), "{told}");
            }
        }
    }
}

/// It was started, which is all that a rollback asks for.
#[tokio::test(start_paused = true)]
async fn a_rollback_is_done_although_the_job_that_it_runs_again_dies_before_it_is_shown() {
    for (late, lives) in [(0, 1), (4, 1), (25, 8)] {
        for world in worlds() {
            let told = format!("{}, shown after {late} s, dies after {lives} s", world.name());
            let (good, id) = created(&world, &json!({})).await;
            let bad = world.properties(BAD, &json!({}));
            let new = world.succeeds(&world.update("update", &id, &good, &bad)).await;
            world.emr.show_after(Duration::from_secs(late));
            let dying = Script::dying(Duration::from_secs(lives));
            world.livy.script(GOOD, dying.clone());
            world.emr.script(GOOD, dying);
            world.stack_is("UPDATE_ROLLBACK_IN_PROGRESS");
            let back = world.succeeds(&world.update("rollback", &new, &bad, &good)).await;
            assert_eq!((world.made(GOOD), world.made(BAD)), (2, 1), "{told}");
            assert!(back != id && back != new, "{told}");
            sleep(Duration::from_secs(lives)).await;
            assert!(world.alive().is_empty(), "{told}");
        }
    }
}

/// Its Create was answered with a marker, as by the responder, and came to a job nevertheless.
#[tokio::test(start_paused = true)]
async fn what_an_update_has_taken_over_from_a_marker_is_not_cleaned_up_with_that() {
    for world in worlds() {
        let good = world.properties(GOOD, &json!({}));
        let create = world.create("create", &good);
        world.deliver(&create).await.expect("an answer");
        let envelope = Envelope::read(&create.event()).expect("an envelope");
        let marker = PhysicalId::Unknown(plan::token(&envelope), plan::dated_token(&envelope)).to_string();
        sleep(Duration::from_mins(5)).await;
        world.stack_is("UPDATE_IN_PROGRESS");
        let waits = world.properties(GOOD, &json!({ "WaitFor": "Submitted" }));
        let id = world.succeeds(&world.update("update", &marker, &good, &waits)).await;
        world.stack_is("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
        world.succeeds(&world.delete("clean-up", &marker, &good)).await;
        assert_eq!((world.alive(), world.made(GOOD)), (vec![GOOD.to_owned()], 1), "{}", world.name());
        world.stack_is("DELETE_IN_PROGRESS");
        world.succeeds(&world.delete("delete", &id, &waits)).await;
        assert!(world.alive().is_empty(), "{}", world.name());
    }
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_is_not_known_to_be_one_is_an_update_like_any_other() {
    for world in worlds() {
        let (good, old) = created(&world, &json!({})).await;
        let bad = world.properties(BAD, &json!({}));
        let new = world.succeeds(&world.update("update", &old, &good, &bad)).await;
        world.may_ask(false);
        let back = world.succeeds(&world.update("rollback", &new, &bad, &good)).await;
        assert_eq!((world.alive(), world.made(GOOD)), (vec![GOOD.to_owned()], 2), "{}", world.name());
        world.succeeds(&world.delete("delete", &back, &good)).await;
        assert!(world.alive().is_empty(), "{}", world.name());
    }
}

/// As by `ContinueUpdateRollback`, once a rollback that was not known for one was stopped by hand.
#[tokio::test(start_paused = true)]
async fn a_rollback_that_is_continued_has_the_job_that_the_first_try_ran_again() {
    for ends_well in [true, false] {
        for world in worlds() {
            let told = format!("{}, {ends_well}", world.name());
            let (good, id) = created(&world, &json!({})).await;
            world.end(GOOD, ends_well);
            let bad = world.properties(BAD, &json!({}));
            world.stack_is("UPDATE_ROLLBACK_IN_PROGRESS");
            world.may_ask(false);
            dies_with_its_job(&world, &world.update("rollback", &id, &bad, &good), GOOD).await;
            world.takes(&Answer { status: "FAILED".to_owned(), id: id.clone(), reason: String::new() });
            sleep(Duration::from_mins(5)).await;
            world.stack_is("UPDATE_ROLLBACK_IN_PROGRESS");
            world.may_ask(true);
            let back = world.succeeds(&world.update("continued", &id, &bad, &good)).await;
            assert_eq!((world.alive(), world.made(GOOD)), (vec![GOOD.to_owned()], 2), "{told}");
            world.stack_is("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS");
            world.succeeds(&world.delete("clean-up", &id, &good)).await;
            world.stack_is("DELETE_IN_PROGRESS");
            world.succeeds(&world.delete("delete", &back, &good)).await;
            assert!(world.alive().is_empty(), "{told}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_stack_was_about_is_kept_before_an_update_does_anything() {
    for world in worlds().into_iter().filter(|world| world.driver == Driver::Workflow) {
        let (good, id) = created(&world, &json!({})).await;
        let bad = world.properties(BAD, &json!({}));
        let update = world.update("update", &id, &good, &bad);
        let mut step = world.first_step(&update);
        step.turn = world.take_step(&step).await;
        assert_eq!((world.alive(), world.made(BAD)), (vec![GOOD.to_owned()], 0), "{}", world.name());
        assert!(step.turn.standing.as_ref().is_some_and(|standing| !standing.rolls_back), "{}", world.name());
        sleep(Duration::from_secs(10)).await;
        world.stack_is("UPDATE_ROLLBACK_IN_PROGRESS");
        let rollback = world.update("rollback", &id, &bad, &good);
        // The next one died, perhaps of having submitted something: it is none of the rollback's.
        step.failed = Some(FailedStep { told: "a step of the workflow failed".to_owned(), has_died: true });
        while !step.turn.ended {
            step.turn = world.take_step(&step).await;
            step.failed = None;
            sleep(Duration::from_secs(30)).await;
        }
        assert_eq!(step.turn.progress, Progress::Superseded, "{}", world.name());
        assert_eq!(world.succeeds(&rollback).await, id, "{}", world.name());
        assert_eq!((world.alive(), world.made(BAD)), (vec![GOOD.to_owned()], 0), "{}", world.name());
    }
}

/// What a first step about a Create with faulty properties answers, which failed so before.
async fn refused(world: &World, failed: Option<bool>) -> Answer {
    let create = world.create("create", &world.properties(GOOD, &json!({"WaitFor": "Never"})));
    let failed = failed.map(|has_died| FailedStep { told: "a step of the workflow failed".to_owned(), has_died });
    let mut step = Step { failed, ..world.first_step(&create) };
    while !step.turn.ended {
        step = Step { turn: world.take_step(&step).await, failed: None, ..step };
    }
    world.answers(&create).pop().expect("an answer")
}

#[tokio::test(start_paused = true)]
async fn faulty_properties_are_told_as_such_although_lambda_had_trouble_or_a_step_died() {
    for world in worlds().into_iter().filter(|world| world.driver == Driver::Workflow) {
        for (failed, may_have_made_one) in [(None, false), (Some(false), false), (Some(true), true)] {
            let answer = refused(&world, failed).await;
            assert_eq!(answer.id != "spark-job:nothing", may_have_made_one, "{failed:?}: {answer:?}");
            assert!(answer.reason.contains("WaitFor") && !answer.reason.contains("version"), "{}", answer.reason);
            let is_nothing_said = answer.reason.contains("Nothing was submitted");
            assert_eq!(is_nothing_said, !may_have_made_one, "{}", answer.reason);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_that_panics_is_told_of_once_what_it_may_have_submitted_has_had_time_to_come() {
    for world in worlds().into_iter().filter(|world| world.driver == Driver::Workflow) {
        let properties = world.properties(GOOD, &json!({}));
        for (asked, seconds) in [
            (world.create("create", &properties), 0),
            (world.update("update", "spark-job:nothing", &world.properties(BAD, &json!({})), &properties), 120),
        ] {
            let mut step = world.first_step(&asked);
            while !matches!(step.turn.progress, Progress::Answer(_)) {
                step.turn = world.panicking().take_step(&step).await;
            }
            let until = moment::read(&step.turn.until).expect("a moment");
            assert_eq!(until.since(world.now()).as_secs(), seconds, "{}", world.name());
            step.turn = world.take_step(&step).await;
            assert!(step.turn.ended, "{}", world.name());
            let answer = world.answers(&asked).pop().expect("an answer");
            assert!(answer.reason.contains("it panicked (this engine is too much)"), "{answer:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_another_version_of_the_function_has_begun_is_told_of_where_this_one_refuses_it() {
    for world in worlds().into_iter().filter(|world| world.driver == Driver::Workflow) {
        let create = world.create("create", &world.properties(GOOD, &json!({})));
        let mut step = world.first_step(&create);
        while world.alive().is_empty() {
            step.turn = world.take_step(&step).await;
            sleep(Duration::from_secs(1)).await;
        }
        let stricter = world.create("create", &world.properties(GOOD, &json!({"WaitFor": "Never"})));
        step.turn.event = world.first_step(&stricter).turn.event;
        while !step.turn.ended {
            step.turn = world.take_step(&step).await;
        }
        let answer = world.answers(&stricter).pop().expect("an answer");
        assert!(answer.reason.contains("Another version of the function took them"), "{}", answer.reason);
        world.succeeds(&world.delete("delete", &answer.id, &world.properties(GOOD, &json!({})))).await;
        assert!(world.alive().is_empty(), "{}: {answer:?}", world.name());
    }
}

#[tokio::test(start_paused = true)]
async fn a_delete_with_an_invented_id_leaves_the_job_alone_that_the_stack_had_before() {
    for is_told in [true, false] {
        for world in worlds() {
            let (good, id) = created(&world, &json!({})).await;
            if is_told {
                world.stack_is("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
            }
            let delete = world.delete("clean-up", INVENTED, &good);
            world.succeeds(&delete).await;
            // Livy tells no times.
            let is_mistaken = !is_told && world.engine == Engine::Livy;
            assert_eq!(world.alive().is_empty(), is_mistaken, "{}, {is_told}", world.name());
            world.succeeds(&world.delete("delete", &id, &good)).await;
            assert!(world.alive().is_empty(), "{}", world.name());
        }
    }
}

/// As where our function takes the place of another one that gave its resources ids of its own.
#[tokio::test(start_paused = true)]
async fn the_clean_up_of_what_had_an_id_that_is_not_ours_leaves_the_job_of_the_same_update_alone() {
    for world in worlds() {
        world.stack_is("UPDATE_IN_PROGRESS");
        let good = world.properties(GOOD, &json!({}));
        let id = world.succeeds(&world.update("update", INVENTED, &good, &good)).await;
        world.stack_is("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
        world.succeeds(&world.delete("clean-up", INVENTED, &good)).await;
        assert_eq!(world.alive(), [GOOD], "{}", world.name());
        world.succeeds(&world.delete("delete", &id, &good)).await;
        assert!(world.alive().is_empty(), "{}", world.name());
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_that_is_delivered_late_though_its_rollback_was_answered_within_seconds_changes_nothing() {
    for seconds in [2, 4, 6] {
        for world in worlds() {
            let (good, id) = created(&world, &json!({})).await;
            let bad = world.properties(BAD, &json!({}));
            let update = world.update("update", &id, &good, &bad);
            sleep(Duration::from_secs(seconds)).await;
            world.stack_is("UPDATE_ROLLBACK_IN_PROGRESS");
            assert_eq!(world.succeeds(&world.update("rollback", &id, &bad, &good)).await, id, "{}", world.name());
            sleep(Duration::from_mins(1)).await;
            assert_eq!(world.deliver(&update).await, None, "{}, {seconds} s", world.name());
            assert_eq!(world.alive(), [GOOD], "{}, {seconds} s", world.name());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_that_is_cancelled_before_it_stops_the_old_job_leaves_that_to_the_rollback() {
    for world in worlds() {
        let (good, id) = created(&world, &json!({})).await;
        let bad = world.properties(BAD, &json!({}));
        let update = world.update("update", &id, &good, &bad);
        let hinder = |times, status| {
            for list in ["ListJobRuns", "ListSteps"] {
                world.emr.throttle(list, times);
            }
            world.livy.deny(status);
        };
        hinder(1000, Some(403));
        let rollback = async {
            sleep(Duration::from_secs(20)).await;
            hinder(0, None);
            world.stack_is("UPDATE_ROLLBACK_IN_PROGRESS");
            assert_eq!(world.succeeds(&world.update("rollback", &id, &bad, &good)).await, id, "{}", world.name());
        };
        let (answer, ()) = tokio::join!(world.deliver(&update), rollback);
        assert_eq!(answer, None, "{}", world.name());
        assert_eq!((world.alive(), world.made(BAD)), (vec![GOOD.to_owned()], 0), "{}", world.name());
    }
}

/// It takes itself for the rollback, since that is what its stack is about.
#[tokio::test(start_paused = true)]
async fn an_update_that_is_delivered_within_its_rollback_leaves_the_old_job_alone() {
    for strategy in ["StopThenStart", "StartThenStop"] {
        for (asked, delivered) in [(2, 3), (6, 3), (8, 20), (10, 45)] {
            for world in worlds() {
                let (good, id) = created(&world, &json!({ "UpdateStrategy": strategy })).await;
                let bad = world.properties(BAD, &json!({ "UpdateStrategy": strategy }));
                let update = world.update("update", &id, &good, &bad);
                sleep(Duration::from_secs(asked)).await;
                world.stack_is("UPDATE_ROLLBACK_IN_PROGRESS");
                assert_eq!(world.succeeds(&world.update("rollback", &id, &bad, &good)).await, id);
                sleep(Duration::from_secs(delivered)).await;
                let told = format!("{}, {strategy}, {delivered} s after what came after {asked} s", world.name());
                assert!(world.deliver(&update).await.is_none(), "{told}");
                assert_eq!(world.alive(), [GOOD], "{told}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_of_tags_that_is_delivered_after_its_rollback_changes_nothing() {
    for world in worlds().into_iter().filter(|world| matches!(world.engine, Engine::EmrOnEks | Engine::EmrServerless)) {
        let (good, id) = created(&world, &json!({ "Tags": { "Team": "old" } })).await;
        let new = world.properties(GOOD, &json!({ "Tags": { "Team": "new" } }));
        let update = world.update("update", &id, &good, &new);
        sleep(Duration::from_mins(10)).await;
        world.stack_is("UPDATE_ROLLBACK_IN_PROGRESS");
        assert_eq!(world.succeeds(&world.update("rollback", &id, &new, &good)).await, id);
        sleep(Duration::from_mins(5)).await;
        assert!(world.deliver(&update).await.is_none(), "{}", world.name());
        assert_eq!(world.emr.runs()[0].tags["Team"], "old", "{}", world.name());
    }
}
