//! A Livy that asks who is there, and the secret in Secrets Manager that lets in.

use serde_json::{Value, json};

use crate::scene::{Scene, play, play_light, unique, with};
use crate::stack::Stack;

/// A secret, and the `Authorization` that it comes to.
const FIRST: (&str, &str) = (r#"{"username": "me", "password": "hunter2"}"#, "Basic bWU6aHVudGVyMg==");
const ROTATED: (&str, &str) = (r#"{"username": "me", "password": "hunter22"}"#, "Basic bWU6aHVudGVyMjI=");

#[test]
fn a_secret_lets_into_livy_and_its_rotation_restarts_nothing() {
    play("LogsIn", async |scene| {
        let arn = secret(scene, FIRST.0).await;
        scene.livy.demand(FIRST.1);
        let job = with(&scene.idle(900), json!({ "LivySecretArn": arn }));
        let stack = Stack::with_job(scene, &job).await;
        stack.settled().await.is("CREATE_COMPLETE");
        assert!(refused(scene).is_empty(), "{:?}", refused(scene));

        // Whichever of the functions that are warm is asked: one that had the last one reads it anew.
        for (turn, now) in [ROTATED, FIRST].into_iter().cycle().take(20).enumerate() {
            scene.livy.demand(now.1);
            rotate(scene, &arn, now.0).await;
            let on_error = if turn % 2 == 0 { "Ignore" } else { "Fail" };
            stack.update_job(&with(&job, json!({ "OnDeleteError": on_error }))).await.is("UPDATE_COMPLETE");
            assert_eq!((scene.livy.made().len(), scene.livy.live().await.len()), (1, 1));
            if !refused(scene).is_empty() {
                break;
            }
        }
        assert!(!refused(scene).is_empty(), "nobody was refused");

        stack.delete().await.is("DELETE_COMPLETE");
        assert_eq!(scene.livy.live().await, []);
    });
}

#[test]
fn a_secret_that_does_not_let_in_is_told_of() {
    play_light("LoggedOut", async |scene| {
        let arn = secret(scene, ROTATED.0).await;
        scene.livy.demand(FIRST.1);
        let job = with(&scene.idle(900), json!({ "LivySecretArn": arn, "StableSeconds": "", "ServiceTimeout": "20" }));
        let answer = scene.ask(&scene.create(&job)).await.failed();
        answer.tells(&["401", "LivySecretArn"]);
        assert_eq!(scene.livy.made(), []);
        scene.livy.demand(ROTATED.1);
        scene.ask(&scene.delete(&answer.physical_id, &job)).await.succeeded();
    });
}

/// Gives a secret another content.
async fn rotate(scene: &Scene, arn: &str, content: &str) {
    let put = scene.world.secrets.put_secret_value().secret_id(arn).secret_string(content).send().await;
    put.unwrap_or_else(|error| panic!("PutSecretValue: {error:?}"));
}

/// The ARN of a new secret.
async fn secret(scene: &Scene, content: &str) -> String {
    let name = format!("{}-{}", scene.name, unique());
    let made = scene.world.secrets.create_secret().name(name).secret_string(content).send().await;
    let made = made.unwrap_or_else(|error| panic!("CreateSecret: {error:?}"));
    made.arn().expect("an ARN").to_owned()
}

/// The requests that this Livy did not let in.
fn refused(scene: &Scene) -> Vec<Value> {
    let calls = scene.livy.calls().into_iter().filter(|call| call.status == Some(401));
    calls.map(|call| json!([call.method.as_str(), call.path])).collect()
}
