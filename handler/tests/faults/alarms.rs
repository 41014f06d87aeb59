//! The alarms of the template: those that are about what the functions count, and what is said of all of them.

use std::collections::BTreeMap;
use std::path::Path;

use handler::counters::{COUNTERS, NAMESPACE, STACK_VARIABLE};
use serde::Deserialize;
use serde_json::Value;

use crate::template::{Given, properties, resources};

/// The alarm's part that names one metric.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metric {
    metric_name: String,
    dimensions: Vec<Dimension>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Dimension {
    name: String,
    value: String,
}

impl Metric {
    fn dimensions(&self) -> BTreeMap<&str, &str> {
        self.dimensions.iter().map(|dimension| (dimension.name.as_str(), dimension.value.as_str())).collect()
    }

    /// Whether it is one that is counted: else there is no such metric, and an alarm on it never goes off.
    fn is_counted(&self) -> bool {
        let dimensions = self.dimensions();
        let is_it =
            |set: &&[&str]| set.len() == dimensions.len() && set.iter().all(|name| dimensions.contains_key(name));
        COUNTERS.iter().any(|counter| counter.name == self.metric_name && counter.dimensions.iter().any(is_it))
    }
}

#[test]
fn each_alarm_is_about_what_is_counted_for_this_stack() {
    let alarms = resources("AWS::CloudWatch::Alarm");
    let ours = alarms.iter().map(|alarm| (alarm, properties(alarm, &Given::new())));
    let ours: BTreeMap<_, _> = ours.filter(|(_, alarm)| alarm["Namespace"] == NAMESPACE).collect();
    let names: Vec<&str> = ours.keys().map(|name| name.as_str()).collect();
    assert_eq!(names, ["FailedDeletes", "UndeliveredAnswers"]);
    for (name, alarm) in ours {
        let metric: Metric = serde_json::from_value(alarm).expect("an alarm on one metric");
        assert!(metric.is_counted(), "{name}");
        for function in resources("AWS::Serverless::Function") {
            let variables = &properties(&function, &Given::new())["Environment"]["Variables"];
            assert_eq!(variables[STACK_VARIABLE], metric.dimensions()["Submitter"], "{name}, {function}");
        }
    }
}

#[test]
fn each_alarm_is_in_the_runbook() {
    let runbook = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/runbook.md");
    let runbook = std::fs::read_to_string(runbook).expect("docs/runbook.md");
    for alarm in resources("AWS::CloudWatch::Alarm") {
        assert!(runbook.contains(&format!("\n| `{alarm}` | ")), "{alarm}");
    }
}

#[test]
fn failed_deletes_are_those_of_that_action() {
    let Value::Object(alarm) = properties("FailedDeletes", &Given::new()) else { panic!("not an alarm") };
    let metric: Metric = serde_json::from_value(alarm.into()).expect("an alarm on one metric");
    assert_eq!((metric.metric_name.as_str(), metric.dimensions()["Action"]), ("Failed", "Delete"));
}
