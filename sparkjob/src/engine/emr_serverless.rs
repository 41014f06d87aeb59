//! [EMR Serverless](https://docs.aws.amazon.com/emr-serverless/latest/APIReference/Welcome.html)'s job runs.
//!
//! A submission carries a token, and the same again is the same run: so after a lost answer a job is simply submitted again.
//! Nothing is found by its token, though, and by its name only in the list of all job runs.

mod console;
mod listing;
mod refusal;
mod report;
mod request;
mod status;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_emrserverless::Client;
use aws_sdk_emrserverless::types::JobRun;
use tokio::sync::OnceCell;

use super::answer::{Asked, Failed};
use super::aws::{self, AwsError};
use super::{Engine, How, Kind, Lookup, Report, Trouble};
use crate::http::sdk::{self, Aws};
use crate::job::{Identity, Job, Phase, Place, Run, RunRef, Status, Tags, Timestamp};

/// An application.
#[derive(Debug)]
pub struct EmrServerless {
    application: String,
    aws: Arc<Aws>,
    client: OnceCell<Client>,
}

impl EmrServerless {
    pub fn new(application: String, aws: Arc<Aws>) -> Self {
        Self { application, aws, client: OnceCell::new() }
    }
}

#[async_trait]
impl Engine for EmrServerless {
    async fn start(&self, job: &Job, identity: &Identity) -> Result<RunRef, Trouble> {
        let doing = || format!("submit the job to {}", self.place());
        let body = request::body(job, identity);
        let request = self.client().await.start_job_run().application_id(&self.application);
        let sent = request.customize().mutate_request(move |request| sdk::set_json(request, &body)).send().await;
        let refused = |error| refusal::of_start(aws::error(Asked::Submission, &error), job, &self.application, doing());
        let made = sent.map_err(refused)?;
        self.reference(&made.arn).ok_or_else(|| {
            let said = format!("EMR Serverless answered with an ARN that is no job run's of it, {}", cut(&made.arn));
            Trouble::new(Kind::Unclear, doing(), said)
        })
    }

    /// What is over is looked for by name and token only: nobody asks for an owner's or a description's runs but to stop or to
    /// keep them.
    async fn find(&self, identity: &Identity, by: Lookup, since: Timestamp) -> Result<Vec<Run>, Trouble> {
        let name = identity.name();
        let is_wanted = |found: &str| match by {
            Lookup::Name => found == name,
            Lookup::Token => identity.asked_for(found),
            Lookup::Owner => identity.owns(found),
            Lookup::Spec => identity.describes(found),
        };
        let trouble = |error: AwsError| {
            let doing = format!("look for the job at {}", self.place());
            error.while_doing(doing, "emr-serverless:ListJobRuns", &self.resource())
        };
        let client = self.client().await;
        let rows = match by {
            Lookup::Name | Lookup::Token => listing::living_and_recent(client, &self.application, since).await,
            Lookup::Owner | Lookup::Spec => listing::living(client, &self.application).await,
        };
        let rows = rows.map_err(trouble)?;
        let wanted = rows.iter().filter(|row| row.name().is_some_and(is_wanted));
        let runs: Option<Vec<Run>> =
            wanted.map(|row| Some(Run { run: self.reference(&row.arn)?, status: status::of_row(row) })).collect();
        let mut runs = runs.ok_or_else(|| trouble(unavailable("it lists the job under an ARN that is none of its")))?;
        runs.sort_by_key(|run| std::cmp::Reverse(run.status.created));
        Ok(runs)
    }

    /// One after the other: the service allows an account ten of these looks a second.
    async fn describe(&self, runs: &[RunRef]) -> Result<Vec<Status>, Trouble> {
        let mut statuses = Vec::with_capacity(runs.len());
        for run in runs {
            let found = self.job_run(run).await.map_err(|error| self.unseen(error, run))?;
            statuses.push(found.map_or_else(Status::gone, |found| status::of(&found)));
        }
        Ok(statuses)
    }

