//! The local default: asked where it is, and told to start another one.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use serde_json::Value;
use tokio::process::Command;

/// A running instance of `local/local.py`.
#[derive(Clone, Debug)]
pub struct Instance {
    name: String,
    /// Where its Livy listens.
    pub livy_url: String,
    /// What a shell needs to work with it.
    pub env: HashMap<String, String>,
    /// What all Lambda functions logged.
    pub lambda_log: PathBuf,
    /// Where its EMR keeps a folder for each job run and step.
    pub emr_runs: PathBuf,
    /// What custom resources were asked and what they answered, a JSON object a line.
    pub custom_resources: PathBuf,
    /// The answers to events that tests sent themselves, one a line.
    pub answers: PathBuf,
}

impl Instance {
    /// The instance that `make e2e` started for these tests: the environment names it.
    pub async fn given() -> Result<Self, String> {
        let name = std::env::var("SPARKJOB_INSTANCE").map_err(
            |_| "SPARKJOB_INSTANCE names no instance of the local default: run `make e2e`, which starts one",
        )?;
        Self::named(&name)
            .await
            .ok_or_else(|| format!("The instance {name:?} of the local default does not run: run `make e2e`"))
    }

    async fn named(name: &str) -> Option<Self> {
        let status: Value = serde_json::from_str(&local(name, &["status", "--json"]).await).ok()?;
        let well = ["aws", "emr", "livy"].iter().all(|service| status[service]["healthy"] == true);
        let path = |value: &Value| value.as_str().map(PathBuf::from);
        well.then_some(Self {
            name: name.to_owned(),
            livy_url: status["livy"]["url"].as_str()?.to_owned(),
            env: serde_json::from_value(status["env"].clone()).ok()?,
            lambda_log: path(&status["folder"])?.join("log/lambda.log"),
            emr_runs: path(&status["folder"])?.join("work/emr/runs"),
            custom_resources: path(&status["folder"])?.join("log/custom-resources.jsonl"),
            answers: path(&status["folder"])?.join("log/answers.jsonl"),
        })
    }
}

/// An instance of a test's own, which ends with it.
#[derive(Debug)]
pub struct Own {
    /// What runs.
    pub instance: Instance,
    keeper: Keeper,
}

impl Own {
    /// Starts one beside `given`, on free ports.
    pub async fn beside(given: &Instance) -> Self {
        let name = format!("{}-own", given.name);
        local(&name, &["down"]).await;
        let keeper = Keeper::of(&name);
        local(&name, &["up", "--aws-port", "0", "--livy-port", "0", "--emr-port", "0"]).await;
        Self { instance: Instance::named(&name).await.expect("another local default runs"), keeper }
    }

    /// Stops and starts its Livy, which forgets all its batches.
    pub async fn restart_livy(&self) {
        local(&self.instance.name, &["restart", "livy"]).await;
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.keeper.let_go();
    }
}

/// Ends an instance once this program has let go of it or is no more, however it came to its end: Ctrl-C, `kill -KILL`.
#[derive(Debug)]
struct Keeper(Child);

impl Keeper {
    fn of(instance: &str) -> Self {
        let script = r#"trap "" INT HUP TERM; cat; exec "$@""#;
        let down = command(instance, &["down"]).into_std();
        let mut keeper = std::process::Command::new("sh");
        keeper.args(["-c", script, "keeper"]).arg(down.get_program()).args(down.get_args());
        Self(keeper.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("sh runs"))
    }

    fn let_go(&mut self) {
        drop(self.0.stdin.take());
        _ = self.0.wait();
    }
}

/// The repository's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace around this package")
}

async fn local(instance: &str, arguments: &[&str]) -> String {
    let output = command(instance, arguments).output().await.expect("python3 runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn command(instance: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("python3");
    command.arg(root().join("local/local.py")).args(["--instance", instance]).args(arguments);
    command
}
