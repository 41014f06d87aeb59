//! The lists of an application's job runs.

use async_trait::async_trait;
use aws_sdk_emrserverless::types::JobRunSummary;

use super::{EmrServerless, refusal, status};
use crate::engine::answer::Asked;
use crate::engine::aws::{self, AwsError};
use crate::engine::job_runs::{Listing, Of, Page};
use crate::http::sdk::Demand;
use crate::job::Run;

/// Job runs in one page: [as many as there can be](https://docs.aws.amazon.com/emr-serverless/latest/APIReference/API_ListJobRuns.html).
const PAGE: i32 = 50;

#[async_trait]
impl Listing for EmrServerless {
    type Row = JobRunSummary;

    const FINDS_NAMES: bool = false;
    const GROUPS_STATES: bool = true;

    async fn page(&self, of: &Of, token: Option<String>) -> Result<Page<JobRunSummary>, AwsError> {
        let list = self.client().list_job_runs().application_id(&self.application);
        let list = list.set_states(of.living.then(|| status::LIVE.to_vec()));
        let list = list.set_created_at_after(of.made_after).set_created_at_before(of.made_before);
        let list = list.max_results(PAGE).set_next_token(token);
        let sent = list.customize().interceptor(Demand("jobRuns")).send().await;
        let answer = match sent.map_err(|error| aws::error(Asked::Look, &error)) {
            Err(error) if refusal::is_gone(&error) => return Err(error.of_absence()),
            answer => answer?,
        };
        Ok((answer.job_runs, answer.next_token))
    }

    fn name(row: &JobRunSummary) -> Option<&str> {
        row.name()
    }

    fn run(&self, row: &JobRunSummary) -> Option<Run> {
        Some(Run { run: self.reference(&row.arn)?, status: status::of_row(row) })
    }
}
