//! Bad input for the engines of EMR: each fault with its path, each refusal of the service with what to do, nothing left.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::emr::Way;
use crate::emr_jobs::on_each_engine;
use crate::scene::{Scene, play_light, with};

const ROLE: &str = "arn:aws:iam::000000000000:role";

on_each_engine! {
    what_is_wrong_with_a_description_is_told_with_its_path "Faults",
    a_place_that_does_not_exist_is_told "Nowhere",
    a_place_that_is_over_is_told "Over",
}

fn what_is_wrong_with_a_description_is_told_with_its_path(name: &'static str, way: Way) {
    play_light(name, async |scene| {
        let place = scene.on(way).await;
        let job = scene.idle_on(&place, 900).await;
        let mut bad = vec![
            (with(&job, json!({ "LivyHost": "localhost" })), vec![way.property(), "LivyHost"]),
            (with(&job, json!({ way.property(): "no id!" })), vec![way.property(), "no id!"]),
            (with(&job, json!({ "ExecutionRoleArn": "spark" })), vec!["ExecutionRoleArn", "\"spark\""]),
            (with(&job, native(way)), vec!["Parameters", native_name(way)]),
            (without(&job, "Parameters"), vec!["Parameters: required"]),
            (parameters(&job, json!({ "Name": "n".repeat(300) })), vec!["Parameters.Name"]),
            (parameters(&job, json!({ "NumExecutors": "two" })), vec!["Parameters.NumExecutors", "\"two\""]),
            (with(&job, json!({ "TimeoutMinutes": "soon" })), vec!["TimeoutMinutes"]),
        ];
        match way {
            Way::OnEks => {
                let tags: Value = (0..51).map(|number| (format!("tag-{number}"), json!("x"))).collect();
                let long = format!("s3://bucket/{}.py", "x".repeat(256));
                bad.extend([
                    (without(&job, "ReleaseLabel"), vec!["ReleaseLabel"]),
                    (without(&job, "ExecutionRoleArn"), vec!["ExecutionRoleArn"]),
                    (with(&job, json!({ "Tags": tags })), vec!["Tags", "50"]),
                    (parameters(&job, json!({ "File": long })), vec!["Parameters.File", "256"]),
                    (with(&job, nested("LogURI")), vec!["S3MonitoringConfiguration.LogURI", "LogUri"]),
                    (parameters(&job, json!({ "Queue": "etl" })), vec!["Parameters.Queue", "YARN"]),
                ]);
            }
            Way::Serverless => bad.extend([
                (without(&job, "ExecutionRoleArn"), vec!["ExecutionRoleArn"]),
                (with(&job, nested("LogUrl")), vec!["S3MonitoringConfiguration.LogUrl", "LogUri"]),
                (
                    parameters(&job, json!({ "ProxyUser": "etl" })),
                    vec!["Parameters.ProxyUser", "not possible on EMR Serverless"],
                ),
                (
                    with(&job, json!({ "RetryPolicy": { "MaxAttempts": "many" } })),
                    vec!["RetryPolicy.MaxAttempts", "\"many\""],
                ),
            ]),
            Way::Steps => bad.extend([
                (with(&job, json!({ "Tags": { "team": "shop" } })), vec!["Tags"]),
                (with(&job, json!({ "ActionOnFailure": "PANIC" })), vec!["ActionOnFailure", "PANIC"]),
                (with(&job, json!({ "DeployMode": "moon" })), vec!["DeployMode", "moon"]),
            ]),
        }
        for (properties, texts) in bad {
            refuses(scene, &properties, &texts).await;
        }
        assert_eq!(place.calls().await, [], "something was asked for in spite of it");
    });
}

fn a_place_that_does_not_exist_is_told(name: &'static str, way: Way) {
    play_light(name, async |scene| {
        let place = scene.on(way).await;
        let (id, told) = match way {
            Way::OnEks => (
                "0000000000000000000000000",
                [
                    "Virtual cluster 0000000000000000000000000 does not exist (any more) in this account and region.",
                    "Give the VirtualClusterId of one that does: aws emr-containers list-virtual-clusters",
                ],
            ),
            Way::Serverless => (
                "00000000000000ab",
                [
                    "Application 00000000000000ab does not exist (any more) in this account and region.",
                    "Give the ApplicationId of one that does: aws emr-serverless list-applications",
                ],
            ),
            Way::Steps => (
                "j-0000000000000",
                [
                    "Cluster j-0000000000000 does not exist in this account and region",
                    "Give the id of a cluster that runs: aws emr list-clusters --active",
                ],
            ),
        };
        refuses(scene, &with(&scene.idle_on(&place, 900).await, json!({ way.property(): id })), &told).await;
    });
}

