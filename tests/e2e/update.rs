//! Update: what is kept, what is replaced, and in which order.

use http::Method;
use serde_json::{Value, json};

use crate::livy::Batch;
use crate::scene::{Scene, play, with};
use crate::stack::Stack;

#[test]
fn stop_then_start_ends_the_old_job_before_it_submits_the_new_one() {
    play("StopThenStart", async |scene| {
        let stack = Stack::with_job(scene, &scene.idle(901)).await;
        let before = stack.settled().await.is("CREATE_COMPLETE");
        let after = stack.update_job(&scene.idle(902)).await.is("UPDATE_COMPLETE");
        assert_ne!(before.outputs["Ref"], after.outputs["Ref"]);

        let [old, new] = pair(scene);
        assert!(place(scene, &Method::DELETE, &old) < place(scene, &Method::POST, &new));
        assert_eq!(live(scene).await, [new.id]);
        stack.delete().await.is("DELETE_COMPLETE");
    });
}

#[test]
fn finish_then_start_waits_for_the_old_job_to_end_by_itself() {
    play("FinishThenStart", async |scene| {
        let old = with(&scene.idle(6), json!({ "WaitFor": "Submitted", "UpdateStrategy": "FinishThenStart" }));
        let new = with(&scene.idle(900), json!({ "WaitFor": "Submitted", "UpdateStrategy": "FinishThenStart" }));
        let id = scene.ask(&scene.create(&old)).await.succeeded().physical_id;
        let answer = scene.ask(&scene.update(&id, &old, &new)).await.succeeded();
        assert_ne!(answer.physical_id, id);

        let [first, second] = pair(scene);
        // One that was deleted would be unknown.
        scene.real_livy().becomes(first.id, "success").await;
        assert_eq!(live(scene).await, [second.id]);
        scene.ask(&scene.delete(&id, &old)).await.succeeded();
        assert_eq!(live(scene).await, [second.id]);
        scene.ask(&scene.delete(&answer.physical_id, &new)).await.succeeded();
    });
}

#[test]
fn finish_then_start_leaves_a_job_alone_that_does_not_end() {
    play("DoesNotFinish", async |scene| {
        let old = with(&scene.idle(900), json!({ "WaitFor": "Submitted" }));
        let new = with(
            &scene.idle(901),
            json!({ "UpdateStrategy": "FinishThenStart", "StableSeconds": "", "ServiceTimeout": "20" }),
        );
        let id = scene.ask(&scene.create(&old)).await.succeeded().physical_id;
        let answer = scene.ask(&scene.update(&id, &old, &new)).await.failed();
        assert_eq!(answer.physical_id, id);
        answer.tells(&["nothing was stopped", "nothing submitted"]);
        assert_eq!(live(scene).await, [scene.only_batch().id]);
        scene.ask(&scene.delete(&id, &old)).await.succeeded();
    });
}

#[test]
fn start_then_stop_has_the_new_job_up_before_the_old_one_goes() {
    play("StartThenStop", async |scene| {
        let strategy = json!({ "UpdateStrategy": "StartThenStop" });
        let stack = Stack::with_job(scene, &with(&scene.idle(901), strategy.clone())).await;
        stack.settled().await.is("CREATE_COMPLETE");
        stack.update_job(&with(&scene.idle(902), strategy)).await.is("UPDATE_COMPLETE");

        let [old, new] = pair(scene);
        assert!(place(scene, &Method::POST, &new) < place(scene, &Method::DELETE, &old));
        assert_eq!(live(scene).await, [new.id]);
        stack.delete().await.is("DELETE_COMPLETE");
    });
}

#[test]
fn a_change_of_how_a_job_is_managed_leaves_it_alone() {
    play("ManagementOnly", async |scene| {
        let stack = Stack::with_job(scene, &scene.idle(900)).await;
        let before = stack.settled().await.is("CREATE_COMPLETE");
        let job = with(
            &scene.idle(900),
            json!({ "WaitFor": "Succeeded", "OnTimeout": "Accept", "LivyUrl": scene.livy.url() + "/" }),
        );
        let after = stack.update_job(&job).await.is("UPDATE_COMPLETE");
        assert_eq!(before.outputs["Ref"], after.outputs["Ref"]);
        assert_eq!(live(scene).await, [scene.only_batch().id]);
        stack.delete().await.is("DELETE_COMPLETE");
    });
}

#[test]
fn run_on_rerun_waits_for_a_changed_rerun() {
    play("RunOnRerun", async |scene| {
        let job = |seconds, rerun: &str| {
            with(&scene.idle(seconds), json!({ "WaitFor": "Submitted", "RunOn": "Rerun", "Rerun": rerun }))
        };
        let id = scene.ask(&scene.create(&job(901, "a"))).await.succeeded().physical_id;
        let answer = scene.ask(&scene.update(&id, &job(901, "a"), &job(902, "a"))).await.succeeded();
        assert_eq!(answer.physical_id, id);
        scene.only_batch();
        let answer = scene.ask(&scene.update(&id, &job(902, "a"), &job(902, "b"))).await.succeeded();
        assert_ne!(answer.physical_id, id);
        assert_eq!(live(scene).await, [pair(scene)[1].id]);
        scene.ask(&scene.delete(&answer.physical_id, &job(902, "b"))).await.succeeded();
    });
}

