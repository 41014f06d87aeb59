//! An Update that is overtaken by its rollback, at any moment of its work.

use std::time::Duration;

use serde_json::{Value, json};
use sparkjob::testing::Script;
use tokio::time::sleep;

use crate::created;
use crate::world::{BAD, Engine, GOOD, World, worlds};

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
