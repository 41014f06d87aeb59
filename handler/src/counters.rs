//! What is counted, as metrics of `CloudWatch`: it reads them from lines of the log, in its
//! [embedded metric format](https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
//!
//! An event of the target [`COUNT`] counts one; its line has the metric, the dimensions, and the member `_aws` that tells which
//! of its members these are. A step or a call of the responder that comes to nothing after it has counted is made again and
//! counts again.

use std::fmt;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};
use tracing::Event as Line;
use tracing::field::{Field, Visit};

use sparkjob::drive::{COUNT, PASSED_OVER, SUBMITTED};
use sparkjob::job::Timestamp;
use sparkjob::outcome::{Made, Outcome};
use sparkjob::properties::read_place;

use crate::envelope::{Action, Envelope};
use crate::event::Event;
use crate::moment;
use crate::physical_id::PhysicalId;

/// The namespace of all of them.
pub const NAMESPACE: &str = "SparkJob";

/// The environment variable that holds the name of the submitter's own stack, by which several of them are told apart.
pub const STACK_VARIABLE: &str = "SPARK_JOB_STACK";

/// All that is counted.
pub const COUNTERS: [Counter; 5] = [
    Counter { name: SUBMITTED, dimensions: &[&[SUBMITTER, "Engine"]] },
    Counter { name: SUCCEEDED, dimensions: &[&[SUBMITTER, "Engine"]] },
    Counter { name: FAILED, dimensions: &[&[SUBMITTER, "Engine", "Kind"], &[SUBMITTER, "Action"]] },
    Counter { name: PASSED_OVER, dimensions: &[&[SUBMITTER, "Engine"], &[SUBMITTER]] },
    Counter { name: UNDELIVERED, dimensions: &[&[SUBMITTER]] },
];

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Counter {
    /// Its name.
    pub name: &'static str,
    /// The sets of dimensions under each of which it is counted.
    pub dimensions: &'static [&'static [&'static str]],
}

const SUCCEEDED: &str = "Succeeded";
const FAILED: &str = "Failed";
const UNDELIVERED: &str = "Undelivered";

/// The dimension that tells the submitter's stack.
const SUBMITTER: &str = "Submitter";

/// What a dimension says of which nothing is known: `CloudWatch` takes no empty one.
const UNKNOWN: &str = "unknown";

/// Counts a request that came to `outcome`, which is to be told.
pub fn concluded(envelope: &Envelope, event: &Event, outcome: &Outcome) {
    let engine = engine(envelope, event, outcome);
    match &outcome.failure {
        None => tracing::info!(target: COUNT, counter = SUCCEEDED, Engine = engine, "a request succeeded"),
        Some(failure) => tracing::info!(
            target: COUNT,
            counter = FAILED,
            Engine = engine,
            Kind = failure.kind.word(),
            Action = action(&envelope.action),
            "a request failed"
        ),
    }
}

/// Counts an answer that nobody will put any more, or that whoever comes last could not put.
pub fn undelivered() {
    tracing::info!(target: COUNT, counter = UNDELIVERED, "an answer did not reach CloudFormation");
}

/// The members of a line that make a metric of what it counts; none where it counts nothing.
pub fn members(line: &Line<'_>) -> Map<String, Value> {
    if line.metadata().target() != COUNT {
        return Map::new();
    }
    let mut words = Words(Map::new());
    line.record(&mut words);
    let Words(mut members) = words;
    let name = members.get("counter").and_then(Value::as_str);
    let Some(counter) = COUNTERS.iter().find(|counter| Some(counter.name) == name) else { return Map::new() };
    members.insert(SUBMITTER.to_owned(), STACK.as_str().into());
    members.insert(counter.name.to_owned(), 1.into());
    members.insert("_aws".to_owned(), directive(counter, moment::now()));
    members
}

/// The member `_aws` of a line that counts one more at `now`.
fn directive(counter: &Counter, now: Timestamp) -> Value {
    json!({
        "Timestamp": now.0,
        "CloudWatchMetrics": [{
            "Namespace": NAMESPACE,
            "Dimensions": counter.dimensions,
            "Metrics": [{ "Name": counter.name, "Unit": "Count" }],
        }],
    })
}

/// The submitter's stack.
static STACK: LazyLock<String> = LazyLock::new(|| {
    let name = std::env::var(STACK_VARIABLE).ok().filter(|name| !name.is_empty());
    name.unwrap_or_else(|| UNKNOWN.to_owned())
});

/// The engine that a request is about, as far as anything tells: the job that answers, the one that the event names, the
/// description.
fn engine(envelope: &Envelope, event: &Event, outcome: &Outcome) -> &'static str {
    let place = match (&outcome.made, &envelope.physical_id) {
        (Made::Job(run), _) | (_, Some(PhysicalId::Run(run))) => Some(run.place.clone()),
        _ => read_place(event.field("ResourceProperties")),
    };
    place.map_or(UNKNOWN, |place| place.engine())
}

/// One of three words, since an event may hold any others.
fn action(action: &Action) -> &'static str {
    match action {
        Action::Create => "Create",
        Action::Update => "Update",
        Action::Delete => "Delete",
        Action::Other(_) => UNKNOWN,
    }
}

/// What a line is counted by, with nothing [hidden](crate::logs::hide): all of it are words of our own, and one that a template
/// has for a secret by chance is counted like any other.
struct Words(Map<String, Value>);

impl Visit for Words {
    fn record_str(&mut self, field: &Field, word: &str) {
        self.0.insert(field.name().to_owned(), word.into());
    }

    /// The message.
    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

#[cfg(test)]
mod tests;
