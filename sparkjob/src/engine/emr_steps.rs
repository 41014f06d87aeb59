//! [EMR steps](https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-work-with-steps.html): commands that a cluster of
//! EMR on EC2 runs on its primary node, one after the other unless its `StepConcurrencyLevel` says otherwise.
//!
//! EMR has no token that would make a submission happen once, and takes two steps of one name. So a job is looked for under
//! its name before it is submitted, and afterwards: of twins the first one stays.
//!
//! The driver of a job is a part of its step, unless the deploy mode is `cluster`: then it is in an application of YARN's
//! that goes on when the step is cancelled, or fails alone. Such an application carries a tag, and cancelling its step also
//! adds another one that [kills](request::killing) all that carries it; the run counts as over when that is done. Where steps
//! run one after the other it waits for its turn behind those that were added before. All of this is told by the steps
//! themselves: no process has to remember it. It takes EMR 6.0 or later.
//!
//! Of a native step only its arguments tell where its driver is. Where they do not say it openly, the application is neither
//! tagged nor killed, and goes on when the step is cancelled: a shell's command line (`bash -c "spark-submit --deploy-mode
//! cluster ..."`), a script or a jar that submits by itself, or a cluster whose `spark-defaults.conf` says
//! `spark.submit.deployMode cluster`.

mod listing;
mod report;
mod request;
mod status;
mod step;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use aws_sdk_emr::types::{CancelStepsRequestStatus, StepCancellationOption};
use serde_json::Value;

use super::answer::{Asked, Failed};
use super::aws::{self, AwsError};
use super::emr_cluster::{EmrCluster, Refusal, is_gone, refusal};
use super::text::line;
use super::{Engine, How, Kind, Lookup, MAX_REASON, Report, Trouble, doing};
use crate::http::sdk::{self, Aws};
use crate::job::{Identity, Job, Phase, Place, Run, RunRef, Status, Tags, Timestamp};
use status::Remains;
use step::Step;

/// A cluster, by its steps.
#[derive(Debug)]
pub struct EmrSteps {
    cluster: EmrCluster,
}

impl EmrSteps {
    pub fn new(cluster: String, aws: Arc<Aws>) -> Self {
        Self { cluster: EmrCluster::new(cluster, aws) }
    }
}

#[async_trait]
impl Engine for EmrSteps {
    async fn start(&self, job: &Job, identity: &Identity) -> Result<RunRef, Trouble> {
        let doing = || doing::submit(&self.place());
        let Some(body) = request::submission(&self.cluster.id, job, identity, mark()) else {
            return Err(Trouble::new(Kind::Rejected, doing(), "a step runs Parameters or a HadoopJarStep"));
        };
        let id = match self.add(Asked::Submission, body).await {
            Ok(id) => id,
            Err(error) => return Err(self.cluster.trouble(error, doing(), "AddJobFlowSteps")),
        };
        let run = RunRef { place: self.place(), id, realm: None, name: Some(identity.name()) };
        // Whoever gets its text has to be able to read it.
        if run.to_string().parse().as_ref() == Ok(&run) {
            Ok(run)
        } else {
            Err(Trouble::new(Kind::Unclear, doing(), "EMR answered without the id of one step"))
        }
    }

    /// Steps of the owner or description that are over and were made before `since` are left out even where their
    /// applications are alive: to find those, all steps that the cluster ever had would have to be read.
    async fn find(&self, identity: &Identity, by: Lookup, since: Timestamp) -> Result<Vec<Run>, Trouble> {
        let doing = || doing::find(&self.place());
        let mut steps = match self.recent_and_live(since).await {
            Ok(steps) => steps,
            Err(error) => {
                let is_gone = is_gone(&error);
                let trouble = self.cluster.trouble(error, doing(), "ListSteps");
                return Err(if is_gone { Trouble { kind: Kind::Absent, ..trouble } } else { trouble });
            }
        };
        steps.retain(|step| by.selects(identity, &step.name));
        steps.sort_by(|one, other| (other.created, &other.id).cmp(&(one.created, &one.id)));
        let statuses = self.statuses(&steps, &doing()).await?;
        let runs = steps.into_iter().zip(statuses).map(|(step, status)| Run { run: self.reference(step), status });
        let is_recent = |status: &Status| status.created.is_none_or(|created| created > since);
        Ok(runs.filter(|Run { status, .. }| !status.phase.is_over() || is_recent(status)).collect())
    }

