//! Deliveries of a request that the workflow has: there is nothing to do but to put its answer once more.

use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use crate::NEW;
use crate::account::{Account, Function, Status};
use crate::cloudformation::{Properties, Stack};
use crate::town::{BUCKET, Engine};

#[tokio::test(start_paused = true)]
async fn a_second_delivery_has_nothing_to_do_while_the_first_is_worked_on() {
    let account = Account::new(Engine::EmrSteps);
    let mut stack = Stack::new(account.town());
    let request = stack.create(NEW, Properties::default());
    account.deliver_again(&request);
    sleep(Duration::from_secs(5)).await;
    let answer = account.deliver(&request).await;
    account.settled().await;
    assert_eq!((account.executions().len(), account.town().bodies(&request).len()), (1, 1));
    account.finish(stack, &answer).await;
}

#[tokio::test(start_paused = true)]
async fn a_second_delivery_afterwards_puts_the_same_answer_again() {
    let account = Account::new(Engine::Livy);
    let mut stack = Stack::new(account.town());
    let request = stack.create(NEW, Properties::default());
    let answer = account.deliver(&request).await;
    account.settled().await;
    let sends = account.way().sends();
    account.deliver_again(&request);
    account.settled().await;
    let bodies = account.town().bodies(&request);
    assert_eq!((bodies.len(), account.town().distinct_answers(&request)), (2, 1));
    assert_eq!(account.way().sends() - sends, 3, "it was claimed, looked at and put, no more");
    account.finish(stack, &answer).await;
}

#[tokio::test(start_paused = true)]
async fn a_second_delivery_that_cannot_put_the_answer_fails_by_itself() {
    let account = Account::new(Engine::EmrServerless);
    account.cut_off(Function::Submitter, BUCKET);
    let request = Stack::new(account.town()).create(NEW, Properties::default());
    account.deliver(&request).await;
    account.settled().await;
    let (failed, bodies) = (account.failures().len(), account.town().bodies(&request).len());
    account.deliver_again(&request);
    account.settled().await;
    let failures = account.failures();
    // It has three tries, and then the responder puts what was answered.
    assert_eq!((failures.len() - failed, account.town().bodies(&request).len() - bodies), (3, 1), "{failures:?}");
    assert!(failures.iter().all(|failed| !failed.contains("timed out")), "{failures:?}");
    assert_eq!(account.town().distinct_answers(&request), 1);
}

#[tokio::test(start_paused = true)]
async fn a_delivery_of_a_request_that_was_superseded_has_nothing_to_do() {
    let account = Account::new(Engine::EmrServerless);
    let mut stack = Stack::new(account.town());
    let create = stack.create(NEW, Properties { wait_for: "Succeeded", ..Properties::default() });
    account.deliver_again(&create);
    sleep(Duration::from_secs(20)).await;
    let delete = stack.delete_of("spark-job:nothing");
    assert_eq!(account.deliver(&delete).await.status, "SUCCESS");
    account.settled().await;
    account.deliver_again(&create);
    // And as if Lambda had given it up.
    account.invoke(Function::Responder, json!({ "requestPayload": create.event }));
    account.settled().await;
    assert!(account.failures().is_empty() && account.town().bodies(&create).is_empty(), "{:?}", account.failures());
    assert!(account.executions().iter().all(|status| *status == Status::Succeeded));
}
