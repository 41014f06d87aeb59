//! What runs, and what stands beside it.

mod limits;

use super::fault::Fault;
use super::native::{self, Api};
use super::parameters::{self, Block};
use super::reader::Reader;
use super::scalar::{MAX_COUNT, name, whole, word};
use super::target::Engine;
use crate::job::{DeployMode, Mode, Native, Parameters, Tags};
use crate::spark_submit::{self, Invocation, Spot, Way, command};

/// What runs and what stands beside it, each part as far as it could be read.
pub(super) struct Program {
    /// The portable block; none where native properties say what runs.
    pub parameters: Option<Parameters>,
    /// Whether it is known what runs.
    pub is_sound: bool,
    pub native: Native,
    pub mode: Option<Mode>,
    pub timeout_minutes: Option<u32>,
    pub deploy_mode: DeployMode,
    pub tags: Tags,
    /// Whether nothing tells when the job has ended: a step that is over once it has submitted its application.
    pub lets_go: bool,
}

/// Properties of which exactly one says what runs.
const DRIVERS: [&str; 4] = ["Parameters", "JobDriver", "JobTemplateId", "HadoopJarStep"];

/// What goes to an engine's API as it is, in the order of the contract; each belongs to some engines only.
pub(super) const NATIVE: [&str; 12] = [
    "ExecutionRoleArn",
    "ReleaseLabel",
    "JobDriver",
    "JobTemplateId",
    "JobTemplateParameters",
    "HadoopJarStep",
    "ConfigurationOverrides",
    "RetryPolicyConfiguration",
    "RetryPolicy",
    "ExecutionIamPolicy",
    "ActionOnFailure",
    "StepMonitoringConfiguration",
];

/// What a step that fails does to its cluster, unless it is said.
const DEFAULT_ACTION: &str = "CONTINUE";

/// Reads it as the engine has it; of a description without exactly one target only what is the same on all of them.
pub(super) fn take(reader: &mut Reader, engine: Option<Engine>, is_beside: impl Fn(&str) -> bool) -> Program {
    let drivers: Vec<&str> = DRIVERS.into_iter().filter(|name| reader.has_any(name)).collect();
    match drivers.as_slice() {
        // What is wrong with them may hide it.
        [] if reader.has_fault("Step") || reader.has_fault("Steps") => {}
        [] => reader.require("Parameters", &what_runs(engine)),
        [_] => {}
        several => {
            let problem = format!("more than one says what runs ({}): give exactly one", several.join(", "));
            reader.fault(Fault::new(problem));
        }
    }
    let is_portable = drivers.contains(&"Parameters");
    if !is_portable && !drivers.is_empty() {
        // Nothing is given in them.
        reader.skip("Parameters");
    }
    let deploy_mode = take_deploy_mode(reader, engine, is_portable);
    let place_of = |name: &str| is_beside(name).then_some("beside Parameters");
    let block = reader.take_partly("Parameters", |value| {
        let (block, mut faults) = parameters::read(value, place_of);
        if let (Some(block), Some(way)) = (&block, engine.and_then(|engine| way(engine, deploy_mode))) {
            faults.extend(spark_submit::problems(&block.parameters, way).into_iter().map(fault));
        }
        (block, faults)
    });
    let native = take_native(reader, engine, &drivers);
    let lets_go = lets_go(block.as_ref().filter(|_| deploy_mode == DeployMode::Cluster), &native);
    let parameters = block.filter(|block| block.is_sound).map(|block| block.parameters);
    let mode = reader.take_or_default("Mode", word(&MODE));
    for fault in limits::faults(&native, mode) {
        reader.fault(fault);
    }
    let timeout_minutes = take_timeout(reader, engine, mode);
    let says_what_runs = |driver: &&str| match *driver {
        "Parameters" => parameters.is_some(),
        native_driver => native.get(native_driver).is_some(),
    };
    Program {
        is_sound: drivers.len() == 1 && drivers.iter().all(says_what_runs),
        parameters,
        native,
        mode,
        timeout_minutes,
        deploy_mode,
        tags: take_tags(reader, engine),
        lets_go,
    }
}

