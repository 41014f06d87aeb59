//! Create: submitted once, followed until `WaitFor` is met, told honestly.

use http::Method;
use serde_json::json;
use sparkjob::job::Digest;

use crate::scene::{path, play, play_light, with};
use crate::stack::{Stack, another_that_fails, template};
use crate::wait::until;

#[test]
fn a_stack_runs_a_spark_job_and_tells_all_about_it() {
    play("TellsAll", async |scene| {
        let job = with(&scene.job("local/jobs/pi.py", &["2"]), json!({ "WaitFor": "Succeeded" }));
        let stack = Stack::with_job(scene, &job).await;
        let settled = stack.settled().await.is("CREATE_COMPLETE");
        let batch = scene.only_batch();
        let told = |name: &str| settled.outputs.get(name).map(String::as_str);
        assert_eq!(told("Ref"), Some(&*format!("livy+{}/batches/{}#{}", scene.livy.url(), batch.id, batch.name)));
        assert_eq!(told("Engine"), Some("livy"));
        assert_eq!(told("State"), Some("success"));
        assert_eq!(told("Name"), Some(&*batch.name));
        assert_eq!((told("JobId"), told("BatchId")), (Some(&*batch.id.to_string()), Some(&*batch.id.to_string())));
        assert_eq!((told("Arn"), told("ApplicationId"), told("LogUri")), (Some(""), Some(""), Some("")));
        stack.delete().await.is("DELETE_COMPLETE");
    });
}

#[test]
fn a_job_that_dies_fails_its_stack_with_the_exception() {
    play("Dies", async |scene| {
        // Livy calls it running for some seconds before it dies, on a busy machine for longer than the default.
        let mut job = scene.job("local/jobs/fail.py", &["1"]);
        job["StableSeconds"] = "300".into();
        let stack = Stack::with_job(scene, &job).await;
        stack.settled().await.is("ROLLBACK_COMPLETE");
        let reason = stack.reason(scene.name).await;
        let told =
            ["ValueError: the input s3://orders/2026-11-21 has no column 'amount'", "dead", &scene.only_batch().name];
        for text in told {
            assert!(reason.contains(text), "the reason does not tell {text:?}: {reason}");
        }
        stack.delete().await.is("DELETE_COMPLETE");
        scene.only_batch();
    });
}

#[test]
fn a_job_goes_again_where_its_stack_fails_elsewhere() {
    play("GoesAgain", async |scene| {
        let template = template(scene, &scene.idle(900), another_that_fails(scene));
        let stack = Stack::create(scene, &template, &[]).await;
        stack.settled().await.is("ROLLBACK_COMPLETE");
        scene.only_batch();
        assert_eq!(scene.livy.live().await, []);
        stack.delete().await.is("DELETE_COMPLETE");
    });
}

#[test]
fn every_field_reaches_livy_and_spark() {
    play("EveryField", async |scene| {
        let mut job = with(&scene.job("local/jobs/pi.py", &["2", "--seconds", "0"]), json!({ "WaitFor": "Succeeded" }));
        let parameters = json!({
            "Name": "it's \"every\" field", "PyFiles": [path("tests/jobs/idle.py")], "Files": [path("local/jobs/stream.py")],
            "Environment": { "STAGE": "it's \"here\"" }, "Configuration": { "spark.ui.showConsoleProgress": "false" },
            "DriverMemory": "600m", "DriverCores": "1", "ExecutorMemory": "512m", "ExecutorCores": 1, "NumExecutors": "2",
        });
        job["Parameters"] = with(&job["Parameters"], parameters);
        let answer = scene.ask(&scene.create(&job)).await.succeeded();

        let sent = scene.livy.calls().into_iter().find(|call| call.method == Method::POST).expect("a submission").sent;
        let name = scene.only_batch().name;
        assert!(name.starts_with("it-s--every--field-"), "{name}");
        let told = json!({
            "name": name, "file": job["Parameters"]["File"], "args": job["Parameters"]["Args"],
            "pyFiles": job["Parameters"]["PyFiles"], "files": job["Parameters"]["Files"],
            "driverMemory": "600m", "driverCores": 1, "executorMemory": "512m", "executorCores": 1, "numExecutors": 2,
            "conf": {
                "spark.executorEnv.STAGE": "it's \"here\"", "spark.yarn.appMasterEnv.STAGE": "it's \"here\"",
                "spark.ui.showConsoleProgress": "false", "spark.yarn.tags": name.to_lowercase(),
            },
        });
        assert_eq!(sent, told);
        scene.ask(&scene.delete(&answer.physical_id, &job)).await.succeeded();
    });
}

#[test]
fn a_job_is_not_waited_for_once_it_is_submitted_if_that_is_asked_for() {
    play("Submitted", async |scene| {
        // It would have to run for longer than a test may take.
        let job = with(&scene.idle(900), json!({ "WaitFor": "Submitted", "StableSeconds": "800" }));
        let answer = scene.ask(&scene.create(&job)).await.succeeded();
        assert_eq!(
            scene.livy.live().await,
            [scene.only_batch()].map(|batch| crate::livy::Batch { state: "running".into(), ..batch })
        );
        scene.ask(&scene.delete(&answer.physical_id, &job)).await.succeeded();
    });
}

