//! Livy on the primary node of one of EMR's clusters.
//!
//! The template names the cluster, and so do references and texts: the node's own name is asked of EMR when it is needed.
//! So a cluster that has ended is told from one that cannot be reached. While it is `TERMINATING`, jobs may go on: Livy is
//! asked for as long as it answers, and afterwards nothing is taken for over before the cluster is.

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures_util::future::OptionFuture;

use super::emr_cluster::{Cluster, EmrCluster, NAME_ANOTHER, Refusal, refusal};
use super::livy::{Livy, Login};
use super::{Engine, How, Kind, Links, Lookup, Report, Trouble, doing};
use crate::hidden::Hidden;
use crate::http::Transport;
use crate::http::sdk::Aws;
use crate::job::{DEFAULT_LIVY_PORT, Identity, Job, LivyUrl, Place, Run, RunRef, Status, Tags, Timestamp};

/// The Livy of a cluster.
#[derive(Debug)]
pub struct LivyOnCluster {
    cluster: EmrCluster,
    transport: Arc<dyn Transport>,
    /// The server where it was last found, for as long as it answers there: of several primary nodes another may take over.
    known: Mutex<Option<Arc<Livy>>>,
    /// What lets into it, wherever it is; none where it asks for nothing.
    login: Option<Arc<Login>>,
}

impl LivyOnCluster {
    pub fn new(cluster: String, transport: Arc<dyn Transport>, aws: Arc<Aws>, login: Option<Arc<Login>>) -> Self {
        Self { cluster: EmrCluster::new(cluster, aws), transport, known: Mutex::default(), login }
    }
}

/// What there is of a cluster's Livy.
enum Found {
    Livy(Arc<Livy>),
    /// The cluster is about to end, for this reason, and Livy may still answer, where there is one.
    Ending(Option<Arc<Livy>>, String),
    /// The cluster has ended, or EMR knows none of its id: for this reason.
    Over(String),
}

#[async_trait]
impl Engine for LivyOnCluster {
    async fn start(&self, job: &Job, identity: &Identity) -> Result<RunRef, Trouble> {
        let doing = format!("submit the job to {}", self.place());
        // The cluster may have begun to end while its Livy was known.
        *self.known() = None;
        match self.livy(&doing).await? {
            Found::Livy(livy) => self.heed(livy.start(job, identity).await),
            Found::Ending(_, said) | Found::Over(said) => Err(closed(Kind::Rejected, doing, said)),
        }
    }

    async fn find(&self, identity: &Identity, by: Lookup, since: Timestamp) -> Result<Vec<Run>, Trouble> {
        match self.livy(&doing::find(&self.place())).await? {
            Found::Livy(livy) => self.heed(livy.find(identity, by, since).await),
            Found::Ending(livy, said) => {
                let asked = livy.as_ref().map(|livy| livy.find(identity, by, since));
                let found = OptionFuture::from(asked).await;
                heard(found, || match by {
                    // No job is to be submitted here, as to which this is the look before; one that was may run.
                    Lookup::Name => closed(Kind::Rejected, doing::find(&self.place()), said),
                    _ => ending(doing::find(&self.place()), &said),
                })
            }
            Found::Over(said) => Err(closed(Kind::Absent, doing::find(&self.place()), said)),
        }
    }

    async fn describe(&self, runs: &[RunRef]) -> Result<Vec<Status>, Trouble> {
        match self.livy(&doing::describe(&self.place(), runs)).await? {
            Found::Livy(livy) => self.heed(livy.describe(runs).await),
            Found::Ending(livy, said) => {
                let described = OptionFuture::from(livy.as_ref().map(|livy| livy.describe(runs))).await;
                heard(described, || ending(doing::describe(&self.place(), runs), &said))
            }
            Found::Over(_) => Ok(runs.iter().map(|_| Status::gone_with_place()).collect()),
        }
    }

    async fn cancel(&self, run: &RunRef, how: How) -> Result<(), Trouble> {
        match self.livy(&doing::cancel(run)).await? {
            Found::Livy(livy) => self.heed(livy.cancel(run, how).await),
            Found::Ending(livy, said) => {
                let cancelled = OptionFuture::from(livy.as_ref().map(|livy| livy.cancel(run, how))).await;
                heard(cancelled, || ending(doing::cancel(run), &said))
            }
            Found::Over(_) => Ok(()),
        }
    }

    /// Livy has no tags, so no description has any.
    async fn tag(&self, _run: &RunRef, _wanted: &Tags, _old: &Tags) -> Result<(), Trouble> {
        Ok(())
    }