/// Whether the step that runs this in the cluster is over once it has submitted its application.
fn lets_go(in_cluster: Option<&Block>, native: &Native) -> bool {
    let portable = in_cluster.map(|block| Invocation::of(&block.parameters, "", Way::ClusterStep).command());
    let native = || native.get("HadoopJarStep").and_then(command::args_of);
    portable.or_else(native).is_some_and(|args| command::lets_go(&args))
}

/// What is to be given where nothing says what runs.
fn what_runs(engine: Option<Engine>) -> String {
    let members = engine.and_then(Engine::api).map(native::members).unwrap_or_default();
    let natives: Vec<&str> = DRIVERS.into_iter().filter(|driver| members.contains(driver)).collect();
    let instead = match (engine, natives.as_slice()) {
        (Some(engine), [_, ..]) => format!("; or, in the words of {}, {}", engine.word(), natives.join(" or ")),
        _ => String::new(),
    };
    format!("what runs, such as {{File: s3://bucket/job.py}}{instead}")
}

/// How the portable block gets to the engine, where it is as a call of `spark-submit`.
fn way(engine: Engine, deploy_mode: DeployMode) -> Option<Way> {
    match (engine, deploy_mode) {
        (Engine::Livy, _) => None,
        (Engine::EmrOnEks, _) => Some(Way::EmrOnEks),
        (Engine::EmrServerless, _) => Some(Way::EmrServerless),
        (Engine::EmrSteps, DeployMode::Client) => Some(Way::ClientStep),
        (Engine::EmrSteps, DeployMode::Cluster) => Some(Way::ClusterStep),
    }
}

fn fault(problem: spark_submit::Problem) -> Fault {
    let fault = Fault::new(problem.text);
    match problem.spot {
        Spot::Block => fault,
        Spot::Field(field) => fault.under(field),
        Spot::Element(field, index) => fault.at(index).under(field),
        Spot::Entry(field, name) => fault.under(name).under(field),
    }
}

fn take_native(reader: &mut Reader, engine: Option<Engine>, drivers: &[&str]) -> Native {
    let mut native = Native::default();
    for property in NATIVE {
        let api = engine.and_then(Engine::api).filter(|&api| native::members(api).contains(&property));
        let value = match (engine, api) {
            (_, Some(api)) => reader.take(property, native::read(api, property)).flatten(),
            // It is not known what it must be.
            (None, None) => reader.take(property, |_| Ok(None)).flatten(),
            (Some(engine), None) => {
                reader.take_foreign(property, &format!("not possible on {}: {}", engine.word(), owner(property)));
                None
            }
        };
        let is_default = property == "ActionOnFailure" && value.as_ref().is_some_and(|value| value == DEFAULT_ACTION);
        native.0.extend(value.filter(|_| !is_default).map(|value| (property.to_owned(), value)));
    }
    // Beside Parameters a name is a misplaced one, and told so.
    if !drivers.contains(&"Parameters") {
        let name = reader.take("Name", name);
        native.0.extend(name.map(|name| ("Name".to_owned(), name.into())));
    }
    require(reader, engine, &native, drivers);
    native
}

/// What the engine cannot do without.
fn require(reader: &mut Reader, engine: Option<Engine>, native: &Native, drivers: &[&str]) {
    let has_template = drivers.contains(&"JobTemplateId");
    let mut required = |name: &'static str, what: &str| {
        if native.get(name).is_none() && !reader.has_fault(name) {
            reader.fault(Fault::new(format!("required {what}")).under(name));
        }
    };
    match engine {
        Some(Engine::EmrOnEks) if !has_template => {
            required("ExecutionRoleArn", "on EMR on EKS: the role that the job runs as");
            required("ReleaseLabel", "on EMR on EKS, such as emr-7.9.0-latest");
        }
        Some(Engine::EmrServerless) => {
            required("ExecutionRoleArn", "on EMR Serverless: the role that the job runs as");
        }
        _ => {}
    }
    if native.get("JobTemplateParameters").is_some() && !has_template {
        reader.fault(Fault::new("goes with JobTemplateId only").under("JobTemplateParameters"));
    }
}

