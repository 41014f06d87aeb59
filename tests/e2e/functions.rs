//! Functions beside the deployed one: the same program with another time-out, other rights, another way to its workflow.

use std::collections::HashMap;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::types::{DestinationConfig, Environment, FunctionCode, FunctionConfiguration, OnFailure};

/// The variables that the template sets.
const WORKFLOW: &str = "SPARK_JOB_WORKFLOW_ARN";
const RESPONDER: &str = "SPARK_JOB_RESPONDER_ARN";

/// The deployed functions, from which others are made.
#[derive(Debug)]
pub struct Functions {
    lambda: Client,
    submitter: FunctionConfiguration,
    responder: FunctionConfiguration,
    /// Bucket and key of the zip.
    code: (String, String),
}

/// How a function differs from the deployed one.
#[derive(Clone, Debug, Default)]
pub struct Unlike {
    /// Its time-out, in seconds.
    pub timeout: Option<i32>,
    /// It has the responder's rights: it may look at executions, and start none.
    pub may_start_nothing: bool,
    /// It knows of no workflow.
    pub is_alone: bool,
    /// It reaches Step Functions at this address…
    pub steps_at: Option<String>,
    /// … and EMR Serverless at this one.
    pub serverless_at: Option<String>,
}

/// It knows of no workflow.
pub const ALONE: Unlike =
    Unlike { timeout: None, may_start_nothing: false, is_alone: true, steps_at: None, serverless_at: None };

impl Functions {
    /// Those of the stack with this template, whose submitter is `arn`.
    pub async fn of(lambda: &Client, arn: &str, template: &str) -> Result<Self, String> {
        let submitter = configuration(lambda, arn).await?;
        let responder = configuration(lambda, &variables(&submitter)[RESPONDER]).await?;
        let code = template.split_once("s3://").and_then(|(_, rest)| rest.split_whitespace().next()?.split_once('/'));
        let (bucket, key) = code.ok_or("the template tells no place of the zip")?;
        Ok(Self { lambda: lambda.clone(), submitter, responder, code: (bucket.to_owned(), key.to_owned()) })
    }

    /// The ARN of the workflow.
    pub fn workflow(&self) -> String {
        variables(&self.submitter)[WORKFLOW].clone()
    }

    /// The submitter's role, for what needs one, whatever it allows.
    pub fn role(&self) -> &str {
        self.submitter.role().expect("a role")
    }

    /// Makes a function, whose ARN it returns.
    pub async fn make(&self, name: &str, unlike: &Unlike) -> String {
        let mut variables = variables(&self.submitter);
        if unlike.is_alone {
            variables.remove(WORKFLOW);
        }
        for (variable, url) in
            [("AWS_ENDPOINT_URL_SFN", &unlike.steps_at), ("AWS_ENDPOINT_URL_EMR_SERVERLESS", &unlike.serverless_at)]
        {
            variables.extend(url.iter().map(|url| (variable.to_owned(), url.clone())));
        }
        let rights_of = if unlike.may_start_nothing { &self.responder } else { &self.submitter };
        let (bucket, key) = &self.code;
        let call = self.lambda.create_function().function_name(name).handler("bootstrap");
        let call = call
            .set_runtime(self.submitter.runtime().cloned())
            .set_role(rights_of.role().map(str::to_owned))
            .set_memory_size(self.submitter.memory_size())
            .set_timeout(unlike.timeout.or(self.submitter.timeout()))
            .code(FunctionCode::builder().s3_bucket(bucket).s3_key(key).build())
            .environment(Environment::builder().set_variables(Some(variables)).build());
        let made = call.send().await.unwrap_or_else(|error| panic!("CreateFunction: {error:?}"));
        let on_failure = OnFailure::builder().set_destination(self.responder.function_arn().map(str::to_owned)).build();
        let config = self.lambda.put_function_event_invoke_config().function_name(name).maximum_retry_attempts(2);
        let config = config.destination_config(DestinationConfig::builder().on_failure(on_failure).build());
        config.send().await.unwrap_or_else(|error| panic!("PutFunctionEventInvokeConfig: {error:?}"));
        made.function_arn().expect("an ARN").to_owned()
    }

    /// Deletes a function that was made here.
    pub async fn remove(&self, arn: &str) {
        _ = self.lambda.delete_function().function_name(arn).send().await;
    }
}

async fn configuration(lambda: &Client, arn: &str) -> Result<FunctionConfiguration, String> {
    let told = lambda.get_function().function_name(arn).send().await;
    let told = told.map_err(|error| format!("The function {arn} is not there: {error:?}"))?;
    told.configuration.ok_or_else(|| format!("The function {arn} has no configuration"))
}

fn variables(function: &FunctionConfiguration) -> HashMap<String, String> {
    function.environment().and_then(|environment| environment.variables()).cloned().unwrap_or_default()
}
