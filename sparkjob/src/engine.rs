//! What runs jobs, seen through one trait; and the one place where an engine is chosen.

mod livy;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::http::Transport;
use crate::job::{Identity, Job, Place, Run, RunRef, Status};
use livy::Livy;

/// How long one submission is waited for. What was not answered by then may still take effect, so whoever looks for a lost
/// submission looks for this long at least.
pub const SUBMISSION_LIMIT: Duration = Duration::from_mins(2);

/// The engine at `place`. Nothing is sent before the engine is first asked something.
pub fn connect(place: &Place, transport: Arc<dyn Transport>) -> Box<dyn Engine> {
    match place {
        Place::Livy(url) => Box::new(Livy::new(url.clone(), transport)),
    }
}

/// A service that runs Spark jobs.
///
/// Every method makes one attempt: when to repeat one, and for how long, is the life cycle's business, and the caller races
/// each call against its deadline. So an implementation must tolerate that any of its futures is dropped at any `await`
/// and that any call is made again, by this process or by another one at the same time.
#[async_trait]
pub trait Engine: Send + Sync + fmt::Debug {
    /// Submits `job` under `identity`'s name.
    ///
    /// # Errors
    /// [`Kind::Taken`] where a run of this very name is there already; [`Kind::Unclear`] where the run may have been made.
    async fn start(&self, job: &Job, identity: &Identity) -> Result<RunRef, Trouble>;

    /// The live and recent runs that `by` selects, the newest first. Starts nothing.
    ///
    /// # Errors
    /// A look-up that could not be finished is [`Kind::Unavailable`], never an empty list.
    async fn find(&self, identity: &Identity, by: Lookup) -> Result<Vec<Run>, Trouble>;

    /// The status of each of `runs`, in their order; a run that the engine does not know is [`Phase::Gone`].
    ///
    /// # Errors
    /// None of the answers is known.
    ///
    /// [`Phase::Gone`]: crate::job::Phase::Gone
    async fn describe(&self, runs: &[RunRef]) -> Result<Vec<Status>, Trouble>;

    /// Asks for `run` to be stopped; only [`Engine::describe`] tells that it is over. Succeeds where there is nothing to stop
    /// (any more), and never touches a run of another name.
    ///
    /// # Errors
    /// Whether it was asked is unknown; asking again does no harm.
    async fn cancel(&self, run: &RunRef, how: How) -> Result<(), Trouble>;

    /// What there is to tell of `run`: log and links. Never fails: it says what could not be fetched.
    async fn report(&self, run: &RunRef) -> Report;
}

/// Which runs to look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lookup {
    /// The one run of this name.
    Name,
    /// The runs of the same owner and token, where the description is not known.
    Token,
    /// The runs of the same owner.
    Owner,
    /// The runs of the same owner and description.
    Spec,
}

/// How hard to cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum How {
    /// Let it end in its own way.
    Ask,
    /// Asking did not help.
    Kill,
}

/// What a failed call means for what comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Refused for good: the same call will be refused again.
    Rejected,
    /// The caller may not do this.
    Denied,
    /// A run of this name is there already; this call made none.
    Taken,
    /// Not done, by an engine that answers and has no room for it now; trying again will help.
    Busy,
    /// Not done; trying again may help.
    Unavailable,
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
