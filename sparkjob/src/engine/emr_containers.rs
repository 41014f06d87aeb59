//! [EMR on EKS](https://docs.aws.amazon.com/emr-on-eks/latest/APIReference/Welcome.html)'s job runs.
//!
//! The service honours a token: a submission that is made again is the same job run, so one whose answer was lost is simply
//! repeated. A job run carries its name in lists, and a list can be asked for one name.

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
use aws_sdk_emrcontainers::Client;
use aws_sdk_emrcontainers::types::{JobRun, SchedulerStatus, VirtualCluster};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::answer::{Asked, Failed};
use super::aws::{self, AwsError};
use super::{Engine, How, Kind, Lookup, Report, Trouble, doing, job_runs};
use crate::http::sdk::{self, Aws};
use crate::job::{Identity, Job, Phase, Place, Run, RunRef, Status, Tags, Timestamp};

/// How many job runs are asked for at the same time.
const AT_ONCE: usize = 8;

/// A virtual cluster.
#[derive(Debug)]
pub struct EmrContainers {
    cluster: String,
    aws: Arc<Aws>,
    client: OnceLock<Client>,
}

/// The job runs of a virtual cluster that wait: as many as may, and as many as do.
struct Queue {
    most: i32,
    waiting: i32,
}

impl EmrContainers {
    pub fn new(cluster: String, aws: Arc<Aws>) -> Self {
        Self { cluster, aws, client: OnceLock::new() }
    }
}

#[async_trait]
impl Engine for EmrContainers {
    async fn start(&self, job: &Job, identity: &Identity) -> Result<RunRef, Trouble> {
        let doing = || doing::submit(&self.place());
        let body = request::body(job, identity);
        let request = self.client().start_job_run().virtual_cluster_id(&self.cluster);
        let sent = request.customize().mutate_request(move |request| sdk::set_json(request, &body)).send().await;
        let made = match sent.map_err(|error| aws::error(Asked::Submission, &error)) {
            Ok(made) => made,
            Err(error) => return Err(refusal::of_start(self.unless_queued(error).await, &self.cluster, doing())),
        };
        let unclear = |said: &str| Failed::new(Kind::Unclear, said).while_doing(doing());
        if made.name.is_some_and(|name| name != identity.name()) {
            return Err(unclear("EMR on EKS answered with a job run of another name"));
        }
        // Only the ARN tells the account.
        self.reference(made.arn.as_deref()).ok_or_else(|| unclear("EMR on EKS answered without the ARN of a job run"))
    }

    async fn find(&self, identity: &Identity, by: Lookup, since: Timestamp) -> Result<Vec<Run>, Trouble> {
        let found = job_runs::find(self, identity, by, since).await;
        found.map_err(|error| {
            error.while_doing(doing::find(&self.place()), "emr-containers:ListJobRuns", &self.resource())
        })
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
        let request = self.client().cancel_job_run().virtual_cluster_id(&self.cluster).id(&run.id);
        match request.send().await.map_err(|error| aws::error(Asked::Deed, &error)) {
            Ok(_) => Ok(()),
            Err(error) if refusal::leaves_nothing_to_cancel(&error) => Ok(()),
            // In whatever other words it is told: what is over already needs none.
            Err(error) if error.failed.kind == Kind::Rejected && self.is_over(run).await => Ok(()),
            Err(error) => Err(error.while_doing(doing::cancel(run), "emr-containers:CancelJobRun", &run.to_string())),
        }
    }

    async fn tag(&self, run: &RunRef, wanted: &Tags, old: &Tags) -> Result<(), Trouble> {
        let Some(found) = self.job_run(run).await.map_err(|error| self.unseen(error, run))? else { return Ok(()) };
        let change = job_runs::Change::of(&found.tags.unwrap_or_default(), wanted, old);
        let client = self.client();
        // First away with the old ones: there may be 50 tags at most.
        if !change.surplus.is_empty() {
            let request = client.untag_resource().resource_arn(run.to_string()).set_tag_keys(Some(change.surplus));
            let sent = request.send().await.map(|_| ()).map_err(|error| aws::error(Asked::Deed, &error));
            job_runs::tagged(sent, refusal::is_gone, run, "emr-containers:UntagResource")?;
        }
        if !change.missing.is_empty() {
            let request = client.tag_resource().resource_arn(run.to_string()).set_tags(Some(change.missing));
            let sent = request.send().await.map(|_| ()).map_err(|error| aws::error(Asked::Deed, &error));
            job_runs::tagged(sent, refusal::is_gone, run, "emr-containers:TagResource")?;
        }
        Ok(())
    }

