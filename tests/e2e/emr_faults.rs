//! EMR on a bad day: throttled, out of order, away, slow to know what it did. No job is lost or run twice for it.

use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use crate::emr::Way;
use crate::emr_jobs::on_each_engine;
use crate::scene::{play, play_light, with};
use crate::stack::{Stack, another_that_fails, template};
use crate::wait::until;

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

/// As the runbook says.
#[test]
fn a_stack_that_could_not_stop_its_job_when_it_was_rolled_back_is_deleted_once_that_is_mended() {
    play("Mended", async |scene| {
        let place = scene.on(Way::OnEks).await;
        place.fault(json!({ "fault": "deny", "operation": Way::OnEks.cancel(), "times": null })).await;
        let brief = json!({ "WaitFor": "Succeeded", "StableSeconds": "", "ServiceTimeout": "20" });
        let stack = Stack::with_job(scene, &with(&scene.idle_on(&place, 900).await, brief)).await;
        stack.settled().await.is("ROLLBACK_FAILED");
        assert_eq!(place.only_run().await.state, "RUNNING");
        place.heal().await;
        stack.delete().await.is("DELETE_COMPLETE");
        assert_eq!(place.only_run().await.state, "CANCELLED");
    });
}

/// The answer has the id that the rollback came with, so no clean-up follows.
#[test]
fn the_job_that_a_rollback_may_not_look_at_stays_and_goes_with_its_stack() {
    play("Unseen", async |scene| {
        let place = scene.on(Way::Serverless).await;
        let idle = async |seconds| with(&scene.idle_on(&place, seconds).await, json!({ "WaitFor": "Submitted" }));
        let stack = Stack::with_job(scene, &idle(900).await).await;
        stack.settled().await.is("CREATE_COMPLETE");
        let old = place.only_run().await.id;
        let template = template(scene, &idle(901).await, another_that_fails(scene));
        // Before the rollback begins, and after the update's last look at the old one.
        place.fault(json!({ "fault": "delay", "operation": Way::Serverless.start(), "seconds": 2 })).await;
        let denied = async {
            until("the new one is being submitted", async || place.waiting_faults().await.is_empty().then_some(()))
                .await;
            place.fault(json!({ "fault": "deny", "operation": Way::Serverless.look(), "times": null })).await;
        };
        let (settled, ()) = join(stack.update(&template, &[]), denied).await;
        settled.is("UPDATE_ROLLBACK_COMPLETE");
        place.heal().await;
        let live = place.live().await;
        assert_eq!(live.len(), 1, "{live:?}");
        assert_ne!(live[0].id, old);
        assert!(stack.physical_id(scene.name).await.ends_with(&live[0].id));
        stack.delete().await.is("DELETE_COMPLETE");
        assert_eq!(place.live().await, []);
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
