//! What AWS publishes about native properties beside its models: the services refuse it, or pass over it in silence.

use serde_json::Value;

use super::super::fault::Fault;
use crate::job::{Mode, Native};
use crate::spark_submit::{LONGEST_STEP, command, longest_tag};

/// All that is beyond these limits in what was read; of an unreadable mode nothing is known.
pub(super) fn faults(native: &Native, mode: Option<Mode>) -> Vec<Fault> {
    let step = native.get("HadoopJarStep").and_then(step);
    let retries = native.get("RetryPolicy").map(|policy| retries(policy, mode)).unwrap_or_default();
    step.into_iter().chain(retries).collect()
}

/// All texts of a step [together](https://docs.aws.amazon.com/emr/latest/APIReference/API_AddJobFlowSteps.html), those among
/// them that are added to what outlives it.
fn step(step: &Value) -> Option<Fault> {
    let (given, total) = (length(step), length(&command::with_tag(step.clone(), &longest_tag())));
    // What is added may take the place of more: a list of tags may end with commas.
    let added = match total.saturating_sub(given) {
        0 => String::new(),
        more => format!(" and {more} that are added, as it runs in cluster mode"),
    };
    let problem = format!(
        "must be at most {LONGEST_STEP} characters in all, got {given}{added}: put what is large into a file of its own"
    );
    (total > LONGEST_STEP).then(|| Fault::new(problem).under("HadoopJarStep"))
}

/// The characters of all texts in `value`, without the names of members.
fn length(value: &Value) -> usize {
    match value {
        Value::String(text) => text.chars().count(),
        Value::Array(elements) => elements.iter().map(length).sum(),
        Value::Object(members) => members.values().map(length).sum(),
        _ => 0,
    }
}

/// [How often](https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/jobs-resiliency.html) EMR Serverless starts a
/// job again. Each member is for one mode; it is not published whether the service refuses it in the other one or passes over
/// it, and a job that is not started again although its template says so is not what anyone meant.
fn retries(policy: &Value, mode: Option<Mode>) -> Vec<Fault> {
    const MOST: u64 = 10;
    let members = [
        ("maxAttempts", "MaxAttempts", Mode::Batch, "Mode BATCH only; for STREAMING there is MaxFailedAttemptsPerHour"),
        (
            "maxFailedAttemptsPerHour",
            "MaxFailedAttemptsPerHour",
            Mode::Streaming,
            "Mode STREAMING only; for BATCH there is MaxAttempts",
        ),
    ];
    let fault = |(member, name, its_mode, place)| {
        let number = policy.get::<&str>(member).and_then(Value::as_u64)?;
        let problem: String = if mode.is_some_and(|mode| mode != its_mode) {
            format!("goes with {place}")
        } else if number > MOST {
            format!("must be at most {MOST} on EMR Serverless, got {number}")
        } else {
            return None;
        };
        Some(Fault::new(problem).under(name).under("RetryPolicy"))
    };
    members.into_iter().filter_map(fault).collect()
}
