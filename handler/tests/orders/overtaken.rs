//! An Update that is overtaken by its rollback, at any moment of its work.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use sparkjob::testing::{Fault, Script};
use tokio::time::sleep;

use crate::world::{Asked, BAD, Engine, GOOD, World, worlds};
use crate::{INVENTED, created};

/// Seconds between what was asked for and that it is taken back. Those that are close follow the moments at which an Update stops,
/// submits and asks whether it is awaited.
const MOMENTS: [u64; 11] = [2, 3, 4, 5, 6, 8, 11, 15, 25, 35, 70];

#[tokio::test(start_paused = true)]
async fn an_update_that_is_overtaken_by_its_rollback_leaves_the_job_that_there_was() {
    let mut overtaken = 0;
    for (strategy, stops) in [("StopThenStart", 1), ("StopThenStart", 20), ("StartThenStop", 20)] {
        for seconds in MOMENTS {
            for world in worlds() {
                let more = json!({ "UpdateStrategy": strategy });
                overtaken += usize::from(overtake(&world, &more, Duration::from_secs(stops), seconds).await);
            }
        }
    }
    assert!(overtaken > 100, "{overtaken}");
}

/// The rollback looks before the engine shows what the Update has submitted.
#[tokio::test(start_paused = true)]
async fn an_update_that_is_overtaken_before_its_job_is_shown_stops_that() {
    let mut overtaken = 0;
    for (strategy, wait_for) in
        [("StopThenStart", "Submitted"), ("StopThenStart", "Running"), ("StartThenStop", "Running")]
    {
        for (seconds, late) in
            [6, 8, 12, 20, 30].into_iter().flat_map(|seconds| [2, 5, 10, 25].map(|late| (seconds, late)))
        {
            for world in worlds().into_iter().filter(|world| world.engine != Engine::Livy) {
                world.emr.show_after(Duration::from_secs(late));
                let more = json!({ "UpdateStrategy": strategy, "WaitFor": wait_for, "StableSeconds": 10 });
                overtaken += usize::from(overtake(&world, &more, Duration::from_secs(1), seconds).await);
            }
        }
    }
    assert!(overtaken > 100, "{overtaken}");
}

/// How many seconds late the first of two tries is delivered, how many lie between the two, and between the second and that nobody waits
/// for either: it looks before the first one's job is shown.
const TRIES: [(u64, u64, u64); 9] =
    [(0, 7, 2), (0, 7, 14), (0, 9, 9), (4, 10, 3), (0, 11, 2), (0, 11, 7), (0, 15, 14), (0, 16, 19), (0, 20, 9)];

#[tokio::test(start_paused = true)]
async fn what_two_tries_of_a_create_submit_goes_with_the_delete_that_comes_before_it_is_shown() {
    let mut overtaken = 0;
    for (tries, late) in TRIES.into_iter().flat_map(|tries| [15, 25].map(|late| (tries, late))) {
        for world in worlds() {
            world.emr.show_after(Duration::from_secs(late));
            let properties = world.properties(GOOD, &json!({}));
            let ask = || world.create("create", &properties);
            let delete = async || {
                world.stack_is("ROLLBACK_IN_PROGRESS");
                world.succeeds(&world.delete("delete", INVENTED, &properties)).await;
            };
            if try_in_vain(&world, tries, ask, delete).await {
                overtaken += 1;
                sleep(Duration::from_mins(20)).await;
                assert!(world.alive().is_empty(), "{}, {tries:?}, {late} s late", world.name());
            }
        }
    }
    assert!(overtaken > 100, "{overtaken}");
}

