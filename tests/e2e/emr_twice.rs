//! The same Create twice at the same moment, on EMR: one job, one id, by a token or by what comes after the submission.

use serde_json::{Value, json};

use crate::emr::{Place, Run, Way};
use crate::emr_jobs::on_each_engine;
use crate::functions::ALONE;
use crate::scene::{Scene, play};
use crate::twice::at_once;

on_each_engine! {
    a_create_that_comes_twice_at_once_makes_one_job "AtOnce",
}

fn a_create_that_comes_twice_at_once_makes_one_job(name: &'static str, way: Way) {
    play(name, async |scene| {
        let place = scene.on(way).await;
        let job = scene.idle_on(&place, 900).await;
        let stays = twins_leave_one(scene, &place, &job).await;
        if way == Way::Steps {
            assert_eq!(twin_of(&place, &stays).await.state, "CANCELLED");
        } else {
            assert_eq!(place.only_run().await.id, stays.id);
        }
    });
}

#[test]
fn a_twin_step_that_runs_before_it_is_seen_is_stopped() {
    play("AtOnceHidden", async |scene| {
        // Both run: neither waits for the other one's end, and neither delivery is shown what was submitted.
        let place = scene.owns_place(scene.world.emr.make_with(Way::Steps, json!({ "StepConcurrencyLevel": 2 })).await);
        place.fault(json!({ "fault": "hide", "hidden_from": ["list"], "times": 2, "seconds": 4 })).await;
        let job = scene.idle_on(&place, 900).await;
        let stays = twins_leave_one(scene, &place, &job).await;
        let twin = place.described(&twin_of(&place, &stays).await.id).await;
        assert!(twin["Status"]["Timeline"]["StartDateTime"].is_number(), "it never ran: {twin}");
    });
}

#[test]
fn a_twin_whose_driver_is_no_part_of_its_step_is_killed_and_the_first_one_spared() {
    play("AtOnceApart", async |scene| {
        let place = scene.owns_place(scene.world.emr.make_with(Way::Steps, json!({ "StepConcurrencyLevel": 3 })).await);
        place.fault(json!({ "fault": "hide", "hidden_from": ["list"], "times": 2, "seconds": 4 })).await;
        let mut job = scene.idle_on(&place, 900).await;
        job["DeployMode"] = "cluster".into();
        let stays = twins_leave_one(scene, &place, &job).await;
        assert_eq!(twin_of(&place, &stays).await.state, "CANCELLED");
    });
}

/// The other step of the same job, which was not made before the one that stays. Both may be made in the same millisecond.
async fn twin_of(place: &Place, stays: &Run) -> Run {
    let twins = place.runs().await.into_iter().filter(|run| run.name == stays.name && run.id != stays.id);
    let [twin]: [Run; 1] = twins.collect::<Vec<_>>().try_into().unwrap_or_else(|runs| panic!("not one: {runs:?}"));
    let made = async |id: &str| place.described(id).await["Status"]["Timeline"]["CreationDateTime"].as_f64();
    assert!(made(&stays.id).await <= made(&twin.id).await, "the first one is not the one that stays");
    twin
}

/// Delivers a Create of `job` twice, where both deliveries submit it at the same moment; and the Delete. What stayed between them.
async fn twins_leave_one(scene: &Scene, place: &Place, job: &Value) -> Run {
    // With its workflow they would not race: one execution works on both deliveries.
    scene.asks(&ALONE).await;
    let gather = json!({ "fault": "gather", "operation": place.way.start(), "times": 2, "seconds": 60 });
    place.fault(gather).await;
    let one_lives = async || assert_eq!(place.live().await.len(), 1, "{:?}", place.runs().await);
    let answer = at_once(scene, &scene.create(job), one_lives).await;
    let calls = place.calls().await;
    let submitted = calls.iter().filter(|(operation, _)| operation == place.way.start()).count();
    assert!(submitted >= 2, "only one delivery submitted: {calls:?}");
    let [stays]: [Run; 1] = place.live().await.try_into().unwrap_or_else(|live| panic!("not one: {live:?}"));
    assert_eq!((&stays.id, &*stays.state), (&answer.data["JobId"], "RUNNING"));
    assert_ne!(place.processes(&stays.id), [""; 0]);
    scene.ask(&scene.delete(&answer.physical_id, job)).await.succeeded();
    assert_eq!(place.live().await, []);
    stays
}
