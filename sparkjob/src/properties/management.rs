//! How a job is managed: what never makes another job of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How a job is managed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Management {
    /// What starts a new job after the first.
    pub run_on: RunOn,
    /// When Create and Update succeed.
    pub wait_for: WaitFor,
    /// How many seconds `Running` must last, where the template says so; else see [`Management::stable_for`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stable_seconds: Option<u32>,
    /// In which order the old job ends and the new one begins.
    pub update_strategy: UpdateStrategy,
    /// What happens to a job that has not met `WaitFor` at the deadline.
    pub on_timeout: OnTimeout,
    /// What happens where a job cannot be stopped because its engine cannot be asked.
    pub on_delete_error: OnDeleteError,
    /// The whole time that the caller waits for an answer, in seconds.
    pub service_timeout: u32,
}

/// Seconds that `Running` must last, unless the template says otherwise.
const DEFAULT_STABLE: Duration = Duration::from_secs(30);

impl Management {
    /// How long `Running` must last, of a time of `whole` in all: a default gives way to a short deadline.
    pub fn stable_for(&self, whole: Duration) -> Duration {
        match self.stable_seconds {
            Some(seconds) => Duration::from_secs(seconds.into()),
            None => DEFAULT_STABLE.min(whole / 4),
        }
    }
}

impl Default for Management {
    fn default() -> Self {
        Self {
            run_on: RunOn::default(),
            wait_for: WaitFor::default(),
            stable_seconds: None,
            update_strategy: UpdateStrategy::default(),
            on_timeout: OnTimeout::default(),
            on_delete_error: OnDeleteError::default(),
            service_timeout: 3600,
        }
    }
}

/// What starts a new job after the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunOn {
    /// Any change of what defines it.
    #[default]
    Change,
    /// Only a changed `Rerun`; other edits wait for the next run.
    Rerun,
}

/// When Create and Update succeed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum WaitFor {
    /// The engine has taken the job.
    Submitted,
    /// The job has been running for a while, or has succeeded.
    #[default]
    Running,
    /// The job has succeeded.
    Succeeded,
}

/// In which order the old job ends and the new one begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum UpdateStrategy {
    /// The old job is stopped first: two jobs on one checkpoint or one output path are an accident.
    #[default]
    StopThenStart,
    /// The old job is given half the time to end by itself.
    FinishThenStart,
    /// The new job is up before the old one goes.
    StartThenStop,
}

/// What happens to a job that has not met `WaitFor` at the deadline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnTimeout {
    /// It is cancelled, and the request fails.
    #[default]
    Cancel,
    /// The request succeeds with the state that the job has.
    Accept,
}

/// What happens where a job cannot be stopped because its engine cannot be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnDeleteError {
    /// The request fails.
    #[default]
    Fail,
    /// The job is left to itself.
    Ignore,
}
