//! No workflow, or no way to it: the function does all the work within one invocation.

use std::time::Duration;

use http::Method;
use serde_json::json;
use tracing::level_filters::LevelFilter;

use sparkjob::testing::{Fault, Instead, Script};

use crate::NEW;
use crate::account::{Account, Function, STATES};
use crate::claims::START;
use crate::cloudformation::{Properties, Stack};
use crate::durable::{clean, play};
use crate::log::Log;
use crate::scenario::ALL;
use crate::tally::Tally;
use crate::town::Engine;

#[tokio::test(start_paused = true)]
async fn without_a_way_to_the_workflow_the_function_does_it_alone_and_says_so() {
    let denied = |account: &Account| account.deny(START);
    let refused = |account: &Account| account.way().fault_each(Method::POST, START, Fault::refused());
    for (hinder, why) in [(&denied as &dyn Fn(&Account), "AccessDenied"), (&refused, "could not connect")] {
        let log = Log::at(LevelFilter::INFO);
        let account = Account::new(Engine::EmrServerless);
        hinder(&account);
        let mut stack = Stack::new(account.town());
        let answer = account.deliver(&stack.create(NEW, Properties::default())).await;
        assert_eq!((answer.status.as_str(), account.executions().len()), ("SUCCESS", 0), "{why}: {}", answer.reason);
        assert!(log.text().contains("worked on within one invocation") && log.text().contains(why), "{}", log.text());
        account.finish(stack, &answer).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_function_that_knows_of_no_workflow_does_it_alone() {
    let log = Log::at(LevelFilter::WARN);
    let account = Account::without_workflow(Engine::Livy);
    let mut stack = Stack::new(account.town());
    let answer = account.deliver(&stack.create(NEW, Properties::default())).await;
    assert_eq!(answer.status, "SUCCESS", "{}", answer.reason);
    assert!(log.text().contains("its variables do not name both a workflow and a responder"), "{}", log.text());
    account.finish(stack, &answer).await;
}

#[tokio::test(start_paused = true)]
async fn without_an_endpoint_for_the_workflow_the_function_does_it_alone() {
    let account = Account::new(Engine::EmrServerless);
    account.cut_off(Function::Submitter, STATES);
    let mut stack = Stack::new(account.town());
    let answer = account.deliver(&stack.create(NEW, Properties::default())).await;
    assert_eq!((answer.status.as_str(), account.executions().len()), ("SUCCESS", 0), "{}", answer.reason);
    assert!(account.failures().is_empty(), "{:?}", account.failures());
    account.finish(stack, &answer).await;
}

#[tokio::test(start_paused = true)]
async fn where_the_workflow_was_deleted_the_function_does_it_alone() {
    for code in ["StateMachineDoesNotExist", "StateMachineDeleting"] {
        let account = Account::new(Engine::EmrServerless);
        let gone = json!({ "__type": code, "message": "gone" });
        account.way().fault_each(Method::POST, START, Fault::Before(Instead::Answer(400, gone.to_string())));
        let mut stack = Stack::new(account.town());
        let answer = account.deliver(&stack.create(NEW, Properties::default())).await;
        assert_eq!((answer.status.as_str(), account.failures().len()), ("SUCCESS", 0), "{code}: {}", answer.reason);
        account.finish(stack, &answer).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_whose_process_dies_of_it_is_the_only_one() {
    // The event is too old by then for Lambda to deliver it again.
    for engine in Engine::ALL {
        let account = Account::new(engine);
        account.deny(START);
        let script = Script::running(Duration::from_mins(10));
        account.town().emr().script(NEW, script.clone());
        account.town().livy().script(NEW, script);
        account.way().fault_next(Method::PUT, "request-1", Fault::After(Instead::Death));
        let mut stack = Stack::new(account.town());
        let request = stack.create(NEW, Properties { wait_for: "Succeeded", ..Properties::default() });
        let answer = account.deliver(&request).await;
        account.settled().await;
        assert_eq!((answer.status.as_str(), account.town().bodies(&request).len()), ("SUCCESS", 1), "{engine:?}");
        account.finish(stack, &answer).await;
    }
}

#[tokio::test(start_paused = true)]
async fn no_request_is_too_large_for_a_function_that_knows_of_no_workflow() {
    let account = Account::without_workflow(Engine::Livy);
    account.way().fault_each(Method::POST, Engine::Livy.submission(), Fault::Before(Instead::Death));
    let mut properties = Engine::Livy.target();
    properties["Parameters"] = json!({"File": NEW, "Args": vec!["x".repeat(100_000); 2]});
    let mut stack = Stack::new(account.town());
    let answer = account.deliver(&stack.create_with(properties)).await;
    assert!(answer.status == "FAILED" && answer.reason.contains("Nobody finished"), "{}", answer.reason);
    account.heal();
    account.finish(stack, &answer).await;
}

#[tokio::test(start_paused = true)]
async fn whatever_is_asked_for_survives_the_death_of_its_process_at_any_request() {
    // Lambda's own retry comes a minute later, which a short request has not.
    let scenarios = ALL.into_iter().filter(|scenario| !scenario.is_short());
    let mut tally = Tally::default();
    for (engine, scenario) in scenarios.flat_map(|scenario| scenario.engines().map(move |engine| (engine, scenario))) {
        for k in 1..=clean(Account::without_workflow(engine), scenario).await.len() {
            for death in Fault::deaths() {
                let told = format!("{engine:?}, {scenario:?}: {death:?} did not strike at {k}");
                assert_eq!(play(Account::without_workflow(engine), scenario, &[(k, death.into())]).await, 1, "{told}");
                tally.survived(1);
            }
        }
    }
    tally.tell("deaths without the workflow");
}
