//! [EMR on EKS](https://docs.aws.amazon.com/emr-on-eks/latest/APIReference/Welcome.html)'s job runs.
//!
//! The service honours a token: a submission that is made again is the same job run, so one whose answer was lost is simply
//! repeated. A job run carries its name in lists, and a list can be asked for one name.

mod console;
mod refusal;
mod report;
mod request;
mod status;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_emrcontainers::Client;
use aws_sdk_emrcontainers::operation::list_job_runs::builders::ListJobRunsFluentBuilder;
use aws_sdk_emrcontainers::primitives::DateTime;
use aws_sdk_emrcontainers::types::JobRun;
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::OnceCell;

use super::answer::{Asked, Failed};
use super::aws::{self, AwsError};
use super::{Engine, How, Kind, Lookup, Report, Trouble};
use crate::http::sdk::{self, Aws};
use crate::job::{Identity, Job, Place, Run, RunRef, Status, Tags, Timestamp};

/// Pages of a listing that are read at most. How long one is, is left to the service, which publishes no bounds for it.
const MAX_PAGES: usize = 100;
/// How many job runs are asked for at the same time.
const AT_ONCE: usize = 8;

/// A virtual cluster.
#[derive(Debug)]
pub struct EmrContainers {
    cluster: String,
    aws: Arc<Aws>,
    client: OnceCell<Client>,
}

impl EmrContainers {
    pub fn new(cluster: String, aws: Arc<Aws>) -> Self {
        Self { cluster, aws, client: OnceCell::new() }
    }
}

#[async_trait]
impl Engine for EmrContainers {
    async fn start(&self, job: &Job, identity: &Identity) -> Result<RunRef, Trouble> {
        let doing = || format!("submit the job to {}", self.place());
        let body = request::body(job, identity);
        let request = self.client().await.start_job_run().virtual_cluster_id(&self.cluster).customize();
        let started = request.mutate_request(move |request| sdk::set_json(request, &body)).send().await;
        let started = started.map_err(|error| {
            refusal::of_start(aws::error(Asked::Submission, &error), doing(), &self.cluster, &self.resource())
        })?;
        let unclear = |said: &str| Failed::new(Kind::Unclear, said).while_doing(doing());
        if started.name.is_some_and(|name| name != identity.name()) {
            return Err(unclear("it answered with a job run of another name"));
        }
        // Only the ARN tells the account.
        self.reference(started.arn.as_deref()).ok_or_else(|| unclear("it answered without the ARN of a job run"))
    }

    /// What is over is looked for by name and token only: who looks for what an owner has looks for what is to be stopped
    /// or kept.
    async fn find(&self, identity: &Identity, by: Lookup, since: Timestamp) -> Result<Vec<Run>, Trouble> {
        let trouble = |error: AwsError| {
            error.while_doing(
                format!("look for the job at {}", self.place()),
                "emr-containers:ListJobRuns",
                &self.resource(),
            )
        };
        let name = identity.name();
        let runs = match by {
            Lookup::Name => self.list(|list| list.name(&name)).await,
            Lookup::Token => self.list_live_and_recent(since).await,
            Lookup::Owner | Lookup::Spec => self.list_live().await,
        };
        let is_wanted = |found: &str| match by {
            Lookup::Name => found == name,
            Lookup::Token => identity.asked_for(found),
            Lookup::Owner => identity.owns(found),
            Lookup::Spec => identity.describes(found),
        };
        let wanted = runs.map_err(trouble)?.into_iter().filter(|run| run.name().is_some_and(is_wanted));
        let found: Result<Vec<Run>, AwsError> = wanted.map(|run| self.run(&run)).collect();
        let mut found = found.map_err(trouble)?;
        found.retain(|Run { status, .. }| {
            !status.phase.is_over() || status.created.is_none_or(|created| created >= whole_second(since))
        });
        found.sort_by_key(|found| std::cmp::Reverse(found.status.created));
        Ok(found)
    }

