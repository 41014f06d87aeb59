//! The templates of `examples/`, as they stand: deployed, run on a real Spark, deleted.

use std::path::Path;

use crate::emr::{LOGS, Place, Way};
use crate::local::root;
use crate::scene::{Scene, path, play};
use crate::stack::{Settled, Stack};
use crate::wait::until;

const PI: &str = "local/jobs/pi.py";
/// What `local.py install` compiles.
const SPARK_PI: &str = ".local/jobs/spark-pi.jar";

#[test]
fn none_is_forgotten() {
    let tests = include_str!("examples.rs");
    for file in std::fs::read_dir(root().join("examples")).expect("the examples") {
        let file = file.expect("a file").path();
        if file.extension().is_some_and(|extension| extension == "yaml") {
            let name = file.file_stem().and_then(|name| name.to_str()).expect("a name");
            assert!(tests.contains(&format!("(scene, \"{name}\"")), "no test deploys examples/{name}.yaml");
        }
    }
}

#[test]
fn pi() {
    play("ExamplePi", async |scene| {
        let (stack, settled) = deploy(scene, "pi", &[&host(scene)[..], &[("File", path(PI))]].concat()).await;
        assert_eq!(settled.outputs["State"], "success");
        let batch = scene.real_livy().batch(settled.outputs["BatchId"].parse().expect("a number")).await;
        assert_eq!(batch.expect("this batch").name, settled.outputs["Name"]);
        stack.delete().await.is("DELETE_COMPLETE");
    });
}

#[test]
fn spark_pi() {
    play("ExampleSparkPi", async |scene| {
        let (stack, settled) =
            deploy(scene, "spark-pi", &[&host(scene)[..], &[("File", path(SPARK_PI))]].concat()).await;
        // It waits until the job runs steadily, and is told how it is then.
        assert!(["running", "success"].contains(&&*settled.outputs["State"]), "{settled:?}");
        assert!(settled.outputs["Job"].contains("#Spark-Pi-"), "{settled:?}");
        stack.delete().await.is("DELETE_COMPLETE");
    });
}

#[test]
fn new_jar() {
    play("ExampleNewJar", async |scene| {
        let parameters = |commit: &str| {
            let class = "org.apache.spark.examples.SparkPi".to_owned();
            [url(scene), ("File", path(SPARK_PI)), ("ClassName", class), ("GitSha", commit.to_owned())]
        };
        let (stack, first) = deploy(scene, "new-jar", &parameters("9893f85")).await;
        let second = redeploy(&stack, "new-jar", &parameters("b2f9359")).await;
        assert_ne!(first.outputs["Job"], second.outputs["Job"]);
        assert_eq!(second.outputs["State"], "success");
        assert_eq!(scene.livy.made().len(), 2);
        stack.delete().await.is("DELETE_COMPLETE");
    });
}

#[test]
fn one_after_another() {
    play("ExampleChain", async |scene| {
        let parameters = |input: &str| {
            [url(scene), ("ExtractFile", path(PI)), ("ReportFile", path(PI)), ("Input", input.to_owned())]
        };
        let (stack, first) = deploy(scene, "one-after-another", &parameters("2")).await;
        let second = redeploy(&stack, "one-after-another", &parameters("3")).await;
        for job in ["Extract", "Report"] {
            assert_ne!(first.outputs[job], second.outputs[job]);
        }
        let made: Vec<_> = scene.livy.made().into_iter().map(|batch| batch.name).collect();
        let kinds: Vec<_> = made.iter().filter_map(|name| name.split('-').next()).collect();
        assert_eq!(kinds, ["Extract", "Report", "Extract", "Report"]);
        stack.delete().await.is("DELETE_COMPLETE");
    });
}

