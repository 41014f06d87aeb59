//! [EMR Serverless](https://docs.aws.amazon.com/emr-serverless/latest/APIReference/Welcome.html)'s job runs.
//!
//! A submission carries a token, and the same again is the same run: so after a lost answer a job is simply submitted again.
//! Nothing is found by its token, though, and by its name only in the list of all job runs.

mod listing;
mod refusal;
mod report;
mod request;
mod status;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use aws_sdk_emrserverless::Client;
use aws_sdk_emrserverless::types::JobRun;

use super::answer::{Asked, Failed};
use super::aws::{self, AwsError};
use super::text::clip;
use super::{Engine, How, Kind, Lookup, Report, Trouble, doing, job_runs};
use crate::http::sdk::{self, Aws};
use crate::job::{Identity, Job, Phase, Place, Run, RunRef, Status, Tags, Timestamp};

/// As much of an ARN that makes no sense as is quoted, in characters.
const MAX_ARN: usize = 100;

/// An application.
#[derive(Debug)]
pub struct EmrServerless {
    application: String,
    aws: Arc<Aws>,
    client: OnceLock<Client>,
}

impl EmrServerless {
    pub fn new(application: String, aws: Arc<Aws>) -> Self {
        Self { application, aws, client: OnceLock::new() }
    }
}

#[async_trait]
impl Engine for EmrServerless {
    async fn start(&self, job: &Job, identity: &Identity) -> Result<RunRef, Trouble> {
        let doing = || doing::submit(&self.place());
        let body = request::body(job, identity);
        let request = self.client().start_job_run().application_id(&self.application);
        let sent = request.customize().mutate_request(move |request| sdk::set_json(request, &body)).send().await;
        let refused = |error| refusal::of_start(aws::error(Asked::Submission, &error), &self.application, doing());
        let made = sent.map_err(refused)?;
        self.reference(&made.arn).ok_or_else(|| {
            let said =
                format!("EMR Serverless answered with an ARN that is no job run's of it, {}", clip(&made.arn, MAX_ARN));
            Failed::new(Kind::Unclear, said).while_doing(doing())
        })
    }

    async fn find(&self, identity: &Identity, by: Lookup, since: Timestamp) -> Result<Vec<Run>, Trouble> {
        let found = job_runs::find(self, identity, by, since).await;
        found.map_err(|error| {
            error.while_doing(doing::find(&self.place()), "emr-serverless:ListJobRuns", &self.resource())
        })
    }

    /// One after the other: the service allows an account ten of these looks a second.
    async fn describe(&self, runs: &[RunRef]) -> Result<Vec<Status>, Trouble> {
        let mut statuses = Vec::with_capacity(runs.len());
        for run in runs {
            statuses.push(match self.look(run).await {
                Ok(found) => status::of(&found),
                Err(error) => refusal::status(&error).ok_or_else(|| self.unseen(error, run))?,
            });
        }
        Ok(statuses)
    }

    /// Being killed leaves no
    /// [grace period](https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/job-cancellation-grace-period.html),
    /// of which the service gives a streaming job two minutes. One that is under way already is not cut short by it.
    async fn cancel(&self, run: &RunRef, how: How) -> Result<(), Trouble> {
        let trouble =
            |error: AwsError| error.while_doing(doing::cancel(run), "emr-serverless:CancelJobRun", &run.to_string());
        let grace_seconds = match how {
            How::Ask => None,
            How::Kill => Some(0),
        };
        let refused = match self.stop(run, grace_seconds).await {
            Err(error) if refusal::is_about_the_state(&error) => error,
            answer => return answer.map_err(trouble),
        };
        // What is over already is refused like what cannot be cancelled for any other reason.
        let found = self.job_run(run).await.map_err(|error| self.unseen(error, run))?;
        let phase = found.map_or(Phase::Gone, |found| status::of(&found).phase);
        match phase {
            Phase::Ending => Ok(()),
            over if over.is_over() => Ok(()),
            // A release before 7.9 knows no grace periods.
            _ if grace_seconds.is_some() => self.stop(run, None).await.map_err(trouble),
            _ => Err(trouble(refused)),
        }
    }

