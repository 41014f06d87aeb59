//! Delete: over before it is answered; of anything unknown, finished or never made: a success.

use serde_json::json;

use crate::livy::Livy;
use crate::local::Own;
use crate::scene::{path, play, play_light, with};
use crate::stack::Stack;
use crate::wait::until;

#[test]
fn a_stack_that_goes_takes_its_running_job_along() {
    play("GoesAlong", async |scene| {
        let stack = Stack::with_job(scene, &scene.idle(900)).await;
        stack.settled().await.is("CREATE_COMPLETE");
        assert_eq!(scene.livy.live().await.len(), 1);
        stack.delete().await.is("DELETE_COMPLETE");
        assert_eq!(scene.livy.live().await, []);
        scene.only_batch();
    });
}

#[test]
fn a_second_delete_succeeds() {
    play("SecondDelete", async |scene| {
        let job = with(&scene.idle(900), json!({ "WaitFor": "Submitted" }));
        let id = scene.ask(&scene.create(&job)).await.succeeded().physical_id;
        for _ in 0..2 {
            assert_eq!(scene.ask(&scene.delete(&id, &job)).await.succeeded().physical_id, id);
            assert_eq!(scene.livy.live().await, []);
        }
        scene.only_batch();
    });
}

#[test]
fn a_job_that_somebody_deleted_is_deleted() {
    play("AlreadyDeleted", async |scene| {
        let job = with(&scene.idle(900), json!({ "WaitFor": "Submitted" }));
        let id = scene.ask(&scene.create(&job)).await.succeeded().physical_id;
        scene.real_livy().kill(scene.only_batch().id).await;
        scene.ask(&scene.delete(&id, &job)).await.succeeded();
    });
}

#[test]
fn a_delete_does_not_mind_a_description_that_has_become_bad() {
    play("BadDelete", async |scene| {
        let job = with(&scene.idle(900), json!({ "WaitFor": "Submitted" }));
        let id = scene.ask(&scene.create(&job)).await.succeeded().physical_id;
        let bad = json!({ "LivyHost": ["?"], "Parameters": 7, "WaitFor": {}, "Nonsense": "yes" });
        scene.ask(&scene.delete(&id, &bad)).await.succeeded();
        assert_eq!(scene.livy.live().await, []);
    });
}

#[test]
fn an_id_that_cloudformation_made_up_stops_the_jobs_of_its_resource() {
    play("MadeUp", async |scene| {
        let job = with(&scene.idle(900), json!({ "WaitFor": "Submitted" }));
        scene.ask(&scene.create(&job)).await.succeeded();
        let answer = scene.ask(&scene.delete("stack-MadeUp-1A2B3C4D5E6F", &job)).await.succeeded();
        assert_eq!(answer.physical_id, "stack-MadeUp-1A2B3C4D5E6F");
        assert_eq!(scene.livy.live().await, []);
    });
}

#[test]
fn a_create_that_was_cut_off_leaves_nothing() {
    play("CutOff", async |scene| {
        let job = with(&scene.idle(900), json!({ "WaitFor": "Succeeded" }));
        let create = scene.create(&job);
        let delete = async {
            until("it is submitted", async || scene.livy.made().pop()).await;
            scene.ask(&scene.delete("stack-CutOff-1A2B3C4D5E6F", &job)).await.succeeded();
        };
        let (created, ()) = tokio::join!(scene.ask(&create), delete);
        created.failed();
        scene.only_batch();
        assert_eq!(scene.livy.live().await, []);
    });
}

#[test]
fn a_job_is_found_among_many_batches() {
    play("Crowd", async |scene| {
        let job = with(&scene.idle(900), json!({ "WaitFor": "Submitted" }));
        let livy = scene.real_livy();
        livy.crowd("crowd-before", 60).await;
        scene.ask(&scene.create(&job)).await.succeeded();
        livy.crowd("crowd-after", 60).await;
        let answer = scene.ask(&scene.delete("stack-Crowd-1A2B3C4D5E6F", &job)).await;
        for batch in livy.batches().await.iter().filter(|batch| batch.name.starts_with("crowd-")) {
            livy.kill(batch.id).await;
        }
        answer.succeeded();
        assert_eq!(scene.livy.live().await, []);
    });
}

#[test]
fn where_nothing_was_made_nothing_is_asked() {
    play_light("NothingMade", async |scene| {
        let event = scene.event("delete-after-failed-create");
        let answer = scene.ask(&event).await.succeeded();
        assert_eq!(event.json["PhysicalResourceId"], *answer.physical_id);
        assert_eq!(scene.livy.calls().len(), 0);
    });
}

#[test]
fn a_strangers_batch_survives_where_a_restarted_livy_counts_anew() {
    play("Stranger", async |scene| {
        let own = Own::beside(&scene.world.instance).await;
        let livy = Livy::at(&own.instance.livy_url, &scene.world.net);
        let job = with(&scene.idle(900), json!({ "WaitFor": "Submitted", "LivyUrl": own.instance.livy_url }));
        let id = scene.ask(&scene.create(&job)).await.succeeded().physical_id;
        let ours = livy.batches().await.pop().expect("a batch");
        own.restart_livy().await;
        let stranger = json!({ "name": "stranger", "file": path("tests/jobs/idle.py"), "args": ["900"] });
        let stranger = livy.submit(&stranger).await;
        assert_eq!(stranger.id, ours.id, "the point of this");

        scene.ask(&scene.delete(&id, &job)).await.succeeded();
        let found = livy.batches().await;
        assert!(found.iter().any(|batch| batch.id == stranger.id && batch.is_live()), "{found:?}");
    });
}
