//! The workflow: every request answered and every job made once, whatever dies on the way.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::answers::Refusal;
use crate::functions::Unlike;
use crate::livy::Weather;
use crate::proxy::{Deadly, When};
use crate::scene::{Scene, nowhere, play, play_light, with};
use crate::stack::Stack;
use crate::wait::until;

#[test]
fn a_job_longer_than_an_invocation_completes_its_stack() {
    play("LongerThanOne", async |scene| {
        scene.asks(&Unlike { timeout: Some(60), ..Unlike::default() }).await;
        let job = with(&scene.idle(75), json!({ "WaitFor": "Succeeded" }));
        let stack = Stack::with_job(scene, &job).await;
        let settled = stack.settled().await.is("CREATE_COMPLETE");
        assert_eq!(settled.outputs["State"], "success");
        assert_eq!(settled.outputs["Name"], scene.only_batch().name);
        let log = scene.log();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let invocations: HashSet<_> = lines.filter_map(|line| line["invocation"].as_str().map(str::to_owned)).collect();
        assert!(invocations.len() > 2, "it took one invocation: {log}");
        stack.delete().await.is("DELETE_COMPLETE");
    });
}

#[test]
fn a_lambda_that_dies_at_its_first_step_takes_it_again() {
    play("DiesOnce", async |scene| {
        scene.livy.set(Weather::Kill(1));
        let stack = Stack::with_job(scene, &scene.idle(900)).await;
        let settled = stack.settled().await.is("CREATE_COMPLETE");
        assert_eq!(scene.livy.killed(), 1);
        assert_eq!(settled.outputs["Name"], scene.only_batch().name);
        stack.delete().await.is("DELETE_COMPLETE");
    });
}

#[test]
fn a_lambda_that_dies_at_every_try_of_a_step_fails_its_stack() {
    play_light("DiesInSteps", async |scene| {
        scene.livy.set(Weather::Kill(TRIES_OF_A_STEP));
        fails(scene, &["Runtime.ExitError", "RequestId"]).await;
        assert_eq!(scene.livy.killed(), TRIES_OF_A_STEP);
        assert_eq!(scene.livy.made(), []);
    });
}

#[test]
fn a_lambda_that_dies_at_every_try_since_its_submission_fails_its_stack_and_leaves_no_job() {
    play("DiesSubmitted", async |scene| {
        scene.livy.set(Weather::KillFromSubmission(TRIES_OF_A_STEP));
        fails(scene, &["Runtime.ExitError", "RequestId"]).await;
        assert_eq!(scene.livy.killed(), TRIES_OF_A_STEP);
        scene.only_batch();
        assert_eq!(scene.livy.live().await, []);
    });
}

#[test]
fn a_lambda_that_dies_at_every_delivery_fails_its_stack() {
    play_light("DiesUnclaimed", async |scene| {
        let deadly = dies_at_each_claim(scene, When::Before).await;
        fails(scene, &["Lambda gave the request up", "Runtime.ExitError", "RequestId"]).await;
        assert!(deadly.has_killed());
        assert_eq!(scene.livy.made(), []);
    });
}

#[test]
fn a_request_that_lambda_gives_up_after_its_claim_is_left_to_its_workflow() {
    play("DiesClaimed", async |scene| {
        let deadly = dies_at_each_claim(scene, When::After).await;
        scene.may_be_answered_again();
        let stack = Stack::with_job(scene, &scene.idle(900)).await;
        let settled = stack.settled().await.is("CREATE_COMPLETE");
        until("it has died at each delivery", async || deadly.has_killed().then_some(())).await;
        assert_eq!(settled.outputs["Name"], scene.only_batch().name);
        stack.delete().await.is("DELETE_COMPLETE");
    });
}

/// Has the function die at every delivery of its first request; who does.
async fn dies_at_each_claim(scene: &Scene, when: When) -> Deadly {
    let (world, deadly) = (scene.world, Deadly::at_first(DELIVERIES, when));
    let steps_at = deadly.before(&world.instance.env["AWS_ENDPOINT_URL"], &world.net).await;
    scene.asks(&Unlike { steps_at: Some(steps_at), ..Unlike::default() }).await;
    deadly
}

/// As lifecycle.asl.json has them.
const TRIES_OF_A_STEP: u32 = 4;

/// As template.yaml has them.
const DELIVERIES: u32 = 3;