    async fn tag(&self, run: &RunRef, wanted: &Tags, old: &Tags) -> Result<(), Trouble> {
        let Some(found) = self.job_run(run).await.map_err(|error| self.unseen(error, run))? else { return Ok(()) };
        let change = job_runs::Change::of(&found.tags.unwrap_or_default(), wanted, old);
        let client = self.client();
        // First away with the old ones: there may be 200 tags at most.
        if !change.surplus.is_empty() {
            let request = client.untag_resource().resource_arn(run.to_string()).set_tag_keys(Some(change.surplus));
            let sent = request.send().await.map(|_| ()).map_err(|error| aws::error(Asked::Deed, &error));
            job_runs::tagged(sent, refusal::is_gone, run, "emr-serverless:UntagResource")?;
        }
        if !change.missing.is_empty() {
            let request = client.tag_resource().resource_arn(run.to_string()).set_tags(Some(change.missing));
            let sent = request.send().await.map(|_| ()).map_err(|error| aws::error(Asked::Deed, &error));
            job_runs::tagged(sent, refusal::is_gone, run, "emr-serverless:TagResource")?;
        }
        Ok(())
    }

    async fn report(&self, run: &RunRef) -> Report {
        match self.job_run(run).await {
            Ok(found) => report::of(run, found.as_ref()),
            Err(error) => report::of_unseen(run, &error.failed.said),
        }
    }
}

impl EmrServerless {
    fn client(&self) -> &Client {
        self.client.get_or_init(|| Client::new(self.aws.config()))
    }

    fn place(&self) -> Place {
        Place::EmrServerless(self.application.clone())
    }

    /// What permissions are on, for sentences.
    fn resource(&self) -> String {
        format!("application {}", self.application)
    }

    /// The run that an ARN means; none where it means none of this application.
    fn reference(&self, arn: &str) -> Option<RunRef> {
        arn.parse().ok().filter(|run: &RunRef| run.place == self.place())
    }

    /// The job run; none where the service does not know it (any more), or its application.
    async fn job_run(&self, run: &RunRef) -> Result<Option<JobRun>, AwsError> {
        match self.look(run).await {
            Err(error) if refusal::is_gone(&error) => Ok(None),
            answer => answer.map(Some),
        }
    }

    async fn look(&self, run: &RunRef) -> Result<JobRun, AwsError> {
        let request = self.client().get_job_run().application_id(&self.application).job_run_id(&run.id);
        let answer = request.send().await.map_err(|error| aws::error(Asked::Look, &error))?;
        let is_the_one = |found: &JobRun| found.job_run_id == run.id && found.application_id == self.application;
        let other = || AwsError::unavailable("it answered with another job run than was asked for, or with none");
        answer.job_run.filter(is_the_one).ok_or_else(other)
    }

    /// Asks for a run to be stopped; one that is not there needs no stopping.
    async fn stop(&self, run: &RunRef, grace_seconds: Option<i32>) -> Result<(), AwsError> {
        let request = self.client().cancel_job_run().application_id(&self.application).job_run_id(&run.id);
        let sent = request.set_shutdown_grace_period_in_seconds(grace_seconds).send().await;
        match sent.map_err(|error| aws::error(Asked::Deed, &error)) {
            Err(error) if refusal::is_gone(&error) => Ok(()),
            answer => answer.map(|_| ()),
        }
    }

    fn unseen(&self, error: AwsError, run: &RunRef) -> Trouble {
        let doing = doing::describe(&self.place(), std::slice::from_ref(run));
        error.while_doing(doing, "emr-serverless:GetJobRun", &run.to_string())
    }
}
