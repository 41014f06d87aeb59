//! The same event twice, as Lambda and `CloudFormation` deliver it: one job, one id, also where there is no workflow, and so
//! both deliveries are worked on.

use serde_json::json;

use crate::answers::Answer;
use crate::event::Event;
use crate::functions::ALONE;
use crate::livy::Weather;
use crate::scene::{Scene, play, with};
use crate::stack::Stack;

#[test]
fn a_create_that_comes_again_finds_its_job() {
    play("CreateAgain", async |scene| {
        scene.asks(&ALONE).await;
        let job = with(&scene.idle(900), json!({ "WaitFor": "Submitted" }));
        let create = scene.create(&job);
        let first = deliver(scene, &create).await.succeeded();
        let second = deliver(scene, &create).await.succeeded();
        assert_eq!(first.physical_id, second.physical_id);
        scene.only_batch();
        scene.ask(&scene.delete(&first.physical_id, &job)).await.succeeded();
    });
}

#[test]
fn a_create_that_comes_twice_at_once_makes_one_job() {
    play("CreateAtOnce", async |scene| {
        scene.asks(&ALONE).await;
        let job = scene.idle(900);
        let create = scene.create(&job);
        let one_lives = async || assert_eq!(scene.livy.live().await.len(), 1);
        let id = at_once(scene, &create, one_lives).await.physical_id;
        scene.only_batch();
        scene.ask(&scene.delete(&id, &job)).await.succeeded();
    });
}

#[test]
fn an_update_that_comes_twice_at_once_makes_one_new_job() {
    play("UpdateAtOnce", async |scene| {
        scene.asks(&ALONE).await;
        let [old, new] = [901, 902].map(|seconds| with(&scene.idle(seconds), json!({ "WaitFor": "Submitted" })));
        let id = scene.ask(&scene.create(&old)).await.succeeded().physical_id;
        let one_lives = async || assert_eq!(scene.livy.live().await.len(), 1);
        let new_id = at_once(scene, &scene.update(&id, &old, &new), one_lives).await.physical_id;
        assert_ne!(new_id, id);
        assert_eq!(scene.livy.made().len(), 2);
        scene.ask(&scene.delete(&new_id, &new)).await.succeeded();
    });
}

#[test]
fn a_delete_that_comes_twice_at_once_succeeds_twice() {
    play("DeleteAtOnce", async |scene| {
        scene.asks(&ALONE).await;
        let job = with(&scene.idle(900), json!({ "WaitFor": "Submitted" }));
        let id = scene.ask(&scene.create(&job)).await.succeeded().physical_id;
        let none_lives = async || assert_eq!(scene.livy.live().await, []);
        assert_eq!(at_once(scene, &scene.delete(&id, &job), none_lives).await.physical_id, id);
        scene.only_batch();
    });
}

#[test]
fn a_lambda_that_dies_after_its_submission_finds_the_job_again() {
    play("DiesItself", async |scene| {
        scene.livy.set(Weather::KillFromSubmission(1));
        let stack = Stack::with_job(scene, &scene.idle(900)).await;
        let settled = stack.settled().await.is("CREATE_COMPLETE");
        assert_eq!(scene.livy.killed(), 1);
        assert_eq!(settled.outputs["Name"], scene.only_batch().name);
        stack.delete().await.is("DELETE_COMPLETE");
    });
}

/// Invokes the Lambda, and reads the last answer that came.
async fn deliver(scene: &Scene, event: &Event) -> Answer {
    let invocation = scene.invoke(event.json.to_string()).await;
    assert_eq!(invocation.error, None, "the invocation failed:\n{}", invocation.log);
    let last = scene.world.answers.puts(&event.token).pop().expect("an answer");
    Answer::read(&last.body, &event.json)
}

/// Invokes the Lambda twice at the same time: both answers are a success, and the same. Whichever is given first, `answered`
/// looks at what it left.
pub async fn at_once(scene: &Scene, event: &Event, answered: impl AsyncFn()) -> Answer {
    let deliver = async || {
        let invocation = scene.invoke(event.json.to_string()).await;
        assert_eq!(invocation.error, None, "an invocation failed:\n{}", invocation.log);
        answered().await;
    };
    tokio::join!(deliver(), deliver());
    let puts = scene.world.answers.puts(&event.token);
    let answers: Vec<_> = puts.iter().map(|put| Answer::read(&put.body, &event.json).succeeded()).collect();
    let [mut one, mut other]: [Answer; 2] = answers.try_into().unwrap_or_else(|them| panic!("not two: {them:?}"));
    // The job went on meanwhile.
    one.data.remove("State");
    other.data.remove("State");
    assert_eq!(one, other);
    one
}