#[test]
fn a_job_is_waited_for_until_it_runs() {
    play("Running", async |scene| {
        let job = with(&scene.idle(900), json!({ "WaitFor": "Running" }));
        let answer = scene.ask(&scene.create(&job)).await.succeeded();
        assert_eq!(answer.data["State"], "running");
        assert_eq!(scene.livy.live().await.len(), 1);
        scene.ask(&scene.delete(&answer.physical_id, &job)).await.succeeded();
    });
}

#[test]
fn a_job_that_has_succeeded_has_been_running() {
    play("WasRunning", async |scene| {
        let job = with(&scene.idle(0), json!({ "WaitFor": "Running", "StableSeconds": "600" }));
        let answer = scene.ask(&scene.create(&job)).await.succeeded();
        assert_eq!(answer.data["State"], "success");
        scene.ask(&scene.delete(&answer.physical_id, &job)).await.succeeded();
    });
}

#[test]
fn a_job_is_waited_for_until_it_has_succeeded() {
    play("Succeeded", async |scene| {
        let job = with(&scene.idle(4), json!({ "WaitFor": "Succeeded" }));
        let answer = scene.ask(&scene.create(&job)).await.succeeded();
        assert_eq!(answer.data["State"], "success");
        assert_eq!(scene.only_batch().name, answer.data["Name"]);
        scene.ask(&scene.delete(&answer.physical_id, &job)).await.succeeded();
    });
}

#[test]
fn a_job_killed_from_outside_fails() {
    play("KilledOutside", async |scene| {
        let job = with(&scene.idle(900), json!({ "WaitFor": "Succeeded" }));
        let create = scene.create(&job);
        let kill = async {
            let batch = until("it is submitted", async || scene.livy.made().pop()).await;
            scene.real_livy().kill(batch.id).await;
        };
        let (answer, ()) = tokio::join!(scene.ask(&create), kill);
        let batch = scene.only_batch();
        answer.tells(&[&format!("Batch {}", batch.id), &batch.name, "disappeared from Livy", "deploy again"]);
        assert!(!answer.reason.contains("it is ."), "{}", answer.reason);
        scene.ask(&scene.delete(&answer.failed().physical_id, &job)).await.succeeded();
    });
}

#[test]
fn a_file_that_livy_refuses_leaves_no_phantom() {
    play_light("Phantom", async |scene| {
        let mut job = scene.idle(900);
        job["Parameters"]["File"] = "/not/a/permitted/file.py".into();
        let answer = scene.ask(&scene.create(&job)).await.failed();
        answer.tells(&["/not/a/permitted/file.py", "cannot be added to user sessions"]);
        let owner = Digest::of(&[scene.create(&job).json["StackId"].as_str().expect("text"), scene.name]).short(16);
        let left = scene.real_livy().batches().await;
        assert!(!left.iter().any(|batch| batch.name.contains(&owner)), "{left:?}");
        scene.ask(&scene.delete(&answer.physical_id, &job)).await.succeeded();
    });
}

#[test]
fn a_file_that_is_not_there_is_told() {
    play("NotThere", async |scene| {
        let mut job = with(&scene.idle(900), json!({ "WaitFor": "Succeeded" }));
        job["Parameters"]["File"] = path("tests/jobs/missing.py").into();
        let answer = scene.ask(&scene.create(&job)).await.failed();
        answer.tells(&["missing.py", "No such file"]);
        scene.ask(&scene.delete(&answer.physical_id, &job)).await.succeeded();
    });
}

#[test]
fn an_exception_of_the_jvm_is_told() {
    play("Jvm", async |scene| {
        let mut job = with(&scene.job(".local/jobs/spark-pi.jar", &["many"]), json!({ "WaitFor": "Succeeded" }));
        job["Parameters"]["ClassName"] = "org.apache.spark.examples.SparkPi".into();
        let answer = scene.ask(&scene.create(&job)).await.failed();
        answer.tells(&["NumberFormatException", "\"many\""]);
        scene.ask(&scene.delete(&answer.physical_id, &job)).await.succeeded();

        job["Parameters"]["ClassName"] = "org.example.Missing".into();
        let answer = scene.ask(&scene.create(&job)).await.failed();
        answer.tells(&["org.example.Missing"]);
        scene.ask(&scene.delete(&answer.physical_id, &job)).await.succeeded();
    });
}

#[test]
fn a_job_that_is_not_done_in_time_is_cancelled() {
    play("Late", async |scene| {
        let job =
            with(&scene.idle(900), json!({ "WaitFor": "Succeeded", "StableSeconds": "", "ServiceTimeout": "20" }));
        let answer = scene.ask(&scene.create(&job)).await.failed();
        answer.tells(&["was not done in time", "20 s", "ServiceTimeout"]);
        assert_eq!(scene.livy.live().await, []);
        scene.ask(&scene.delete(&answer.physical_id, &job)).await.succeeded();
    });
}

#[test]
fn a_job_that_is_not_done_in_time_may_be_accepted() {
    play("LateAccepted", async |scene| {
        let job = with(
            &scene.idle(900),
            json!({ "WaitFor": "Succeeded", "OnTimeout": "Accept", "StableSeconds": "", "ServiceTimeout": "20" }),
        );
        let answer = scene.ask(&scene.create(&job)).await.succeeded();
        assert_eq!(answer.data["State"], "running");
        assert_eq!(scene.livy.live().await.len(), 1);
        scene.ask(&scene.delete(&answer.physical_id, &job)).await.succeeded();
    });
}
