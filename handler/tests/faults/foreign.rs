//! Input that nobody can make sense of, or only in part: each ends with a clear word in the log, and with an answer where a
//! request can be read.

use serde_json::{Value, json};
use tracing::level_filters::LevelFilter;

use crate::NEW;
use crate::account::{Account, Function, Status};
use crate::cloudformation::{Properties, Stack};
use crate::log::Log;
use crate::told::{RESPONDS, line};
use crate::town::Engine;

#[tokio::test(start_paused = true)]
async fn a_turn_of_a_newer_version_is_answered_as_far_as_it_can_be_read() {
    let log = Log::at(LevelFilter::INFO);
    let account = Account::new(Engine::Livy);
    let mut stack = Stack::new(account.town());
    let request = stack.create(NEW, Properties::default());
    account.start("newer", &turn(json!({"Version": 2, "Event": request.event, "Progress": {"Dreaming": {}}})));
    let answer = account.answer(&request).await.expect("an answer");
    assert_eq!(answer.status, "FAILED");
    assert!(answer.reason.contains("version 2"), "{}", answer.reason);
    let refusal = "this step of the workflow cannot be taken: it is of version 2";
    let line = |message: &str| line(&log, &request.id, message).unwrap_or_else(|| panic!("{message}: {}", log.text()));
    assert_eq!(line(refusal)["LogicalResourceId"], request.event["LogicalResourceId"]);
    assert!(line(RESPONDS)["told"].as_str().is_some_and(|told| told.contains(refusal)));
    assert!(account.failures()[0].starts_with(&format!("RequestId {}, ", request.id)), "{:?}", account.failures());
    account.finish(stack, &answer).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_in_a_turn_of_a_newer_version_is_put_as_it_is() {
    let account = Account::new(Engine::Livy);
    let mut stack = Stack::new(account.town());
    let first = stack.create(NEW, Properties::default());
    let created = account.deliver(&first).await;
    account.settled().await;
    let body = account.town().bodies(&first)[0].clone();
    let text = String::from_utf8(body.to_vec()).expect("text");
    account.start("newer", &turn(json!({"Version": 2, "Event": first.event, "Progress": {"Answer": text}})));
    account.settled().await;
    assert_eq!((account.town().bodies(&first).len(), account.town().distinct_answers(&first)), (2, 1));
    account.finish(stack, &created).await;
}

#[tokio::test(start_paused = true)]
async fn a_turn_without_a_request_ends_with_a_clear_word() {
    let known = json!({"RequestType": "Create", "RequestId": "r-1", "LogicalResourceId": "Pi"});
    for (broken, why) in [
        (json!({"Version": 1}), "holds no request"),
        (json!({"Version": 1}), "execution broken tells no request"),
        (json!({"Version": 1, "Event": known}), "RequestId r-1, LogicalResourceId Pi: this event"),
        (json!({"Version": 1, "Event": known}), "a step of the workflow failed: BadTurn"),
        (json!({"Version": 2, "Event": known}), "RequestId r-1, LogicalResourceId Pi: this step"),
        (json!({"Version": "one", "Event": 7}), "ResponseURL"),
    ] {
        let log = Log::at(LevelFilter::INFO);
        let account = Account::new(Engine::Livy);
        account.start("broken", &turn(broken.clone()));
        account.settled().await;
        assert_eq!(account.executions(), [Status::Failed], "{broken}");
        let failures = account.failures();
        assert!(failures.iter().any(|failure| failure.contains(why)), "{broken}: {failures:?}");
        if broken["Event"] == known {
            let line = line(&log, "r-1", "this event of a custom resource cannot be answered: ResponseURL is missing");
            assert_eq!(line.expect("a line about it")["LogicalResourceId"], "Pi");
        }
        assert!(account.town().alive().is_empty());
        assert!(account.way().requests().iter().all(|sent| LOOKS.contains(&&*sent.path)));
    }
}

/// All that is sent then: the responder asks how the execution ended, and how far it came.
const LOOKS: [&str; 2] = ["/AWSStepFunctions.DescribeExecution", "/AWSStepFunctions.GetExecutionHistory"];

#[tokio::test(start_paused = true)]
async fn a_record_that_is_not_ours_ends_with_a_clear_word() {
    let stopped = json!({"name": "nobody", "status": "ABORTED", "input": null});
    for (foreign, why) in [
        (json!({"requestPayload": {"job": 7}, "requestContext": {"requestId": "8f5c"}}), "(Lambda's request id 8f5c)"),
        (json!({"requestPayload": {"RequestId": "r-1"}}), "RequestId r-1: this event"),
        (json!({"requestPayload": {"job": 7}, "responsePayload": "boom"}), "ResponseURL"),
        (json!({"Records": []}), "none of Lambda's records"),
        (json!({"detail": stopped}), "execution nobody"),
        (json!({"detail": {}}), "name"),
        (json!(null), "none of Lambda's records"),
    ] {
        let account = Account::new(Engine::Livy);
        account.invoke(Function::Responder, foreign.clone());
        account.settled().await;
        let failures = account.failures();
        assert!(failures.iter().any(|failure| failure.contains(why)), "{foreign}: {failures:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_names_nothing_is_deleted() {
    for engine in Engine::ALL {
        let log = Log::at(LevelFilter::INFO);
        let account = Account::new(engine);
        let mut stack = Stack::new(account.town());
        stack.create(NEW, Properties::default());
        let delete = stack.delete_of(&format!("spark-job:unknown:{}", "0f".repeat(32)));
        let answer = account.deliver(&delete).await;
        assert_eq!(answer.status, "SUCCESS", "{engine:?}: {}", answer.reason);
        let line = line(&log, &delete.id, "answered").expect("a line about it");
        assert_eq!(line["job"], delete.event["PhysicalResourceId"], "{engine:?}");
        assert!(line["answer"].as_str().is_some_and(|answer| answer.contains("SUCCESS")), "{engine:?}");
    }
}

/// An execution's input with what every turn has.
fn turn(mut changed: Value) -> Value {
    changed["Submitter"] = Function::Submitter.arn().into();
    changed["Responder"] = Function::Responder.arn().into();
    changed
}
