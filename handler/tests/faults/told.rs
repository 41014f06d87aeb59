//! What the log tells of a request, found as the runbook finds it.

use serde_json::Value;

use crate::log::Log;

/// What the responder says when it answers.
pub const RESPONDS: &str = "nobody answered: the responder does";

/// The line about a request that begins so.
pub fn line(log: &Log, request_id: &str, message: &str) -> Option<Value> {
    let begins = |line: &Value| line["message"].as_str().is_some_and(|text| text.starts_with(message));
    lines(log, request_id).into_iter().find(begins)
}

/// All lines about a request, each of which tells what was asked for, and which invocation wrote it.
pub fn lines(log: &Log, request_id: &str) -> Vec<Value> {
    let text = log.text();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let lines: Vec<Value> = lines.filter(|line| line["RequestId"] == request_id).collect();
    for line in &lines {
        assert!(line["action"].is_string() && line["invocation"].is_string(), "{line}");
    }
    lines
}