#[tokio::test(start_paused = true)]
async fn what_two_tries_of_an_update_submit_goes_with_the_rollback_that_comes_before_it_is_shown() {
    let mut overtaken = 0;
    // How late the first step is answered for: by then it may have been asked for again, and is left to that.
    let cases =
        [("StopThenStart", "Submitted", 0), ("StopThenStart", "Running", 3), ("StartThenStop", "Submitted", 10)];
    for (tries, late) in TRIES.into_iter().flat_map(|tries| [15, 25].map(|late| (tries, late))) {
        for ((strategy, wait_for, slow), world) in
            cases.into_iter().flat_map(|case| worlds().into_iter().map(move |world| (case, world)))
        {
            let more = json!({ "UpdateStrategy": strategy, "WaitFor": wait_for });
            world.emr.script(GOOD, Script { stops: Duration::from_secs(3), ..Script::endless() });
            let (good, id) = created(&world, &more).await;
            world.emr.show_after(Duration::from_secs(late));
            world.emr.fault_next(Method::POST, "AddJobFlowSteps", Fault::Slow(Duration::from_secs(slow)));
            let bad = world.properties(BAD, &more);
            let ask = || world.update("update", &id, &good, &bad);
            let back = async || {
                world.stack_is("UPDATE_ROLLBACK_IN_PROGRESS");
                let back = world.succeeds(&world.update("rollback", &id, &bad, &good)).await;
                if back != id {
                    world.stack_is("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS");
                    world.succeeds(&world.delete("clean-up", &id, &good)).await;
                }
            };
            if try_in_vain(&world, tries, ask, back).await {
                overtaken += 1;
                sleep(Duration::from_mins(20)).await;
                assert_eq!(world.alive(), [GOOD], "{}, {more}, {tries:?}, {late} s late", world.name());
            }
        }
    }
    assert!(overtaken > 100, "{overtaken}");
}

/// Asks for something, and again so many seconds later; so many seconds after that nobody waits for either, and the stack goes on,
/// unless one of them was answered by then: whether it did.
async fn try_in_vain(
    world: &World,
    (delivered, again, gone): (u64, u64, u64),
    ask: impl Fn() -> Asked,
    go_on: impl AsyncFnOnce(),
) -> bool {
    let first = ask();
    let tries = async {
        sleep(Duration::from_secs(again)).await;
        let second = ask();
        let goes_on = async {
            sleep(Duration::from_secs(gone)).await;
            let is_awaited = world.answers(&first).is_empty() && world.answers(&second).is_empty();
            if is_awaited {
                go_on().await;
            }
            is_awaited
        };
        tokio::join!(world.deliver(&second), goes_on).1
    };
    let delivery = async {
        sleep(Duration::from_secs(delivered)).await;
        world.deliver(&first).await
    };
    tokio::join!(delivery, tries).1
}

/// Takes an Update with `more` back so many `seconds` after it was asked for; whether it was not answered by then. What is to stop takes
/// that long.
async fn overtake(world: &World, more: &Value, stops: Duration, seconds: u64) -> bool {
    let told = format!("{}, {more}, stops {stops:?}, overtaken after {seconds} s", world.name());
    for file in [GOOD, BAD] {
        let script = Script { stops, ..Script::endless() };
        world.livy.script(file, script.clone());
        world.emr.script(file, script);
    }
    let (good, id) = created(world, more).await;
    let bad = world.properties(BAD, more);
    let update = world.update("update", &id, &good, &bad);
    let taking_back = async {
        sleep(Duration::from_secs(seconds)).await;
        if !world.answers(&update).is_empty() {
            return None;
        }
        world.stack_is("UPDATE_ROLLBACK_IN_PROGRESS");
        let answer = world.deliver(&world.update("rollback", &id, &bad, &good)).await;
        Some(answer.unwrap_or_else(|| panic!("{told}: nobody answered the rollback")))
    };
    let (_, Some(back)) = tokio::join!(world.deliver(&update), taking_back) else { return false };
    assert_eq!(back.status, "SUCCESS", "{told}: {}", back.reason);
    // The old job still stopped when its Update was taken back: nothing takes its place.
    let is_stopping = more["UpdateStrategy"] == "StopThenStart" && Duration::from_secs(seconds) < stops;
    assert!(!is_stopping || world.made(BAD) == 0, "{told}");
    world.takes(&back);
    sleep(Duration::from_mins(10)).await;
    if back.id != id {
        world.stack_is("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS");
        world.succeeds(&world.delete("clean-up", &id, &good)).await;
    }
    assert_eq!(world.alive(), [GOOD], "{told}");
    world.stack_is("DELETE_IN_PROGRESS");
    world.succeeds(&world.delete("delete", &back.id, &good)).await;
    assert!(world.alive().is_empty(), "{told}");
    true
}
