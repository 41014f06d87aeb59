//! The workflow that works on requests: its executions, seen from without.

mod history;

use aws_sdk_sfn::Client;
use aws_sdk_sfn::error::ProvideErrorMetadata;
use aws_sdk_sfn::types::ExecutionStatus;

use sparkjob::engine::Kind;
use sparkjob::engine::aws::{Asked, AwsError, error, lost, moment};
use sparkjob::http::Lost;
use sparkjob::http::sdk::Aws;
use sparkjob::job::{Digest, Timestamp};

use crate::envelope::Envelope;
use crate::mishap;
use crate::plan::token;
use crate::turn::Turn;
use history::Last;

/// The environment variable that names the workflow.
const VARIABLE: &str = "SPARK_JOB_WORKFLOW_ARN";

/// The longest input of an execution, in bytes:
/// [quotas](https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html).
pub const LONGEST_INPUT: usize = 256 * 1024;

/// The state machine of the template.
#[derive(Clone, Debug)]
pub struct Workflow {
    arn: String,
    client: Client,
}

/// What came of starting an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Started {
    /// It runs: it was started now, or before with the same input.
    Runs,
    /// There is, or was, one of that name.
    Exists,
    /// There is surely none, and none can be started from here; why.
    Nowhere(String),
    /// The call was surely not sent, as no connection could be made; why.
    Unreached(String),
    /// There may be one, and it is to be tried again; why.
    Unclear(String),
}

/// An execution, as far as it matters here.
#[derive(Clone, Debug, PartialEq)]
pub enum Execution {
    /// There is none of that name.
    None,
    /// It works on the request.
    Runs,
    /// It came to its end, with this for its output.
    Succeeded(Option<Box<Turn>>),
    /// It ended otherwise.
    Broken(Broken),
}

/// An execution that ended otherwise than it should.
#[derive(Clone, Debug, PartialEq)]
pub struct Broken {
    /// What is told of that, the same whoever asks.
    pub told: String,
    /// When it ended, where Step Functions tells.
    pub at: Option<Timestamp>,
    /// How far it came, as far as that can be read.
    pub turn: Option<Box<Turn>>,
    /// Whether its history may not be read, which tells how far it came last.
    pub is_denied: bool,
}

impl Workflow {
    /// The one that these variables name, where they do.
    pub fn of(aws: &Aws, variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let arn = variable(VARIABLE).filter(|arn| !arn.is_empty())?;
        Some(Self::new(arn, aws))
    }

    /// The one of this ARN.
    pub fn new(arn: String, aws: &Aws) -> Self {
        Self { arn, client: Client::new(aws.config()) }
    }

    /// Starts an execution, once.
    /// [The same again](https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html) is the same
    /// execution as long as it runs.
    pub async fn start(&self, name: &str, input: String) -> Started {
        let request = self.client.start_execution().state_machine_arn(&self.arn).name(name).input(input);
        let Err(failed) = request.send().await else { return Started::Runs };
        let is_lost_before = matches!(lost(&failed), Some(Lost::NotSent(_)));
        let AwsError { failed, code } = error(Asked::Deed, &failed);
        match code.as_str() {
            "ExecutionAlreadyExists" => Started::Exists,
            "StateMachineDoesNotExist" | "StateMachineDeleting" => Started::Nowhere(failed.said),
            _ if is_lost_before => Started::Unreached(failed.said),
            _ if failed.kind == Kind::Denied => Started::Nowhere(failed.said),
            _ => Started::Unclear(failed.said),
        }
    }

    /// Looks at the execution of that name, and into its history where it ended otherwise than it should: only that holds the
    /// answer that was to be put.
    ///
    /// # Errors
    /// It could not be looked at; why.
    pub async fn look(&self, name: &str) -> Result<Execution, String> {
        let arn = self.execution_arn(name);
        // In the way in which the history is asked for as well, so that the program has one of them.
        let described = self.client.describe_execution().execution_arn(&arn).customize().send().await;
        let execution = match described {
            Ok(execution) => execution,
            Err(failed) if failed.code() == Some("ExecutionDoesNotExist") => return Ok(Execution::None),
            Err(failed) => return Err(error(Asked::Look, &failed).failed.said),
        };
        let turn = |text: Option<&str>| text.and_then(Turn::salvage).map(Box::new);
        Ok(match execution.status() {
            ExecutionStatus::Running | ExecutionStatus::PendingRedrive => Execution::Runs,
            ExecutionStatus::Succeeded => Execution::Succeeded(turn(execution.output())),
            other => {
                let (error, cause) = (execution.error().unwrap_or_default(), execution.cause().unwrap_or_default());
                let (last, is_denied) = self.last(&arn).await?;
                let (last, told) = last.map_or((None, None), |Last { turn, told }| (Some(turn), told));
                Execution::Broken(Broken {
                    told: told.unwrap_or_else(|| mishap::ended(name, other.as_str(), error, cause)),
                    at: moment(execution.stop_date()),
                    turn: last.or_else(|| turn(execution.input())),
                    is_denied,
                })
            }
        })
    }

    /// How far an execution came, as its history tells, and whether that may not be read now.
    async fn last(&self, arn: &str) -> Result<(Option<Last>, bool), String> {
        match history::last(&self.client, arn).await {
            Ok(last) => Ok((last, false)),
            Err(AwsError { failed, .. }) if failed.kind == Kind::Denied => {
                tracing::warn!(why = failed.said, "the history of an execution may not be read, only its input");
                Ok((None, true))
            }
            Err(AwsError { failed, .. }) => Err(failed.said),
        }
    }

    /// `arn:aws:states:eu-west-1:123456789012:execution:Machine:name`
    fn execution_arn(&self, name: &str) -> String {
        format!("{}:{name}", self.arn.replacen(":stateMachine:", ":execution:", 1))
    }
}

/// The name of the execution that works on a request: the same whenever the same is delivered, and another one when
/// `CloudFormation` itself asks once more, with an address of another date.
pub fn execution_name(envelope: &Envelope) -> String {
    let signed = envelope.response_url.signed().map(|at| at.0.to_string()).unwrap_or_default();
    Digest::of(&[&token(envelope).to_string(), &signed]).to_string()
}
