//! Livy that is not there: said so in time, and no job lost or run twice for it.

use serde_json::json;

use crate::livy::Weather;
use crate::scene::{Scene, nowhere, play, play_light, with};
use crate::wait::until;

#[test]
fn a_create_fails_where_livy_is_down() {
    play_light("DownOnCreate", async |scene| {
        let url = nowhere();
        let job = with(&scene.idle(900), json!({ "LivyUrl": url, "StableSeconds": "", "ServiceTimeout": "20" }));
        let answer = scene.ask(&scene.create(&job)).await.failed();
        answer.tells(&[&url, "Connection refused", "subnets, security groups"]);
        scene.ask(&scene.delete(&answer.physical_id, &job)).await.succeeded();
    });
}

#[test]
fn a_delete_fails_where_livy_is_down() {
    play_light("DownOnDelete", async |scene| {
        let url = nowhere();
        let id = format!("livy+{url}/batches/0#DownOnDelete-0123456789abcdef-01234567-89abcdef");
        let job = with(
            &scene.idle(900),
            json!({ "LivyUrl": url, "StableSeconds": "", "ServiceTimeout": "20", "OnDeleteError": "Fail" }),
        );
        let answer = scene.ask(&scene.delete(&id, &job)).await.failed();
        assert_eq!(answer.physical_id, id);
        answer.tells(&[&url, "Connection refused", "with this resource retained"]);
    });
}

#[test]
fn a_delete_may_ignore_that_livy_is_down() {
    play_light("DownIgnored", async |scene| {
        let url = nowhere();
        let id = format!("livy+{url}/batches/0#DownIgnored-0123456789abcdef-01234567-89abcdef");
        let job = with(
            &scene.idle(900),
            json!({ "LivyUrl": url, "StableSeconds": "", "ServiceTimeout": "20", "OnDeleteError": "Ignore" }),
        );
        assert_eq!(scene.ask(&scene.delete(&id, &job)).await.succeeded().physical_id, id);
    });
}

#[test]
fn an_update_fails_and_stops_nothing_where_livy_is_down() {
    play("DownOnUpdate", async |scene| {
        let old = with(&scene.idle(901), json!({ "WaitFor": "Submitted" }));
        let id = scene.ask(&scene.create(&old)).await.succeeded().physical_id;
        let new = with(&scene.idle(902), json!({ "LivyUrl": nowhere(), "StableSeconds": "", "ServiceTimeout": "20" }));
        let answer = scene.ask(&scene.update(&id, &old, &new)).await.failed();
        assert_eq!(answer.physical_id, id);
        answer.tells(&["Connection refused"]);
        assert_eq!(scene.livy.live().await.len(), 1);
        scene.ask(&scene.delete(&id, &old)).await.succeeded();
    });
}

#[test]
fn an_update_fails_where_the_old_livy_is_down() {
    play_light("OldLivyDown", async |scene| {
        let [id, gone] = [job_nowhere(scene), nowhere()];
        let old = with(&scene.idle(901), json!({ "LivyUrl": gone }));
        let new = with(&scene.idle(902), json!({ "StableSeconds": "", "ServiceTimeout": "20" }));
        let answer = scene.ask(&scene.update(&id, &old, &new)).await.failed();
        assert_eq!(answer.physical_id, id);
        assert_eq!(scene.livy.made(), []);
        answer.tells(&["Connection refused", "OnDeleteError"]);
    });
}

#[test]
fn an_update_may_ignore_that_the_old_livy_is_down() {
    play("OldLivyIgnored", async |scene| {
        let id = job_nowhere(scene);
        // The same Livy runs the present job and what a lost Update may have left behind.
        let gone = id.trim_start_matches("livy+").split("/batches/").next();
        let old = with(&scene.idle(901), json!({ "LivyUrl": gone }));
        let management =
            json!({ "StableSeconds": "", "ServiceTimeout": "40", "WaitFor": "Submitted", "OnDeleteError": "Ignore" });
        let new = with(&scene.idle(902), management);
        let answer = scene.ask(&scene.update(&id, &old, &new)).await.succeeded();
        assert_eq!(answer.data["Name"], scene.only_batch().name);
        scene.ask(&scene.delete(&answer.physical_id, &new)).await.succeeded();
    });
}