/// A stack with a job fails before `CloudFormation` loses its patience after a minute, and its reason tells all of `texts`.
async fn fails(scene: &Scene, texts: &[&str]) {
    let job = with(&scene.idle(900), json!({ "StableSeconds": "", "ServiceTimeout": "60" }));
    let stack = Stack::with_job(scene, &job).await;
    stack.settled().await.is("ROLLBACK_COMPLETE");
    let reason = stack.reason(scene.name).await;
    for text in texts {
        assert!(reason.contains(text), "the reason does not tell {text:?}: {reason}");
    }
    stack.delete().await.is("DELETE_COMPLETE");
}

#[test]
fn a_request_that_comes_again_is_worked_on_once_and_answered_as_before() {
    play("OneExecution", async |scene| {
        let job = scene.idle(900);
        let create = scene.create(&job);
        let deliver = async || {
            let invocation = scene.invoke(create.json.to_string()).await;
            assert_eq!(invocation.error, None, "{}", invocation.log);
        };
        tokio::join!(deliver(), deliver());
        until("it is submitted", async || scene.livy.made().pop()).await;
        deliver().await;
        let id = scene.answered(&create).await.succeeded().physical_id;
        assert_eq!(scene.world.workflow.ended(&create.token).await.status, "SUCCEEDED");
        deliver().await;
        let puts = scene.world.answers.puts(&create.token);
        assert_eq!(puts.len(), 2, "{puts:?}");
        assert_eq!(puts[0].body, puts[1].body);
        scene.world.workflow.execution(&create.token).await;
        scene.only_batch();
        scene.ask(&scene.delete(&id, &job)).await.succeeded();
    });
}

#[test]
fn an_execution_that_is_stopped_by_hand_fails_its_stack() {
    play("StoppedByHand", async |scene| {
        let job = with(&scene.idle(900), json!({ "WaitFor": "Succeeded" }));
        let stack = Stack::with_job(scene, &job).await;
        until("it is submitted", async || scene.livy.made().pop()).await;
        let request = scene.exchanges(&stack.id)[0]["RequestId"].as_str().expect("a text").to_owned();
        let workflow = &scene.world.workflow;
        workflow.stop(&workflow.execution(&request).await).await;
        stack.settled().await.is("ROLLBACK_COMPLETE");
        let reason = stack.reason(scene.name).await;
        assert!(reason.contains("ABORTED"), "{reason}");
        scene.only_batch();
        assert_eq!(scene.livy.live().await, []);
        stack.delete().await.is("DELETE_COMPLETE");
    });
}

#[test]
fn a_function_that_may_start_no_execution_works_by_itself() {
    play("MayNotStart", async |scene| {
        scene.asks(&Unlike { may_start_nothing: true, ..Unlike::default() }).await;
        works_within_one_invocation(scene, "states:StartExecution").await;
    });
}

#[test]
fn a_function_that_does_not_reach_its_workflow_works_by_itself() {
    play("NoWayToSteps", async |scene| {
        scene.asks(&Unlike { steps_at: Some(nowhere()), ..Unlike::default() }).await;
        works_within_one_invocation(scene, "Connection refused").await;
    });
}

/// A job is made and deleted without an execution, and the log tells so, and why.
async fn works_within_one_invocation(scene: &Scene, why: &str) {
    let job = with(&scene.idle(900), json!({ "WaitFor": "Submitted" }));
    let create = scene.create(&job);
    let invocation = scene.invoke(create.json.to_string()).await;
    assert_eq!(invocation.error, None, "{}", invocation.log);
    let id = scene.answer(&create).succeeded().physical_id;
    let log = scene.log();
    assert!(log.contains("worked on within one invocation") && log.contains(why), "{log}");
    assert_eq!(scene.world.workflow.executions(&create.token).await, []);
    scene.only_batch();
    scene.ask(&scene.delete(&id, &job)).await.succeeded();
}

#[test]
fn an_answer_that_the_function_cannot_put_is_put_by_the_responder_as_it_is() {
    play("NoWayToS3", async |scene| {
        // So it soon gives up.
        scene.asks(&Unlike { timeout: Some(8), ..Unlike::default() }).await;
        let job = with(&scene.idle(900), json!({ "WaitFor": "Submitted" }));
        let create = scene.create(&job);
        scene.world.answers.fail(&create.token, &[Refusal::HangUpOnTheSubmitter]);
        let answer = scene.ask(&create).await.succeeded();
        assert_eq!(answer.data["Name"], scene.only_batch().name);
        assert_eq!(scene.world.workflow.ended(&create.token).await.status, "SUCCEEDED");
        scene.ask(&scene.delete(&answer.physical_id, &job)).await.succeeded();
    });
}
