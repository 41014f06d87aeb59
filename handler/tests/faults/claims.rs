//! Claims of which it is not known at once whether they took effect: nobody works beside a workflow that may have the request.

use std::time::Duration;

use http::Method;
use serde_json::json;
use tokio::time::sleep;
use tracing::level_filters::LevelFilter;

use sparkjob::testing::{Fault, Instead, Script};

use crate::NEW;
use crate::account::{Account, Function, Status};
use crate::cloudformation::{Delivery, Properties, Stack};
use crate::log::Log;
use crate::town::{Engine, PASSWORD};

/// The operation that claims.
pub const START: &str = "StartExecution";

const DESCRIBE: &str = "DescribeExecution";

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

#[tokio::test(start_paused = true)]
async fn a_claim_whose_answer_is_lost_is_made_again_until_lambda_delivers_once_more() {
    for lost in [Fault::Before(Instead::Silence), Fault::Before(Instead::Page(503))] {
        let account = Account::new(Engine::EmrOnEks);
        let mut stack = Stack::new(account.town());
        account.way().fault_each(Method::POST, START, lost);
        let request = stack.create(NEW, Properties::default());
        account.deliver_again(&request);
        sleep(Duration::from_secs(100)).await;
        let tries = account.way().sends();
        assert!(tries > 1 && account.failures().len() == 1, "{tries} tries");
        account.heal();
        let answer = account.answer(&request).await.expect("an answer");
        assert_eq!(answer.status, "SUCCESS", "{}", answer.reason);
        account.finish(stack, &answer).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_nobody_hears_of_is_a_claim() {
    // Every execution starts, and the function never learns of it: the responder is called, and stands back.
    let account = Account::new(Engine::EmrServerless);
    let mut stack = Stack::new(account.town());
    account.way().fault_each(Method::POST, START, Fault::After(Instead::Page(503)));
    let told = Properties { wait_for: "Succeeded", ..Properties::default() };
    account.town().emr().script(NEW, Script::running(Duration::from_mins(30)));
    let request = stack.create(NEW, told);
    let answer = account.deliver(&request).await;
    assert_eq!(answer.status, "SUCCESS", "{}", answer.reason);
    account.settled().await;
    assert_eq!((account.failures().len(), account.town().distinct_answers(&request)), (3, 1));
    account.heal();
    account.finish(stack, &answer).await;
}

#[tokio::test(start_paused = true)]
async fn without_any_answer_of_the_workflow_s_the_responder_says_so_and_there_is_no_job() {
    let account = Account::new(Engine::EmrServerless);
    let mut stack = Stack::new(account.town());
    account.way().fault_each(Method::POST, START, Fault::Before(Instead::Page(503)));
    let answer = account.deliver(&stack.create(NEW, Properties::default())).await;
    assert_eq!((answer.status.as_str(), account.town().jobs_of(NEW)), ("FAILED", 0));
    assert!(answer.reason.contains("after 3 invocations") && answer.reason.contains("503"), "{}", answer.reason);
    assert!(answer.id.starts_with("spark-job:unknown:"), "{}", answer.id);
    account.heal();
    account.finish(stack, &answer).await;
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_nobody_answers_is_given_up_before_its_function_is_stopped() {
    for seconds in [10, 20, 40] {
        let account = Account::new(Engine::EmrServerless);
        let mut stack = Stack::new(account.town());
        account.limit(Function::Submitter, Duration::from_secs(seconds));
        account.way().fault_each(Method::POST, START, Fault::Before(Instead::Silence));
        let answer = account.deliver(&stack.create(NEW, Properties::default())).await;
        assert_eq!((answer.status.as_str(), account.town().jobs_of(NEW)), ("FAILED", 0), "{}", answer.reason);
        let failures = account.failures();
        assert!(failures.len() == 3 && failures.iter().all(|failed| !failed.contains("timed out")), "{failures:?}");
        account.heal();
        account.finish(stack, &answer).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_responder_answers_once_it_cannot_ask_for_the_execution() {
    let log = Log::at(LevelFilter::INFO);
    let account = Account::new(Engine::Livy);
    account.way().fault_each(Method::POST, START, Fault::Before(Instead::Silence));
    account.way().fault_each(Method::POST, DESCRIBE, Fault::Before(Instead::Silence));
    let mut stack = Stack::new(account.town());
    let answer = account.deliver(&stack.create(NEW, Properties::default())).await;
    assert_eq!(answer.status, "FAILED");
    assert!(log.text().contains("whether the workflow works on the request is not known"), "{}", log.text());
    account.heal();
    account.finish(stack, &answer).await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_repeats_the_request_is_told_without_its_secrets() {
    for code in ["ValidationException", "InvalidExecutionInput"] {
        let log = Log::at(LevelFilter::TRACE);
        let account = Account::new(Engine::EmrServerless);
        let request = Stack::new(account.town()).create(NEW, Properties::default());
        let quoted = json!({ "__type": code, "message": format!("Value '{}' at 'input'", request.event) });
        let refused = Fault::Before(Instead::Answer(400, quoted.to_string()));
        account.way().fault_each(Method::POST, START, refused);
        let answer = account.deliver(&request).await;
        let told = [account.failures().concat(), log.text(), answer.reason].concat();
        assert!(told.contains(code), "{told}");
        assert!(!told.contains("5ec2e7") && !told.contains(PASSWORD), "{code}: {told}");
    }
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
