//! EMR on a bad day: throttled, out of order, away, slow to know what it did. No job is lost or run twice for it.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::emr::Way;
use crate::emr_jobs::on_each_engine;
use crate::scene::{play, play_light, with};
use crate::stack::Stack;

on_each_engine! {
    a_create_gets_through_bad_weather "Weather",
    a_submission_whose_answer_was_lost_is_one_job "Lost",
    a_refusal_names_the_missing_right "Denied",
}

fn a_create_gets_through_bad_weather(name: &'static str, way: Way) {
    play(name, async |scene| {
        let place = scene.on(way).await;
        place.fault(json!({ "fault": "throttle", "operation": way.start() })).await;
        // A call meets the first of those that are for it, and counts for all: so the second one's is the call after it.
        place.fault(json!({ "fault": "error", "operation": way.start(), "status": 503, "times": 2 })).await;
        place.fault(json!({ "fault": "drop", "operation": way.look() })).await;
        place.fault(json!({ "fault": "throttle", "operation": way.look(), "times": 2 })).await;
        let stack = Stack::with_job(scene, &scene.idle_on(&place, 900).await).await;
        stack.settled().await.is("CREATE_COMPLETE");
        let run = place.only_run().await;
        assert_eq!(run.state, "RUNNING");
        let codes: Vec<_> = place.calls().await.into_iter().map(|(_, code)| code).collect();
        assert!(codes.contains(&"ThrottlingException".to_owned()), "the faults did not strike: {codes:?}");
        assert_eq!(place.waiting_faults().await, Vec::<Value>::new());
        place.fault(json!({ "fault": "throttle", "operation": way.cancel() })).await;
        stack.delete().await.is("DELETE_COMPLETE");
        assert_eq!(place.only_run().await.state, "CANCELLED");
    });
}

fn a_submission_whose_answer_was_lost_is_one_job(name: &'static str, way: Way) {
    play(name, async |scene| {
        let place = scene.on(way).await;
        // It takes effect, and for some seconds EMR does not show it.
        place.fault(json!({ "fault": "hide", "operation": way.start(), "seconds": 3 })).await;
        place.fault(json!({ "fault": "drop", "operation": way.start(), "when": "after" })).await;
        let job = scene.idle_on(&place, 900).await;
        let answer = scene.ask(&scene.create(&job)).await.succeeded();
        assert_eq!(place.waiting_faults().await, Vec::<Value>::new());
        let live = place.live().await;
        assert_eq!((live.len(), &answer.data["JobId"]), (1, &live[0].id), "{:?}", place.runs().await);
        scene.ask(&scene.delete(&answer.physical_id, &job)).await.succeeded();
    });
}

fn a_refusal_names_the_missing_right(name: &'static str, way: Way) {
    play_light(name, async |scene| {
        let place = scene.on(way).await;
        place.fault(json!({ "fault": "deny", "operation": way.start(), "times": null })).await;
        let job = with(&scene.idle_on(&place, 900).await, json!({ "WaitFor": "Submitted" }));
        let answer = scene.ask(&scene.create(&job)).await.failed();
        let service = if way == Way::Steps { "elasticmapreduce" } else { way.engine() };
        let service = service.replace("emr-on-eks", "emr-containers");
        answer.tells(&[&format!("{service}:{}", way.start()), &place.id]);
        assert_eq!(place.runs().await, []);
        scene.ask(&scene.delete(&answer.physical_id, &job)).await.succeeded();
    });
}

/// As the runbook says: the rollback's Delete fails like its Create, and that of the stack comes once the right is there.
#[test]
fn a_job_that_nobody_might_stop_goes_once_that_is_mended() {
    play("Mended", async |scene| {
        let place = scene.on(Way::OnEks).await;
        place.fault(json!({ "fault": "deny", "operation": Way::OnEks.cancel(), "times": null })).await;
        let brief = json!({ "WaitFor": "Succeeded", "StableSeconds": "", "ServiceTimeout": "20" });
        let job = with(&scene.idle_on(&place, 900).await, brief);
        let id = scene.ask(&scene.create(&job)).await.failed().physical_id;
        let answer = scene.ask(&scene.delete(&id, &job)).await.failed();
        assert_eq!(answer.physical_id, id);
        answer.tells(&[&format!("emr-containers:{}", Way::OnEks.cancel())]);
        assert_eq!(place.only_run().await.state, "RUNNING");
        place.heal().await;
        scene.ask(&scene.delete(&id, &job)).await.succeeded();
        assert_eq!(place.only_run().await.state, "CANCELLED");
    });
}

#[test]
fn a_delete_of_what_has_gone_with_its_place_succeeds() {
    play("GoneAlong", async |scene| {
        let deleted = [Way::OnEks, Way::Serverless, Way::Steps].map(async |way| {
            let place = scene.on(way).await;
            let job = with(&scene.idle_on(&place, 0).await, json!({ "WaitFor": "Succeeded" }));
            let id = scene.ask(&scene.create(&job)).await.succeeded().physical_id;
            if way == Way::Serverless {
                place.stop().await;
            }
            place.end().await;
            scene.ask(&scene.delete(&id, &job)).await.succeeded();
        });
        join_all(deleted).await;
    });
}
