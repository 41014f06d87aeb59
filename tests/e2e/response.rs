//! The answer: delivered whatever happens to it on the way, never too long, its address kept secret.

use serde_json::json;

use crate::answers::{Refusal, SIGNATURE};
use crate::scene::{play, play_light, with};

#[test]
fn an_answer_that_was_not_taken_is_given_again() {
    play_light("GivenAgain", async |scene| {
        let event = scene.create(&json!({}));
        scene.world.answers.fail(&event.token, &[Refusal::Status(503), Refusal::HangUp, Refusal::Status(500)]);
        scene.ask(&event).await.failed();
        assert_eq!(scene.world.answers.puts(&event.token).len(), 4);
    });
}

#[test]
fn an_answer_that_is_forbidden_is_given_once_more_by_the_responder() {
    play_light("Forbidden", async |scene| {
        let event = scene.create(&json!({}));
        scene.world.answers.fail(&event.token, &[Refusal::Status(403)]);
        scene.ask(&event).await;
        scene.world.workflow.ended(&event.token).await;
        let puts = scene.world.answers.puts(&event.token);
        assert_eq!(puts.len(), 2);
        assert!(scene.log().contains("403"), "the log does not tell: {}", scene.log());
    });
}

#[test]
fn a_reason_of_any_length_fits_into_the_answer() {
    play("LongReason", async |scene| {
        let endless = "\u{1F525}\"\\\u{7}ö".repeat(2000);
        let job = with(&scene.job("tests/jobs/idle.py", &[&endless]), json!({ "WaitFor": "Succeeded" }));
        let answer = scene.ask(&scene.create(&job)).await.failed();
        answer.tells(&["ValueError", &scene.only_batch().name]);
        scene.ask(&scene.delete(&answer.physical_id, &job)).await.succeeded();
    });
}

#[test]
fn the_address_of_the_answer_is_in_no_log() {
    play_light("Secret", async |scene| {
        // The worst case: the log tells of an answer that could not be given.
        let event = scene.create(&with(&json!({}), json!({ "WaitFor": "Godot" })));
        scene.world.answers.fail(&event.token, &[Refusal::HangUp, Refusal::Status(403)]);
        let invocation = scene.invoke(event.json.to_string()).await;
        scene.answered(&event).await;
        scene.world.workflow.ended(&event.token).await;
        for told in [scene.log(), invocation.log, invocation.error.unwrap_or_default()] {
            assert!(!told.contains(SIGNATURE) && !told.contains("127.0.0.1"), "{told}");
        }
        assert!(!scene.log().is_empty(), "the log is looked for in the wrong place");
    });
}

#[test]
fn what_a_job_says_of_its_secrets_is_told_without_them() {
    play("OwnSecrets", async |scene| {
        // The exception quotes what is no number.
        let password = "hunter2-of-a-job";
        let mut job = with(&scene.job("tests/jobs/idle.py", &[password]), json!({ "WaitFor": "Succeeded" }));
        job["Parameters"]["Configuration"] = json!({ "spark.demo.password": password });
        let answer = scene.ask(&scene.create(&job)).await.failed();
        answer.tells(&["ValueError", "'***'"]);
        assert!(!answer.reason.contains(password) && !scene.log().contains(password), "{}", scene.log());
        scene.ask(&scene.delete(&answer.physical_id, &job)).await.succeeded();
    });
}
