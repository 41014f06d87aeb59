//! The workflow, as a person sees it in the console: its executions.

use aws_sdk_sfn::Client;

use crate::wait::until;

/// The deployed workflow.
#[derive(Debug)]
pub struct Workflow {
    /// The emulator's Step Functions.
    pub client: Client,
    /// Its ARN.
    pub arn: String,
}

/// The work on one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// Its ARN.
    pub arn: String,
    /// `RUNNING` and the like.
    pub status: String,
}

impl Workflow {
    /// The executions that were ever started for a request, as far as it is one of the latest hundreds.
    pub async fn executions(&self, request: &str) -> Vec<Execution> {
        let listed = self.client.list_executions().state_machine_arn(&self.arn).max_results(300).send().await;
        let listed = listed.unwrap_or_else(|error| panic!("ListExecutions: {error:?}"));
        let mut found = Vec::new();
        for one in listed.executions() {
            let told = self.client.describe_execution().execution_arn(one.execution_arn()).send().await;
            let told = told.unwrap_or_else(|error| panic!("DescribeExecution: {error:?}"));
            if told.input().is_some_and(|input| input.contains(request)) {
                let status = told.status().as_str().to_owned();
                found.push(Execution { arn: told.execution_arn().to_owned(), status });
            }
        }
        found
    }

    /// The only one.
    pub async fn execution(&self, request: &str) -> Execution {
        let found = self.executions(request).await;
        let [only] = found.try_into().unwrap_or_else(|found| panic!("not one execution: {found:?}"));
        only
    }

    /// The only one, once it is over.
    pub async fn ended(&self, request: &str) -> Execution {
        let over = async || Some(self.execution(request).await).filter(|execution| execution.status != "RUNNING");
        until("its execution is over", over).await
    }

    /// Stops an execution by hand.
    pub async fn stop(&self, execution: &Execution) {
        let stopped = self.client.stop_execution().execution_arn(&execution.arn).send().await;
        stopped.unwrap_or_else(|error| panic!("StopExecution: {error:?}"));
    }
}
