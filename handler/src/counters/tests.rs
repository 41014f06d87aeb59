use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use sparkjob::hidden::Hidden;
use sparkjob::outcome::FailureKind;
use sparkjob::testing::{Written, note, start_recording};
use tracing::level_filters::LevelFilter;

use super::*;
use crate::{logs, sample};

/// The lines that are written where nothing but errors is logged.
fn lines(count: impl FnOnce()) -> Vec<Value> {
    start_recording();
    let written = Written::default();
    let writer = written.clone();
    tracing::subscriber::with_default(logs::subscriber(LevelFilter::ERROR, move || writer.clone()), count);
    note(&written.text());
    written.lines()
}

/// What a line counts, each metric under each of its sets of dimensions, as `CloudWatch` reads it by the specification of the
/// format: what does not hold to that makes it panic.
fn counted(line: &Value) -> Vec<String> {
    let at = Timestamp(line["_aws"]["Timestamp"].as_u64().expect("a time"));
    assert!(moment::now().since(at) < Duration::from_mins(1), "{line}");
    let directives = line["_aws"]["CloudWatchMetrics"].as_array().expect("directives");
    directives.iter().flat_map(|directive| under_each_set(line, directive)).collect()
}

fn under_each_set(line: &Value, directive: &Value) -> Vec<String> {
    assert!(
        directive["Namespace"].as_str().is_some_and(|name| !name.is_empty() && !name.starts_with("AWS/")),
        "{line}"
    );
    let list = |value: &Value| value.as_array().expect("a list").clone();
    let metrics = list(&directive["Metrics"]);
    assert!((1..=100).contains(&metrics.len()), "{line}");
    let mut counted = Vec::new();
    for metric in metrics {
        let name = metric["Name"].as_str().expect("a name");
        assert_eq!((&line[name], &metric["Unit"]), (&json!(1), &json!("Count")), "{line}");
        for set in list(&directive["Dimensions"]) {
            let set = list(&set);
            assert!((1..=30).contains(&set.len()), "{line}");
            let values = set.iter().map(|dimension| {
                let dimension = dimension.as_str().expect("a name");
                let value = line[dimension].as_str().unwrap_or_else(|| panic!("no text for {dimension}: {line}"));
                assert!((1..=1024).contains(&value.len()), "{line}");
                format!(" {dimension}={value}")
            });
            counted.push(format!("{name}{}", values.collect::<String>()));
        }
    }
    counted
}

/// What is counted of a request with these changes that came to `outcome`.
fn of(request_type: &str, changes: Value, outcome: &Outcome) -> Vec<String> {
    let event = sample::event(request_type, changes);
    let lines = lines(|| concluded(&sample::envelope(&event), &event, outcome));
    assert_eq!(lines.len(), 1, "{lines:?}");
    counted(&lines[0])
}

/// A failure before there was a job.
fn refused() -> Outcome {
    let mut outcome = Outcome { made: Made::Nothing, ..sample::dead_job() };
    outcome.failure.as_mut().expect("a failure").kind = FailureKind::Invalid;
    outcome
}

#[test]
fn each_counter_is_written_as_the_format_asks() {
    let event = sample::event("Create", json!({}));
    let succeeded = Outcome { failure: None, ..sample::dead_job() };
    let lines = lines(|| {
        tracing::info!(target: COUNT, counter = SUBMITTED, Engine = "emr-steps", "a job was submitted");
        concluded(&sample::envelope(&event), &event, &succeeded);
        concluded(&sample::envelope(&event), &event, &refused());
        tracing::info!(target: COUNT, counter = PASSED_OVER, Engine = "livy", "an update is taken back");
        undelivered();
    });
    let counted: Vec<String> = lines.iter().flat_map(counted).collect();
    assert_eq!(
        counted,
        [
            "Submitted Submitter=unknown Engine=emr-steps",
            "Succeeded Submitter=unknown Engine=livy",
            "Failed Submitter=unknown Engine=livy Kind=Invalid",
            "Failed Submitter=unknown Action=Create",
            "PassedOver Submitter=unknown Engine=livy",
            "PassedOver Submitter=unknown",
            "Undelivered Submitter=unknown",
        ]
    );
    let names: BTreeSet<&str> = COUNTERS.iter().map(|counter| counter.name).collect();
    assert_eq!(names, counted.iter().filter_map(|text| text.split(' ').next()).collect());
    assert!(lines.iter().all(|line| line["message"].is_string() && line["level"] == "INFO"), "{lines:?}");
}

#[test]
fn no_other_line_is_a_metric() {
    let lines = lines(|| {
        tracing::error!(counter = FAILED, "it only looks so");
        tracing::info!(target: COUNT, counter = "Dreamt", "nobody knows it");
    });
    assert_eq!(lines.len(), 2);
    assert!(lines.iter().all(|line| line["_aws"].is_null()), "{lines:?}");
}

#[test]
fn the_engine_is_that_of_the_job_then_of_the_id_then_of_the_description() {
    let step = "emr-steps://j-1ABC/steps/s-2DEF#Pi-0123456789abcdef-01234567-89abcdef";
    for (made, id, properties, engine) in [
        (sample::dead_job().made, step, json!({"ApplicationId": "00f1"}), "livy"),
        (Made::Unknown, step, json!({"ApplicationId": "00f1"}), "emr-steps"),
        (Made::Unknown, "spark-job:nothing", json!({"ApplicationId": "00f1"}), "emr-serverless"),
        (Made::Nothing, "cut-off", json!({"VirtualClusterId": "0abc", "Parameters": 7}), "emr-on-eks"),
        (Made::Nothing, "cut-off", json!(null), "unknown"),
    ] {
        let changes = json!({"PhysicalResourceId": id, "ResourceProperties": properties});
        let counted = of("Delete", changes, &Outcome { made, ..sample::dead_job() });
        assert_eq!(counted[0], format!("Failed Submitter=unknown Engine={engine} Kind=Failed"));
    }
}

#[test]
fn an_action_is_one_of_those_that_are_known() {
    for (action, word) in [("Create", "Create"), ("Update", "Update"), ("Delete", "Delete"), ("Upsert", "unknown")] {
        assert_eq!(of(action, json!({}), &refused())[1], format!("Failed Submitter=unknown Action={word}"));
    }
}

#[test]
fn what_a_template_has_for_a_secret_is_counted_nevertheless() {
    logs::hide(Hidden::in_description(
        &json!({"Parameters": {"Environment": {"PASSWORD": "livy", "TOKEN": "Delete"}}}),
    ));
    let counted = of("Delete", json!({}), &refused());
    logs::hide(Hidden::default());
    assert_eq!(
        counted,
        ["Failed Submitter=unknown Engine=livy Kind=Invalid", "Failed Submitter=unknown Action=Delete"]
    );
}
