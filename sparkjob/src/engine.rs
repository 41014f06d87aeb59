//! What runs jobs, seen through one trait; and the one place where an engine is chosen.

mod answer;
pub mod aws;
mod console;
pub(crate) mod doing;
mod emr_cluster;
mod emr_containers;
mod emr_serverless;
mod emr_steps;
mod job_runs;
mod livy;
mod livy_on_cluster;
mod text;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::hidden::Hidden;
use crate::http::Transport;
use crate::http::sdk::Aws;
use crate::job::{Identity, Job, Phase, Place, Run, RunRef, SecretArn, Status, Tags, Timestamp};
use emr_containers::EmrContainers;
use emr_serverless::EmrServerless;
use emr_steps::EmrSteps;
use livy::{Livy, Login};
use livy_on_cluster::LivyOnCluster;

/// How long one submission is waited for. What was not answered by then may still take effect, so whoever looks for a lost
/// submission looks for this long at least.
pub const SUBMISSION_LIMIT: Duration = Duration::from_mins(2);

/// The most that is kept of a state's word, and of what is said about it, in characters: they go into logs, answers and the
/// saved state.
const MAX_WORD: usize = 64;
const MAX_REASON: usize = 600;

/// Engines that are kept; one more, and all are made anew. Clusters that live for one job are each a place of their own.
const MOST_KNOWN: usize = 64;

/// The way to every engine. Each is made when it is first asked for and kept, with what it has learnt of the way.
#[derive(Debug)]
pub struct Engines {
    transport: Arc<dyn Transport>,
    aws: Arc<Aws>,
    known: Mutex<HashMap<Door, Arc<dyn Engine>>>,
}

/// A place, and what lets into it.
type Door = (Place, Option<SecretArn>);

impl Engines {
    /// Engines that are spoken to over `transport`, with the region and the credentials that the environment says.
    pub fn new(transport: Arc<dyn Transport>) -> Self {
        let aws = Aws::new(&transport);
        Self::with(transport, aws)
    }

    /// The same with what `aws` says.
    pub fn with(transport: Arc<dyn Transport>, aws: Aws) -> Self {
        Self { transport, aws: Arc::new(aws), known: Mutex::default() }
    }

    /// The way itself, for what else has to be sent.
    pub fn transport(&self) -> &dyn Transport {
        &*self.transport
    }

    /// What all clients of AWS share, for what else has to be asked there.
    pub fn aws(&self) -> &Aws {
        &self.aws
    }

    /// The engine at `place`, into which this secret lets, where it asks for one. Nothing is sent before the engine is first
    /// asked something.
    pub fn at(&self, place: &Place, secret: Option<&SecretArn>) -> Arc<dyn Engine> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let door = (place.clone(), secret.cloned());
        if known.len() >= MOST_KNOWN && !known.contains_key(&door) {
            known.clear();
        }
        let engine = known.entry(door).or_insert_with(|| self.connect(place, secret));
        Arc::clone(engine)
    }

    fn connect(&self, place: &Place, secret: Option<&SecretArn>) -> Arc<dyn Engine> {
        let aws = || Arc::clone(&self.aws);
        let login = || secret.map(|secret| Arc::new(Login::new(secret.clone(), aws())));
        match place {
            Place::Livy(url) => Arc::new(Livy::new(url.clone(), Arc::clone(&self.transport), login())),
            Place::LivyOnCluster(cluster) => {
                Arc::new(LivyOnCluster::new(cluster.clone(), Arc::clone(&self.transport), aws(), login()))
            }
            Place::EmrOnEks(cluster) => Arc::new(EmrContainers::new(cluster.clone(), aws())),
            Place::EmrServerless(application) => Arc::new(EmrServerless::new(application.clone(), aws())),
            Place::EmrSteps(cluster) => Arc::new(EmrSteps::new(cluster.clone(), aws())),
        }
    }
}

/// A service that runs Spark jobs.
///
/// Every method makes one attempt: when to repeat one, and for how long, is the life cycle's business, and the caller races
/// each call against its deadline. So an implementation must tolerate that any of its futures is dropped at any `await`
/// and that any call is made again, by this process or by another one at the same time.
#[async_trait]
pub trait Engine: Send + Sync + fmt::Debug {
    /// Submits `job` under `identity`'s name, once: on an engine that [starts once](Place::starts_once), the same again is
    /// the same run.
    ///
    /// # Errors
    /// [`Kind::Taken`] where a run of this very name is there already; [`Kind::Unclear`] where the run may have been made.
    async fn start(&self, job: &Job, identity: &Identity) -> Result<RunRef, Trouble>;

    /// The runs that `by` selects, the newest first: all that are alive, and those that are over and were made after
    /// `since`, as far as the engine still knows them. Starts nothing.
    ///
    /// # Errors
    /// A look-up that could not be finished is [`Kind::Unavailable`], never an empty list; where there is no such place to
    /// look at, it is [`Kind::Absent`].
    async fn find(&self, identity: &Identity, by: Lookup, since: Timestamp) -> Result<Vec<Run>, Trouble>;

