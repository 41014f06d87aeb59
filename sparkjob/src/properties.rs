//! JSON to [`Job`] and [`Management`]: reports every fault at once, each with its path.
//!
//! What is read is a `CloudFormation` resource's properties, or the same description from another door. Numbers and booleans
//! may be texts; an empty text and null are as good as nothing, but as elements of `Args`, where an empty text is an argument.
//! Every text is bounded by what a command line holds: one argument by 131,071 bytes, `Parameters` by 256 KiB.

mod checks;
mod fault;
mod management;
mod native;
mod parameters;
mod program;
mod reader;
mod scalar;
mod target;

#[cfg(test)]
mod tests;

use std::cell::LazyCell;
use std::time::Duration;

use serde_json::Value;

use crate::job::{Access, Job, Mode, Place, SecretArn};
use program::Program;
use reader::{Read, Reader, Within};
use scalar::text;
use target::{Engine, Target};

pub use fault::{Fault, Faults};
pub use management::{Management, OnDeleteError, OnTimeout, RunOn, UpdateStrategy, WaitFor};

/// A job and how it is managed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// What defines the job.
    pub job: Job,
    /// How it is managed.
    pub management: Management,
    /// What lets into the place where it runs, where that asks for anything.
    pub secret: Option<SecretArn>,
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
    let Whole { parts, management, secret } = take(&mut reader, limit);
    let is_parameter = |name: &str| parameters::names().contains(&name);
    let faults = reader.finish(|name| is_parameter(name).then_some("into Parameters"));
    match parts.job() {
        Some(job) if faults.is_empty() => Ok(Description { job, management, secret }),
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
    let mut reader = Reader::over_any(properties);
    accept_other_spellings(&mut reader);
    target::take(&mut reader).place
}

/// Reads which secret lets into the place where a job runs, and nothing else; nothing of a place that is faulty.
pub fn read_access(properties: &Value) -> Access {
    let mut reader = Reader::over_any(properties);
    let secret = reader.take(SECRET, secret_arn);
    read_place(properties).map_or_else(Access::default, |place| Access::to(place, secret))
}

