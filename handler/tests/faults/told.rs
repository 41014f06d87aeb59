//! What the log tells of a request, found as the runbook finds it.

use std::time::Duration;

use http::Method;
use serde_json::Value;
use sparkjob::testing::{Fault, Instead};
use tokio::time::sleep;
use tracing::level_filters::LevelFilter;

use crate::NEW;
use crate::account::Account;
use crate::cloudformation::{Properties, Stack};
use crate::log::Log;
use crate::town::Engine;

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

#[tokio::test(start_paused = true)]
async fn a_step_that_is_taken_again_tells_what_the_one_before_has_died_of() {
    for engine in Engine::ALL {
        let log = Log::at(LevelFilter::INFO);
        let account = Account::new(engine);
        account.way().fault_next(Method::POST, engine.submission(), Fault::After(Instead::Death));
        let mut stack = Stack::new(account.town());
        let create = stack.create(NEW, Properties::default());
        let answer = account.deliver(&create).await;
        assert_eq!(answer.status, "SUCCESS", "{engine:?}: {}", answer.reason);
        let again = line(&log, &create.id, "the step is taken again").expect("a line of the second step");
        assert!(again["told"].as_str().is_some_and(|told| told.contains("signal: killed")), "{again}");
        account.finish(stack, &answer).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_execution_was_stopped_tells_who_goes_on_when_it_comes_again() {
    let log = Log::at(LevelFilter::INFO);
    let account = Account::new(Engine::EmrServerless);
    let mut stack = Stack::new(account.town());
    let create = stack.create(NEW, Properties::default());
    account.deliver_again(&create);
    sleep(Duration::from_millis(40)).await;
    account.stop_executions();
    let answer = account.answer(&create).await.expect("an answer");
    account.settled().await;
    account.deliver_again(&create);
    account.settled().await;
    let passed_on = line(&log, &create.id, "not for the workflow").unwrap_or_else(|| panic!("{}", log.text()));
    assert!(passed_on["why"].as_str().is_some_and(|why| why.contains("ABORTED")), "{passed_on}");
    account.finish(stack, &answer).await;
}