    async fn report(&self, run: &RunRef) -> Report {
        match self.job_run(run).await {
            Ok(found) => report::of(run, &self.cluster, found.as_ref()),
            Err(error) => report::of_unseen(run, &self.cluster, &error.failed.said),
        }
    }
}

impl EmrContainers {
    fn client(&self) -> &Client {
        self.client.get_or_init(|| Client::new(self.aws.config()))
    }

    fn place(&self) -> Place {
        Place::EmrOnEks(self.cluster.clone())
    }

    /// What permissions are on, for sentences.
    fn resource(&self) -> String {
        format!("virtual cluster {}", self.cluster)
    }

    /// The run that an ARN means; none where it means none of this virtual cluster.
    fn reference(&self, arn: Option<&str>) -> Option<RunRef> {
        arn?.parse().ok().filter(|run: &RunRef| run.place == self.place())
    }

    /// A refused submission, where the queue of the virtual cluster may be full: one that has a [limit] refuses so what
    /// has no room, in words that are published nowhere.
    ///
    /// [limit]: https://docs.aws.amazon.com/emr-on-eks/latest/APIReference/API_SchedulerConfiguration.html
    async fn unless_queued(&self, mut error: AwsError) -> AwsError {
        if refusal::may_be_of_a_full_queue(&error) {
            match self.queue().await {
                Ok(Some(Queue { most, waiting })) if waiting >= most => {
                    let full = format!("its queue is full ({waiting} of {most}, its maxInQueueJobRuns)");
                    error.failed = Failed::new(Kind::Busy, format!("{full}; {}", error.failed.said));
                }
                // It has no limit, or nobody ever tells.
                Ok(None) => {}
                Err(unseen) if matches!(unseen.failed.kind, Kind::Denied | Kind::Rejected) => {}
                // There is room again, or it was something else that was refused; or it is not told just now.
                Ok(Some(_)) | Err(_) => error.failed.kind = Kind::Unavailable,
            }
        }
        error
    }

    /// The queue of the virtual cluster; none where it has no limit.
    async fn queue(&self) -> Result<Option<Queue>, AwsError> {
        let answer = self.client().describe_virtual_cluster().id(&self.cluster).send().await;
        let answer = answer.map_err(|error| aws::error(Asked::Look, &error))?;
        let cluster = answer.virtual_cluster();
        let most = cluster.and_then(|cluster| cluster.scheduler_configuration()?.max_in_queue_job_runs());
        let status = cluster.and_then(VirtualCluster::scheduler_status);
        Ok(most.map(|most| Queue { most, waiting: status.map_or(0, SchedulerStatus::current_in_queue_job_runs) }))
    }

    /// Whether a run is known to need no cancelling (any more).
    async fn is_over(&self, run: &RunRef) -> bool {
        self.status(run).await.is_ok_and(|status| status.phase.is_over() || status.phase == Phase::Ending)
    }

    async fn status(&self, run: &RunRef) -> Result<Status, Trouble> {
        match self.look(run).await {
            Ok(found) => Ok(found.as_ref().map_or_else(Status::gone, status::of)),
            Err(error) => refusal::status(&error).ok_or_else(|| self.unseen(error, run)),
        }
    }

    /// The job run; none where the service does not know it (any more), or its virtual cluster.
    async fn job_run(&self, run: &RunRef) -> Result<Option<JobRun>, AwsError> {
        match self.look(run).await {
            Err(error) if refusal::is_gone(&error) => Ok(None),
            answer => answer,
        }
    }

    /// The job run; none where the service cannot have given its id.
    async fn look(&self, run: &RunRef) -> Result<Option<JobRun>, AwsError> {
        if !is_id(&run.id) {
            return Ok(None);
        }
        let request = self.client().describe_job_run().virtual_cluster_id(&self.cluster).id(&run.id);
        let answer = request.send().await.map_err(|error| aws::error(Asked::Look, &error))?;
        let is_the_one = |found: &JobRun| found.id() == Some(&run.id);
        match answer.job_run.filter(is_the_one) {
            Some(found) => Ok(Some(found)),
            None => Err(AwsError::unavailable("it answered with another job run than was asked for, or with none")),
        }
    }

    fn unseen(&self, error: AwsError, run: &RunRef) -> Trouble {
        let doing = doing::describe(&self.place(), std::slice::from_ref(run));
        error.while_doing(doing, "emr-containers:DescribeJobRun", &run.to_string())
    }
}

/// Whether the service could have given this id: `ResourceIdString` of its API. It would answer any other as if it had been
/// asked wrongly, not as one that it does not know.
fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}