    async fn describe(&self, runs: &[RunRef]) -> Result<Vec<Status>, Trouble> {
        let statuses: Vec<_> = runs.iter().map(|run| self.status(run)).collect();
        stream::iter(statuses).buffered(AT_ONCE).try_collect().await
    }

    /// The service knows one way to stop a job run, so `how` makes no difference.
    async fn cancel(&self, run: &RunRef, _how: How) -> Result<(), Trouble> {
        if !is_id(&run.id) {
            return Ok(());
        }
        let client = self.client().await;
        let cancelled = client.cancel_job_run().virtual_cluster_id(&self.cluster).id(&run.id).send().await;
        match cancelled.map_err(|error| aws::error(Asked::Deed, &error)) {
            Err(error) if !refusal::leaves_nothing_to_cancel(&error) => {
                let doing = format!("stop job run {} at {}", run.id, self.place());
                Err(error.while_doing(doing, "emr-containers:CancelJobRun", &run.to_string()))
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// The tags are looked at first: where none is to be changed, nothing has to be allowed.
    async fn tag(&self, run: &RunRef, wanted: &Tags, old: &Tags) -> Result<(), Trouble> {
        let present = match self.job_run(run).await {
            Ok(Some(job)) => job.tags.unwrap_or_default(),
            Ok(None) => return Ok(()),
            Err(error) => return Err(self.tag_trouble(run, error, "DescribeJobRun")),
        };
        let only_old = old.keys().filter(|key| !wanted.contains_key(*key) && present.contains_key(*key));
        let only_old: Vec<String> = only_old.cloned().collect();
        let new = wanted.iter().filter(|(key, value)| present.get(*key) != Some(*value));
        let new: Vec<(&String, &String)> = new.collect();
        let client = self.client().await;
        // First away with the old ones: there may be 50 tags at most.
        if !only_old.is_empty() {
            let untagged = client.untag_resource().resource_arn(run.to_string()).set_tag_keys(Some(only_old)).send();
            let untagged = untagged.await.map(|_| ()).map_err(|error| aws::error(Asked::Deed, &error));
            tolerant(untagged).map_err(|error| self.tag_trouble(run, error, "UntagResource"))?;
        }
        if !new.is_empty() {
            let request = client.tag_resource().resource_arn(run.to_string());
            let request = new.into_iter().fold(request, |request, (key, value)| request.tags(key, value));
            let tagged = request.send().await.map(|_| ()).map_err(|error| aws::error(Asked::Deed, &error));
            tolerant(tagged).map_err(|error| self.tag_trouble(run, error, "TagResource"))?;
        }
        Ok(())
    }

    async fn report(&self, run: &RunRef) -> Report {
        match self.job_run(run).await {
            Ok(job) => report::report(run, &self.cluster, job.as_ref()),
            Err(error) => report::unread(run, &self.cluster, &error.failed.said),
        }
    }
}

impl EmrContainers {
    async fn client(&self) -> &Client {
        self.client.get_or_init(async || Client::new(self.aws.config())).await
    }

    fn place(&self) -> Place {
        Place::EmrOnEks(self.cluster.clone())
    }

    /// The virtual cluster, for whoever is to allow something on it.
    fn resource(&self) -> String {
        format!("virtual cluster {}", self.cluster)
    }

    /// The run of this ARN, where it is one of this virtual cluster's.
    fn reference(&self, arn: Option<&str>) -> Option<RunRef> {
        arn?.parse().ok().filter(|run: &RunRef| run.place == self.place())
    }

    fn run(&self, job: &JobRun) -> Result<Run, AwsError> {
        let run = self.reference(job.arn()).ok_or_else(|| unusable("it listed a job run without its ARN"))?;
        Ok(Run { run, status: status::status(job) })
    }

    async fn status(&self, run: &RunRef) -> Result<Status, Trouble> {
        let job = self.job_run(run).await.map_err(|error| {
            let doing = format!("ask {} for the state of job run {}", self.place(), run.id);
            error.while_doing(doing, "emr-containers:DescribeJobRun", &run.to_string())
        })?;
        Ok(job.as_ref().map_or_else(Status::gone, status::status))
    }

    /// What the service says of `run`; none where it does not know it (any more).
    async fn job_run(&self, run: &RunRef) -> Result<Option<JobRun>, AwsError> {
        if !is_id(&run.id) {
            return Ok(None);
        }
        let client = self.client().await;
        let described = client.describe_job_run().virtual_cluster_id(&self.cluster).id(&run.id).send().await;
        match described.map_err(|error| aws::error(Asked::Look, &error)) {
            Ok(described) => match described.job_run {
                Some(job) if job.id() == Some(&run.id) => Ok(Some(job)),
                _ => Err(unusable("it answered with another job run, or with none")),
            },
            Err(error) if refusal::knows_nothing(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn list_live(&self) -> Result<Vec<JobRun>, AwsError> {
        self.list(|list| list.set_states(Some(status::LIVE.to_vec()))).await
    }

    /// A job run that ends meanwhile is in the second list at the latest, as it is by then.
    async fn list_live_and_recent(&self, since: Timestamp) -> Result<Vec<JobRun>, AwsError> {
        let since = i64::try_from(whole_second(since).0 / 1000).unwrap_or(i64::MAX);
        // Whether the very second is in the list is not published.
        let since = DateTime::from_secs(since.saturating_sub(1).max(0));
        let mut runs = self.list_live().await?;
        runs.extend(self.list(|list| list.created_after(since)).await?);
        let by_id: BTreeMap<Option<String>, JobRun> = runs.into_iter().map(|run| (run.id.clone(), run)).collect();
        Ok(by_id.into_values().collect())
    }

    /// All job runs that `only` asks for: none where there is no such virtual cluster (any more).
    async fn list(
        &self,
        only: impl Fn(ListJobRunsFluentBuilder) -> ListJobRunsFluentBuilder + Send + Sync,
    ) -> Result<Vec<JobRun>, AwsError> {
        let client = self.client().await;
        let (mut runs, mut tokens) = (Vec::new(), BTreeSet::new());
        let mut token: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let request = only(client.list_job_runs().virtual_cluster_id(&self.cluster));
            let page = request.set_next_token(token.clone()).send().await;
            let page = match page.map_err(|error| aws::error(Asked::Look, &error)) {
                Err(error) if token.is_none() && refusal::has_no_list(&error) => return Ok(Vec::new()),
                page => page?,
            };
            runs.extend(page.job_runs.unwrap_or_default());
            token = page.next_token.filter(|token| !token.is_empty());
            match &token {
                None => return Ok(runs),
                Some(token) if !tokens.insert(token.clone()) => {
                    return Err(unusable("its list of job runs goes round in circles"));
                }
                Some(_) => {}
            }
        }
        Err(unusable("it has more job runs than can be listed"))
    }

    fn tag_trouble(&self, run: &RunRef, error: AwsError, operation: &str) -> Trouble {
        let doing = format!("tag job run {} at {}", run.id, self.place());
        error.while_doing(doing, &format!("emr-containers:{operation}"), &run.to_string())
    }
}

/// Whether the service could have given this id: `ResourceIdString` of its API. It would answer any other as if it had been
/// asked wrongly, not as one that it does not know.
fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

/// The service tells times in whole seconds.
fn whole_second(moment: Timestamp) -> Timestamp {
    Timestamp(moment.0 - moment.0 % 1000)
}

/// What is not there (any more) needs no tags.
fn tolerant(done: Result<(), AwsError>) -> Result<(), AwsError> {
    done.or_else(|error| if refusal::knows_nothing(&error) { Ok(()) } else { Err(error) })
}

fn unusable(said: &str) -> AwsError {
    AwsError { failed: Failed::new(Kind::Unavailable, said), code: String::new() }
}