    /// Being killed leaves no
    /// [grace period](https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/job-cancellation-grace-period.html),
    /// of which the service gives a streaming job two minutes. One that is under way already is not cut short by it.
    async fn cancel(&self, run: &RunRef, how: How) -> Result<(), Trouble> {
        let trouble = |error: AwsError| {
            let doing = format!("stop job run {} at {}", run.id, self.place());
            error.while_doing(doing, "emr-serverless:CancelJobRun", &self.resource())
        };
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

    /// A run that has the tags already is left alone, so that no permission is needed to change nothing.
    async fn tag(&self, run: &RunRef, wanted: &Tags, old: &Tags) -> Result<(), Trouble> {
        if wanted.is_empty() && old.is_empty() {
            return Ok(());
        }
        let Some(found) = self.job_run(run).await.map_err(|error| self.unseen(error, run))? else { return Ok(()) };
        let present = found.tags.unwrap_or_default();
        let missing = wanted.iter().filter(|&(key, value)| present.get(key) != Some(value));
        let missing: HashMap<String, String> = missing.map(|(key, value)| (key.clone(), value.clone())).collect();
        let surplus = old.keys().filter(|&key| !wanted.contains_key(key) && present.contains_key(key));
        let surplus: Vec<String> = surplus.cloned().collect();
        let client = self.client().await;
        if !missing.is_empty() {
            let sent = client.tag_resource().resource_arn(&found.arn).set_tags(Some(missing)).send().await;
            self.tagged(sent.map_err(|error| aws::error(Asked::Deed, &error)), run, "emr-serverless:TagResource")?;
        }
        if !surplus.is_empty() {
            let sent = client.untag_resource().resource_arn(&found.arn).set_tag_keys(Some(surplus)).send().await;
            self.tagged(sent.map_err(|error| aws::error(Asked::Deed, &error)), run, "emr-serverless:UntagResource")?;
        }
        Ok(())
    }

    async fn report(&self, run: &RunRef) -> Report {
        match self.job_run(run).await {
            Ok(Some(found)) => report::of(run, &found),
            Ok(None) => report::of_none(run),
            Err(error) => report::of_unseen(run, &error.failed.said),
        }
    }
}

impl EmrServerless {
    async fn client(&self) -> &Client {
        self.client.get_or_init(async || Client::new(self.aws.config())).await
    }

    fn place(&self) -> Place {
        Place::EmrServerless(self.application.clone())
    }

    /// What permissions are on, for sentences.
    fn resource(&self) -> String {
        format!("the job runs of application {}", self.application)
    }

    /// The run that an ARN means; none where it means none of this application.
    fn reference(&self, arn: &str) -> Option<RunRef> {
        arn.parse().ok().filter(|run: &RunRef| run.place == self.place())
    }

    /// The job run; none where the service does not know it, or its application.
    async fn job_run(&self, run: &RunRef) -> Result<Option<JobRun>, AwsError> {
        let request = self.client().await.get_job_run().application_id(&self.application).job_run_id(&run.id);
        let answer = match request.send().await.map_err(|error| aws::error(Asked::Look, &error)) {
            Err(error) if refusal::is_gone(&error) => return Ok(None),
            answer => answer?,
        };
        let is_the_one = |found: &JobRun| found.job_run_id == run.id && found.application_id == self.application;
        match answer.job_run.filter(is_the_one) {
            Some(found) => Ok(Some(found)),
            None => Err(unavailable("it answered with another job run than was asked for")),
        }
    }

    /// Asks for a run to be stopped; one that is not there needs no stopping.
    async fn stop(&self, run: &RunRef, grace_seconds: Option<i32>) -> Result<(), AwsError> {
        let request = self.client().await.cancel_job_run().application_id(&self.application).job_run_id(&run.id);
        let sent = request.set_shutdown_grace_period_in_seconds(grace_seconds).send().await;
        match sent.map_err(|error| aws::error(Asked::Deed, &error)) {
            Err(error) if refusal::is_gone(&error) => Ok(()),
            answer => answer.map(|_| ()),
        }
    }

    fn unseen(&self, error: AwsError, run: &RunRef) -> Trouble {
        let doing = format!("ask {} for the state of job run {}", self.place(), run.id);
        error.while_doing(doing, "emr-serverless:GetJobRun", &self.resource())
    }

    fn tagged<T>(&self, answer: Result<T, AwsError>, run: &RunRef, permission: &str) -> Result<(), Trouble> {
        match answer {
            Ok(_) => Ok(()),
            Err(error) if refusal::is_gone(&error) => Ok(()),
            Err(error) => {
                let doing = format!("tag job run {} at {}", run.id, self.place());
                Err(error.while_doing(doing, permission, &self.resource()))
            }
        }
    }
}

fn unavailable(said: &str) -> AwsError {
    AwsError { failed: Failed::new(Kind::Unavailable, said), code: String::new() }
}

/// As much of what a service gave as is quoted.
fn cut(text: &str) -> String {
    text.chars().take(100).collect()
}