    /// The status of each of `runs`, in their order; a run that the engine does not know is [`Phase::Gone`], and gone with
    /// its place where the engine says that this is not there (any more).
    ///
    /// # Errors
    /// None of the answers is known.
    async fn describe(&self, runs: &[RunRef]) -> Result<Vec<Status>, Trouble>;

    /// Asks for `run` to be stopped; only [`Engine::describe`] tells that it is over. Succeeds where there is nothing to stop
    /// (any more), and never touches a run of another name that an id has come to mean.
    ///
    /// # Errors
    /// Whether it was asked is unknown; asking again does no harm.
    async fn cancel(&self, run: &RunRef, how: How) -> Result<(), Trouble>;

    /// Gives `run` the tags of `wanted` and takes those from it that only `old` has. Other tags stay as they are; a run that
    /// is not there (any more) needs none.
    ///
    /// # Errors
    /// Whether it was tagged is unknown; doing it again does no harm.
    async fn tag(&self, run: &RunRef, wanted: &Tags, old: &Tags) -> Result<(), Trouble>;

    /// What there is to tell of `run`: log and links. Never fails: it says what could not be fetched.
    async fn report(&self, run: &RunRef) -> Report;

    /// What lets into it, as far as it was needed so far: nothing that it says may show that.
    fn hidden(&self) -> Hidden {
        Hidden::default()
    }
}

/// Which runs to look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lookup {
    /// The one run of this name.
    Name,
    /// The runs of the same owner and token (or dated token), where the description is not known.
    Token,
    /// The runs of the same owner.
    Owner,
    /// The runs of the same owner and description that are alive.
    Spec,
    /// The same, and those that are over.
    History,
}

impl Lookup {
    /// Whether a run of this name is one to look for.
    pub fn selects(self, identity: &Identity, name: &str) -> bool {
        match self {
            Self::Name => name == identity.name(),
            Self::Token => identity.asked_for(name),
            Self::Owner => identity.owns(name),
            Self::Spec | Self::History => identity.describes(name),
        }
    }
}

/// How hard to cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum How {
    /// Let it end in its own way.
    Ask,
    /// Asking did not help.
    Kill,
}

/// The phase of a run whose state has this word, where its engine's table knows the word; else the run counts as still going,
/// with a warning.
fn phase_or_still_going(known: Option<Phase>, place: &str, id: &str, word: &str) -> Phase {
    known.unwrap_or_else(|| {
        warn!(id, state = word, "{place} tells a state that is not known; the run counts as still going");
        Phase::Waiting
    })
}

/// Whether a service of AWS speaks of a role that could not be taken on. In which words is published by none; those of IAM
/// name the action. Who is denied something has an `assumed-role` in its name, which tells nothing; and a job's own words,
/// which may be among them, assume a lot.
fn tells_of_trust(said: &str) -> bool {
    let said = said.to_lowercase();
    let words =
        ["sts:assumerole", "assume role arn:", "assume runtime role", "assume the runtime role", "trust relationship"];
    words.iter().any(|words| said.contains(words))
}

/// What a failed call means for what comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Refused for good: the same call will be refused again.
    Rejected,
    /// There is no such place (any more): nothing runs there, and nothing can.
    Absent,
    /// The caller may not do this.
    Denied,
    /// A run of this name is there already; this call made none.
    Taken,
    /// Not done, by an engine that answers and has no room for it now; trying again will help.
    Busy,
    /// Not done; trying again may help.
    Unavailable,
    /// Done again and again, to no avail: it is left to people.
    Futile,
    /// Perhaps done: no answer, or one that does not tell.
    Unclear,
}

/// A failed call, told for people: `could not {doing}: {said}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// What it means.
    pub kind: Kind,
    /// What was tried, where: `submit the job to Livy at http://emr:8998`.
    pub doing: String,
    /// What came back, in the service's own words where it gave any.
    pub said: String,
    /// What to do about it, one or more sentences; empty where the kind alone tells.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub advice: String,
}

impl Trouble {
    /// Trouble whose kind alone tells what to do about it.
    pub fn new(kind: Kind, doing: impl Into<String>, said: impl Into<String>) -> Self {
        Self { kind, doing: doing.into(), said: said.into(), advice: String::new() }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not {}: {}", self.doing, self.said)
    }
}

/// What a person wants to see of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The lines that name the error, the most telling first; empty where the log shows none.
    pub exception: Vec<String>,
    /// The end of the log, oldest line first, without the lines of `exception`.
    pub tail: Vec<String>,
    /// Where the full log is or what to call to see it, as a sentence's end; empty where nothing is known.
    pub full_log: String,
    /// Where a person looks; empty where there is none.
    pub links: Links,
}

/// Addresses that a person can open; none that expires; empty where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Links {
    /// The Spark UI, or the resource manager's page that leads to it.
    pub spark_ui: String,
    /// The driver's log.
    pub driver_log: String,
    /// The folder or object that holds the logs.
    pub log_uri: String,
    /// The page of the engine's own console.
    pub console: String,
}