    async fn report(&self, run: &RunRef) -> Report {
        let cluster = match self.cluster.describe().await {
            Ok(cluster) => cluster,
            Err(error) => {
                let full_log = format!("on {} (not read: {})", self.place(), error.failed.said);
                return Report { full_log, links: self.cluster.links(String::new()), ..Report::default() };
            }
        };
        let links = self.cluster.links(cluster.log_folder(&self.cluster.id).unwrap_or_default());
        let mut report = match self.server(&cluster) {
            Ok(Found::Livy(livy) | Found::Ending(Some(livy), _)) => livy.report(run).await,
            Ok(Found::Ending(None, said)) => {
                Report { full_log: format!("out of reach, as there is no Livy on {said}"), ..Report::default() }
            }
            Ok(Found::Over(said)) => Report { full_log: format!("gone with {said}"), ..Report::default() },
            Err(said) => Report { full_log: format!("not there yet: {said}"), ..Report::default() },
        };
        if !links.log_uri.is_empty() {
            let Report { full_log, .. } = &report;
            report.full_log = format!("{full_log}; what EMR keeps of the cluster's logs: {}", links.log_uri);
        }
        report.links = Links { console: links.console, log_uri: links.log_uri, ..report.links };
        report
    }

    fn hidden(&self) -> Hidden {
        self.login.as_ref().map(|login| login.hidden()).unwrap_or_default()
    }
}

impl LivyOnCluster {
    fn place(&self) -> Place {
        Place::LivyOnCluster(self.cluster.id.clone())
    }

    /// The cluster's Livy, where it was last found or where EMR says that it is.
    async fn livy(&self, doing: &str) -> Result<Found, Trouble> {
        if let Some(livy) = self.known().clone() {
            return Ok(Found::Livy(livy));
        }
        let cluster = match self.cluster.describe().await {
            Ok(cluster) => cluster,
            Err(error) if refusal(&error) == Some(Refusal::UnknownCluster) => {
                return Ok(Found::Over(error.failed.said));
            }
            Err(error) => return Err(self.cluster.trouble(error, doing, "DescribeCluster")),
        };
        let found = self.server(&cluster).map_err(|said| {
            let advice = "Try again when the cluster runs.".to_owned();
            Trouble { advice, ..Trouble::new(Kind::Unavailable, doing, said) }
        })?;
        // What ends is not kept: EMR is to be asked each time, so as to learn when the cluster has ended.
        if let Found::Livy(livy) = &found {
            *self.known() = Some(Arc::clone(livy));
        }
        Ok(found)
    }

    /// Where the Livy of `cluster` is, or why it is not there yet.
    fn server(&self, cluster: &Cluster) -> Result<Found, String> {
        let id = &self.cluster.id;
        let which = || format!("cluster {id}, which is {}", cluster.told());
        if cluster.is_over() {
            return Ok(Found::Over(which()));
        }
        if cluster.primary.is_empty() && cluster.is_ending() {
            return Ok(Found::Ending(None, which()));
        }
        if cluster.primary.is_empty() {
            return Err(format!("cluster {id} has no primary node yet, it is {}", cluster.told()));
        }
        let url = LivyUrl::from_host(&cluster.primary, DEFAULT_LIVY_PORT);
        let url = url.map_err(|_| format!("EMR gives no host for the primary node of cluster {id}"))?;
        let livy = Arc::new(Livy::at(self.place(), url, Arc::clone(&self.transport), self.login.clone()));
        Ok(if cluster.is_ending() { Found::Ending(Some(livy), which()) } else { Found::Livy(livy) })
    }

    /// Forgets where Livy is when it does not answer there: the next call asks EMR.
    fn heed<T>(&self, answer: Result<T, Trouble>) -> Result<T, Trouble> {
        answer.map_err(|trouble| {
            if !is_silent(&trouble) {
                return trouble;
            }
            *self.known() = None;
            let advice = format!(
                "Where nothing answers at all, check that Livy is among the applications of cluster {}, and that the network \
                 lets the submitter reach port {DEFAULT_LIVY_PORT} of its primary node (subnets, security groups).",
                self.cluster.id
            );
            Trouble { advice, ..trouble }
        })
    }

    fn known(&self) -> MutexGuard<'_, Option<Arc<Livy>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The cluster takes no jobs (any more), for this reason.
fn closed(kind: Kind, doing: impl Into<String>, said: String) -> Trouble {
    Trouble { advice: NAME_ANOTHER.to_owned(), ..Trouble::new(kind, doing, said) }
}

/// Whether Livy does not answer (any more). Where it is the secret that is not to be had, the trouble has advice of its own.
fn is_silent(trouble: &Trouble) -> bool {
    matches!(trouble.kind, Kind::Unavailable | Kind::Unclear) && trouble.advice.is_empty()
}

/// What Livy answered; `unheard` where it did not, or where there is none.
fn heard<T>(answer: Option<Result<T, Trouble>>, unheard: impl FnOnce() -> Trouble) -> Result<T, Trouble> {
    match answer {
        None => Err(unheard()),
        Some(Err(trouble)) if is_silent(&trouble) => Err(unheard()),
        Some(answer) => answer,
    }
}

/// The Livy of a cluster that is about to end does not answer any more, but its jobs may still run: EMR tells when they do
/// not, and until then it is asked, as long as there is time.
fn ending(doing: impl Into<String>, said: &str) -> Trouble {
    let advice = "Try again when the cluster is TERMINATED: until then its jobs may run.".to_owned();
    Trouble { advice, ..Trouble::new(Kind::Busy, doing, format!("its Livy does not answer (on {said})")) }
}