    async fn describe(&self, runs: &[RunRef]) -> Result<Vec<Status>, Trouble> {
        let doing = || doing::describe(&self.place(), runs);
        // Each operation has a rate of its own, and look-ups need the listing's.
        let (read, operation) = match runs {
            [run] => (self.look(run).await.map(|step| step.into_iter().collect()), "DescribeStep"),
            _ => (self.steps(runs).await, "ListSteps"),
        };
        let mut steps: Vec<Step> = match read {
            Ok(steps) => steps,
            Err(error) if is_gone(&error) => return Ok(runs.iter().map(|_| Status::gone_with_place()).collect()),
            Err(error) => return Err(self.cluster.trouble(error, doing(), operation)),
        };
        steps.retain(|step| runs.iter().any(|run| is(step, run)));
        let statuses = self.statuses(&steps, &doing()).await?;
        let status = |run: &RunRef| {
            let index = steps.iter().position(|step| is(step, run));
            index.map_or_else(Status::gone, |index| statuses[index].clone())
        };
        Ok(runs.iter().map(status).collect())
    }

    /// There is no look before a step is asked to stop, since looks are few and EMR never uses an id again. Where none is
    /// allowed afterwards either, [`Engine::describe`] shows what is left alive; it is stopped when the step is asked once
    /// more.
    async fn cancel(&self, run: &RunRef, how: How) -> Result<(), Trouble> {
        let doing = || doing::cancel(run);
        let refusal = match self.cancel_step(run, how).await? {
            Cancelled::Gone => return Ok(()),
            Cancelled::Taken => None,
            Cancelled::NotTaken(refusal) => Some(refusal),
        };
        let step = match self.step(run).await {
            Ok(Some(step)) => step,
            Ok(None) => return Ok(()),
            Err(error) if refusal.is_none() && error.failed.kind == Kind::Busy => return Ok(()),
            Err(error) => return Err(self.cluster.trouble(error, doing(), "DescribeStep")),
        };
        let phase = status::phase(&step);
        if let Some(refusal) = refusal.filter(|_| !phase.is_over() && phase != Phase::Ending) {
            return Err(self.not_cancelled(run, &step, &refusal).await);
        }
        let runs_apart = step.started.is_some() && status::outlives(&step);
        if status::leaves(&step) || (!phase.is_over() && runs_apart) {
            return self.kill_application(&step).await.map_err(|trouble| Trouble { doing: doing(), ..trouble });
        }
        Ok(())
    }

    /// Steps have no tags, so no description has any.
    async fn tag(&self, _run: &RunRef, _wanted: &Tags, _old: &Tags) -> Result<(), Trouble> {
        Ok(())
    }

    async fn report(&self, run: &RunRef) -> Report {
        let links = self.cluster.links(String::new());
        let step = match self.step(run).await {
            Ok(Some(step)) => step,
            Ok(None) => return report::of_none(links),
            Err(error) => return report::of_unseen(run, &error.failed.said, links),
        };
        let logs = self.cluster.describe().await.map(|cluster| cluster.log_folder(&self.cluster.id));
        let logs = logs.map_err(|error| error.failed.said);
        let links = self.cluster.links(report::folder(&step, &self.cluster.id, &logs).unwrap_or_default());
        report::of(&step, &logs, links)
    }
}

/// What came of a cancellation.
enum Cancelled {
    /// The step is not there, or nothing is any more.
    Gone,
    Taken,
    /// It was not taken.
    NotTaken(Failed),
}

impl EmrSteps {
    fn place(&self) -> Place {
        Place::EmrSteps(self.cluster.id.clone())
    }

    fn reference(&self, step: Step) -> RunRef {
        RunRef { place: self.place(), id: step.id, realm: None, name: Some(step.name) }
    }

    /// Adds the one step of `body`; its id, empty where EMR did not give just one.
    async fn add(&self, asked: Asked, body: Value) -> Result<String, AwsError> {
        let call = self.cluster.client().add_job_flow_steps().job_flow_id(&self.cluster.id);
        let sent = call.customize().mutate_request(move |request| sdk::set_json(request, &body)).send().await;
        let answer = sent.map_err(|error| aws::error(asked, &error))?;
        match answer.step_ids() {
            [id] => Ok(id.clone()),
            _ => Ok(String::new()),
        }
    }

    /// The step that `run` means; none where there is none (any more), or one of another name.
    async fn step(&self, run: &RunRef) -> Result<Option<Step>, AwsError> {
        match self.look(run).await {
            Err(error) if is_gone(&error) => Ok(None),
            answer => answer,
        }
    }

