//! The lists of a virtual cluster's job runs.

use async_trait::async_trait;
use aws_sdk_emrcontainers::types::JobRun;

use super::{EmrContainers, refusal, status};
use crate::engine::answer::Asked;
use crate::engine::aws::{self, AwsError};
use crate::engine::job_runs::{Listing, Of, Page};
use crate::job::Run;

#[async_trait]
impl Listing for EmrContainers {
    type Row = JobRun;

    const FINDS_NAMES: bool = true;
    const GROUPS_STATES: bool = false;

    /// How long a page is, is left to the service, which publishes no bounds for it.
    async fn page(&self, of: &Of, token: Option<String>) -> Result<Page<JobRun>, AwsError> {
        let is_first = token.is_none();
        let list = self.client().list_job_runs().virtual_cluster_id(&self.cluster).set_next_token(token);
        let list = list.set_name(of.name.clone()).set_states(of.living.then(|| status::LIVE.to_vec()));
        let list = list.set_created_after(of.made_after).set_created_before(of.made_before);
        let answer = match list.send().await.map_err(|error| aws::error(Asked::Look, &error)) {
            Err(error) if is_first && refusal::has_no_list(&error) => return Err(error.of_absence()),
            answer => answer?,
        };
        // An answer of someone else's would read as a list of nothing.
        let rows = answer.job_runs.ok_or_else(|| AwsError::unavailable("it answered without a list of job runs"))?;
        Ok((rows, answer.next_token))
    }

    fn name(row: &JobRun) -> Option<&str> {
        row.name()
    }

    fn run(&self, row: &JobRun) -> Option<Run> {
        Some(Run { run: self.reference(row.arn())?, status: status::of(row) })
    }
}
