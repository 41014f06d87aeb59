//! The parts of a description that go to an API of EMR as they are, checked against what AWS publishes about it.
//!
//! A template may hold what was copied from a task of Step Functions (`JobDriver.SparkSubmitJobDriver.EntryPoint`) or from the
//! API's documentation (`jobDriver.sparkSubmitJobDriver.entryPoint`), with numbers and booleans as texts. What is read from
//! either is the same: the API's own names, the model's types, nothing that is empty. `shapes.json` is the model, written by
//! `local/shapes.py`.

mod check;
mod pattern;
mod table;
mod tags;

#[cfg(test)]
mod tests;

use serde_json::Value;

use super::reader::Read;
use check::Slot;

#[cfg(test)]
pub(super) use table::Limits;
pub(super) use tags::tags;

/// An API that starts Spark jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Api {
    /// EMR: one step, and what stands beside it in `AddJobFlowSteps`.
    Emr,
    /// EMR on EKS: `StartJobRun`.
    EmrContainers,
    /// EMR Serverless: `StartJobRun`.
    EmrServerless,
}

/// The properties that stand for a member of the API's request, which they are given to as they are.
///
/// All other members are made from portable properties, or are nobody's business but ours.
pub(super) fn members(api: Api) -> &'static [&'static str] {
    match api {
        Api::Emr => &["ExecutionRoleArn", "HadoopJarStep", "ActionOnFailure", "StepMonitoringConfiguration"],
        Api::EmrContainers => &[
            "ExecutionRoleArn",
            "ReleaseLabel",
            "JobDriver",
            "JobTemplateId",
            "JobTemplateParameters",
            "ConfigurationOverrides",
            "RetryPolicyConfiguration",
        ],
        Api::EmrServerless => {
            &["ExecutionRoleArn", "JobDriver", "ConfigurationOverrides", "RetryPolicy", "ExecutionIamPolicy"]
        }
    }
}

/// Reads what is given for a member of the API's request; none where nothing is given in it.
///
/// The member is named as in the API or as in a template: the case of its first letter makes no difference.
pub(super) fn read(api: Api, member: &'static str) -> impl Fn(&Value) -> Read<Option<Value>> {
    let slot = slot(api, member);
    move |value| check::check(slot, value)
}

/// How long a text, list or map in the API's request may be, for who holds other code against that.
///
/// A place is a way through the request: `jobDriver.sparkSubmit.entryPointArguments.member`, where what a list holds is its
/// `member`, and what a map holds are its `key` and `value`.
#[cfg(test)]
pub(super) fn limits(api: Api, place: &str) -> Limits {
    slot(api, place).shape().limits()
}

/// The place that `place` is the way to.
///
/// # Panics
/// Where there is none: the places that are asked for are written in the code.
fn slot(api: Api, place: &str) -> Slot {
    let mut steps = place.split('.');
    let inside = |slot: Slot, step| slot.inside(step).unwrap_or_else(|| panic!("{api:?} has no {step} in {place}"));
    match (api, steps.next()) {
        // For EMR's model, any text of 20 characters is a role. It is one of IAM's, as elsewhere.
        (Api::Emr, Some("ExecutionRoleArn")) => slot(Api::EmrServerless, place),
        (_, first) => steps.fold(inside(Slot::request(api), first.unwrap_or_default()), inside),
    }
}