#[test]
fn an_update_with_bad_properties_leaves_the_job_alone() {
    play("BadUpdate", async |scene| {
        let stack = Stack::with_job(scene, &scene.idle(900)).await;
        let before = stack.settled().await.is("CREATE_COMPLETE");
        let after = stack
            .update_job(&with(&scene.idle(901), json!({ "WaitFor": "Godot" })))
            .await
            .is("UPDATE_ROLLBACK_COMPLETE");
        assert!(stack.reason(scene.name).await.contains("WaitFor"));
        assert_eq!(before.outputs["Ref"], after.outputs["Ref"]);
        assert_eq!(live(scene).await, [scene.only_batch().id]);
        stack.delete().await.is("DELETE_COMPLETE");
    });
}

#[test]
fn an_update_whose_job_dies_is_rolled_back_to_the_old_description() {
    play("RolledBack", async |scene| {
        let stack = Stack::with_job(scene, &scene.idle(900)).await;
        stack.settled().await.is("CREATE_COMPLETE");
        let dies = with(&scene.job("tests/jobs/idle.py", &["soon"]), json!({ "WaitFor": "Succeeded" }));
        stack.update_job(&dies).await.is("UPDATE_ROLLBACK_COMPLETE");
        let reason = stack.reason(scene.name).await;
        assert!(reason.contains("ValueError: could not convert string to float: 'soon'"), "{reason}");

        let made = scene.livy.made();
        assert_eq!(made.len(), 3, "the old one, the one that died, the old one again: {made:?}");
        assert_eq!(spec(&made[0]), spec(&made[2]));
        assert_eq!(live(scene).await, [made[2].id]);
        stack.delete().await.is("DELETE_COMPLETE");
    });
}

#[test]
fn start_then_stop_keeps_the_old_job_where_the_new_one_dies() {
    play("NewOneDies", async |scene| {
        let management = json!({ "WaitFor": "Succeeded", "UpdateStrategy": "StartThenStop" });
        let old = with(&scene.idle(901), json!({ "UpdateStrategy": "StartThenStop" }));
        let stack = Stack::with_job(scene, &old).await;
        stack.settled().await.is("CREATE_COMPLETE");
        let dies = with(&scene.job("tests/jobs/idle.py", &["soon"]), management);
        stack.update_job(&dies).await.is("UPDATE_ROLLBACK_COMPLETE");
        assert_eq!(live(scene).await, [pair(scene)[0].id]);
        assert!(stack.physical_id(scene.name).await.ends_with(&pair(scene)[0].name));
        stack.delete().await.is("DELETE_COMPLETE");
    });
}

#[test]
fn a_job_moves_to_another_livy() {
    play("Moves", async |scene| {
        let other = scene.world.recorder.route("MovesThere");
        let stack = Stack::with_job(scene, &scene.idle(900)).await;
        stack.settled().await.is("CREATE_COMPLETE");
        let there = with(&scene.idle(900), json!({ "LivyUrl": other.url() }));
        stack.update_job(&there).await.is("UPDATE_COMPLETE");
        assert_eq!((scene.livy.live().await.len(), other.live().await.len()), (0, 1));
        stack.delete().await.is("DELETE_COMPLETE");
        assert_eq!((scene.livy.made().len(), other.made().len(), other.live().await.len()), (1, 1, 0));
    });
}

/// The batches that were ever made, two.
#[track_caller]
pub fn pair(scene: &Scene) -> [Batch; 2] {
    let made = scene.livy.made();
    made.try_into().unwrap_or_else(|made| panic!("not two: {made:?}"))
}

/// The batches that are alive.
pub async fn live(scene: &Scene) -> Vec<u64> {
    scene.livy.live().await.iter().map(|batch| batch.id).collect()
}

/// The part of a name that stands for what defines the job.
pub fn spec(batch: &Batch) -> &str {
    batch.name.rsplit('-').nth(1).expect("a name of ours")
}

/// When a batch was submitted or first deleted, in the order of this scene's calls.
#[track_caller]
fn place(scene: &Scene, method: &Method, batch: &Batch) -> usize {
    let calls = scene.livy.calls();
    let is_about = |path: &str, said: &Value| match *method {
        Method::POST => said["id"] == batch.id,
        _ => path == format!("/batches/{}", batch.id) || path == format!("/batches/{}", batch.name),
    };
    let found = calls.iter().position(|call| call.method == *method && is_about(&call.path, &call.said));
    found.unwrap_or_else(|| panic!("no {method} of {batch:?}"))
}