#[test]
fn streaming() {
    play("ExampleStreaming", async |scene| {
        let checkpoint = scene.world.instance.lambda_log.with_file_name("checkpoint");
        let checkpoint = checkpoint.to_str().expect("a path in UTF-8").to_owned();
        let file = path("local/jobs/stream.py");
        let parameters =
            [url(scene), ("File", file), ("Checkpoint", checkpoint.clone()), ("StableSeconds", "4".to_owned())];
        let (stack, settled) = deploy(scene, "streaming", &parameters).await;
        assert_eq!(settled.outputs["State"], "running");
        let metadata = Path::new(&checkpoint).join("metadata");
        until("it has come to its checkpoint", async || metadata.exists().then_some(())).await;
        assert_eq!(scene.livy.live().await.len(), 1);
        scene.only_batch();
        stack.delete().await.is("DELETE_COMPLETE");
    });
}

#[test]
fn hourly_etl() {
    play("ExampleHourly", async |scene| {
        let parameters = |hour: &str| [url(scene), ("File", path(PI)), ("Hour", hour.to_owned())];
        let (stack, first) = deploy(scene, "hourly-etl", &parameters("6")).await;
        let second = redeploy(&stack, "hourly-etl", &parameters("7")).await;
        assert_ne!(first.outputs["Job"], second.outputs["Job"]);
        let made = scene.livy.made();
        // It was let to its end before the second one began.
        let shown = |name: &str, state: &str| {
            scene.livy.calls().iter().position(|call| {
                let said = call.said.to_string();
                said.contains(name) && said.contains(state)
            })
        };
        let (done, begun) = (shown(&made[0].name, "success"), shown(&made[1].name, "\"id\""));
        assert!(done.is_some() && done < begun, "the first hour was done at {done:?}, the second begun at {begun:?}");
        stack.delete().await.is("DELETE_COMPLETE");
    });
}

#[test]
fn keep() {
    play("ExampleKeep", async |scene| {
        // It does nothing for long enough, where Pi would be done too soon to be kept.
        let (stack, settled) = deploy(scene, "keep", &[url(scene), ("File", path("tests/jobs/idle.py"))]).await;
        stack.delete().await.is("DELETE_COMPLETE");
        let kept = scene.livy.live().await;
        assert_eq!(kept.iter().map(|batch| &batch.name).collect::<Vec<_>>(), [&settled.outputs["Name"]]);
        scene.real_livy().kill(kept[0].id).await;
    });
}

#[test]
fn emr_on_eks() {
    play("ExampleOnEks", async |scene| {
        let emr = &scene.world.emr;
        let parameters = [
            ("EksClusterName", "shop".to_owned()),
            ("ExecutionRoleArn", emr.role().to_owned()),
            ("LogUri", LOGS.to_owned()),
            ("File", emr.file(PI).await),
        ];
        let (stack, settled) = deploy(scene, "emr-on-eks", &parameters).await;
        let place = scene.owns_place(emr.place(Way::OnEks, &stack.physical_id("VirtualCluster").await));
        ran(&settled, "Job", &place).await;
        stack.delete().await.is("DELETE_COMPLETE");
        assert_eq!(place.state().await, "TERMINATED");
    });
}

#[test]
fn emr_serverless() {
    play("ExampleServerless", async |scene| {
        let emr = &scene.world.emr;
        let parameters = [("ExecutionRoleArn", emr.role().to_owned()), ("File", emr.file(PI).await)];
        let (stack, settled) = deploy(scene, "emr-serverless", &parameters).await;
        let place = scene.owns_place(emr.place(Way::Serverless, &settled.outputs["ApplicationId"]));
        ran(&settled, "Job", &place).await;
        stack.delete().await.is("DELETE_COMPLETE");
        assert_eq!(place.state().await, "STARTED", "it is kept");
    });
}

#[test]
fn emr_steps() {
    play("ExampleSteps", async |scene| {
        let emr = &scene.world.emr;
        let subnet = "subnet-0123456789abcdef0".to_owned();
        let parameters = [("SubnetId", subnet), ("LogUri", LOGS.to_owned()), ("File", emr.file(PI).await)];
        let (stack, settled) = deploy(scene, "emr-steps", &parameters).await;
        let place = scene.owns_place(emr.place(Way::Steps, &stack.physical_id("Cluster").await));
        ran(&settled, "Job", &place).await;
        stack.delete().await.is("DELETE_COMPLETE");
        assert_eq!(place.state().await, "TERMINATED");
    });
}

