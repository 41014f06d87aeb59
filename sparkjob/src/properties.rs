//! JSON to [`Job`] and [`Management`]: reports every fault at once, each with its path.
//!
//! What is read is a `CloudFormation` resource's properties, or the same description from another door. Numbers and booleans
//! may be texts; an empty text and null are as good as nothing, but as elements of `Args`, where an empty text is an argument.
//! Every text is bounded by what a command line holds: one argument by 131,071 bytes, `Parameters` by 256 KiB.

mod checks;
mod fault;
mod management;
#[cfg_attr(not(test), expect(dead_code, unused_imports, reason = "read() does not ask for native properties yet"))]
mod native;
mod parameters;
mod reader;
mod scalar;
mod target;

#[cfg(test)]
mod tests;

use std::time::Duration;

use serde_json::Value;

use crate::job::{Job, Mode, Parameters, Place};
use reader::Reader;
use scalar::{text, word};

pub use fault::{Fault, Faults};
pub use management::{Management, OnDeleteError, OnTimeout, RunOn, UpdateStrategy, WaitFor};

/// A job and how it is managed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// What defines the job.
    pub job: Job,
    /// How it is managed.
    pub management: Management,
}

/// The time that a description has, as whoever reads it knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// How long a job is waited for before it is given up.
    pub wait: Duration,
    /// Why no longer, as a clause: `ServiceTimeout is 300 s`.
    pub why: String,
}

impl Limit {
    /// No limit, or none that is known.
    pub fn none() -> Self {
        Self { wait: Duration::MAX, why: String::new() }
    }
}

/// Reads a description that has to do with the time of `limit`.
///
/// # Errors
/// All that is wrong with it, at once.
pub fn read(properties: &Value, limit: &Limit) -> Result<Description, Faults> {
    let mut reader = Reader::over(properties).map_err(Faults)?;
    let (parts, management) = take(&mut reader, limit);
    let is_parameter = |name: &str| parameters::names().contains(&name);
    let faults = reader.finish(|name| is_parameter(name).then_some("into Parameters"));
    match parts.job() {
        Some(job) if faults.is_empty() => Ok(Description { job, management }),
        // What is missing was found faulty where it was looked for.
        _ => Err(Faults(faults)),
    }
}

/// Reads what defines a job, whatever else stands beside it; none where a part of that is faulty.
///
/// So the runs of a description can be looked for that would be refused today: for how it was managed, or for a name that
/// is not known (any more).
pub fn read_job(properties: &Value) -> Option<Job> {
    take_parts(&mut Reader::over_any(properties)).job()
}

/// Reads how a job is managed, each property on its own: a faulty one has its default.
///
/// So a job can be stopped whatever else is wrong with its description.
pub fn read_management(properties: &Value) -> Management {
    management::take(&mut Reader::over_any(properties), &Limit::none())
}

/// Reads where a job runs, and nothing else; none where that is faulty.
pub fn read_place(properties: &Value) -> Option<Place> {
    target::take(&mut Reader::over_any(properties))
}

/// The names of all properties that a description may have, without those that are not supported yet.
pub fn known_names() -> KnownNames {
    let mut reader = Reader::over_any(&Value::Null);
    take(&mut reader, &Limit::none());
    KnownNames { beside: reader.into_known(), within: parameters::names() }
}

/// See [`known_names`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownNames {
    /// `Parameters` and what stands beside it.
    pub beside: Vec<&'static str>,
    /// What stands within it.
    pub within: Vec<&'static str>,
}

/// What defines a job, each part as far as it could be read.
struct Parts {
    place: Option<Place>,
    parameters: Option<Parameters>,
    mode: Option<Mode>,
    rerun: Option<String>,
}

impl Parts {
    fn job(self) -> Option<Job> {
        Some(Job { mode: self.mode?, rerun: self.rerun?, ..Job::of(self.place?, self.parameters?) })
    }
}

fn take(reader: &mut Reader, limit: &Limit) -> (Parts, Management) {
    reader.skip("ServiceToken");
    let parts = take_parts(reader);
    target::refuse_extras(reader);
    let management = management::take(reader, limit);
    if parts.mode == Some(Mode::Streaming) && management.update_strategy == UpdateStrategy::FinishThenStart {
        let problem = "FinishThenStart waits for a job to end, which one with Mode STREAMING does not";
        reader.fault(Fault::new(problem).under("UpdateStrategy"));
    }
    (parts, management)
}

fn take_parts(reader: &mut Reader) -> Parts {
    let place = target::take(reader);
    let has_native = target::refuse_native(reader);
    if !has_native {
        reader.require("Parameters", "what runs, such as {File: s3://bucket/job.py}");
    }
    let is_beside = |name: &str| names().contains(&name).then_some("beside Parameters");
    let parameters = reader.take_partly("Parameters", |value| parameters::read(value, is_beside));
    Parts {
        place,
        parameters: parameters.filter(|_| !has_native),
        mode: reader.take_or_default("Mode", word(&MODE)),
        rerun: reader.take_or_default("Rerun", text),
    }
}

/// Every property's name.
fn names() -> Vec<&'static str> {
    let mut reader = Reader::over_any(&Value::Null);
    take(&mut reader, &Limit::none());
    reader.names()
}

const MODE: [(&str, Mode); 2] = [("BATCH", Mode::Batch), ("STREAMING", Mode::Streaming)];
