//! The alarms of the template: what must not go unseen, and what is said of all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use handler::counters::{COUNTERS, NAMESPACE, STACK_VARIABLE};
use serde::Deserialize;
use serde_json::json;

use crate::template::{Given, properties, resources};

const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:on-call";

/// What an alarm is about: one metric.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct About {
    namespace: String,
    metric_name: String,
    dimensions: Vec<Dimension>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Dimension {
    name: String,
    value: String,
}

impl About {
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

/// The metrics that the alarms are about, by the names of the alarms.
fn metrics() -> BTreeMap<String, About> {
    let alarms = resources("AWS::CloudWatch::Alarm").into_iter();
    let alarms = alarms.map(|name| (properties(&name, &Given::new()), name));
    alarms.map(|(alarm, name)| (name, serde_json::from_value(alarm).expect("an alarm on one metric"))).collect()
}

/// Those that AWS itself counts for a resource of the template.
fn watched(namespace: &str, dimension: &str, resource: &str) -> BTreeSet<String> {
    let metrics = metrics().into_values().filter(|metric| metric.namespace == namespace);
    let of_it = metrics.filter(|metric| metric.dimensions() == BTreeMap::from([(dimension, resource)]));
    of_it.map(|metric| metric.metric_name).collect()
}

/// [What Lambda counts](https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html).
#[test]
fn no_call_of_a_function_is_lost_unseen() {
    for function in resources("AWS::Serverless::Function") {
        let called = properties(&function, &Given::new());
        let hands_over = called["EventInvokeConfig"].get("DestinationConfig").is_some();
        let lost = ["Errors", "AsyncEventsDropped"].into_iter();
        let lost = lost.chain(hands_over.then_some("DestinationDeliveryFailures")).map(str::to_owned);
        assert_eq!(watched("AWS/Lambda", "FunctionName", &function), lost.collect(), "{function}");
    }
}

/// What [Step Functions](https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html) counts, and what
/// [EventBridge](https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html) does.
#[test]
fn no_execution_ends_badly_unseen() {
    let ends = ["ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"].map(str::to_owned);
    assert_eq!(watched("AWS/States", "StateMachineArn", "SparkJobLifecycle"), BTreeSet::from(ends));
    let rules = resources("AWS::Events::Rule");
    assert_eq!(rules, ["BrokenExecutions"]);
    for rule in rules {
        let told = ["FailedInvocations"].map(str::to_owned);
        assert_eq!(watched("AWS/Events", "RuleName", &rule), BTreeSet::from(told), "{rule}");
    }
}

#[test]
fn each_alarm_goes_off_at_the_first_case_and_tells_the_topic() {
    let given = Given::from([("AlarmTopicArn", TOPIC.to_owned())]);
    for name in resources("AWS::CloudWatch::Alarm") {
        let alarm = properties(&name, &given);
        for (member, value) in [
            ("AlarmActions", json!([TOPIC])),
            ("Statistic", json!("Sum")),
            ("Period", json!(60)),
            ("EvaluationPeriods", json!(1)),
            ("ComparisonOperator", json!("GreaterThanThreshold")),
            ("Threshold", json!(0)),
            ("TreatMissingData", json!("notBreaching")),
        ] {
            assert_eq!(alarm[member], value, "{member} of {name}");
        }
        assert!(alarm["AlarmDescription"].as_str().is_some_and(|text| text.contains("Custom::SparkJob")), "{name}");
        assert!(properties(&name, &Given::new()).get("AlarmActions").is_none(), "{name}");
    }
}

#[test]
fn each_alarm_is_about_what_is_counted_for_this_stack() {
    let ours: BTreeMap<_, _> = metrics().into_iter().filter(|(_, metric)| metric.namespace == NAMESPACE).collect();
    let names: Vec<&str> = ours.keys().map(String::as_str).collect();
    assert_eq!(names, ["FailedDeletes", "PassedOverJobs", "UndeliveredAnswers"]);
    for (name, metric) in ours {
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
fn each_alarm_on_what_is_counted_is_about_what_its_name_tells() {
    for (alarm, metric, action) in [
        ("FailedDeletes", "Failed", Some("Delete")),
        ("PassedOverJobs", "PassedOver", None),
        ("UndeliveredAnswers", "Undelivered", None),
    ] {
        let about = &metrics()[alarm];
        let action_of_it = about.dimensions().get("Action").copied();
        assert_eq!((about.metric_name.as_str(), action_of_it), (metric, action), "{alarm}");
    }
}