#[test]
fn livy_on_cluster() {
    play("ExampleOnCluster", async |scene| {
        let place = scene.on(Way::Steps).await;
        let parameters = [("LivyClusterId", place.id.clone()), ("File", path(PI))];
        let (stack, settled) = deploy(scene, "livy-on-cluster", &parameters).await;
        let batch = scene.real_livy().batch(settled.outputs["BatchId"].parse().expect("a number")).await;
        let batch = batch.expect("this batch");
        assert_eq!(settled.outputs["Job"], format!("livy+cluster://{}/batches/{}#{}", place.id, batch.id, batch.name));
        assert_eq!((&*settled.outputs["State"], place.runs().await.len()), ("success", 0));
        stack.delete().await.is("DELETE_COMPLETE");
    });
}

#[test]
fn native() {
    play("ExampleNative", async |scene| {
        let place = scene.on(Way::Serverless).await;
        let file = place.emr.file(PI).await;
        let parameters = [&serverless(&place)[..], &[("File", file), ("LogUri", LOGS.to_owned())]].concat();
        let (stack, settled) = deploy(scene, "native", &parameters).await;
        ran(&settled, "Job", &place).await;
        let logs = place.emr.logs(&settled.outputs["LogUri"]).await;
        assert!(logs.contains("SPARK_DRIVER/stdout.gz"), "{logs}");
        stack.delete().await.is("DELETE_COMPLETE");
    });
}

#[test]
fn dev_and_prod() {
    play("ExampleDevAndProd", async |scene| {
        let place = scene.on(Way::OnEks).await;
        let dev = [("File", path(PI)), url(scene)];
        let (stack, settled) = deploy(scene, "dev-and-prod", &dev).await;
        assert_eq!((&*settled.outputs["Engine"], &*settled.outputs["State"]), ("livy", "success"));
        let prod = [
            ("Stage", "prod".to_owned()),
            ("File", place.emr.file(PI).await),
            ("VirtualClusterId", place.id.clone()),
            ("ExecutionRoleArn", place.emr.role().to_owned()),
        ];
        let settled = redeploy(&stack, "dev-and-prod", &prod).await;
        assert_eq!(settled.outputs["Engine"], "emr-on-eks");
        ran(&settled, "Job", &place).await;
        stack.delete().await.is("DELETE_COMPLETE");
    });
}

#[test]
fn chain() {
    play("ExampleOrders", async |scene| {
        let place = scene.on(Way::Serverless).await;
        let data = data(scene);
        let files = [
            ("OrdersFile", place.emr.file("local/jobs/orders.py").await),
            ("ReportFile", place.emr.file("local/jobs/report.py").await),
        ];
        let day = [("Data", data.clone()), ("Day", "2026-11-21".to_owned())];
        let (stack, settled) = deploy(scene, "chain", &[&serverless(&place)[..], &files, &day].concat()).await;
        let runs = place.runs().await;
        let ids: Vec<_> = runs.iter().map(|run| &*run.id).collect();
        assert!(settled.outputs["Orders"].ends_with(ids[0]) && settled.outputs["Report"].ends_with(ids[1]), "{ids:?}");
        assert!(place.in_turn(ids[0], ids[1]).await, "the report did not wait for the orders");
        let report = read_all(&Path::new(&data).join("report/day=2026-11-21"));
        assert_eq!(report.lines().next(), Some("product,orders,cents"), "{report}");
        assert_eq!(report.lines().count(), 4, "{report}");
        stack.delete().await.is("DELETE_COMPLETE");
    });
}

