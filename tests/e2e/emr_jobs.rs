//! A job's life on each engine of EMR: created, tagged, replaced, failed, deleted, by the real binary and in real processes.

use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};

use crate::emr::{LOGS, Place, Way};
use crate::scene::{play, play_light, with};
use crate::stack::{Settled, Stack};
use crate::wait::until;

/// Tests of these behaviours, each on each engine.
macro_rules! on_each_engine {
    ($($behaviour:ident $name:literal),* $(,)?) => {
        mod on_eks { $( #[test] fn $behaviour() { super::$behaviour(concat!($name, "OnEks"), crate::emr::Way::OnEks); } )* }
        mod serverless { $( #[test] fn $behaviour() { super::$behaviour(concat!($name, "Serverless"), crate::emr::Way::Serverless); } )* }
        mod steps { $( #[test] fn $behaviour() { super::$behaviour(concat!($name, "Steps"), crate::emr::Way::Steps); } )* }
    };
}
pub(crate) use on_each_engine;

on_each_engine! {
    a_job_is_created_replaced_and_deleted "Life",
    a_job_that_fails_fails_its_stack_and_says_why "Fails",
    a_job_in_the_words_of_the_engine_runs "Native",
    a_job_cancelled_from_outside_fails "Outside",
    numbers_may_be_text_everywhere "Text",
}

fn a_job_is_created_replaced_and_deleted(name: &'static str, way: Way) {
    play(name, async |scene| {
        let place = scene.on(way).await;
        let job = async |seconds| with(&scene.idle_on(&place, seconds).await, logged(&place));
        let stack = Stack::with_job(scene, &job(901).await).await;
        let created = stack.settled().await.is("CREATE_COMPLETE");
        let old = place.only_run().await;
        assert_ne!(place.processes(&old.id), [""; 0]);
        tells_all(&created, &place, &old.id, &old.name);

        let replaced = stack.update_job(&job(902).await).await.is("UPDATE_COMPLETE");
        assert_ne!(replaced.outputs["Ref"], created.outputs["Ref"]);
        let [first, second] = place.runs().await.try_into().unwrap_or_else(|runs| panic!("not two: {runs:?}"));
        assert_eq!((&first.id, &*first.state, &*second.state), (&old.id, "CANCELLED", "RUNNING"));
        assert!(place.in_turn(&first.id, &second.id).await, "they ran at the same time");
        assert_eq!(place.processes(&first.id), [""; 0]);
        let logs = place.emr.logs(&created.outputs["LogUri"]).await;
        assert!(logs.contains("stdout.gz"), "no log of the first job is where LogUri leads: {logs}");

        assert_ne!(place.processes(&second.id), [""; 0]);
        stack.delete().await.is("DELETE_COMPLETE");
        assert_eq!(place.live().await, []);
        assert_eq!(place.processes(&second.id), [""; 0]);
        assert_eq!(place.runs().await.len(), 2);
    });
}

/// The attributes of a stack's job are those that its engine tells.
#[track_caller]
fn tells_all(settled: &Settled, place: &Place, id: &str, name: &str) {
    let (way, at) = (place.way, &place.id);
    let told = |name: &str| settled.outputs.get(name).map_or("missing", String::as_str);
    let arn = match way {
        Way::OnEks => format!("arn:aws:emr-containers:us-east-1:000000000000:/virtualclusters/{at}/jobruns/{id}"),
        Way::Serverless => format!("arn:aws:emr-serverless:us-east-1:000000000000:/applications/{at}/jobruns/{id}"),
        Way::Steps => String::new(),
    };
    let log = match way {
        Way::OnEks => format!("{LOGS}{at}/jobs/{id}/"),
        Way::Serverless => format!("{LOGS}applications/{at}/jobs/{id}/"),
        Way::Steps => format!("{LOGS}{at}/steps/{id}/"),
    };
    let reference = if way == Way::Steps { format!("emr-steps://{at}/steps/{id}#{name}") } else { arn.clone() };
    assert_eq!(told("Ref"), reference);
    assert_eq!((told("Engine"), told("State")), (way.engine(), "RUNNING"));
    assert_eq!((told("JobId"), told("Arn"), told("Name")), (id, &*arn, name));
    assert_eq!(told("LogUri"), log);
    assert!(told("ConsoleUrl").starts_with("https://us-east-1.console.aws.amazon.com/emr/"), "{}", told("ConsoleUrl"));
    assert_eq!((told("BatchId"), told("SparkUiUrl")), ("", ""));
}

/// Where the logs go; a cluster knows by itself.
fn logged(place: &Place) -> Value {
    if place.way == Way::Steps {
        return json!({});
    }
    let monitoring = json!({ "S3MonitoringConfiguration": { "LogUri": LOGS } });
    json!({ "ConfigurationOverrides": { "MonitoringConfiguration": monitoring } })
}

fn a_job_that_fails_fails_its_stack_and_says_why(name: &'static str, way: Way) {
    play(name, async |scene| {
        let place = scene.on(way).await;
        let job = scene.job_on(&place, "tests/jobs/idle.py", &["soon"]).await;
        let stack = Stack::with_job(scene, &with(&job, json!({ "WaitFor": "Succeeded" }))).await;
        stack.settled().await.is("ROLLBACK_COMPLETE");
        let (reason, run) = (stack.reason(scene.name).await, place.only_run().await);
        // EMR on EKS says no more than that; what it lacks is how to have its log.
        let why = match way {
            Way::OnEks => ["USER_ERROR", "S3MonitoringConfiguration (LogUri)"],
            Way::Serverless => ["ValueError: could not convert string to float: 'soon'", "in EMR Studio"],
            Way::Steps => ["ValueError: could not convert string to float: 'soon'", LOGS],
        };
        for text in [&*run.id, &*place.id, "FAILED"].iter().chain(&why) {
            assert!(reason.contains(text), "the reason does not tell {text:?}: {reason}");
        }
        stack.delete().await.is("DELETE_COMPLETE");
        assert_eq!(place.runs().await.len(), 1);
    });
}

fn a_job_in_the_words_of_the_engine_runs(name: &'static str, way: Way) {
    play(name, async |scene| {
        let place = scene.on(way).await;
        let file = place.emr.file("tests/jobs/idle.py").await;
        let arguments = json!([0]);
        let what = match way {
            // As the API's documentation writes it, and as Step Functions does.
            Way::OnEks => json!({ "JobDriver": { "sparkSubmitJobDriver": {
                "entryPoint": file, "entryPointArguments": arguments, "sparkSubmitParameters": "--conf spark.a='b c'",
            } } }),
            Way::Serverless => json!({ "JobDriver": { "SparkSubmit": {
                "EntryPoint": file, "EntryPointArguments": arguments, "SparkSubmitParameters": "--conf spark.a='b c'",
            } } }),
            Way::Steps => json!({ "HadoopJarStep": {
                "Jar": "command-runner.jar", "Args": ["spark-submit", "--conf", "spark.a=b c", file, "0"],
            } }),
        };
        let job = with(&json!({ "ServiceToken": scene.world.submitter, "WaitFor": "Succeeded" }), place.target());
        let stack = Stack::with_job(scene, &with(&job, what)).await;
        let settled = stack.settled().await.is("CREATE_COMPLETE");
        assert_eq!(settled.outputs["State"], way.success());
        assert_eq!(settled.outputs["JobId"], place.only_run().await.id);
        stack.delete().await.is("DELETE_COMPLETE");
    });
}

fn a_job_cancelled_from_outside_fails(name: &'static str, way: Way) {
    play(name, async |scene| {
        let place = scene.on(way).await;
        let job = with(&scene.idle_on(&place, 900).await, json!({ "WaitFor": "Succeeded" }));
        let create = scene.create(&job);
        let cancel = async {
            let run = place.runs_one().await;
            place.cancel(&run.id).await;
            run
        };
        let (answer, run) = tokio::join!(scene.ask(&create), cancel);
        answer.tells(&[&run.id, "CANCELLED", "eploy again"]);
        scene.ask(&scene.delete(&answer.failed().physical_id, &job)).await.succeeded();
        assert_eq!(place.runs().await.len(), 1);
    });
}

fn numbers_may_be_text_everywhere(name: &'static str, way: Way) {
    play(name, async |scene| {
        let place = scene.on(way).await;
        let mut job = scene.job_on(&place, "tests/jobs/idle.py", &["0"]).await;
        let numbers = json!({
            "DriverCores": "1", "ExecutorCores": "1", "NumExecutors": "1", "DriverMemory": "2g", "ExecutorMemory": "2g",
        });
        job["Parameters"] = with(&job["Parameters"], numbers);
        let properties = json!({ "spark.sql.shuffle.partitions": 7, "spark.speculation": true });
        let overrides =
            json!({ "ApplicationConfiguration": [{ "Classification": "spark-defaults", "Properties": properties }] });
        let more = match way {
            Way::OnEks => json!({
                "RetryPolicyConfiguration": { "MaxAttempts": "2" }, "ConfigurationOverrides": overrides,
            }),
            Way::Serverless => json!({
                "RetryPolicy": { "MaxAttempts": "2" }, "TimeoutMinutes": "30", "ConfigurationOverrides": overrides,
            }),
            Way::Steps => json!({ "ActionOnFailure": "CONTINUE" }),
        };
        let management = json!({ "WaitFor": "Succeeded", "StableSeconds": "3", "ServiceTimeout": "600" });
        let job = with(&with(&job, more), management);
        let answer = scene.ask(&scene.create(&job)).await.succeeded();
        let run = place.described(&place.only_run().await.id).await;
        match way {
            Way::OnEks => assert_eq!(run["retryPolicyConfiguration"]["maxAttempts"], 2, "{run}"),
            Way::Serverless => {
                assert_eq!(
                    (&run["retryPolicy"]["maxAttempts"], &run["executionTimeoutMinutes"]),
                    (&json!(2), &json!(30))
                );
            }
            Way::Steps => assert_eq!(run["ActionOnFailure"], "CONTINUE", "{run}"),
        }
        if way != Way::Steps {
            let defaults = &run["configurationOverrides"]["applicationConfiguration"][0]["properties"];
            assert_eq!(*defaults, json!({ "spark.sql.shuffle.partitions": "7", "spark.speculation": "true" }));
        }
        scene.ask(&scene.delete(&answer.physical_id, &job)).await.succeeded();
    });
}

#[test]
fn tags_alone_tag_the_job_on_eks() {
    tags_alone_tag_the_job("TagsOnEks", Way::OnEks);
}

#[test]
fn tags_alone_tag_the_job_on_serverless() {
    tags_alone_tag_the_job("TagsServerless", Way::Serverless);
}

fn tags_alone_tag_the_job(name: &'static str, way: Way) {
    play(name, async |scene| {
        let place = scene.on(way).await;
        let job = with(&scene.idle_on(&place, 900).await, json!({ "WaitFor": "Submitted" }));
        let tagged = |tags: Value| with(&job, json!({ "Tags": tags }));
        let stack = Stack::with_job(scene, &tagged(json!({ "team": "shop", "cost": 7 }))).await;
        let created = stack.settled().await.is("CREATE_COMPLETE");
        let run = place.only_run().await;
        assert_eq!(place.described(&run.id).await["tags"], json!({ "team": "shop", "cost": "7" }));
        let updated = stack.update_job(&tagged(json!({ "team": "orders" }))).await.is("UPDATE_COMPLETE");
        assert_eq!(updated.outputs["Ref"], created.outputs["Ref"]);
        assert_eq!(place.described(&run.id).await["tags"], json!({ "team": "orders" }));
        assert_eq!(place.live().await.len(), 1);
        stack.delete().await.is("DELETE_COMPLETE");
        assert_eq!(place.runs().await.len(), 1);
    });
}

#[test]
fn a_job_template_says_what_runs() {
    play("Template", async |scene| {
        let place = scene.on(Way::OnEks).await;
        let driver = json!({ "sparkSubmitJobDriver": {
            "entryPoint": place.emr.file("tests/jobs/idle.py").await, "entryPointArguments": ["${Seconds}"],
        } });
        let data = json!({
            "executionRoleArn": place.emr.role(), "releaseLabel": "emr-7.5.0-latest", "jobDriver": driver,
            "parameterConfiguration": { "Seconds": { "type": "NUMBER" } },
        });
        let template = json!({ "name": place.id, "clientToken": place.id, "jobTemplateData": data });
        let template = place.emr.ask(Method::POST, "/jobtemplates", &template).await["id"].clone();
        // The role and the release are left to it.
        let job = json!({
            "ServiceToken": scene.world.submitter, "WaitFor": "Succeeded", "VirtualClusterId": place.id,
            "JobTemplateId": template, "JobTemplateParameters": { "Seconds": 0 },
        });
        let answer = scene.ask(&scene.create(&job)).await.succeeded();
        assert_eq!((&*answer.data["State"], &answer.data["JobId"]), ("COMPLETED", &place.only_run().await.id));
        scene.ask(&scene.delete(&answer.physical_id, &job)).await.succeeded();
    });
}

#[test]
fn a_step_in_cluster_mode_takes_its_yarn_application_along() {
    play("YarnApplication", async |scene| {
        let place = scene.on(Way::Steps).await;
        let job = with(&scene.idle_on(&place, 900).await, json!({ "DeployMode": "cluster" }));
        let stack = Stack::with_job(scene, &job).await;
        let created = stack.settled().await.is("CREATE_COMPLETE");
        // spark-submit only waits for the driver, which is the application's.
        let id = &created.outputs["JobId"];
        let program = async || place.processes(id).iter().any(|line| line.contains("idle.py")).then_some(());
        until("the application runs", program).await;
        stack.delete().await.is("DELETE_COMPLETE");
        assert_eq!(place.processes(id), [""; 0]);
        assert_eq!(place.runs().await.len(), 2, "the job's step, and one that killed its application");
    });
}

#[test]
fn an_application_that_outlived_its_step_is_killed() {
    play("Outlived", async |scene| {
        let place = scene.on(Way::Steps).await;
        let job = with(&scene.idle_on(&place, 900).await, json!({ "DeployMode": "cluster" }));
        let answer = scene.ask(&scene.create(&job)).await.succeeded();
        let id = &answer.data["JobId"];
        let program = async || place.processes(id).iter().any(|line| line.contains("idle.py")).then_some(());
        until("the application runs", program).await;
        place.cancel(id).await;
        until("the step is over", async || place.live().await.is_empty().then_some(())).await;
        assert_eq!(program().await, Some(()), "the application ended with its step");
        scene.ask(&scene.delete(&answer.physical_id, &job)).await.succeeded();
        assert_eq!(place.processes(id), [""; 0]);
        let states: Vec<_> = place.runs().await.into_iter().map(|run| run.state).collect();
        assert_eq!(states, ["CANCELLED", "COMPLETED"], "the job's step, and one that killed its application");
    });
}

#[test]
fn a_streaming_job_is_stopped_with_its_stack() {
    play("StreamsServerless", async |scene| {
        let place = scene.on(Way::Serverless).await;
        let job = with(&scene.idle_on(&place, 900).await, json!({ "Mode": "STREAMING" }));
        let stack = Stack::with_job(scene, &job).await;
        stack.settled().await.is("CREATE_COMPLETE");
        let run = place.described(&place.only_run().await.id).await;
        assert_eq!((&run["mode"], &run["executionTimeoutMinutes"]), (&json!("STREAMING"), &json!(0)));
        stack.delete().await.is("DELETE_COMPLETE");
    });
}

#[test]
fn a_job_that_waits_for_capacity_is_stopped() {
    // Nothing ever runs.
    play_light("NoCapacity", async |scene| {
        let stopped = [Way::OnEks, Way::Serverless, Way::Steps].map(async |way| {
            let place = scene.on(way).await;
            place.fault(json!({ "fault": "hold", "seconds": 600 })).await;
            let management = json!({ "WaitFor": "Running", "StableSeconds": "", "ServiceTimeout": "20" });
            let job = with(&scene.idle_on(&place, 900).await, management);
            let answer = scene.ask(&scene.create(&job)).await.failed();
            let run = place.only_run().await;
            answer.tells(&[&run.id, "20 s", "ServiceTimeout"]);
            assert_eq!(run.state, "CANCELLED");
            scene.ask(&scene.delete(&answer.physical_id, &job)).await.succeeded();
        });
        join_all(stopped).await;
    });
}
