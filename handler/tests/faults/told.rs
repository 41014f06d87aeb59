//! What the log tells of a request, found as the runbook finds it.

use serde_json::Value;

use crate::log::Log;

/// What the responder says when it answers.
pub const RESPONDS: &str = "nobody answered: the responder does";

/// The line about a request that begins so.
pub fn line(log: &Log, request_id: &str, message: &str) -> Option<Value> {
    let text = log.text();
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    lines.find(|line| {
        line["RequestId"] == request_id && line["message"].as_str().is_some_and(|text| text.starts_with(message))
    })
}
