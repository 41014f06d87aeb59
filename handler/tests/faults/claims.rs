//! Claims of which it is not known at once whether they took effect: nobody works beside a workflow that may have the request.

use std::time::Duration;

use http::Method;
use tokio::time::sleep;

use sparkjob::testing::{Fault, Instead, Script};

use crate::NEW;
use crate::account::{Account, Status};
use crate::cloudformation::{Delivery, Properties, Stack};
use crate::town::Engine;

const START: &str = "StartExecution";

#[tokio::test(start_paused = true)]
async fn a_claim_that_may_have_taken_effect_is_none_that_was_refused_afterwards() {
    let (account, request) = for_half_an_hour();
    account.way().fault_next(Method::POST, START, Fault::After(Instead::Page(503)));
    for _ in 0..5 {
        account.way().fault_next(Method::POST, START, Fault::refused());
    }
    answered_by_the_workflow(&account, &request).await;
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_may_have_taken_effect_is_none_that_was_denied_afterwards() {
    let (account, request) = for_half_an_hour();
    account.way().fault_next(Method::POST, START, Fault::After(Instead::Silence));
    let denied = r#"{"__type": "AccessDeniedException", "message": "not any more"}"#;
    account.way().fault_next(Method::POST, START, Fault::Before(Instead::Answer(400, denied.to_owned())));
    answered_by_the_workflow(&account, &request).await;
}

#[tokio::test(start_paused = true)]
async fn a_second_delivery_that_finds_nobody_listening_for_a_moment_finds_the_workflow() {
    let (account, request) = for_half_an_hour();
    account.deliver_again(&request);
    sleep(Duration::from_secs(1)).await;
    for _ in 0..2 {
        account.way().fault_next(Method::POST, START, Fault::refused());
    }
    answered_by_the_workflow(&account, &request).await;
}

/// A Create whose job takes longer than an invocation.
fn for_half_an_hour() -> (Account, Delivery) {
    let account = Account::new(Engine::EmrServerless);
    account.town().emr().script(NEW, Script::running(Duration::from_mins(30)));
    let told = Properties { wait_for: "Succeeded", ..Properties::default() };
    let request = Stack::new(account.town()).create(NEW, told);
    (account, request)
}

/// Delivers a request, which only the workflow can see to its end.
async fn answered_by_the_workflow(account: &Account, request: &Delivery) {
    let answer = account.deliver(request).await;
    assert_eq!(answer.status, "SUCCESS", "{}", answer.reason);
    account.settled().await;
    assert_eq!((account.executions(), account.town().distinct_answers(request)), (vec![Status::Succeeded], 1));
    assert_eq!(account.town().jobs_of(NEW), 1);
}
