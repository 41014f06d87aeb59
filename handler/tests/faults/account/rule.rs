//! The template's rule, by which `EventBridge` calls the responder.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::{Account, MACHINE};
use crate::template::{Given, properties};

/// Which events it takes. The workflow is known by its name in the template.
static PATTERN: LazyLock<Value> = LazyLock::new(|| {
    let mut pattern = properties("BrokenExecutions", &Given::new())["EventPattern"].clone();
    assert_eq!(pattern["detail"]["stateMachineArn"], json!([MACHINE]));
    pattern["detail"]["stateMachineArn"] = json!([Account::workflow_arn()]);
    pattern
});

/// Whether it takes an event.
pub fn takes(event: &Value) -> bool {
    fits(&PATTERN, event)
}

/// Whether an event [fits](https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html): a list tells the values
/// that a field may have.
fn fits(pattern: &Value, event: &Value) -> bool {
    match pattern {
        Value::Object(fields) => fields.iter().all(|(name, pattern)| fits(pattern, &event[name])),
        Value::Array(values) => values.contains(event),
        other => panic!("not a pattern: {other}"),
    }
}
