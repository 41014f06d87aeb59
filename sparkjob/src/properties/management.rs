//! How a job is managed: what never makes another job of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Limit;
use super::fault::Fault;
use super::reader::Reader;
use super::scalar::{whole, word};

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

/// Seconds that `CloudFormation` waits for an answer, unless the template says otherwise.
const DEFAULT_TIMEOUT: u32 = 3600;

/// What `StableSeconds` must leave of the time in which a job is waited for: it has to come up, too.
const LEAST_START: Duration = Duration::from_mins(1);

impl Management {
    /// How long `Running` must last where a job is given up after `wait`, of a time of `whole` in all: a default gives way to a
    /// short deadline, and what the template says to one that is shorter than it could know of.
    pub fn stable_for(&self, wait: Duration, whole: Duration) -> Duration {
        match self.stable_seconds {
            Some(seconds) => Duration::from_secs(seconds.into()).min(wait.saturating_sub(LEAST_START).max(whole / 4)),
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
            service_timeout: DEFAULT_TIMEOUT,
        }
    }
}

/// Reads each property on its own; a faulty one has its default.
pub(super) fn take(reader: &mut Reader, limit: &Limit) -> Management {
    let run_on = reader.take("RunOn", word(&RUN_ON)).unwrap_or_default();
    let wait_for = reader.take_or_default("WaitFor", word(&WAIT_FOR));
    let stable_seconds = reader.take("StableSeconds", whole(0, 900));
    if let (Some(WaitFor::Running), Some(stable)) = (wait_for, stable_seconds)
        && let Some(problem) = too_long(stable, limit)
    {
        reader.fault(Fault::wrong(problem, &stable.into()).under("StableSeconds"));
    }
    Management {
        run_on,
        wait_for: wait_for.unwrap_or_default(),
        stable_seconds,
        update_strategy: reader.take("UpdateStrategy", word(&UPDATE_STRATEGY)).unwrap_or_default(),
        on_timeout: reader.take("OnTimeout", word(&ON_TIMEOUT)).unwrap_or_default(),
        on_delete_error: reader.take("OnDeleteError", word(&ON_DELETE_ERROR)).unwrap_or_default(),
        service_timeout: reader.take("ServiceTimeout", whole(1, 3600)).unwrap_or(DEFAULT_TIMEOUT),
    }
}

/// What is wrong with `StableSeconds` that nobody waits for: such a job could never succeed. 0 asks for no time at all.
fn too_long(stable: u32, Limit { wait, why }: &Limit) -> Option<String> {
    let most = wait.saturating_sub(LEAST_START).as_secs();
    (u64::from(stable) > most).then(|| {
        let (wait, start) = (wait.as_secs(), LEAST_START.as_secs());
        let most = if most == 0 { "left out".to_owned() } else { format!("at most {most}") };
        format!("must be {most}: {why}, so a job is given up after {wait} s, and it needs {start} s to come up")
    })
}

const RUN_ON: [(&str, RunOn); 2] = [("Change", RunOn::Change), ("Rerun", RunOn::Rerun)];

const WAIT_FOR: [(&str, WaitFor); 3] =
    [("Submitted", WaitFor::Submitted), ("Running", WaitFor::Running), ("Succeeded", WaitFor::Succeeded)];

const UPDATE_STRATEGY: [(&str, UpdateStrategy); 3] = [
    ("StopThenStart", UpdateStrategy::StopThenStart),
    ("FinishThenStart", UpdateStrategy::FinishThenStart),
    ("StartThenStop", UpdateStrategy::StartThenStop),
];

const ON_TIMEOUT: [(&str, OnTimeout); 2] = [("Cancel", OnTimeout::Cancel), ("Accept", OnTimeout::Accept)];

