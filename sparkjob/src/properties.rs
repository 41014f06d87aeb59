//! JSON to [`Job`] and [`Management`]: reports every fault at once, each with its path.
//!
//! What is read is a `CloudFormation` resource's properties, or the same description from another door. Numbers and booleans
//! may be texts; an empty text and null are as good as nothing, but as elements of `Args`, where an empty text is an argument.
//! Every text is bounded by what a command line holds: one argument by 131,071 bytes, `Parameters` by 256 KiB.

mod checks;
mod fault;
mod management;
mod parameters;
mod reader;
mod scalar;
mod target;

#[cfg(test)]
mod tests;

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

/// Reads a description.
///
/// # Errors
/// All that is wrong with it, at once.
pub fn read(properties: &Value) -> Result<Description, Faults> {
    let mut reader = Reader::over(properties).map_err(Faults)?;
    let parts = take(&mut reader);
    let is_parameter = |name: &str| parameters::names().contains(&name);
    let faults = reader.finish(|name| is_parameter(name).then_some("into Parameters"));
    match (parts.place, parts.parameters) {
        (Some(place), Some(parameters)) if faults.is_empty() => {
            let job = Job { place, parameters, mode: parts.mode, rerun: parts.rerun };
            Ok(Description { job, management: parts.management })
        }
        // What is missing was found faulty where it was looked for.
        _ => Err(Faults(faults)),
    }
}

/// Reads how a job is managed, each property on its own: a faulty one has its default.
///
/// So a job can be stopped whatever else is wrong with its description.
pub fn read_management(properties: &Value) -> Management {
    management::take(&mut Reader::over_any(properties))
}

/// Reads where a job runs, and nothing else; none where that is faulty.
pub fn read_place(properties: &Value) -> Option<Place> {
    target::take(&mut Reader::over_any(properties))
}

/// A description as far as it could be read.
struct Parts {
    place: Option<Place>,
    parameters: Option<Parameters>,
    mode: Mode,
    rerun: String,
    management: Management,
}

fn take(reader: &mut Reader) -> Parts {
    reader.skip("ServiceToken");
    let place = target::take(reader);
    let has_native = target::refuse_native(reader);
    let is_beside = |name: &str| names().contains(&name).then_some("beside Parameters");
    let read_parameters = |value: &Value| parameters::read(value, is_beside);
    let parameters = if has_native {
        reader.take("Parameters", read_parameters)
    } else {
        reader.require("Parameters", "what runs, such as {File: s3://bucket/job.py}", read_parameters)
    };
    let mode = reader.take("Mode", word(&MODE)).unwrap_or_default();
    let rerun = reader.take("Rerun", text).unwrap_or_default();
    target::refuse_extras(reader);
    let management = management::take(reader);
    if mode == Mode::Streaming && management.update_strategy == UpdateStrategy::FinishThenStart {
        let problem = "FinishThenStart waits for a job to end, which one with Mode STREAMING does not";
        reader.fault(Fault::new(problem).under("UpdateStrategy"));
    }
    Parts { place, parameters, mode, rerun, management }
}

/// Every property's name.
fn names() -> Vec<&'static str> {
    let mut reader = Reader::over_any(&Value::Null);
    take(&mut reader);
    reader.names()
}

const MODE: [(&str, Mode); 2] = [("BATCH", Mode::Batch), ("STREAMING", Mode::Streaming)];