#[test]
fn what_is_not_livy_is_told_at_once() {
    play_light("NotLivy", async |scene| {
        for code in [401, 403, 404, 200] {
            scene.livy.set(Weather::Says(code));
            let job = with(&scene.idle(900), json!({ "StableSeconds": "", "ServiceTimeout": "20" }));
            let answer = scene.ask(&scene.create(&job)).await.failed();
            answer.tells(&[&scene.livy.url()]);
            if code != 200 {
                answer.tells(&[&code.to_string()]);
            }
            scene.livy.set(Weather::Fair);
            scene.ask(&scene.delete(&answer.physical_id, &job)).await.succeeded();
        }
    });
}

#[test]
fn a_job_whose_connection_is_back_in_time_is_deleted() {
    play("BackOnDelete", async |scene| {
        let job = with(&scene.idle(900), json!({ "WaitFor": "Submitted" }));
        let id = scene.ask(&scene.create(&job)).await.succeeded().physical_id;
        scene.livy.set(Weather::Down);
        let delete = scene.delete(&id, &job);
        let back = async {
            until("it has tried", async || scene.livy.calls().last().filter(|call| call.status.is_none()).map(|_| ()))
                .await;
            scene.livy.set(Weather::Fair);
        };
        let (answer, ()) = tokio::join!(scene.ask(&delete), back);
        answer.succeeded();
        assert_eq!(scene.livy.live().await, []);
    });
}

#[test]
fn a_job_is_still_followed_when_livy_was_away_for_a_moment() {
    play("AwayForAMoment", async |scene| {
        let job = with(&scene.idle(6), json!({ "WaitFor": "Succeeded" }));
        let create = scene.create(&job);
        let away = async {
            until("it is submitted", async || scene.livy.made().pop()).await;
            scene.livy.set(Weather::Down);
            until("a look failed", async || scene.livy.calls().last().filter(|call| call.status.is_none()).map(|_| ()))
                .await;
            scene.livy.set(Weather::Fair);
        };
        let (answer, ()) = tokio::join!(scene.ask(&create), away);
        let answer = answer.succeeded();
        assert_eq!(answer.data["State"], "success");
        scene.only_batch();
        scene.ask(&scene.delete(&answer.physical_id, &job)).await.succeeded();
    });
}

#[test]
fn a_submission_whose_answer_was_lost_is_not_repeated() {
    play("LostSubmission", async |scene| {
        let job = with(&scene.idle(900), json!({ "WaitFor": "Submitted" }));
        scene.livy.set(Weather::LoseNextSubmission);
        let answer = scene.ask(&scene.create(&job)).await.succeeded();
        let batch = scene.only_batch();
        assert_eq!(answer.data["BatchId"], batch.id.to_string());
        scene.ask(&scene.delete(&answer.physical_id, &job)).await.succeeded();
    });
}

#[test]
fn a_submission_of_which_nothing_was_heard_is_found_by_the_delete() {
    play("NeverHeard", async |scene| {
        let job = with(&scene.idle(900), json!({ "StableSeconds": "", "ServiceTimeout": "20" }));
        scene.livy.set(Weather::DownAfterSubmission);
        let answer = scene.ask(&scene.create(&job)).await.failed();
        assert_eq!(scene.livy.live().await.len(), 1);
        scene.livy.set(Weather::Fair);
        scene.ask(&scene.delete(&answer.physical_id, &job)).await.succeeded();
        scene.only_batch();
    });
}

#[test]
fn a_job_that_could_not_be_cancelled_is_told_and_deleted_later() {
    play("NotCancelled", async |scene| {
        let management = json!({ "WaitFor": "Succeeded", "StableSeconds": "", "ServiceTimeout": "20" });
        let job = with(&scene.idle(900), management);
        let create = scene.create(&job);
        let down = async {
            until("it is submitted", async || scene.livy.made().pop()).await;
            scene.livy.set(Weather::Down);
        };
        let (answer, ()) = tokio::join!(scene.ask(&create), down);
        let batch = scene.only_batch();
        answer.tells(&["may still run", &batch.name]);
        scene.livy.set(Weather::Fair);
        let id = answer.failed().physical_id;
        assert!(id.ends_with(&batch.name), "{id}");
        scene.ask(&scene.delete(&id, &job)).await.succeeded();
    });
}

/// The id of a job of this scene where nobody listens.
fn job_nowhere(scene: &Scene) -> String {
    format!("livy+{}/batches/0#{}-0123456789abcdef-01234567-89abcdef", nowhere(), scene.name)
}