/// What a Delete reads of a description: where its jobs run, how they are managed and what credentials that needs. Values
/// that are no short texts, numbers or truths are none of these.
pub fn for_a_delete(properties: &Value) -> Value {
    let mut reader = Reader::over_any(&Value::Null);
    target::take(&mut reader);
    management::take(&mut reader, &Limit::none());
    let mut names = reader.into_known();
    names.extend([SECRET, "ServiceTimeout"]);
    let spelt: Vec<String> =
        other_spellings().filter(|(_, name)| names.contains(name)).map(|(spelt, _)| spelt).collect();
    let is_short = |value: &Value| match value {
        Value::String(text) => text.len() <= LONGEST_KEPT,
        other => other.is_number() || other.is_boolean(),
    };
    let kept = properties.as_object().into_iter().flatten();
    let is_read = |name: &String| names.contains(&name.as_str()) || spelt.contains(name);
    kept.filter(|(name, value)| is_read(name) && is_short(value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// No address and no id is longer, in bytes.
const LONGEST_KEPT: usize = 4096;

/// The names of all properties that a description may have, in the order in which they are read.
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
    program: Program,
    rerun: Option<String>,
}

impl Parts {
    fn job(self) -> Option<Job> {
        let Program { parameters, is_sound, native, mode, timeout_minutes, deploy_mode, tags, .. } = self.program;
        is_sound.then_some(())?;
        Some(Job {
            place: self.place?,
            parameters,
            mode: mode?,
            timeout_minutes,
            deploy_mode,
            native,
            rerun: self.rerun?,
            tags,
        })
    }
}

/// Properties that stand beside the native ones in blocks copied from a task of Step Functions, where they are called so, or
/// from an API's documentation, where the first letter of all of them is a small one.
const BESIDE_NATIVE: [&str; 5] = ["VirtualClusterId", "ApplicationId", "Mode", "Tags", "Name"];

/// The property that names what lets into a Livy.
const SECRET: &str = "LivySecretArn";

/// All that a description says.
struct Whole {
    parts: Parts,
    management: Management,
    secret: Option<SecretArn>,
}

fn take(reader: &mut Reader, limit: &Limit) -> Whole {
    reader.skip("ServiceToken");
    let parts = take_parts(reader);
    if parts.place.as_ref().is_some_and(|place| !place.is_livy()) && reader.has(SECRET) {
        reader.fault(
            Fault::new("is for Livy only: the other engines are asked with the submitter's own role").under(SECRET),
        );
    }
    let secret = reader.take(SECRET, secret_arn);
    let management = management::take(reader, limit);
    if parts.program.mode == Some(Mode::Streaming) && management.update_strategy == UpdateStrategy::FinishThenStart {
        let problem = "FinishThenStart waits for a job to end, which one with Mode STREAMING does not";
        reader.fault(Fault::new(problem).under("UpdateStrategy"));
    }
    if parts.program.lets_go {
        let why = "waits for a job to end, of which nothing tells where its step does not wait for it \
                   (spark.yarn.submit.waitAppCompletion is false)";
        if management.wait_for == WaitFor::Succeeded {
            reader.fault(Fault::new(format!("Succeeded {why}")).under("WaitFor"));
        }
        if management.update_strategy == UpdateStrategy::FinishThenStart {
            reader.fault(Fault::new(format!("FinishThenStart {why}")).under("UpdateStrategy"));
        }
    }
    Whole { parts, management, secret }
}

/// Who mistakes the property may have put the secret itself there: it is not shown.
fn secret_arn(value: &Value) -> Read<SecretArn> {
    let text = value.as_str().ok_or_else(|| vec![Fault::wrong("must be a string", value).private()])?;
    text.parse().map_err(|problem: String| vec![Fault::new(problem)])
}

/// How a property may be spelt otherwise, and how it is called here.
fn other_spellings() -> impl Iterator<Item = (String, &'static str)> {
    let small = |name: &'static str| (name[..1].to_lowercase() + &name[1..], name);
    let others = [
        ("ExecutionTimeoutMinutes", "TimeoutMinutes"),
        ("executionTimeoutMinutes", "TimeoutMinutes"),
        ("JobFlowId", "ClusterId"),
    ];
    let others = others.map(|(spelt, name)| (spelt.to_owned(), name));
    program::NATIVE.into_iter().chain(BESIDE_NATIVE).map(small).chain(others)
}

fn accept_other_spellings(reader: &mut Reader) {
    for (spelt, name) in other_spellings() {
        reader.accept(&spelt, name);
    }
}

/// What says anything here of a step as EMR's API and the tasks of Step Functions have it.
const STEP: [&str; 4] = ["Name", "HadoopJarStep", "ActionOnFailure", "StepMonitoringConfiguration"];

/// Reads a step that was copied whole as if its parts stood beside the cluster: Step Functions' task has it as its `Step`, a
/// request to `AddJobFlowSteps` as the only one of its `Steps`, as a resource is one step.
fn accept_steps(reader: &mut Reader) {
    reader.accept("step", "Step");
    reader.unpack("Step", Within::Object, &STEP, "must be an object");
    reader.unpack("Steps", Within::OnlyElement, &STEP, "must be a list of one step, as one resource is one");
}

/// Leaves out what stands in a block that was copied whole and defines nothing of the job, the `ClientToken` of a request to
/// EMR on EKS or EMR Serverless: every request to this resource has a token of its own, which takes its place, or two of them
/// would be one job run.
fn skip_tokens(reader: &mut Reader, engine: Option<Engine>) {
    if matches!(engine, Some(Engine::EmrOnEks | Engine::EmrServerless)) {
        reader.skip("ClientToken");
        reader.skip("clientToken");
    }
}

fn take_parts(reader: &mut Reader) -> Parts {
    accept_steps(reader);
    accept_other_spellings(reader);
    let Target { engine, place } = target::take(reader);
    skip_tokens(reader, engine);
    // Only where a name is out of place: to tell them all, all is read.
    let beside = LazyCell::new(|| known_names().beside);
    let program = program::take(reader, engine, |name| beside.contains(&name));
    Parts { place, program, rerun: reader.take_or_default("Rerun", text) }
}