    /// The same, where the cluster is there.
    async fn look(&self, run: &RunRef) -> Result<Option<Step>, AwsError> {
        let call = self.cluster.client().describe_step().cluster_id(&self.cluster.id).step_id(&run.id);
        match call.send().await.map_err(|error| aws::error(Asked::Look, &error)) {
            Ok(answer) => {
                let step = answer.step().map(Step::described).filter(|step| step.id == run.id);
                let step = step.ok_or_else(|| AwsError::unavailable("EMR answered without the step"))?;
                Ok(Some(step).filter(|step| is(step, run)))
            }
            Err(error) if refusal(&error) == Some(Refusal::UnknownStep) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn cancel_step(&self, run: &RunRef, how: How) -> Result<Cancelled, Trouble> {
        let doing = || doing::cancel(run);
        let option = match how {
            How::Ask => StepCancellationOption::SendInterrupt,
            How::Kill => StepCancellationOption::TerminateProcess,
        };
        let call = self.cluster.client().cancel_steps().cluster_id(&self.cluster.id).step_ids(&run.id);
        let sent = call.step_cancellation_option(option).send().await;
        let answer = match sent.map_err(|error| aws::error(Asked::Deed, &error)) {
            Ok(answer) => answer,
            Err(error) if is_gone(&error) || refusal(&error) == Some(Refusal::UnknownStep) => {
                return Ok(Cancelled::Gone);
            }
            // In whatever words: what EMR says of an ended cluster is published nowhere. The step itself tells whether it is over.
            Err(error) if error.failed.kind == Kind::Rejected => return Ok(Cancelled::NotTaken(error.failed)),
            Err(error) => return Err(self.cluster.trouble(error, doing(), "CancelSteps")),
        };
        let info = answer.cancel_steps_info_list().iter().find(|info| info.step_id() == Some(&run.id));
        match info.map(|info| (info.status(), info.reason())) {
            Some((Some(CancelStepsRequestStatus::Submitted), _)) => Ok(Cancelled::Taken),
            Some((Some(CancelStepsRequestStatus::Failed), reason)) => {
                let reason = line(reason.unwrap_or_default(), MAX_REASON / 2);
                Ok(Cancelled::NotTaken(Failed::new(Kind::Unclear, reason)))
            }
            _ => Err(Trouble::new(Kind::Unclear, doing(), "EMR does not say whether it is being cancelled")),
        }
    }

    /// Why EMR did not take the cancellation of a step that is alive: since it is too old, or for a reason that may pass.
    async fn not_cancelled(&self, run: &RunRef, step: &Step, refusal: &Failed) -> Trouble {
        let said = format!("EMR did not cancel it: {}; it is {}", refusal.said, step.word);
        let release = self.cluster.describe().await.map(|cluster| cluster.release).unwrap_or_default();
        if status::phase(step) == Phase::Running && cancels_pending_steps_only(&release) {
            let said = format!("{said}, and {release} cancels only what is PENDING");
            let advice = "End it on the cluster (yarn application -kill), wait for its end, or use EMR 5.28 or later.";
            return Trouble { advice: advice.to_owned(), ..Trouble::new(Kind::Rejected, doing::cancel(run), said) };
        }
        Trouble::new(refusal.kind, doing::cancel(run), said)
    }

    /// Sees to it that a step kills the application of `step`, unless one does or has done so, or one too many could not.
    async fn kill_application(&self, step: &Step) -> Result<(), Trouble> {
        let doing = || format!("kill the application of step {}", step.id);
        let killers = match self.killers(&[step]).await {
            Ok(killers) => killers,
            Err(error) => return Err(self.cluster.trouble(error, doing(), "ListSteps")),
        };
        let sees_to_it = |killer: &Step| !status::phase(killer).is_over() || status::kills(killer, step);
        if killers.first().is_some_and(sees_to_it) {
            return Ok(());
        }
        let failed: Vec<&Step> = killers.iter().filter(|killer| has_failed(killer)).collect();
        if failed.len() >= MOST_KILLERS {
            return self.not_killed(step, &failed).await;
        }
        let Some(tag) = status::application_tag(step) else { return Ok(()) };
        let body = request::killing(&self.cluster.id, &step.id, tag, step.role.as_deref());
        match self.add(Asked::Deed, body).await {
            Ok(_) => Ok(()),
            // It goes with its cluster.
            Err(error) if is_gone(&error) => Ok(()),
            Err(error) => Err(self.cluster.trouble(error, doing(), "AddJobFlowSteps")),
        }
    }

    /// That the application of `step` may be alive although these steps, the latest first, were to kill it. A further one
    /// would fail like them.
    async fn not_killed(&self, step: &Step, failed: &[&Step]) -> Result<(), Trouble> {
        let release = match self.cluster.describe().await {
            Ok(cluster) if cluster.is_over() => return Ok(()),
            Err(error) if is_gone(&error) => return Ok(()),
            Ok(cluster) => cluster.release,
            Err(_) => String::new(),
        };
        let ids: Vec<&str> = failed.iter().rev().map(|killer| &*killer.id).collect();
        let said =
            format!("its application may be alive, and the steps that were to kill it have FAILED: {}", ids.join(", "));
        let this = if release.is_empty() { String::new() } else { format!(", and this is {release}") };
        let advice = format!(
            "On the primary node of cluster {}, yarn application -list shows what is alive, and yarn application -kill ends it: \
             it has the tag {}. No step can tell that it is over: then an Update goes on with OnDeleteError: Ignore, and a \
             stack is deleted with this resource retained. The logs of these steps tell why they FAILED; they need EMR 6.0 or \
             later{this}. With DeployMode: client there is no need of any.",
            self.cluster.id,
            status::application_tag(step).unwrap_or_default(),
        );
        Err(Trouble { advice, ..Trouble::new(Kind::Futile, format!("kill the application of step {}", step.id), said) })
    }

    /// The statuses of `steps`, in their order.
    async fn statuses(&self, steps: &[Step], doing: &str) -> Result<Vec<Status>, Trouble> {
        let leaving: Vec<&Step> = steps.iter().filter(|step| status::leaves(step)).collect();
        let mut killers = Vec::new();
        let mut all_gone = false;
        if !leaving.is_empty() {
            killers = match self.killers(&leaving).await {
                Ok(killers) => killers,
                Err(error) => return Err(self.cluster.trouble(error, doing, "ListSteps")),
            };
            let is_over = |killer: &Step| status::phase(killer).is_over();
            let may_live = |step: &&Step| {
                killers_of(step, &killers).next().is_none_or(|killer| is_over(killer) && !status::kills(killer, step))
            };
            if leaving.iter().any(may_live) {
                all_gone = match self.cluster.describe().await {
                    Ok(cluster) => cluster.is_over(),
                    Err(error) if is_gone(&error) => true,
                    Err(error) => return Err(self.cluster.trouble(error, doing, "DescribeCluster")),
                };
            }
        }
        let remains = |step: &Step| match killers_of(step, &killers).next() {
            _ if !status::leaves(step) => Remains::Nothing,
            _ if all_gone => Remains::GoneWithCluster,
            Some(killer) => Remains::Hunted(killer),
            None => Remains::Left,
        };
        Ok(steps.iter().map(|step| status::status(step, remains(step))).collect())
    }
}

/// What differs from one submission to the next, also in processes that run at the same moment: the standard library seeds
/// its hashers at random.
fn mark() -> u32 {
    u32::try_from(RandomState::new().hash_one(Instant::now()) >> 32).unwrap_or_default()
}

/// Whether `step` is the one that `run` means.
fn is(step: &Step, run: &RunRef) -> bool {
    step.id == run.id && run.name.as_ref() == Some(&step.name)
}

/// So many steps that were to kill one application may fail before none is added any more.
const MOST_KILLERS: usize = 2;

/// The steps among `known` that were made to kill what `step` has left behind, in their order: the latest is the first.
fn killers_of<'a>(step: &Step, known: &'a [Step]) -> impl Iterator<Item = &'a Step> {
    let name = request::killer(&step.id);
    known.iter().filter(move |killer| killer.name == name)
}

/// Whether this step, which was to kill, has come to nothing.
fn has_failed(killer: &Step) -> bool {
    status::phase(killer) == Phase::Failed
}

/// Whether a cluster of this release, `emr-5.27.1` say, cannot cancel what runs, as EMR could not
/// [before 5.28](https://docs.aws.amazon.com/emr/latest/APIReference/API_CancelSteps.html).
fn cancels_pending_steps_only(release: &str) -> bool {
    let mut numbers = release.trim_start_matches("emr-").split('.').map(|number| number.parse::<u32>().ok());
    match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(major), Some(minor)) => (major, minor) < (5, 28),
        _ => false,
    }
}
