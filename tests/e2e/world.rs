//! What all scenes share: the local default, and the submitter deployed to it, once.

use std::sync::{Arc, LazyLock};

use aws_sdk_cloudformation::types::{Stack, TemplateStage};
use sparkjob::http::Net;
use tokio::process::Command;
use tokio::runtime::Runtime;
use tokio::sync::{OnceCell, Semaphore};

use crate::answers::Answers;
use crate::aws;
use crate::emr::Emr;
use crate::functions::Functions;
use crate::livy::{Livy, Recorder};
use crate::local::{Instance, root};
use crate::workflow::Workflow;

/// One for all tests: connections outlive the test that opened them.
pub static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

/// Each job is a JVM that keeps a core busy while it starts.
pub static ROOM_FOR_JOBS: Semaphore = Semaphore::const_new(4);

/// The stack that `samconfig.toml` names, and its output.
const STACK: &str = "spark-job-submitter";
const OUTPUT: &str = "SubmitterArn";

/// The local default with the submitter on it, and the stand-ins around it.
#[derive(Debug)]
pub struct World {
    /// Where everything is.
    pub instance: Instance,
    /// The emulator's `CloudFormation`.
    pub cloudformation: aws_sdk_cloudformation::Client,
    /// The emulator's Lambda.
    pub lambda: aws_sdk_lambda::Client,
    /// The emulator's Secrets Manager.
    pub secrets: aws_sdk_secretsmanager::Client,
    /// The deployed function's ARN.
    pub submitter: String,
    /// What other functions are made from.
    pub functions: Functions,
    /// The deployed workflow.
    pub workflow: Workflow,
    /// Where the answers to events go that a test sends itself.
    pub answers: Answers,
    /// The way to Livy.
    pub recorder: Recorder,
    /// The local EMR.
    pub emr: Emr,
    /// The network.
    pub net: Arc<Net>,
}

impl World {
    /// The one that all tests share. The first one to ask deploys the submitter.
    pub async fn get() -> &'static Self {
        static WORLD: OnceCell<Result<World, String>> = OnceCell::const_new();
        // A fault is kept too: it would be the same each time, and a deployment takes long.
        WORLD.get_or_init(Self::build).await.as_ref().unwrap_or_else(|fault| panic!("{fault}"))
    }

    async fn build() -> Result<Self, String> {
        let instance = Instance::given().await?;
        deploy(&instance).await?;
        let net = Arc::new(Net::default());
        let cloudformation = aws::cloudformation(&instance.env, &net);
        let lambda = aws::lambda(&instance.env, &net);
        let submitter = submitter(&cloudformation).await?;
        let functions = Functions::of(&lambda, &submitter, &packaged(&cloudformation).await?).await?;
        Ok(Self {
            workflow: Workflow { client: aws::sfn(&instance.env, &net), arn: functions.workflow() },
            secrets: aws::secrets(&instance.env, &net),
            submitter,
            functions,
            lambda,
            answers: Answers::listen(&instance.answers).await,
            recorder: Recorder::before(Livy::at(&instance.livy_url, &net)).await,
            emr: Emr::of(&instance, &net),
            instance,
            cloudformation,
            net,
        })
    }
}

/// Deploys what `sam build` has built, as a person would.
async fn deploy(instance: &Instance) -> Result<(), String> {
    if !root().join(".local/build/template.yaml").exists() {
        return Err("The submitter is not built: run `make e2e`, or `sam build --config-env local` before".to_owned());
    }
    let output = Command::new(root().join(".local/tools/bin/sam"))
        .args(["deploy", "--config-env", "local"])
        .current_dir(root())
        .env_remove("AWS_PROFILE")
        .env_remove("AWS_SESSION_TOKEN")
        .envs(&instance.env)
        .output()
        .await
        .map_err(|error| format!("SAM is not there ({error}): run `make e2e`"))?;
    let told = || format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() { Ok(()) } else { Err(format!("`sam deploy --config-env local` failed:\n{}", told())) }
}

async fn submitter(cloudformation: &aws_sdk_cloudformation::Client) -> Result<String, String> {
    let described = cloudformation.describe_stacks().stack_name(STACK).send().await;
    let described = described.map_err(|error| format!("The stack {STACK} is not there: {error:?}"))?;
    let mut outputs = described.stacks().iter().flat_map(Stack::outputs);
    let arn = outputs.find(|output| output.output_key() == Some(OUTPUT)).and_then(|output| output.output_value());
    arn.map(str::to_owned).ok_or_else(|| format!("The stack {STACK} has no output {OUTPUT}"))
}

/// The template as `sam deploy` has sent it.
async fn packaged(cloudformation: &aws_sdk_cloudformation::Client) -> Result<String, String> {
    let told = cloudformation.get_template().stack_name(STACK).template_stage(TemplateStage::Original).send().await;
    let told = told.map_err(|error| format!("The template of {STACK} is not there: {error:?}"))?;
    Ok(told.template_body().unwrap_or_default().to_owned())
}
