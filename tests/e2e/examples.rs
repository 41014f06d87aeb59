//! The templates of `examples/`, as they stand: deployed, run on a real Spark, deleted.

use std::path::Path;

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
        assert_eq!(settled.outputs["State"], "success");
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
        let checkpoint = scene.world.instance.aws_log.with_file_name("checkpoint");
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

type Parameter = (&'static str, String);

fn host(scene: &Scene) -> [Parameter; 2] {
    let (host, port) =
        scene.world.instance.livy_url.trim_start_matches("http://").split_once(':').expect("host and port");
    [("LivyHost", host.to_owned()), ("LivyPort", port.to_owned())]
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
