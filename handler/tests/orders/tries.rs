//! Another try of `CloudFormation`'s own: the same request, with another address for the answer, after the first one or beside it.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use tokio::time::sleep;

use sparkjob::testing::{Fault, Script};

use crate::INVENTED;
use crate::world::{Answer, Asked, BAD, Driver, Engine, GOOD, World, worlds};

#[tokio::test(start_paused = true)]
async fn a_create_makes_its_job_anew_where_the_first_try_came_to_nothing() {
    for world in worlds() {
        let properties = world.properties(GOOD, &json!({}));
        let first = world.create("create", &properties);
        let died = async {
            while world.alive().is_empty() {
                sleep(Duration::from_millis(100)).await;
            }
            world.end(GOOD, false);
        };
        let (answer, ()) = tokio::join!(world.deliver(&first), died);
        assert!(answer.is_some_and(|answer| answer.status == "FAILED"), "{}", world.name());
        sleep(Duration::from_secs(90)).await;
        let again = world.create("create", &properties);
        let answer = world.deliver(&again).await.expect("an answer");
        // Livy tells no times: the job that failed is told, not run again.
        let (status, made) = if world.engine == Engine::Livy { ("FAILED", 1) } else { ("SUCCESS", 2) };
        assert_eq!((answer.status.as_str(), world.made(GOOD)), (status, made), "{}: {}", world.name(), answer.reason);
        world.succeeds(&world.delete("delete", &answer.id, &properties)).await;
        assert!(world.alive().is_empty(), "{}", world.name());
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_adopts_the_job_of_the_first_try_that_lives() {
    for world in worlds() {
        let properties = world.properties(GOOD, &json!({}));
        let first = world.create("create", &properties);
        let id = world.deliver(&first).await.expect("an answer").id;
        sleep(Duration::from_secs(90)).await;
        let again = world.create("create", &properties);
        assert_eq!(world.succeeds(&again).await, id, "{}", world.name());
        assert_eq!((world.alive().len(), world.made(GOOD)), (1, 1), "{}", world.name());
    }
}

#[tokio::test(start_paused = true)]
async fn a_third_try_of_a_create_adopts_the_job_of_the_second() {
    for world in worlds().into_iter().filter(|world| world.engine != Engine::Livy) {
        let properties = world.properties(GOOD, &json!({}));
        let first = world.create("create", &properties);
        let died = async {
            while world.alive().is_empty() {
                sleep(Duration::from_millis(100)).await;
            }
            world.end(GOOD, false);
        };
        tokio::join!(world.deliver(&first), died);
        let mut ids = Vec::new();
        for _ in 0..2 {
            sleep(Duration::from_secs(90)).await;
            ids.push(world.deliver(&world.create("create", &properties)).await.expect("an answer").id);
        }
        assert_eq!((&ids[0], world.made(GOOD)), (&ids[1], 2), "{}", world.name());
        world.succeeds(&world.delete("delete", &ids[1], &properties)).await;
        assert!(world.alive().is_empty(), "{}", world.name());
    }
}

/// Whatever the first try waits for, the second may come after so many seconds.
const APART: [u64; 5] = [0, 2, 7, 40, 100];

#[tokio::test(start_paused = true)]
async fn a_create_beside_the_first_try_has_the_job_in_the_end() {
    for seconds in APART {
        for world in worlds() {
            let told = format!("{}, {seconds} s", world.name());
            let properties = world.properties(GOOD, &json!({ "WaitFor": "Succeeded" }));
            let ends = async {
                sleep(Duration::from_mins(5)).await;
                assert_eq!(world.alive(), [GOOD], "{told}");
                world.end(GOOD, true);
            };
            let ask = || world.create("create", &properties);
            let (answer, ()) = tokio::join!(twice(&world, seconds, ask), ends);
            assert_eq!(answer.status, "SUCCESS", "{told}: {}", answer.reason);
        }
    }
}

/// When the second try comes, and when the submission of the first takes effect, in seconds.
const SLOW: [(u64, u64); 6] = [(7, 10), (12, 13), (20, 35), (30, 40), (35, 50), (70, 100)];

#[tokio::test(start_paused = true)]
async fn a_create_beside_a_slow_submission_of_the_first_try_has_the_only_job() {
    for (seconds, effect) in SLOW {
        for world in worlds() {
            let told = format!("{}, {seconds} s, {effect} s", world.name());
            let properties = world.properties(GOOD, &json!({}));
            submits_late(&world, effect);
            let answer = twice(&world, seconds, || world.create("create", &properties)).await;
            assert_eq!((answer.status.as_str(), world.alive().len()), ("SUCCESS", 1), "{told}: {}", answer.reason);
            world.succeeds(&world.delete("delete", &answer.id, &properties)).await;
            assert!(world.alive().is_empty(), "{told}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_beside_the_first_try_has_the_only_job() {
    for strategy in ["StopThenStart", "StartThenStop"] {
        for seconds in APART {
            for world in worlds() {
                let told = format!("{}, {strategy}, {seconds} s", world.name());
                let script = Script { stops: Duration::from_secs(8), ..Script::endless() };
                let (good, id) = slow_to_stop(&world, strategy, &script).await;
                let bad = world.properties(BAD, &json!({ "UpdateStrategy": strategy }));
                let answer = twice(&world, seconds, || world.update("update", &id, &good, &bad)).await;
                assert_eq!(answer.status, "SUCCESS", "{told}: {}", answer.reason);
                world.stack_is("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
                world.succeeds(&world.delete("clean-up", &id, &good)).await;
                assert_eq!(world.alive(), [BAD], "{told}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_beside_a_slow_submission_of_the_first_try_has_the_only_job() {
    for strategy in ["StopThenStart", "StartThenStop"] {
        for (seconds, effect) in SLOW {
            for world in worlds() {
                let told = format!("{}, {strategy}, {seconds} s, {effect} s", world.name());
                let (good, id) = slow_to_stop(&world, strategy, &Script::endless()).await;
                let bad = world.properties(BAD, &json!({ "UpdateStrategy": strategy }));
                submits_late(&world, effect);
                let answer = twice(&world, seconds, || world.update("update", &id, &good, &bad)).await;
                assert_eq!(answer.status, "SUCCESS", "{told}: {}", answer.reason);
                let alive = world.alive().iter().filter(|file| *file == BAD).count();
                assert_eq!(alive, 1, "{told}: {:?}", world.alive());
            }
        }
    }
}

/// The first try was not told at once what its stack is about; the second one comes once it may be asked.
#[tokio::test(start_paused = true)]
async fn an_update_that_was_not_told_at_once_what_its_stack_is_about_leaves_its_job_to_its_second_try() {
    for strategy in ["StopThenStart", "StartThenStop"] {
        for seconds in [15, 40, 70, 100, 130] {
            for world in worlds() {
                let told = format!("{}, {strategy}, {seconds} s", world.name());
                let (good, id) = slow_to_stop(&world, strategy, &Script::endless()).await;
                let bad = world.properties(BAD, &json!({ "UpdateStrategy": strategy, "StableSeconds": 300 }));
                world.may_ask(false);
                let ask = || world.update("update", &id, &good, &bad);
                let told_later = async {
                    sleep(Duration::from_secs(10)).await;
                    world.may_ask(true);
                };
                let (answer, ()) = tokio::join!(twice(&world, seconds, ask), told_later);
                assert_eq!(answer.status, "SUCCESS", "{told}: {}", answer.reason);
                let alive = world.alive().iter().filter(|file| *file == BAD).count();
                assert_eq!((alive, world.made(BAD)), (1, 1), "{told}: {:?}", world.alive());
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_rollback_beside_the_first_try_has_the_only_job() {
    for strategy in ["StopThenStart", "StartThenStop"] {
        for seconds in APART {
            for world in worlds() {
                let told = format!("{}, {strategy}, {seconds} s", world.name());
                let script = Script { stops: Duration::from_secs(15), ..Script::endless() };
                let (good, id) = slow_to_stop(&world, strategy, &script).await;
                let bad = world.properties(BAD, &json!({ "UpdateStrategy": strategy }));
                let new = world.succeeds(&world.update("update", &id, &good, &bad)).await;
                sleep(Duration::from_mins(5)).await;
                world.stack_is("UPDATE_ROLLBACK_IN_PROGRESS");
                let answer = twice(&world, seconds, || world.update("rollback", &new, &bad, &good)).await;
                assert_eq!((answer.status.as_str(), world.alive()), ("SUCCESS", vec![GOOD.to_owned()]), "{told}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_delete_beside_the_first_try_leaves_no_job() {
    for seconds in APART {
        for world in worlds() {
            let script = Script { stops: Duration::from_secs(20), ..Script::endless() };
            let (good, id) = slow_to_stop(&world, "StopThenStart", &script).await;
            let answer = twice(&world, seconds, || world.delete("delete", &id, &good)).await;
            assert_eq!(answer.status, "SUCCESS", "{}, {seconds} s: {}", world.name(), answer.reason);
            assert!(world.alive().is_empty(), "{}, {seconds} s", world.name());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_job_that_another_try_has_answered_with_stays_however_late_the_first_one_learns_of_it() {
    for seconds in [90, 115] {
        for waits in [60, 95, 110] {
            for world in worlds() {
                let told = format!("{}, {seconds} s, runs after {waits} s", world.name());
                let script = Script { waits: Duration::from_secs(waits), ..Script::endless() };
                world.livy.script(GOOD, script.clone());
                world.emr.script(GOOD, script);
                for operation in ["CancelJobRun", "CancelSteps"] {
                    world.emr.throttle(operation, 5);
                }
                let properties = world.properties(GOOD, &json!({ "WaitFor": "Running" }));
                let answer = twice(&world, seconds, || world.create("create", &properties)).await;
                assert_eq!((answer.status.as_str(), world.alive().len()), ("SUCCESS", 1), "{told}: {}", answer.reason);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_try_of_a_create_whose_job_its_delete_stops_makes_no_other_one() {
    for seconds in [15, 100, 200] {
        for world in worlds() {
            let told = format!("{}, {seconds} s", world.name());
            let properties = world.properties(GOOD, &json!({ "WaitFor": "Succeeded" }));
            let first = world.create("create", &properties);
            let cut_off = async {
                sleep(Duration::from_secs(10)).await;
                let again = world.create("create", &properties);
                let delete = async {
                    sleep(Duration::from_secs(seconds)).await;
                    world.stack_is("ROLLBACK_IN_PROGRESS");
                    world.succeeds(&world.delete("delete", INVENTED, &properties)).await;
                    assert!(world.alive().is_empty(), "{told}: {:?}", world.alive());
                };
                tokio::join!(world.deliver(&again), delete);
            };
            tokio::join!(world.deliver(&first), cut_off);
            assert_eq!((world.alive().len(), world.made(GOOD)), (0, 1), "{told}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_deliveries_that_no_workflow_works_on_one_job_stays_although_the_first_submits_late() {
    for (seconds, effect) in SLOW {
        for world in worlds().into_iter().filter(|world| world.driver == Driver::OneInvocation) {
            let told = format!("{}, {seconds} s, {effect} s", world.name());
            let properties = world.properties(GOOD, &json!({}));
            submits_late(&world, effect);
            let create = world.create("create", &properties);
            let again = async {
                sleep(Duration::from_secs(seconds)).await;
                world.deliver(&create).await
            };
            tokio::join!(world.deliver(&create), again);
            let answers = world.answers(&create);
            assert!(answers.iter().all(|answer| answer.status == "SUCCESS" && answer.id == answers[0].id), "{told}");
            assert_eq!(world.alive(), [GOOD], "{told}");
            world.succeeds(&world.delete("delete", &answers[0].id, &properties)).await;
            assert!(world.alive().is_empty(), "{told}");
        }
    }
}

/// The second has nothing and can ask for nothing, and fails; the first has submitted, and its job comes up when that was taken.
#[tokio::test(start_paused = true)]
async fn of_two_deliveries_that_no_workflow_works_on_the_first_asks_before_it_tells_what_the_second_has_denied() {
    for engine in [Engine::EmrOnEks, Engine::EmrServerless] {
        let world = World::new(engine, Driver::OneInvocation);
        world.emr.script(GOOD, Script { waits: Duration::from_secs(38), ..Script::endless() });
        let properties = world.properties(GOOD, &json!({"StableSeconds": "0"}));
        let create = world.create("create", &properties);
        let again = async {
            sleep(Duration::from_secs(1)).await;
            world.emr.deny("StartJobRun", true);
            let denied = world.deliver(&create).await.expect("an answer");
            world.takes(&denied);
            denied
        };
        let (_, denied) = tokio::join!(world.deliver(&create), again);
        assert_eq!((denied.status.as_str(), denied.id.as_str()), ("FAILED", "spark-job:nothing"), "{engine:?}");
        world.stack_is("ROLLBACK_IN_PROGRESS");
        world.succeeds(&world.delete("delete", &denied.id, &properties)).await;
        assert!(world.alive().is_empty() && world.made(GOOD) == 1, "{engine:?}: {:?}", world.alive());
    }
}

/// A stack about to be updated, whose jobs, of either file, run like that.
async fn slow_to_stop(world: &World, strategy: &str, script: &Script) -> (Value, String) {
    for file in [GOOD, BAD] {
        world.livy.script(file, script.clone());
        world.emr.script(file, script.clone());
    }
    crate::created(world, &json!({ "UpdateStrategy": strategy })).await
}

/// Has the next submission take effect so late.
pub fn submits_late(world: &World, seconds: u64) {
    let late = Fault::Late(Duration::from_secs(seconds));
    match world.engine {
        Engine::Livy => world.livy.fault_next(Method::POST, "/batches", late),
        Engine::EmrSteps | Engine::EmrStepsInCluster => world.emr.fault_next(Method::POST, "AddJobFlowSteps", late),
        Engine::EmrOnEks | Engine::EmrServerless => world.emr.fault_next(Method::POST, "/jobruns", late),
    }
}

/// Asks for the same twice, so many seconds apart; what the second try is answered, a few minutes after both.
async fn twice(world: &World, seconds: u64, ask: impl Fn() -> Asked) -> Answer {
    let first = ask();
    let again = async {
        sleep(Duration::from_secs(seconds)).await;
        let again = ask();
        let answer = world.deliver(&again).await.expect("an answer");
        world.takes(&answer);
        answer
    };
    let (_, answer) = tokio::join!(world.deliver(&first), again);
    sleep(Duration::from_mins(3)).await;
    answer
}

/// The first try of a rollback is not told what its stack is about, so it takes itself for superseded where it is asked for again: it
/// stops what it has run anew while the second try, which is told, looks at that.
#[tokio::test(start_paused = true)]
async fn a_rollback_that_is_asked_for_again_answers_with_no_job_that_its_first_try_stops() {
    for (has_ended, stops, late) in [(true, 2, 0), (true, 25, 0), (false, 15, 3), (false, 25, 0)] {
        for seconds in (20..=130).step_by(5).chain([58, 59, 61]) {
            for world in worlds().into_iter().filter(|world| world.engine == Engine::Livy) {
                let told = format!("{}, {has_ended}, stops in {stops} s, again after {seconds} s", world.name());
                world.livy.script(GOOD, Script { stops: Duration::from_secs(stops), ..Script::endless() });
                world.livy.script(BAD, Script::dying(Duration::from_secs(3)));
                let more = json!({ "StableSeconds": 300 });
                let (good, id) = crate::created(&world, &more).await;
                let bad = world.properties(BAD, &more);
                if has_ended {
                    world.end(GOOD, true);
                } else {
                    let failed = world.deliver(&world.update("update", &id, &good, &bad)).await.expect("an answer");
                    world.takes(&Answer { id: id.clone(), ..failed });
                }
                world.stack_is("UPDATE_ROLLBACK_IN_PROGRESS");
                world.may_ask(false);
                let ask = || world.update("rollback", &id, &bad, &good);
                let first = ask();
                let again = async {
                    sleep(Duration::from_secs(10)).await;
                    world.may_ask(true);
                    sleep(Duration::from_secs(seconds - 10)).await;
                    let again = ask();
                    sleep(Duration::from_secs(late)).await;
                    let answer = world.deliver(&again).await.expect("an answer");
                    world.takes(&answer);
                    answer
                };
                let (_, answer) = tokio::join!(world.deliver(&first), again);
                sleep(Duration::from_mins(3)).await;
                let alive = usize::from(!has_ended || answer.id != id);
                assert_eq!(
                    (answer.status.as_str(), world.alive()),
                    ("SUCCESS", vec![GOOD.to_owned(); alive]),
                    "{told}"
                );
            }
        }
    }
}

/// The first try of a rollback was not known for one, and is just stopping the job that did not run in time.
#[tokio::test(start_paused = true)]
async fn a_rollback_that_is_continued_answers_with_no_job_that_its_first_try_stops() {
    for (timeout, stops) in [("60", 2), ("60", 9), ("120", 20), ("600", 25)] {
        for after in [0, 1, 3] {
            for world in worlds().into_iter().filter(|world| world.engine == Engine::Livy) {
                let told = format!("{}, {timeout} s, stops in {stops} s, continued after {after} s", world.name());
                let script = Script { stops: Duration::from_secs(stops), ..Script::endless() };
                world.livy.script(GOOD, script.clone());
                world.livy.script(BAD, Script::dying(Duration::from_secs(3)));
                let more = json!({ "ServiceTimeout": timeout });
                let (good, id) = crate::created(&world, &more).await;
                let bad = world.properties(BAD, &more);
                let failed = world.deliver(&world.update("update", &id, &good, &bad)).await.expect("an answer");
                world.takes(&Answer { id: id.clone(), ..failed });
                world.livy.script(GOOD, Script { waits: Duration::from_hours(1), ..script.clone() });
                world.stack_is("UPDATE_ROLLBACK_IN_PROGRESS");
                world.may_ask(false);
                let failed = world.deliver(&world.update("rollback", &id, &bad, &good)).await.expect("an answer");
                assert_eq!(failed.status, "FAILED", "{told}");
                world.takes(&Answer { id: id.clone(), ..failed });
                world.livy.script(GOOD, script);
                world.may_ask(true);
                sleep(Duration::from_secs(after)).await;
                let answer = world.deliver(&world.update("continued", &id, &bad, &good)).await.expect("an answer");
                sleep(Duration::from_mins(3)).await;
                assert_eq!((answer.status.as_str(), world.alive()), ("SUCCESS", vec![GOOD.to_owned()]), "{told}");
            }
        }
    }
}