fn a_place_that_is_over_is_told(name: &'static str, way: Way) {
    play_light(name, async |scene| {
        let place = scene.on(way).await;
        place.end().await;
        let (state, advice) = match way {
            Way::OnEks => ("TERMINATED", "A virtual cluster takes jobs only while it is RUNNING"),
            Way::Serverless => ("terminated", "was deleted for good: give the ApplicationId of another."),
            Way::Steps => ("terminated", "Give the id of a cluster that runs: aws emr list-clusters --active"),
        };
        refuses(scene, &scene.idle_on(&place, 900).await, &[&place.id, state, advice]).await;
        assert_eq!(place.runs().await, []);
    });
}

#[test]
fn an_application_that_is_stopped_and_does_not_start_by_itself_is_told() {
    play_light("Stopped", async |scene| {
        let auto = json!({ "autoStartConfiguration": { "enabled": false } });
        let place = scene.owns_place(scene.world.emr.make_with(Way::Serverless, auto).await);
        place.stop().await;
        let start = format!("aws emr-serverless start-application --application-id {}", place.id);
        let told = ["STOPPED", &start, "switch its auto-start on (AutoStartConfiguration)"];
        refuses(scene, &scene.idle_on(&place, 900).await, &told).await;
        assert_eq!(place.runs().await, []);
    });
}

#[test]
fn a_role_of_another_account_is_told() {
    play_light("Foreign", async |scene| {
        for way in [Way::OnEks, Way::Serverless] {
            let place = scene.on(way).await;
            let foreign = json!({ "ExecutionRoleArn": "arn:aws:iam::123456789012:role/spark" });
            let job = with(&scene.idle_on(&place, 900).await, foreign);
            let advice = match way {
                Way::OnEks => {
                    "where the execution role is missing, is of another account, or is none that the submitter may use"
                }
                _ => "Give as ExecutionRoleArn a role of the account that the application is in",
            };
            refuses(scene, &job, &[advice, &place.id]).await;
        }
    });
}

#[test]
fn a_role_that_the_service_may_not_assume_is_told() {
    play_light("Untrusted", async |scene| {
        let advice = [
            "The execution role must trust the job's service account: aws emr-containers update-role-trust-policy",
            "The trust policy of the execution role (ExecutionRoleArn) must allow sts:AssumeRole to the service",
            "If that is the runtime role (ExecutionRoleArn), its trust policy must allow sts:AssumeRole",
        ];
        let told = [Way::OnEks, Way::Serverless, Way::Steps].into_iter().zip(advice).map(async |(way, advice)| {
            let place = scene.on(way).await;
            let role = json!({ "ExecutionRoleArn": format!("{ROLE}/untrusted"), "WaitFor": "Succeeded" });
            refuses(scene, &with(&scene.idle_on(&place, 900).await, role), &[advice]).await;
            assert_eq!(place.only_run().await.state, "FAILED");
        });
        join_all(told).await;
    });
}

/// A Create of `properties` is refused, the reason tells all of `texts`, and the Delete that follows succeeds.
async fn refuses(scene: &Scene, properties: &Value, texts: &[&str]) {
    let answer = scene.ask(&scene.create(properties)).await;
    assert_eq!(answer.status, "FAILED", "{properties}: {answer:?}");
    answer.tells(texts);
    scene.ask(&scene.delete(&answer.physical_id, properties)).await.succeeded();
}

fn without(properties: &Value, name: &str) -> Value {
    let mut properties = properties.clone();
    properties.as_object_mut().expect("an object").remove(name);
    properties
}

fn parameters(properties: &Value, others: Value) -> Value {
    with(properties, json!({ "Parameters": with(&properties["Parameters"], others) }))
}

fn native_name(way: Way) -> &'static str {
    if way == Way::Steps { "HadoopJarStep" } else { "JobDriver" }
}

fn native(way: Way) -> Value {
    let driver = match way {
        Way::OnEks => json!({ "SparkSubmitJobDriver": { "EntryPoint": "s3://bucket/job.py" } }),
        Way::Serverless => json!({ "SparkSubmit": { "EntryPoint": "s3://bucket/job.py" } }),
        Way::Steps => json!({ "Jar": "command-runner.jar", "Args": ["true"] }),
    };
    json!({ native_name(way): driver })
}

/// A field that nobody knows, deep inside.
fn nested(name: &str) -> Value {
    let monitoring = json!({ "S3MonitoringConfiguration": { name: "s3://bucket/logs/" } });
    json!({ "ConfigurationOverrides": { "MonitoringConfiguration": monitoring } })
}
