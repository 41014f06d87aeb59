//! Bad input: every fault named in one answer, nothing submitted.

use serde_json::{Value, json};

use crate::answers::Answer;
use crate::scene::{Scene, play_light, with};
use crate::stack::Stack;

#[test]
fn an_unreadable_envelope_fails_the_invocation() {
    play_light("Unreadable", async |scene| {
        let whole = scene.create(&json!({}));
        let mut payloads: Vec<String> = ["StackId", "RequestId", "LogicalResourceId", "ResponseURL"]
            .map(|name| whole.clone().without(name).json.to_string())
            .into();
        payloads.extend(["null", "[]", "7", "\"text\"", "{}"].map(str::to_owned));
        payloads.push(whole.clone().with("ResponseURL", "http://example.com/x").json.to_string());
        payloads.push(whole.clone().with("StackId", 7).json.to_string());
        for payload in payloads {
            let error = scene.invoke(payload.clone()).await.error;
            let error = error.unwrap_or_else(|| panic!("no error for {payload}"));
            // However the emulator writes it.
            let bare = error.replace([' ', '\\'], "");
            assert!(bare.contains(r#""errorType":"Unreadable""#), "{payload}: {error}");
        }
        assert!(scene.world.answers.tried(&whole.token).is_empty());
    });
}

#[test]
fn an_unknown_request_type_is_answered() {
    play_light("UnknownRequest", async |scene| {
        let create = scene.create(&scene.idle(900));
        refuses(scene, &scene.ask(&create.with("RequestType", "Upsert")).await, &["RequestType", "Upsert"]);
        let create = scene.create(&scene.idle(900));
        refuses(scene, &scene.ask(&create.without("RequestType")).await, &["RequestType"]);
    });
}

#[test]
fn missing_properties_are_answered() {
    play_light("NoProperties", async |scene| {
        let create = scene.create(&json!({})).without("ResourceProperties");
        refuses(scene, &scene.ask(&create).await, &["LivyHost", "LivyUrl", "Parameters"]);
    });
}

#[test]
fn two_targets_or_none_are_a_fault() {
    play_light("TwoTargets", async |scene| {
        faults(scene, with(&scene.idle(9), json!({ "LivyHost": "localhost" })), &["LivyHost", "LivyUrl"]).await;
        faults(scene, with(&scene.idle(9), json!({ "LivyUrl": "" })), &["LivyHost", "LivyUrl"]).await;
        faults(
            scene,
            with(&scene.idle(9), json!({ "LivyUrl": "", "LivyHost": "localhost", "LivyPort": "99999" })),
            &["LivyPort", "99999"],
        )
        .await;
    });
}

#[test]
fn a_job_without_a_file_is_a_fault() {
    play_light("NoFile", async |scene| {
        faults(scene, with(&scene.idle(9), json!({ "Parameters": { "Args": ["1"] } })), &["Parameters.File"]).await;
    });
}

#[test]
fn lists_instead_of_strings_and_the_reverse_are_faults() {
    play_light("Lists", async |scene| {
        let parameters = json!({ "File": ["a.py"], "ClassName": {}, "Args": "1", "Configuration": [] });
        let job = with(&scene.idle(9), json!({ "Parameters": parameters, "Rerun": ["x"], "WaitFor": ["Running"] }));
        let told = [
            "Parameters.File",
            "Parameters.ClassName",
            "Parameters.Args",
            "Parameters.Configuration",
            "Rerun",
            "WaitFor",
        ];
        faults(scene, job, &told).await;
    });
}

#[test]
fn all_faults_are_told_at_once_in_the_stack() {
    play_light("AllAtOnce", async |scene| {
        let parameters = json!({ "ExecutorCores": "two", "DriverMemroy": "1g" });
        let job = json!({ "ServiceToken": scene.world.submitter, "LivyPort": "99999", "WaitFor": "Godot", "Parameters": parameters });
        let stack = Stack::with_job(scene, &job).await;
        stack.settled().await.is("ROLLBACK_COMPLETE");
        let reason = stack.reason(scene.name).await;
        let told = [
            "LivyHost",
            "99999",
            "Godot",
            "Parameters.File",
            "Parameters.ExecutorCores: must be a whole number >= 1, got \"two\"",
            "DriverMemroy",
            "DriverMemory",
        ];
        for text in told {
            assert!(reason.contains(text), "the reason does not tell {text:?}: {reason}");
        }
        stack.delete().await.is("DELETE_COMPLETE");
    });
}

#[test]
fn a_megabyte_of_arguments_is_answered() {
    play_light("Megabyte", async |scene| {
        let arguments: Vec<String> = (0..1000).map(|number| format!("{number:01000}")).collect();
        let mut job = scene.idle(9);
        job["Parameters"]["Args"] = json!(arguments);
        job["ServiceTimeout"] = json!("40");
        job["StableSeconds"] = json!("");
        let answer = scene.ask(&scene.create(&job)).await.failed();
        answer.tells(&["its properties are too large by", "bytes"]);
        scene.ask(&scene.delete(&answer.physical_id, &job)).await.succeeded();
    });
}

#[test]
fn names_with_quotes_and_newlines_do_no_harm() {
    play_light("OddNames", async |scene| {
        let odd = "Robert'); \"DROP\"\n\u{0}\u{7}ö";
        let mut job = with(&scene.idle(0), json!({ odd: "x", "WaitFor": odd }));
        job["Parameters"]["Name"] = odd.into();
        faults(scene, job, &["WaitFor", "Parameters.Name", "Robert"]).await;
    });
}

#[test]
fn deeply_nested_json_is_answered() {
    play_light("Deep", async |scene| {
        // One that our reader follows, and one that it does not; the emulator follows a few hundred.
        for levels in [100, 500] {
            let event = scene.create(&json!("deep"));
            let deep = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
            let invocation = scene.invoke(event.json.to_string().replace("\"deep\"", &deep)).await;
            assert_eq!(invocation.error, None, "{}", invocation.log);
            refuses(scene, &scene.answered(&event).await, &["ResourceProperties"]);
        }
    });
}

/// A Create of `properties` is refused, and the reason tells all of `texts`.
async fn faults(scene: &Scene, properties: Value, texts: &[&str]) {
    let answer = scene.ask(&scene.create(&properties)).await;
    refuses(scene, &answer, texts);
    // What was refused is deleted without a word, with the id that it answered.
    scene.ask(&scene.delete(&answer.physical_id, &properties)).await.succeeded();
}

#[track_caller]
fn refuses(scene: &Scene, answer: &Answer, texts: &[&str]) {
    assert_eq!(answer.status, "FAILED", "{answer:?}");
    answer.tells(texts);
    assert!(scene.livy.made().is_empty());
}