#[test]
fn partitions() {
    play("ExamplePartitions", async |scene| {
        let place = scene.on(Way::Serverless).await;
        let data = data(scene);
        let file = [("File", place.emr.file("local/jobs/orders.py").await), ("Data", data.clone())];
        let days = |days: &str| [&serverless(&place)[..], &file, &[("Days", days.to_owned())]].concat();
        let (stack, _) = deploy(scene, "partitions", &days("2026-11-20,2026-11-21")).await;
        let settled = redeploy(&stack, "partitions", &days("2026-11-21,2026-11-22")).await;
        assert_eq!(settled.outputs["Days"], "2026-11-21,2026-11-22");
        let mut names: Vec<_> = place.runs().await.into_iter().map(|run| run.name[..17].to_owned()).collect();
        names.sort();
        assert_eq!(names, ["orders-2026-11-20", "orders-2026-11-21", "orders-2026-11-22"], "one that stays runs once");
        for day in ["2026-11-20", "2026-11-21", "2026-11-22"] {
            assert!(Path::new(&data).join(format!("day={day}/_SUCCESS")).exists(), "no orders of {day}");
        }
        stack.delete().await.is("DELETE_COMPLETE");
    });
}

#[test]
fn streaming_checkpointed() {
    play("ExampleCheckpointed", async |scene| {
        let place = scene.on(Way::Serverless).await;
        let file = place.emr.file("local/jobs/stream.py").await;
        let data = data(scene);
        let more = [
            ("File", file),
            ("Checkpoint", data.clone()),
            ("LogUri", LOGS.to_owned()),
            ("StableSeconds", "4".to_owned()),
        ];
        let parameters = [&serverless(&place)[..], &more].concat();
        let (stack, settled) = deploy(scene, "streaming-checkpointed", &parameters).await;
        assert_eq!(settled.outputs["State"], "RUNNING");
        let metadata = Path::new(&data).join("metadata");
        until("it has come to its checkpoint", async || metadata.exists().then_some(())).await;
        let run = place.described(&place.only_run().await.id).await;
        assert_eq!(run["retryPolicy"]["maxFailedAttemptsPerHour"], 3);
        stack.delete().await.is("DELETE_COMPLETE");
    });
}

type Parameter = (&'static str, String);

fn host(scene: &Scene) -> [Parameter; 2] {
    let (host, port) =
        scene.world.instance.livy_url.trim_start_matches("http://").split_once(':').expect("host and port");
    [("LivyHost", host.to_owned()), ("LivyPort", port.to_owned())]
}

fn serverless(place: &Place) -> [Parameter; 2] {
    [("ApplicationId", place.id.clone()), ("ExecutionRoleArn", place.emr.role().to_owned())]
}

/// A folder for what a scene's jobs keep: pyspark has no file system for S3.
fn data(scene: &Scene) -> String {
    let folder = scene.world.instance.emr_runs.with_file_name(scene.name);
    folder.to_str().expect("a path in UTF-8").to_owned()
}

/// The only job that ever ran at `place` is the one of an output, and it succeeded.
async fn ran(settled: &Settled, output: &str, place: &Place) {
    let run = place.only_run().await;
    assert!(settled.outputs[output].contains(&run.id), "{settled:?} is not about {run:?}");
    assert_eq!((&*settled.outputs["State"], &*run.state), (place.way.success(), place.way.success()));
}

/// The text of all files of a folder that Spark wrote.
fn read_all(folder: &Path) -> String {
    let files = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())).flatten();
    let parts = files.filter(|file| file.file_name().to_string_lossy().starts_with("part-"));
    parts.map(|file| std::fs::read_to_string(file.path()).expect("text")).collect()
}

fn url(scene: &Scene) -> Parameter {
    ("LivyUrl", scene.livy.url())
}

async fn deploy<'s>(scene: &'s Scene, example: &str, parameters: &[Parameter]) -> (Stack<'s>, Settled) {
    let stack = Stack::create(scene, &read(example), parameters).await;
    let settled = stack.settled().await.is("CREATE_COMPLETE");
    (stack, settled)
}

async fn redeploy(stack: &Stack<'_>, example: &str, parameters: &[Parameter]) -> Settled {
    stack.update(&read(example), parameters).await.is("UPDATE_COMPLETE")
}

fn read(example: &str) -> String {
    std::fs::read_to_string(root().join(format!("examples/{example}.yaml"))).expect("an example")
}
