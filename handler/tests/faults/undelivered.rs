//! No way to the bucket, as in a VPC without an endpoint, or none that a process survives: what was to be answered is put by the
//! responder, as it is.

use std::time::Duration;

use http::Method;
use serde_json::json;
use tokio::time::sleep;

use sparkjob::testing::{Fault, Instead};

use crate::NEW;
use crate::account::{Account, Function, Status};
use crate::claims::START;
use crate::cloudformation::{Properties, Stack};
use crate::durable::duration;
use crate::town::{BUCKET, Engine};

#[tokio::test(start_paused = true)]
async fn an_answer_that_the_function_cannot_put_is_put_as_it_is_by_the_responder() {
    for engine in Engine::ALL {
        // Also where it comes at the last moment.
        for (wait_for, service_timeout, status) in [("Running", 3600, "SUCCESS"), ("Succeeded", 120, "FAILED")] {
            let account = Account::new(engine);
            account.cut_off(Function::Submitter, BUCKET);
            let mut stack = Stack::new(account.town());
            let begin = account.town().now();
            let told = Properties { wait_for, service_timeout, ..Properties::default() };
            let request = stack.create(NEW, told);
            let answer = account.deliver(&request).await;
            assert_eq!(answer.status, status, "{engine:?}: {}", answer.reason);
            assert!(!answer.reason.contains("Nobody finished"), "{engine:?}: {}", answer.reason);
            assert!(!answer.id.contains("unknown"), "{engine:?}: {}", answer.id);
            assert!(account.town().now().since(begin) < Duration::from_mins(2), "{engine:?}");
            account.finish(stack, &answer).await;
            assert!(account.executions().iter().all(|status| *status == Status::Succeeded));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_the_function_cannot_put_goes_to_the_responder_without_another_try() {
    for engine in Engine::ALL {
        let clean = duration(engine).await / 1000;
        let account = Account::new(engine);
        account.cut_off(Function::Submitter, BUCKET);
        let begin = account.town().now();
        account.deliver(&Stack::new(account.town()).create(NEW, Properties::default())).await;
        let longer = account.town().now().since(begin).as_secs() - clean;
        // One call of the function puts for half a minute.
        assert!((25..=35).contains(&longer), "{engine:?}: {longer} s longer than {clean} s");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_made_without_the_workflow_and_cannot_be_put_is_put_as_it_is_by_the_responder() {
    for engine in Engine::ALL {
        let account = Account::new(engine);
        account.way().fault_each(Method::POST, START, Fault::refused());
        account.cut_off(Function::Submitter, BUCKET);
        let mut stack = Stack::new(account.town());
        let begin = account.town().now();
        let answer = account.deliver(&stack.create(NEW, Properties::default())).await;
        assert_eq!(answer.status, "SUCCESS", "{engine:?}: {}", answer.reason);
        // Lambda delivers twice more first, after a minute and after two.
        assert!(account.town().now().since(begin) < Duration::from_mins(7), "{engine:?}");
        account.heal();
        account.finish(stack, &answer).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_a_second_delivery_is_refused_to_put_is_not_tried_a_third_time() {
    let account = Account::new(Engine::Livy);
    let request = Stack::new(account.town()).create(NEW, Properties::default());
    account.deliver(&request).await;
    account.settled().await;
    account.way().fault_each(Method::PUT, "", refused());
    account.deliver_again(&request);
    account.settled().await;
    assert!(account.failures().is_empty(), "{:?}", account.failures());
    assert_eq!(account.town().bodies(&request).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_responder_makes_one_whole_try_however_late_it_is() {
    let account = Account::new(Engine::Livy);
    let request = Stack::new(account.town()).create(NEW, Properties::BRIEF);
    sleep(Duration::from_hours(2)).await;
    account.way().fault_next(Method::PUT, "", Fault::Slow(Duration::from_secs(2)));
    account.invoke(Function::Responder, json!({ "requestPayload": request.event }));
    account.settled().await;
    assert_eq!((account.town().bodies(&request).len(), account.failures()), (1, Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn a_short_request_whose_answer_the_function_cannot_put_is_answered_in_time() {
    for engine in Engine::ALL {
        for service_timeout in 4..=30 {
            let account = Account::new(engine);
            account.cut_off(Function::Submitter, BUCKET);
            let told = Properties { wait_for: "Succeeded", service_timeout, ..Properties::default() };
            let request = Stack::new(account.town()).create(NEW, told);
            let answer = account.deliver(&request).await;
            assert_eq!(answer.status, "FAILED", "{engine:?}, {service_timeout} s: {}", answer.reason);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_too_large_is_told_so_by_the_responder_where_the_function_cannot() {
    let account = Account::new(Engine::EmrServerless);
    account.cut_off(Function::Submitter, BUCKET);
    let mut properties = Engine::EmrServerless.target();
    properties["Parameters"] = json!({"File": NEW, "Args": ["x".repeat(260_000)]});
    let mut stack = Stack::new(account.town());
    let begin = account.town().now();
    let answer = account.deliver(&stack.create_with(properties)).await;
    let is_told = answer.reason.contains("too large by") && !answer.id.contains("unknown");
    assert!(answer.status == "FAILED" && is_told, "{}: {}", answer.id, answer.reason);
    assert!(account.town().now().since(begin) < Duration::from_mins(6));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_too_large_is_refused_alike_by_a_responder_that_is_told_of_deaths_alone() {
    // The function dies of each of its puts, which take effect.
    let account = Account::new(Engine::EmrServerless);
    for _ in 0..3 {
        account.way().fault_next(Method::PUT, "request-1", Fault::After(Instead::Death));
    }
    let mut properties = Engine::EmrServerless.target();
    properties["Parameters"] = json!({"File": NEW, "Args": ["x".repeat(260_000)]});
    let mut stack = Stack::new(account.town());
    let request = stack.create_with(properties);
    let answer = account.deliver(&request).await;
    account.settled().await;
    assert_eq!((account.town().bodies(&request).len(), account.town().distinct_answers(&request)), (4, 1));
    account.finish(stack, &answer).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_refused_where_the_function_is_is_put_as_it_is_by_the_responder() {
    // As by the policy of a VPC's endpoint. Without the workflow Lambda tries three times first.
    for (engine, is_alone) in Engine::ALL.into_iter().flat_map(|engine| [(engine, false), (engine, true)]) {
        let account = if is_alone { Account::without_workflow(engine) } else { Account::new(engine) };
        for _ in 0..if is_alone { 3 } else { 1 } {
            account.way().fault_next(Method::PUT, "request-1", refused());
        }
        let mut stack = Stack::new(account.town());
        let request = stack.create(NEW, Properties::default());
        let answer = account.deliver(&request).await;
        assert_eq!((answer.status.as_str(), account.town().jobs_of(NEW)), ("SUCCESS", 1), "{}", answer.reason);
        assert!(account.way().requests().iter().all(|sent| sent.fault.is_none() || sent.method == Method::PUT));
        account.finish(stack, &answer).await;
    }
}

/// What takes answers takes this one not.
pub fn refused() -> Fault {
    Fault::Before(Instead::Answer(403, "<Error><Code>AccessDenied</Code></Error>".to_owned()))
}

#[tokio::test(start_paused = true)]
async fn a_responder_that_cannot_put_its_answer_either_makes_one_try_of_it_once_nobody_waits() {
    let account = Account::new(Engine::EmrServerless);
    let begin = account.town().now();
    account.way().fault_each(Method::PUT, "request-1", Fault::refused());
    let told = Properties { service_timeout: 60, ..Properties::default() };
    let request = Stack::new(account.town()).create(NEW, told);
    assert_eq!(account.ask(&request).await, None);
    let end = request.until.since(begin);
    let late: Vec<Duration> = account
        .way()
        .requests()
        .iter()
        .filter(|sent| sent.method == Method::PUT && sent.at > end)
        .map(|sent| sent.at)
        .collect();
    // Whoever is called once more tries for three seconds, not for the minutes that a call may last.
    assert!((5..40).contains(&late.len()), "{late:?}");
}

#[tokio::test(start_paused = true)]
async fn a_responder_whose_answer_is_refused_does_not_put_it_again() {
    let account = Account::new(Engine::EmrServerless);
    account.cut_off(Function::Submitter, BUCKET);
    account.way().fault_each(Method::PUT, "request-1", refused());
    let request = Stack::new(account.town()).create(NEW, Properties::default());
    assert_eq!(account.ask(&request).await, None);
    let puts = account.way().requests().iter().filter(|sent| sent.method == Method::PUT).count();
    assert_eq!((puts, account.executions()), (1, vec![Status::Succeeded]));
}