const ON_DELETE_ERROR: [(&str, OnDeleteError); 2] = [("Fail", OnDeleteError::Fail), ("Ignore", OnDeleteError::Ignore)];

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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(value: &Value) -> (Management, Vec<String>) {
        read_within(value, &Limit::none())
    }

    fn read_within(value: &Value, limit: &Limit) -> (Management, Vec<String>) {
        let mut reader = Reader::over_any(value);
        let management = take(&mut reader, limit);
        (management, reader.finish(|_| None).iter().map(Fault::to_string).collect())
    }

    #[test]
    fn every_property_is_read() {
        let given = json!({
            "RunOn": "Rerun", "WaitFor": "Succeeded", "StableSeconds": "0", "UpdateStrategy": "StartThenStop",
            "OnTimeout": "Accept", "OnDeleteError": "Ignore", "ServiceTimeout": "60",
        });
        let management = Management {
            run_on: RunOn::Rerun,
            wait_for: WaitFor::Succeeded,
            stable_seconds: Some(0),
            update_strategy: UpdateStrategy::StartThenStop,
            on_timeout: OnTimeout::Accept,
            on_delete_error: OnDeleteError::Ignore,
            service_timeout: 60,
        };
        assert_eq!(read(&given), (management, vec![]));
        assert_eq!(read(&json!({"RunOn": "", "StableSeconds": null})), (Management::default(), vec![]));
    }

    #[test]
    fn each_fault_is_told_and_leaves_the_others_alone() {
        for (given, fault) in [
            (json!({"RunOn": "change"}), r#"RunOn: must be Change or Rerun (did you mean Change?), got "change""#),
            (
                json!({"WaitFor": "RUNNING"}),
                r#"WaitFor: must be Submitted, Running or Succeeded (did you mean Running?), got "RUNNING""#,
            ),
            (json!({"WaitFor": true}), "WaitFor: must be Submitted, Running or Succeeded, got true"),
            (json!({"StableSeconds": 901}), "StableSeconds: must be a whole number from 0 to 900, got 901"),
            (json!({"StableSeconds": "30s"}), r#"StableSeconds: must be a whole number from 0 to 900, got "30s""#),
            (
                json!({"UpdateStrategy": "Replace"}),
                r#"UpdateStrategy: must be StopThenStart, FinishThenStart or StartThenStop, got "Replace""#,
            ),
            (json!({"OnTimeout": ["Accept"]}), "OnTimeout: must be Cancel or Accept, got a list"),
            (
                json!({"OnDeleteError": "ignored"}),
                r#"OnDeleteError: must be Fail or Ignore (did you mean Ignore?), got "ignored""#,
            ),
            (json!({"ServiceTimeout": 0}), "ServiceTimeout: must be a whole number from 1 to 3600, got 0"),
            (json!({"ServiceTimeout": "1h"}), r#"ServiceTimeout: must be a whole number from 1 to 3600, got "1h""#),
        ] {
            assert_eq!(read(&given), (Management::default(), vec![fault.to_owned()]));
        }
        let (management, faults) = read(&json!({"RunOn": 1, "OnTimeout": "x", "OnDeleteError": "Ignore"}));
        assert_eq!((management.on_delete_error, faults.len()), (OnDeleteError::Ignore, 2));
    }

    #[test]
    fn given_stable_seconds_leave_a_minute_of_the_limit_to_start() {
        let within = |seconds, mut given: Value, stable: u32| {
            let limit = Limit { wait: Duration::from_secs(seconds), why: "the task ends".to_owned() };
            given["StableSeconds"] = stable.into();
            read_within(&given, &limit).1
        };
        let none = Vec::<String>::new();
        assert_eq!(within(225, json!({}), 165), none);
        assert_eq!(
            within(225, json!({"WaitFor": "Running"}), 166),
            [
                "StableSeconds: must be at most 165: the task ends, so a job is given up after 225 s, and it needs 60 s to \
                 come up, got 166"
            ]
        );
        assert_eq!(within(22, json!({}), 1).len(), 1);
        assert_eq!(within(0, json!({}), 0), none);
        // It counts only where it is asked for; with a fault in WaitFor that is not known.
        for wait_for in ["Submitted", "Succeeded"] {
            assert_eq!(within(225, json!({ "WaitFor": wait_for }), 900), none);
        }
        assert_eq!(within(225, json!({"WaitFor": "running"}), 900).len(), 1);
        assert_eq!(read(&json!({"StableSeconds": 900})).1, none);
    }
}