/// Which engine has a native property that the target has not.
fn owner(property: &str) -> String {
    let engines = [Engine::EmrOnEks, Engine::EmrServerless, Engine::EmrSteps];
    let has = |engine: &Engine| engine.api().is_some_and(|api| native::members(api).contains(&property));
    let owners: Vec<&str> = engines.into_iter().filter(has).map(Engine::word).collect();
    let hint = match property {
        "RetryPolicy" => " (on EMR on EKS it is RetryPolicyConfiguration)",
        "RetryPolicyConfiguration" => " (on EMR Serverless it is RetryPolicy)",
        _ => "",
    };
    format!("it belongs to {}{hint}", owners.join(" and "))
}

fn take_deploy_mode(reader: &mut Reader, engine: Option<Engine>, is_portable: bool) -> DeployMode {
    match engine {
        None => reader.take("DeployMode", |_| Ok(DeployMode::default())).unwrap_or_default(),
        Some(Engine::EmrSteps) if is_portable => reader.take("DeployMode", word(&DEPLOY_MODE)).unwrap_or_default(),
        Some(Engine::EmrSteps) => {
            reader.take_foreign(
                "DeployMode",
                "goes with Parameters only: the arguments of a HadoopJarStep say it themselves",
            );
            DeployMode::default()
        }
        Some(engine) => {
            reader.take_foreign("DeployMode", &format!("not possible on {}: it belongs to EMR steps", engine.word()));
            DeployMode::default()
        }
    }
}

/// Reads after how many minutes the engine cancels a run. 0 is never, which all of them can do but EMR Serverless with a
/// batch.
fn take_timeout(reader: &mut Reader, engine: Option<Engine>, mode: Option<Mode>) -> Option<u32> {
    let minutes = reader.take("TimeoutMinutes", |value| match engine {
        Some(Engine::EmrServerless) => native::read(Api::EmrServerless, "executionTimeoutMinutes")(value)
            .map(|read| read.and_then(|minutes| minutes.as_u64()).and_then(|minutes| minutes.try_into().ok())),
        _ => whole(0, MAX_COUNT)(value).map(Some),
    });
    let minutes = minutes.flatten()?;
    let problem = match (engine, mode, minutes) {
        (Some(Engine::EmrServerless), Some(Mode::Batch), 0) => {
            "must be at least 1 with Mode BATCH on EMR Serverless".to_owned()
        }
        (Some(_), _, 0) => return None,
        (Some(Engine::EmrServerless) | None, _, _) => return Some(minutes),
        (Some(engine), _, _) => format!("not possible on {}, which knows no time limit", engine.word()),
    };
    reader.fault(Fault::new(problem).under("TimeoutMinutes"));
    None
}

fn take_tags(reader: &mut Reader, engine: Option<Engine>) -> Tags {
    match engine {
        None => reader.take("Tags", |_| Ok(Tags::new())).unwrap_or_default(),
        Some(engine) => {
            if let Some(api) = engine.api() {
                return reader.take("Tags", native::tags(api)).unwrap_or_default();
            }
            reader.take_foreign("Tags", "not possible on Livy, whose batches have no tags");
            Tags::new()
        }
    }
}

const MODE: [(&str, Mode); 2] = [("BATCH", Mode::Batch), ("STREAMING", Mode::Streaming)];

const DEPLOY_MODE: [(&str, DeployMode); 2] = [("client", DeployMode::Client), ("cluster", DeployMode::Cluster)];

#[cfg(test)]
mod tests;
